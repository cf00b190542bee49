"""Calendar days as rows: which day is a working day, who published it, and which incidents the engine must look at when
a day changes."""

from __future__ import annotations

from calendar import isleap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, false, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import bulk
from service.store.incidents.tables import incident
from service.store.registry.tables import calendar_day


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """One day of a calendar. `source` names who published it, `note` the reason (春节, 调休)."""

    day: date
    workday: bool
    source: str
    note: str | None = None


async def days(connection: AsyncConnection) -> dict[str, dict[date, bool]]:
    """Return, for every calendar, whether each known day is a working day."""
    found: dict[str, dict[date, bool]] = defaultdict(dict)
    wanted = select(calendar_day.c.calendar, calendar_day.c.day, calendar_day.c.workday)
    for row in await connection.execute(wanted):
        found[row.calendar][row.day] = row.workday
    return dict(found)


async def between(connection: AsyncConnection, calendar: str, first: date, last: date) -> list[Day]:
    """Return the known days of a calendar from `first` to `last`, both included, in order."""
    wanted = select(calendar_day).where(
        calendar_day.c.calendar == calendar, calendar_day.c.day >= first, calendar_day.c.day <= last
    )
    rows = await connection.execute(wanted.order_by(calendar_day.c.day))
    return [Day(row.day, row.workday, row.source, row.note) for row in rows]


async def put(tx: AsyncConnection, calendar: str, wanted: Sequence[Day], now: datetime) -> None:
    """Store these days of a calendar and replace those that are stored already. No day may be in `wanted` twice."""
    page: bulk.ColumnPage = {
        "calendar": [calendar] * len(wanted),
        "day": [each.day for each in wanted],
        "workday": [each.workday for each in wanted],
        "source": [each.source for each in wanted],
        "note": [each.note for each in wanted],
        "changed_at": [now] * len(wanted),
    }
    await bulk.upsert_rows(tx, calendar_day, page)


async def wake(tx: AsyncConnection, policies: Sequence[tuple[str, int]], since: datetime, now: datetime) -> int:
    """Make the engine look at once at the incidents whose deadline a change of the calendar may move. Returns how many.

    These are under one of `policies`, calling or answered, and their deadline is provisional or not before `since`.
    """
    under = or_(
        false(), *(and_(incident.c.policy_code == code, incident.c.policy_version == n) for code, n in policies)
    )
    running = incident.c.state.in_(("calling", "answered"))
    touched = or_(incident.c.due_at >= since, incident.c.provisional)
    woken = update(incident).where(under, running, touched).values(wake_at=func.least(incident.c.wake_at, now))
    return (await tx.execute(woken)).rowcount


async def pinned(connection: AsyncConnection) -> set[tuple[str, int]]:
    """Return the policies that open incidents are under, as (code, version)."""
    wanted = select(incident.c.policy_code, incident.c.policy_version).where(incident.c.state != "closed").distinct()
    return {(code, number) for code, number in await connection.execute(wanted)}


async def provisional(connection: AsyncConnection) -> int:
    """Return how many open incidents have a deadline in a year of which a calendar does not know every day."""
    wanted = select(func.count()).where(incident.c.state != "closed", incident.c.provisional)
    count: int = (await connection.execute(wanted)).scalar_one()
    return count


async def years(connection: AsyncConnection, calendar: str) -> list[tuple[int, int, int]]:
    """Return (year, known days, days in the year) for every year of which a calendar knows a day."""
    year = func.extract("year", calendar_day.c.day)
    wanted = select(year, func.count()).where(calendar_day.c.calendar == calendar).group_by(year).order_by(year)
    rows = [(int(number), int(known)) for number, known in await connection.execute(wanted)]
    return [(number, known, 365 + isleap(number)) for number, known in rows]
