"""Working days: from the package of published holidays, from a feed file (`calendar_feed`), or by hand. The table is
the only truth.

A year is known once every day of it is. The notice of a year comes in the November before it, so a deadline beyond is
provisional; whatever is loaded or corrected, the engine puts the running deadlines right and says so in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib.metadata import version
from typing import Annotated

import chinese_calendar
from pydantic import ConfigDict, Field

from service.rules.errors import Pointer, ValidationFailed
from service.rules.model import By
from service.rules.policy import Hours, Policy
from service.rules.words import EventType
from service.rules.worktime import ZONE, WorkCalendar
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.store.registry import calendars
from service.store.registry import world as world_
from service.store.registry.calendars import Day
from service.times.policy_checks import YEARS, without_end
from service.web.text import Body, CalendarDay, one_line

OFFICIAL = "cn"
"""The calendar that the published holidays are seeded into."""
_PACKAGE = "chinesecalendar"
_FIRST_YEAR = 2020
MOST_DAYS = 4_000
Source = Annotated[str, *one_line(200)]
"""Who knows a day: a notice, an office, a file."""
_PLAIN_WEEK = "Monday to Friday"


class DayRow(Body):
    """One day: `workday` true also for a make-up day (调休), false for a holiday or a weekend."""

    day: CalendarDay
    workday: bool
    note: Annotated[str, *one_line(100)] | None = None


class DaysBody(Body):
    """Days to write over what is there. `fill_years`: those days of these years that nobody knows yet, neither from
    here nor from before, are Monday to Friday."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": "国务院办公厅 2026-11",
                    "fill_years": [2027],
                    "days": [{"day": "2027-01-01", "workday": False, "note": "元旦"}],
                }
            ]
        }
    )

    source: Source
    days: Annotated[tuple[DayRow, ...], Field(max_length=MOST_DAYS)] = ()
    fill_years: Annotated[tuple[Annotated[int, Field(ge=2000, le=2099)], ...], Field(max_length=10)] = ()

    def written(self) -> list[Day]:
        """The days that are named, in order. Raises `ValidationFailed` for a day twice, or nothing to write at all."""
        found: dict[date, Day] = {}
        for number, row in enumerate(self.days):
            if row.day in found:
                detail = f"{row.day} is here twice: keep one."
                raise ValidationFailed(detail, errors=[Pointer(f"/days/{number}/day", detail)])
            found[row.day] = Day(row.day, row.workday, self.source, row.note)
        if not found and not self.fill_years:
            raise ValidationFailed("Send at least one day.", errors=[Pointer("/days", "Send at least one day.")])
        return sorted(found.values())

    def filled(self) -> list[Day]:
        """All days of the years to fill, in order: for those that nobody knows."""
        return plain_years(self.source, self.fill_years)


def plain_years(source: str, years: Iterable[int]) -> list[Day]:
    """Every day of these years, from Monday to Friday a workday, in order."""
    return [Day(day, day.weekday() < 5, source, _PLAIN_WEEK) for year in sorted(set(years)) for day in _days_of(year)]


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: days that are other than before, and deadlines the engine looks at again because of it."""

    days: int
    woken: int = 0
    committed: Committed | None = None


async def change(
    database: Database, calendar: str, wanted: Sequence[Day], now: datetime, by: By, *, missing: Sequence[Day] = ()
) -> Changed:
    """Write days, all or nothing; the same days again change nothing.

    Raises:
        ValidationFailed: with them, a row of a policy in use would not end: which, and what to do.
        Unavailable: the database is away.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        return await write(tx, world, calendar, wanted, now, by, missing=missing)


