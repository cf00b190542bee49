"""`sihu appraisal check PERIOD`: the figures of a month against the log."""

from __future__ import annotations

import argparse
import sys

from pydantic import TypeAdapter, ValidationError

from service.appraisal import checking
from service.commands.database import now_and_world, with_database
from service.rules.errors import ValidationFailed
from service.rules.figures.definition import Period
from service.settings import Settings
from service.store.database import Database
from service.web.text import Month

_LONGEST_MS = 3_600_000
"""The log is read from end to end."""


def check(settings: Settings, asked: argparse.Namespace) -> int:
    """Exit code 1 when the calls and the log tell different figures, with one line for each."""
    period = _period(asked.period)

    async def work(database: Database) -> list[str]:
        _, worlds = await now_and_world(database)
        patient = Database(database.url, pool_size=1, statement_timeout_ms=_LONGEST_MS)
        try:
            return await checking.differences(patient, period, worlds.world)
        finally:
            await patient.close()

    found = with_database(settings, work)
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"{period}: the calls and the log tell the same figures.")
    return 1 if found else 0


def _period(text: str) -> Period:
    try:
        return Period.of(TypeAdapter(Month).validate_python(text))
    except ValidationError:
        raise ValidationFailed(f"{text!r} is no month, such as 2026-11") from None
