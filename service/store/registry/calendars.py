"""Calendar days: whether a day is a working day, from whom we know it, and what is woken when one changes."""

from __future__ import annotations

from calendar import isleap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.incidents.tables import incident
from service.store.registry.tables import calendar_day

_PAGE = 1_000


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """One day of a calendar. `source` says who knows it, `note` why it is as it is (春节, 调休)."""

    day: date
    workday: bool
    source: str
    note: str | None = None


async def days(connection: AsyncConnection) -> dict[str, dict[date, bool]]:
    """Calendar → day → whether it is a working day: all there is."""
    found: dict[str, dict[date, bool]] = defaultdict(dict)
    wanted = select(calendar_day.c.calendar, calendar_day.c.day, calendar_day.c.workday)
    for row in await connection.execute(wanted):
        found[row.calendar][row.day] = row.workday
    return dict(found)


async def between(connection: AsyncConnection, calendar: str, first: date, last: date) -> list[Day]:
    """The days of a calendar from one to the other, both included, in order."""
    wanted = select(calendar_day).where(
        calendar_day.c.calendar == calendar, calendar_day.c.day >= first, calendar_day.c.day <= last
    )
    rows = await connection.execute(wanted.order_by(calendar_day.c.day))
    return [Day(row.day, row.workday, row.source, row.note) for row in rows]


async def put(tx: AsyncConnection, calendar: str, wanted: Sequence[Day], now: datetime) -> None:
    """Write these days over what is there."""
    for start in range(0, len(wanted), _PAGE):
        values = [
            {
                "calendar": calendar,
                "day": each.day,
                "workday": each.workday,
                "source": each.source,
                "note": each.note,
                "changed_at": now,
            }
            for each in wanted[start : start + _PAGE]
        ]
        written = insert(calendar_day).values(values)
        changed = {name: written.excluded[name] for name in ("workday", "source", "note", "changed_at")}
        await tx.execute(written.on_conflict_do_update(index_elements=["calendar", "day"], set_=changed))


async def wake(tx: AsyncConnection, policies: Sequence[tuple[str, int]], since: datetime, now: datetime) -> int:
    """Let the clock look again at every running deadline under these policies that lies after `since`, and at those
    that are provisional. Returns how many. The engine puts right what has changed, as it does everything else."""
    under = or_(*(and_(incident.c.policy_code == code, incident.c.policy_version == n) for code, n in policies))
    running = incident.c.state.in_(("calling", "answered"))
    touched = or_(incident.c.due_at >= since, incident.c.provisional)
    woken = update(incident).where(under, running, touched).values(wake_at=func.least(incident.c.wake_at, now))
    return (await tx.execute(woken)).rowcount


async def pinned(connection: AsyncConnection) -> set[tuple[str, int]]:
    """The policies (code, version) that open incidents are under."""
    wanted = select(incident.c.policy_code, incident.c.policy_version).where(incident.c.state != "closed").distinct()
    return {(code, number) for code, number in await connection.execute(wanted)}


async def years(connection: AsyncConnection, calendar: str) -> list[tuple[int, int, int]]:
    """(year, days known, days it has) of every year a calendar knows a day of."""
    year = func.extract("year", calendar_day.c.day)
    wanted = select(year, func.count()).where(calendar_day.c.calendar == calendar).group_by(year).order_by(year)
    rows = [(int(number), int(known)) for number, known in await connection.execute(wanted)]
    return [(number, known, 365 + isleap(number)) for number, known in rows]
