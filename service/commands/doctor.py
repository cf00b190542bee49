"""`sihu doctor` finds what is wrong with this installation, and says what to do."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from service.commands.database import now_and_world, with_any_database
from service.rules.errors import Unavailable
from service.settings import Settings
from service.store import migrate as migrations
from service.store.database import Database
from service.store.incidents import claiming
from service.store.registry import deployment

_OLDEST_POSTGRESQL = 15
_MAX_OVERDUE_S = 60


class Finding(NamedTuple):
    """The result of one check. `sentence` says what was found and, when it is not `good`, what to do."""

    good: bool
    sentence: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the function of `sihu doctor`, which takes no arguments."""
    parser.set_defaults(command=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one line for each finding. Exit code 1 when one of them is not good."""
    try:
        findings = with_any_database(settings, _examine)
    except Unavailable as error:
        why = f"the database cannot be reached ({error.cause}): check DATABASE_URL and that PostgreSQL runs"
        findings = [Finding(False, why)]
    for good, sentence in findings:
        print(f"{'ok  ' if good else 'BAD '} {sentence}")
    return 0 if all(finding.good for finding in findings) else 1


async def _examine(database: Database) -> list[Finding]:
    async with database.read() as connection:
        version = await deployment.server_version(connection)
    server = Finding(version >= _OLDEST_POSTGRESQL, f"PostgreSQL {version} ({_OLDEST_POSTGRESQL} or newer is needed)")
    if advice := (await migrations.survey(database)).advice:
        return [server, Finding(False, advice)]
    now, world = await now_and_world(database)
    async with database.read() as connection:
        nearest = await claiming.next_wake(connection)
    overdue_s = max(0.0, (now - nearest).total_seconds()) if nearest else 0.0
    return [
        server,
        Finding(True, "the tables are those of this version"),
        _registry(len(world.units)),
        Finding(
            overdue_s < _MAX_OVERDUE_S,
            f"the oldest deadline not fired is {overdue_s:.0f} s late (an engine must be running)",
        ),
    ]


def _registry(units: int) -> Finding:
    if units:
        return Finding(True, f"{units} units in the registry")
    return Finding(False, "no registry: run `sihu registry import DIR`")
