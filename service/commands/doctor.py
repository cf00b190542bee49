"""`sihu doctor` finds what is wrong with this installation, and says what to do."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from service.commands.database import now_and_world, with_any_database
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.rules.worktime import ZONE
from service.rules.world import World
from service.settings import Settings
from service.store import migrate as migrations
from service.store.database import Database
from service.store.incidents import claiming
from service.store.registry import calendars, deployment
from service.times import coverage

_OLDEST_POSTGRESQL = 15
_MAX_OVERDUE_S = 60


class Finding(NamedTuple):
    """The result of one check. `sentence` says what was found and, when it is not `good`, what to do. A `warning` is
    nothing bad yet."""

    good: bool
    sentence: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{'warn' if self.warning else 'ok  ' if self.good else 'BAD '} {self.sentence}"


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
    for finding in findings:
        print(finding)
    return 0 if all(finding.good for finding in findings) else 1


async def _examine(database: Database) -> list[Finding]:
    async with database.read() as connection:
        version = await deployment.server_version(connection)
    server = Finding(version >= _OLDEST_POSTGRESQL, f"PostgreSQL {version} ({_OLDEST_POSTGRESQL} or newer is needed)")
    found = await migrations.survey(database)
    if found.advice:
        return [server, Finding(False, found.advice)]
    now, world = await now_and_world(database)
    async with database.read() as connection:
        nearest = await claiming.next_wake(connection)
        provisional = await calendars.provisional(connection)
    overdue_s = max(0.0, (now - nearest).total_seconds()) if nearest else 0.0
    return [
        server,
        Finding(True, found.notice or "the tables are those of this version", warning=bool(found.notice)),
        _registry(len(world.units)),
        *_calendars(world, now, provisional),
        Finding(
            overdue_s < _MAX_OVERDUE_S,
            f"the oldest deadline not fired is {overdue_s:.0f} s late (an engine must be running)",
        ),
    ]


def _calendars(world: World, now: datetime, provisional: int) -> Iterator[Finding]:
    """Yield what the calendars of the policies in force lack. It is bad once a deadline lies there, or today does."""
    today = now.astimezone(ZONE).date()
    gaps = coverage.gaps_of_world(world, now)
    needed = provisional > 0 or any(gap.first <= today for gap in gaps)
    for gap in gaps:
        yield Finding(not needed, gap.warning, warning=not needed)
    if gaps and provisional:
        yield Finding(
            False,
            Sentence(
                "{count} open {count:incident has|incidents have} a deadline that may move once those days are known",
                count=provisional,
            ),
        )
    elif not gaps and any(policy.hours for policy in coverage.in_force(world, now)):
        yield Finding(True, Sentence("the calendars know every working day of the next year"))


def _registry(units: int) -> Finding:
    if units:
        return Finding(True, f"{units} units in the registry")
    return Finding(False, "no registry: run `sihu registry import DIR`")
