"""`sihu appraisal check PERIOD` checks whether the calls and the log give the same figures for a month, and whether the
figures of a closed month are those that were frozen."""

from __future__ import annotations

import argparse
import sys

from service.appraisal import checking, figures
from service.appraisal.checking import CheckProgress
from service.commands.database import now_and_world, with_database
from service.commands.progress import shown
from service.settings import Settings
from service.store.database import Database

_STATEMENT_TIMEOUT_MS = 3_600_000
"""One hour, since a month may be long."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of `sihu appraisal`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checks = commands.add_parser("check", help="check whether the calls and the log give the same figures")
    checks.add_argument("period", metavar="PERIOD", help="a month, such as 2026-11")
    checks.set_defaults(command=check)


def check(settings: Settings, arguments: argparse.Namespace) -> int:
    """Compare the figures of a month. Exit code 1 when they differ, with one line on stderr for each difference."""
    period, progress = figures.period_of(arguments.period), _Progress()

    async def work(database: Database) -> list[str]:
        _, world = await now_and_world(database)
        patient = Database(database.url, pool_size=1, statement_timeout_ms=_STATEMENT_TIMEOUT_MS)
        try:
            async with shown(progress.line):
                return await checking.differences(patient, period, world, progress.note)
        finally:
            await patient.close()

    differences = with_database(settings, work)
    for line in differences:
        print(line, file=sys.stderr)
    if not differences:
        print(f"{period}: the calls and the log tell the same figures.")
    return 1 if differences else 0


class _Progress:
    """How far the check has come, for people."""

    def __init__(self) -> None:
        self._found = CheckProgress()

    def note(self, found: CheckProgress) -> None:
        self._found = found

    def line(self) -> str:
        logged, stored = self._found
        return "counting the calls" if stored is None else f"found {logged:,} of {stored:,} calls in the log"
