"""The same time boxes twice: version 1 of the policy runs on the continuous clock, version 2 in working time.

The working hours are all of every day in two spans, so that the same deadlines fall at the same instants whenever the
bench runs: what differs is how they are reckoned.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import text

from service.rules.model import By
from service.store.database import Database
from service.store.registry import deployment
from service.times import policies
from service.times.policy_checks import read_policy
from service.times.policy_file import PolicyFile

ANSWER = timedelta(hours=4)
"""The answer box of level 1, normal: what seeded incidents are under."""

_BY = By("ops", "bench")
_ROWS = "".join(
    f"  - {{level: {level}, urgency: {urgency}, answer: 4h, resolve: 24h, clock: %s}}\n"
    for level in (1, 2, 3, 4)
    for urgency in ("urgent", "normal")
)
_HEAD = 'code: example\ntitle: bench\nverify: 3d\nreopen: 7d\ncalendar: bench\nhours: ["00:00-12:00", "12:00-24:00"]\n'
CONTINUOUS = f"{_HEAD}rows:\n{_ROWS.replace('%s', 'continuous')}".encode()
_WORKING = f"{_HEAD}rows:\n{_ROWS.replace('%s', 'working')}".encode()


async def now(database: Database) -> datetime:
    """By the database's clock, which the engines go by."""
    async with database.read() as connection:
        return await deployment.server_time(connection)


def days() -> bytes:
    """`calendar.csv`: every day is a working day."""
    first, last = date(2024, 1, 1).toordinal(), date(2030, 12, 31).toordinal()
    rows = (f"bench,{date.fromordinal(n)},true" for n in range(first, last + 1))
    return "\n".join(("code,day,workday", *rows)).encode()


async def draft_working(database: Database, at: datetime) -> None:
    """Version 2 beside version 1; nobody is reported under it."""
    policy, wrong = read_policy(_WORKING)
    if not isinstance(policy, PolicyFile):
        raise RuntimeError("; ".join(wrong))
    await policies.draft(database, policy, at, _BY)


async def put_under(database: Database, version: int, name: str) -> None:
    """Put the seeded incidents of this name, and their open calls, under one of the two versions."""
    clock = "continuous" if version == 1 else "working"
    async with database.begin() as tx:
        found = {"name": f"{name}-%", "version": version, "clock": clock}
        moved = "UPDATE incident SET policy_version = :version WHERE number LIKE :name"
        await tx.execute(text(moved), found)
        calls = (
            "UPDATE call SET clock = :clock, opened_at = answer_by - interval '4 hours' FROM incident "
            "WHERE incident.id = incident_id AND number LIKE :name AND outcome IS NULL"
        )
        await tx.execute(text(calls), found)
