"""`sihu doctor`: what is wrong with this installation, and what to do."""

from __future__ import annotations

import argparse

from service.commands.database import now_and_world, with_database
from service.rules.errors import Unavailable
from service.settings import Settings
from service.store import migrate as migrations
from service.store.database import Database
from service.store.incidents import claiming
from service.store.registry import deployment


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
        nearest = await claiming.next_wake(connection)
    overdue_s = max(0.0, (clock.now() - nearest).total_seconds()) if nearest else 0.0
    return [
        *findings,
        (True, "the tables are those of this version"),
        (units > 0, f"{units} units in the registry" if units else "no registry: run `sihu registry import DIR`"),
        (overdue_s < 60, f"the oldest deadline not fired is {overdue_s:.0f} s late (an engine must be running)"),
    ]
