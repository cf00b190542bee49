"""The start for a newcomer: the sample registry, keys for it, and lines to paste that show the whole mechanism."""

from __future__ import annotations

import hashlib
import re
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from service import postgres
from service.access import keys
from service.access.keyring import Keyring
from service.access.new_keys import NewKey
from service.commands import address
from service.commands.database import now_and_world
from service.commands.refusal import CommandRefusal
from service.registry.bundle import importing, parse
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.rules.words import Role
from service.store import migrate
from service.store.database import Database
from service.store.log import numbering
from service.store.migrate import Tables
from service.store.registry import deployment, rows
from service.web import story
from service.web.story import CATEGORY, CELL, COMMUNITY, STREET

__all__ = ["CATEGORY", "CELL", "COMMUNITY", "DEMO_KEYS", "SAMPLE", "STREET"]

SAMPLE = Path(str(resources.files("service.registry") / "haizhu"))
DEMO_KEYS: Mapping[str, NewKey] = {
    "WORKER": NewKey(
        Role.REPORTER, area=STREET, subject="demo-worker", name="demo: a grid worker's phone", systems=("grid-app",)
    ),
    "COMMUNITY": NewKey(Role.UNIT, unit=COMMUNITY, name="demo: the community of the cell"),
    "STREET": NewKey(Role.UNIT, unit=STREET, name="demo: the street of the cell"),
    "OPS": NewKey(Role.OPS, subject="demo-ops", name="demo: operations"),
}
_BY = By("ops", "demo")
_KEY_LINE = re.compile(r"^export ([A-Z]+)=(\S+)$", re.MULTILINE)

# beside the sample, so that nobody who starts from its files gets boxes of seconds; at level 4 a call waits for days
_CLIMBING_CATEGORY = f"{story.CLIMBING},演示:20 秒时限 (demo: boxes of 20 seconds),urban,normal,urban-01\n"
_CLIMBING_ROWS = "".join(
    f"  - {{level: {level}, urgency: normal, category: {story.CLIMBING}, answer: {box}, resolve: {box}, "
    "clock: continuous}\n"
    for level, box in ((1, "20s"), (2, "20s"), (3, "20s"), (4, "2d"))
)
_CLIMBS = "A sample call with 20-second boxes climbs while you read: nobody answers it; each step is printed below.\n"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo has prepared: its keys by name, and the file that holds them.

    `is_new`: all the keys were made just now. `climbs`: the registry has the category whose boxes are short.
    """

    keys_by_name: Mapping[str, str]
    file: Path
    is_new: bool
    climbs: bool


def refuse_strangers(host: str) -> None:
    """Raise `CommandRefusal` when others than this machine could reach the demo, whose keys lie in a file."""
    if not address.is_loopback(host):
        raise CommandRefusal(f"--demo serves this machine alone, not {host}: leave out --host and SIHU_HOST, or --demo")


async def prepare(database: Database, data_dir: Path) -> Demo:
    """Migrate the database, import the sample and make the keys of the demo, unless they are there.

    Raises:
        CommandRefusal: the database holds another registry, or the keys cannot be kept. Nothing was written.
        WrongDatabase: the database is another program's, or a newer version's.
    """
    _refuse_folder(data_dir)
    found = await migrate.survey(database)
    if found.tables not in (Tables.NONE, Tables.FOREIGN, Tables.NEWER, Tables.NOWHERE):
        await _refuse_other_registry(database, data_dir)
    await migrate.upgrade(database)
    file = await _file(database, data_dir)
    known = dict(_KEY_LINE.findall(file.read_text(encoding="utf-8"))) if file.exists() else {}
    keys_by_name = await demo_keys(database, known)
    _keep(file, keys_by_name)
    _, world = await now_and_world(database)
    is_new = not known.items() & keys_by_name.items()
    return Demo(keys_by_name, file, is_new, story.CLIMBING in world.categories)


async def _refuse_other_registry(database: Database, data_dir: Path) -> None:
    """Raise `CommandRefusal` unless the demo was in this database before, or nobody was, or it holds the sample."""
    if (await _file(database, data_dir)).exists():
        return
    async with database.read() as connection:
        units = await rows.unit_names(connection)
        untouched = not units and await numbering.newest_time(connection) is None
    sample = {row.code: row.name for _, row in parse.bundle_of({"units.csv": read_folder(SAMPLE)["units.csv"]}).units}
    if not untouched and not sample.items() <= units.items():
        holds = f"a registry that is not the sample ({len(units)} units)" if units else "keys or rules, but no registry"
        raise CommandRefusal(
            f"--demo is for an empty database, and this one has {holds}: leave out --demo, or name another"
        )


async def _file(database: Database, data_dir: Path) -> Path:
    """Return the file with the demo's keys to this database; each database has its own."""
    async with database.read() as connection:
        secret = await deployment.cursor_secret(connection)
    return data_dir / f"demo-keys-{hashlib.sha256(secret).hexdigest()[:8]}.sh"


def _keep(file: Path, keys_by_name: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text(_exports(keys_by_name), encoding="utf-8")


def _exports(keys_by_name: Mapping[str, str]) -> str:
    return "".join(f"export {name}={key}\n" for name, key in keys_by_name.items())


def _refuse_folder(data_dir: Path) -> None:
    """Raise `CommandRefusal` when no file can be written in the folder."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            return
    except OSError as error:
        raise CommandRefusal(
            f"the keys of the demo cannot be kept: {postgres.reason(error, data_dir)}; set SIHU_DATA_DIR"
        ) from None


async def demo_keys(database: Database, known: Mapping[str, str]) -> dict[str, str]:
    """The keys of the demo by name: those of `known` that still work, and new keys for all other names.

    When the registry is empty, the sample is imported first. What was changed since the first start stays as it is.
    """
    now, world = await now_and_world(database)
    if not world.units:
        report = await importing.import_bundle(database, demo_bundle(), now, _BY, dry_run=False)
        if report.faults:
            raise CommandRefusal(f"the sample cannot be imported: {report.faults[0].detail}")
        now, world = await now_and_world(database)
    keyring = Keyring(database)
    await keyring.load()
    keys_by_name = dict(known)
    for name, new_key in DEMO_KEYS.items():
        if keyring.find(keys_by_name.get(name, ""), now) is None:
            keys_by_name[name] = (await keys.create(database, world, now, new_key, _BY)).text
    return keys_by_name


def demo_bundle() -> dict[str, bytes]:
    """The sample, and one category more, whose calls climb every 20 seconds."""
    files = dict(read_folder(SAMPLE))
    files["categories.csv"] += _CLIMBING_CATEGORY.encode()
    files["policy.yaml"] += _CLIMBING_ROWS.encode()
    return files


def banner(url: str, installation: str, demo: Demo, *, climbs: bool) -> str:
    """What a newcomer reads: where the demo serves, on which database, and the lines to paste.

    A key is printed once, when it is made; afterwards the lines read it from its file.
    """
    exports = _exports(demo.keys_by_name) if demo.is_new else f". {shlex.quote(str(demo.file))}\n"
    lines = [*story.lines(), *(story.climbing_lines() if climbs else ())]
    return f"""
sihu serves at {url}  (a page for people: {url}/ · the API: {url}/docs)  Ctrl-C stops it; nothing is lost.
{installation}
The registry is the Haizhu sample: its communities and cells are fictitious. The keys of the demo lie in
{demo.file}
{_CLIMBS if climbs else ""}Paste into another terminal, bash or zsh:

export SIHU={url}
{exports}{chr(10).join(lines)}
"""