async def write(
    tx: Transaction,
    world: World,
    calendar: str,
    wanted: Sequence[Day],
    now: datetime,
    by: By,
    *,
    missing: Sequence[Day] = (),
    area: str | None = None,
) -> Changed:
    """The same in a transaction that holds the registry's lock. `wanted` goes over what is there, `missing` only where
    nothing is: so what somebody set on purpose outlives it. `area`: the district, where it is not known yet."""
    new = await _new_days(tx, calendar, wanted, missing)
    if not new:
        return Changed(0)
    _refuse(await faults_of(tx, world, calendar, new, now))
    await calendars.put(tx, calendar, new, now)
    await world_.rise(tx)
    using = [key for key, each in world.policies.items() if each.hours and each.hours.calendar == calendar]
    since = datetime.combine(new[0].day, time(), ZONE)
    woken = await calendars.wake(tx, using, since, now) if using else 0
    data = {
        "calendar": calendar,
        "days": len(new),
        "first": new[0].day.isoformat(),
        "last": new[-1].day.isoformat(),
        "sources": sorted({each.source for each in new}),
        "deadlines_looked_at": woken,
        "by": by.as_dict(),
    }
    told = [Entry(EventType.CALENDAR_CHANGED, now, area or world.district, (), data)]
    committed = await writing.append(tx, told, wake_at=now if woken else None, reload=("world",))
    return Changed(len(new), woken, committed)


def _refuse(wrong: Sequence[str]) -> None:
    if wrong:
        detail = f"{len(wrong)} rows of policies would no longer end; nothing was written."
        raise ValidationFailed(detail, errors=[Pointer("", each) for each in wrong])


async def faults_of(tx: Transaction, world: World, calendar: str, new: Sequence[Day], now: datetime) -> list[str]:
    """The rows that would no longer end, of policies in force now or to come and of those that open incidents are
    under. One that does not end as it is may stay so: a calendar is put right in several steps."""
    using = await _users(tx, world, calendar, now)
    if not using:
        return []
    held = (await calendars.days(tx)).get(calendar, {})
    to_be = held | {each.day: each.workday for each in new}
    told = []
    for policy, hours in using:
        endless = without_end(policy, WorkCalendar(hours.spans, to_be), now)
        before = without_end(policy, WorkCalendar(hours.spans, held), now) if endless else ()
        told += [
            f"policy {policy.code} version {policy.version}, {row}: it would not end within {YEARS} years: "
            f"leave more working days in calendar {calendar}"
            for row in endless
            if row not in before
        ]
    return told


async def _users(tx: Transaction, world: World, calendar: str, now: datetime) -> list[tuple[Policy, Hours]]:
    active = world.active(now)
    to_come = {(each.code, each.version) for each in world.activations if each.at > now}
    wanted = to_come | await calendars.pinned(tx) | ({(active.code, active.version)} if active else set())
    used = (world.policies[key] for key in sorted(wanted))
    return [(each, each.hours) for each in used if each.hours and each.hours.calendar == calendar]


async def _new_days(tx: Transaction, calendar: str, wanted: Sequence[Day], missing: Sequence[Day]) -> list[Day]:
    """Those that are other than before, in order."""
    asked = {each.day: each for each in (*missing, *wanted)}
    if not asked:
        return []
    held = {each.day: each for each in await calendars.between(tx, calendar, min(asked), max(asked))}
    named = {each.day for each in wanted}
    return sorted(each for day, each in asked.items() if day not in held or (day in named and held[day] != each))


def official() -> list[Day]:
    """The published holidays and make-up days, every day from 2020 to the last year the package knows."""
    source = f"{_PACKAGE} {version(_PACKAGE)}"
    found: list[Day] = []
    year = _FIRST_YEAR
    while True:
        try:
            found += [_official(day, source) for day in _days_of(year)]
        except NotImplementedError:  # the package raises for years it does not know, and never guesses
            return found
        year += 1


async def unseeded(tx: Transaction) -> list[Day]:
    """The published days that go under what `OFFICIAL` holds; none once it holds any of them: then what is missing was
    never published before, and is for ops to seed."""
    published = official()
    held = {each.day: each for each in await calendars.between(tx, OFFICIAL, published[0].day, published[-1].day)}
    if any(each.source.startswith(f"{_PACKAGE} ") for each in held.values()):
        return []
    return [each for each in published if each.day not in held]


def _official(day: date, source: str) -> Day:
    workday: bool = chinese_calendar.is_workday(day)
    _, name = chinese_calendar.get_holiday_detail(day)
    return Day(day, workday, source, name or None)


def _days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
