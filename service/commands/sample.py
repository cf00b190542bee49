"""What a newcomer pastes first: the sample registry, keys, and curl lines that tell the whole story."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from service.access import keys
from service.access.keyring import Keyring
from service.access.keys import NewKey
from service.clock import DatabaseClock
from service.registry.bundle import importing, parse
from service.rules.model import By
from service.rules.words import Role
from service.settings import Settings
from service.store.database import Database
from service.worlds import CurrentWorld

SAMPLE = Path(str(resources.files("service.registry") / "haizhu"))
COMMUNITY, STREET = "440105003001", "440105003"
CELL = "440105003001001"
CATEGORY = "urban-0110"
WANTED: Mapping[str, NewKey] = {
    "WORKER": NewKey(Role.REPORTER, area=STREET, subject="demo-worker", name="demo: a grid worker's phone"),
    "COMMUNITY": NewKey(Role.UNIT, unit=COMMUNITY, name="demo: the community of the cell"),
    "STREET": NewKey(Role.UNIT, unit=STREET, name="demo: the street of the cell"),
    "OPS": NewKey(Role.OPS, subject="demo-ops", name="demo: operations"),
}
_BY = By("ops", "demo")


async def prepare(settings: Settings) -> None:
    """Import the sample and make the demo's keys, once; print the story either way."""
    database = Database(settings.database_url or "", pool_size=2)
    file = settings.data_dir / "demo-keys.json"
    try:
        held = await keys_for(database, json.loads(file.read_text()) if file.exists() else {})
    finally:
        await database.close()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(held, indent=2) + "\n")
    print(story(f"http://{settings.host}:{settings.port}", held), flush=True)


async def keys_for(database: Database, held: dict[str, str]) -> dict[str, str]:
    """Import the sample into an empty registry, and make whichever demo key is not in `held` or no longer works. Name →
    key. What was changed since the first start stays."""
    clock, worlds, keyring = DatabaseClock(), CurrentWorld(), Keyring(database)
    await clock.synchronise(database)
    await worlds.reload(database)
    if not worlds.world.units:
        await importing.import_bundle(database, parse.read_directory(SAMPLE), clock.now(), _BY, dry_run=False)
        await worlds.reload(database)
    await keyring.load()
    for name, wanted in WANTED.items():
        if keyring.find(held.get(name, ""), clock.now()) is None:
            held[name] = (await keys.create(database, worlds.world, clock.now(), wanted, _BY)).text
    return held


def story(url: str, held: Mapping[str, str]) -> str:
    """Lines to paste: report, look, answer, raise, resolve, accept."""
    exports = "\n".join(f"export {name}={key}" for name, key in held.items())
    return f"""
sihu serves at {url}  (docs: {url}/docs)  Ctrl-C stops it; nothing is lost.
The registry is the Haizhu sample: its communities and cells are fictitious. Paste into another terminal:

export SIHU={url}
{exports}
say() {{ python3 -c 'import json,sys; i=json.load(sys.stdin); print(json.dumps({{k: i[k] for k in ("number","state","level_name","unit","due_at","due_kind","version")}}, ensure_ascii=False, indent=1))'; }}

# 1 · report 上报: a grid worker calls, the community must answer
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
