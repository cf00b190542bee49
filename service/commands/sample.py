"""The start for a newcomer: the sample registry, keys for it, and curl lines to paste that show the whole mechanism."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from service.access import keys
from service.access.keyring import Keyring
from service.access.keys import NewKey
from service.commands.database import now_and_world, on_database
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.rules.words import Role
from service.settings import Settings
from service.store.database import Database

SAMPLE = Path(str(resources.files("service.registry") / "haizhu"))
COMMUNITY, STREET = "440105003001", "440105003"
CELL = "440105003001001"
CATEGORY = "urban-0110"
DEMO_KEYS: Mapping[str, NewKey] = {
    "WORKER": NewKey(Role.REPORTER, area=STREET, subject="demo-worker", name="demo: a grid worker's phone"),
    "COMMUNITY": NewKey(Role.UNIT, unit=COMMUNITY, name="demo: the community of the cell"),
    "STREET": NewKey(Role.UNIT, unit=STREET, name="demo: the street of the cell"),
    "OPS": NewKey(Role.OPS, subject="demo-ops", name="demo: operations"),
}
_BY = By("ops", "demo")


async def prepare(settings: Settings) -> None:
    """Import the sample and make the keys of the demo, unless they exist, and print the curl lines."""
    file = settings.data_dir / "demo-keys.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    keys_by_name = await on_database(settings.database_url or "", lambda database: demo_keys(database, known))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(keys_by_name, indent=2) + "\n")
    print(story(f"http://{settings.host}:{settings.port}", keys_by_name), flush=True)


async def demo_keys(database: Database, known: Mapping[str, str]) -> dict[str, str]:
    """The keys of the demo by name: those of `known` that still work, and new keys for all other names.

    When the registry is empty, the sample is imported first. What was changed since the first start stays as it is.
    """
    now, world = await now_and_world(database)
    if not world.units:
        await importing.import_bundle(database, read_folder(SAMPLE), now, _BY, dry_run=False)
        now, world = await now_and_world(database)
    keyring = Keyring(database)
    await keyring.load()
    keys_by_name = dict(known)
    for name, new_key in DEMO_KEYS.items():
        if keyring.find(keys_by_name.get(name, ""), now) is None:
            keys_by_name[name] = (await keys.create(database, world, now, new_key, _BY)).text
    return keys_by_name


def story(url: str, keys_by_name: Mapping[str, str]) -> str:
    """The lines to paste into a shell, which report an incident, read, answer, raise, resolve and accept it."""
    exports = "\n".join(f"export {name}={key}" for name, key in keys_by_name.items())
    return f"""
sihu serves at {url}  (docs: {url}/docs)  Ctrl-C stops it; nothing is lost.
The registry is the Haizhu sample: its communities and cells are fictitious. Paste into another terminal:

export SIHU={url}
{exports}
say() {{ python3 -c 'import json,sys; i=json.load(sys.stdin); print(json.dumps({{k: i[k] for k in ("number","state","level_name","unit","due_at","due_kind","version")}}, ensure_ascii=False, indent=1))'; }}

# 1 · report 上报: a grid worker reports, the community is called and must answer
ID=$(curl -sS $SIHU/v1/incidents -H "Authorization: Bearer $WORKER" -H "Content-Type: application/json" -H "Idempotency-Key: demo-$(date +%s)" -d '{{"grid_code":"{CELL}","category":"{CATEGORY}","description":"巷口垃圾堆积"}}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])')
# 2 · look 查看: where it is, and what happens if nobody acts
curl -sS $SIHU/v1/incidents/$ID -H "Authorization: Bearer $WORKER" | say
curl -sS $SIHU/v1/incidents/$ID/plan -H "Authorization: Bearer $WORKER" | python3 -m json.tool --no-ensure-ascii
# 3 · answer 应: the community takes it on
curl -sS $SIHU/v1/incidents/$ID/answer -H "Authorization: Bearer $COMMUNITY" -H "Content-Type: application/json" -d '{{"measure":"今天下午清运","contact":"值班室"}}' | say
# 4 · raise 上呼: beyond its powers, it calls the street
curl -sS $SIHU/v1/incidents/$ID/raise -H "Authorization: Bearer $COMMUNITY" -H "Content-Type: application/json" -d '{{"ground":"beyond_powers","reason":"需要执法权"}}' | say
# 5 · resolve 办结: the street does it
curl -sS $SIHU/v1/incidents/$ID/resolve -H "Authorization: Bearer $STREET" -H "Content-Type: application/json" -d '{{"result":"已清运并冲洗"}}' | say
# 6 · accept 核查: the worker confirms; closed
curl -sS $SIHU/v1/incidents/$ID/accept -H "Authorization: Bearer $WORKER" -H "Content-Type: application/json" -d '{{"comment":"现场已干净"}}' | say
# the whole story 时间线, and the street's queue
curl -sS $SIHU/v1/incidents/$ID/timeline -H "Authorization: Bearer $WORKER" | python3 -c 'import json,sys; [print(e["time"], e["type"], e["data"]["incident"]["unit"]) for e in json.load(sys.stdin)["items"]]'
curl -sS $SIHU/v1/queues/{STREET} -H "Authorization: Bearer $STREET"
"""
