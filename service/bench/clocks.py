"""A policy in two versions with equal time boxes: version 1 runs on the continuous clock, version 2 in working time.

The working hours cover all of every day in two spans, so deadlines fall at the same instants under both versions,
whenever the bench runs. Only the way in which the deadlines are computed differs.
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
"""The time that seeded incidents (level 1, urgency normal) have to be answered."""

_BY = By("ops", "bench")
_ROWS = "".join(
    f"  - {{level: {level}, urgency: {urgency}, answer: 4h, resolve: 24h, clock: %s}}\n"
    for level in (1, 2, 3, 4)
    for urgency in ("urgent", "normal")
)
_HEAD = 'code: example\ntitle: bench\nverify: 3d\nreopen: 7d\ncalendar: bench\nhours: ["00:00-12:00", "12:00-24:00"]\n'
_HEAD += "quota: {reports: 100000, urgent: 100000}\n"
CONTINUOUS = f"{_HEAD}rows:\n{_ROWS.replace('%s', 'continuous')}".encode()
_WORKING = f"{_HEAD}rows:\n{_ROWS.replace('%s', 'working')}".encode()


async def now(database: Database) -> datetime:
    """Return the time of the database, which the engines use as well."""
    async with database.read() as connection:
        return await deployment.server_time(connection)


def days() -> bytes:
    """Return a `calendar.csv` in which every day is a working day."""
    first, last = date(2024, 1, 1).toordinal(), date(2030, 12, 31).toordinal()
    rows = (f"bench,{date.fromordinal(n)},true" for n in range(first, last + 1))
    return "\n".join(("code,day,workday", *rows)).encode()


async def draft_working(database: Database, at: datetime) -> None:
    """Store version 2 beside version 1 as a draft: no incident is reported under a draft."""
    policy, faults = read_policy(_WORKING)
    if not isinstance(policy, PolicyFile):
        raise RuntimeError("; ".join(faults))
    await policies.draft(database, policy, at, _BY)


async def put_under(database: Database, version: int, name: str) -> None:
    """Put the seeded incidents with this name, and their open calls, under version 1 or version 2."""
    clock = "continuous" if version == 1 else "working"
    async with database.begin() as tx:
        parameters = {"name": f"{name}-%", "version": version, "clock": clock}
        incidents = "UPDATE incident SET policy_version = :version WHERE number LIKE :name"
        await tx.execute(text(incidents), parameters)
        calls = (
            "UPDATE call SET clock = :clock, opened_at = answer_by - interval '4 hours' FROM incident "
            "WHERE incident.id = incident_id AND number LIKE :name AND outcome IS NULL"
        )
        await tx.execute(text(calls), parameters)
