"""The commands of ops: migrate, import, keys, doctor, the OpenAPI file. Each prints what a person needs next."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from service import clock as clocks
from service.access import keys
from service.access.keys import NewKey
from service.clock import DatabaseClock
from service.main import create_app
from service.registry.bundle import importing, parse
from service.rules.errors import Unavailable, ValidationFailed
from service.rules.model import By
from service.rules.words import Role
from service.serving import database_url
from service.settings import Settings
from service.store import deployment, incidents
from service.store import migrate as migrations
from service.store.database import Database
from service.worlds import CurrentWorld

OPENAPI_FILE = Path("openapi/openapi.json")
OPS = By("ops", "command-line")

T = TypeVar("T")


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the database of the settings."""

    async def run(url: str) -> T:
        database = Database(url, pool_size=2)
        try:
            return await work(database)
        finally:
            await database.close()

    with database_url(settings) as url:
        return asyncio.run(run(url))


async def now_and_world(database: Database) -> tuple[DatabaseClock, CurrentWorld]:
    """The time and the registry as the database has them."""
    clock, worlds = DatabaseClock(), CurrentWorld()
    await clock.synchronise(database)
    await worlds.reload(database)
    return clock, worlds


def migrate(settings: Settings, asked: argparse.Namespace) -> int:
    """`sihu migrate`: safe to run from several hosts at once. `--check`: do the migrations make what the tables
    says?"""

    async def work(database: Database) -> list[str]:
        await migrations.upgrade(database)
        return await migrations.drift(database) if asked.check else []

    drift = with_database(settings, work)
    for difference in drift:
        print(f"migrations and tables differ: {difference}", file=sys.stderr)
    if not drift:
        print("The database is at this version's tables.")
    return 1 if drift else 0


def registry_import(settings: Settings, asked: argparse.Namespace) -> int:
    """`sihu registry import DIR`: every fault at once, or the whole bundle."""

    async def work(database: Database) -> importing.ImportReport:
        clock = DatabaseClock()
        await clock.synchronise(database)
        files = parse.read_directory(asked.directory)
        return await importing.import_bundle(database, files, clock.now(), OPS, dry_run=asked.dry_run)

    report = with_database(settings, work)
    for line in report.lines():
        print(line, file=sys.stderr if report.faults else sys.stdout)
    return 1 if report.faults else 0


def keys_create(settings: Settings, asked: argparse.Namespace) -> int:
    """Prints the key alone, so that a script can keep it: it is not shown again."""
    wanted = NewKey(Role(asked.role), asked.unit, asked.area, asked.subject, asked.name)

    async def work(database: Database) -> str:
        clock, worlds = await now_and_world(database)
        return (await keys.create(database, worlds.world, clock.now(), wanted, OPS)).text

    print(with_database(settings, work))
    return 0


def keys_list(settings: Settings, asked: argparse.Namespace) -> int:
    """One line a key: id, role, subject, scope, whether it still works."""

    async def work(database: Database) -> None:
        before = None
        while found := await keys.page(database, 500, before):
            for key in found:
                scope = key.unit or key.area or "-"
                print(
                    f"{key.id}  {key.role:8}  {key.subject:24}  {scope:16}  {'revoked' if key.revoked_at else 'valid'}"
                )
            before = (found[-1].created_at, found[-1].id)

    with_database(settings, work)
    return 0


def keys_revoke(settings: Settings, asked: argparse.Namespace) -> int:
    """Refused by every process within 250 ms."""
    try:
        key_id = UUID(asked.id)
    except ValueError:
        raise ValidationFailed(f"'{asked.id}' is not a key's id: see `sihu keys list`.") from None

    async def work(database: Database) -> None:
        clock, worlds = await now_and_world(database)
        await keys.revoke(database, worlds.world, clock.now(), key_id, OPS)

    with_database(settings, work)
    print(f"Key {key_id} is revoked.")
    return 0


def openapi(settings: Settings, asked: argparse.Namespace) -> int:
    """`sihu openapi`: write the document that clients are generated from; `--check`: compare it."""
    app = create_app(settings, clocks.of("now"))
    text = json.dumps(app.openapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    if asked.check:
        if OPENAPI_FILE.exists() and OPENAPI_FILE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{OPENAPI_FILE} is not what the code says: run `make openapi` and commit it.", file=sys.stderr)
        return 1
    OPENAPI_FILE.parent.mkdir(exist_ok=True)
    OPENAPI_FILE.write_text(text, encoding="utf-8")
    return 0


def doctor(settings: Settings, asked: argparse.Namespace) -> int:
    """What is wrong, and what to do: one line a finding, exit code 1 if any of them needs hands."""
    try:
        findings = with_database(settings, _examine)
    except Unavailable as error:
        why = f"the database cannot be reached ({error.cause}): check DATABASE_URL and that PostgreSQL runs"
        findings = [(False, why)]
    for good, sentence in findings:
        print(f"{'ok  ' if good else 'BAD '} {sentence}")
    return 0 if all(good for good, _ in findings) else 1


async def _examine(database: Database) -> list[tuple[bool, str]]:
    async with database.read() as connection:
        version = await deployment.server_version(connection)
    findings = [(version >= 15, f"PostgreSQL {version} (15 or newer is needed)")]
    if await migrations.pending(database):
        return [*findings, (False, "the tables are older than this version: run `sihu migrate`")]
    clock, worlds = await now_and_world(database)
    units = len(worlds.world.units)
    async with database.read() as connection:
        nearest = await incidents.next_wake(connection)
    overdue_s = max(0.0, (clock.now() - nearest).total_seconds()) if nearest else 0.0
    return [
        *findings,
        (True, "the tables are those of this version"),
        (units > 0, f"{units} units in the registry" if units else "no registry: run `sihu registry import DIR`"),
        (overdue_s < 60, f"the oldest deadline not fired is {overdue_s:.0f} s late (an engine must be running)"),
    ]
