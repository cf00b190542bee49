"""Changes of a calendar: days are checked against the policies in use, written, and put into the log.

The table of days is the only source of working days at run time. A year is covered once every day of it is known. The
notice of a year comes in the November before it, so that a deadline in a later year is provisional. When days change,
the engine looks at the running deadlines again and announces in the log those that move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import NotRequired

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.errors import Pointer, ValidationFailed
from service.rules.logged import ByView
from service.rules.model import By
from service.rules.policy import Hours, Policy
from service.rules.sentences import Sentence
from service.rules.words import EventType
from service.rules.worktime import MAX_BOX_YEARS, ZONE, WorkCalendar
from service.rules.world import World
from service.shown.changes import ChangedRow, between, named
from service.store.database import Database, Transaction
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.store.registry import calendars
from service.store.registry import world as world_
from service.store.registry.calendars import Day
from service.times import coverage
from service.times.policy_checks import rows_without_end


class CalendarChangedData(TypedDict):
    """The data of `sihu.calendar.changed`: how many days changed between `first` and `last`, by which authorities, and
    how many running deadlines the engine looks at again. `rows`: the first 200 of these days, with their old and new
    values; `rows_left_out`: how many more there were. An event from before they were kept has neither."""

    calendar: str
    days: int
    first: date
    last: date
    sources: list[str]
    deadlines_looked_at: int
    rows: NotRequired[list[ChangedRow]]
    rows_left_out: NotRequired[int]
    by: ByView


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """The outcome of a change: the number of days that differ from before, and of deadlines to be checked again.
    `warnings` say which days the calendar still lacks."""

    days: int
    deadlines: int = 0
    committed: Committed | None = None
    warnings: tuple[Sentence, ...] = ()


async def change_days(
    database: Database, calendar: str, days: Sequence[Day], now: datetime, by: By, *, defaults: Sequence[Day] = ()
) -> CalendarChange:
    """Write days, all or none, in a transaction of its own. Days that are stored already change nothing.

    Raises:
        ValidationFailed: a time box of a policy in use would never end; the errors name its rows and what to do.
        Unavailable: the database cannot be reached.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        change = await write_days(tx, world, calendar, days, now, by, defaults=defaults)
        return replace(change, warnings=await _warnings(tx, world, calendar, now))


async def write_days(
    tx: Transaction,
    world: World,
    calendar: str,
    days: Sequence[Day],
    now: datetime,
    by: By,
    *,
    defaults: Sequence[Day] = (),
    area: str | None = None,
) -> CalendarChange:
    """Write days in a transaction that holds the lock of the registry.

    `days` replace stored ones. `defaults` are written only where the calendar knows no day, so that days somebody set
    on purpose survive. `area` is the district's code while `world` does not know it yet.

    Raises:
        ValidationFailed: a time box of a policy in use would never end.
    """
    stored, new = await _new_days(tx, calendar, days, defaults)
    if not new:
        return CalendarChange(0)
    _require_ends(await faults_of(tx, world, calendar, new, now))
    await calendars.put(tx, calendar, new, now)
    await world_.rise(tx)
    policies = [key for key, each in world.policies.items() if each.hours and each.hours.calendar == calendar]
    since = datetime.combine(new[0].day, time(), ZONE)
    deadlines = await calendars.wake(tx, policies, since, now) if policies else 0
    entry = _entry(calendar, new, stored, deadlines, now, area or world.district, by)
    wake_at = now if deadlines else None
    committed = await writing.append(tx, [entry], wake_at=wake_at, reload=("world",))
    return CalendarChange(len(new), deadlines, committed)


async def faults_of(tx: Transaction, world: World, calendar: str, new: Sequence[Day], now: datetime) -> list[Sentence]:
    """Return one sentence for each row of a policy in use whose time box would never end with the new days.

    In use are the policies in force, those to come, and those of open incidents. A row that has no end already may keep
    that state, because a calendar is corrected in several steps.
    """
    policies = await _policies_in_use(tx, world, calendar, now)
    if not policies:
        return []
    before = (await calendars.days(tx)).get(calendar, {})
    after = before | {each.day: each.workday for each in new}
    faults: list[Sentence] = []
    for policy, hours in policies:
        endless = rows_without_end(policy, WorkCalendar(hours.spans, after), now)
        endless_before = rows_without_end(policy, WorkCalendar(hours.spans, before), now) if endless else ()
        faults += [
            Sentence(
                "policy {policy} version {version}, {row}: it would not end within {years} years: leave more working "
                "days in calendar {calendar}",
                policy=policy.code,
                version=policy.version,
                row=row,
                years=MAX_BOX_YEARS,
                calendar=calendar,
            )
            for row in endless
            if row not in endless_before
        ]
    return faults


async def _policies_in_use(tx: Transaction, world: World, calendar: str, now: datetime) -> list[tuple[Policy, Hours]]:
    active = world.active(now)
    keys = {(each.code, each.version) for each in world.activations if each.at > now}
    keys |= await calendars.pinned(tx)
    if active:
        keys.add((active.code, active.version))
    policies = (world.policies[key] for key in sorted(keys))
    return [(each, each.hours) for each in policies if each.hours and each.hours.calendar == calendar]


async def _warnings(tx: Transaction, world: World, calendar: str, now: datetime) -> tuple[Sentence, ...]:
    """Return what a calendar still lacks of the days that policies in force need."""
    policies = [each for each in coverage.in_force(world, now) if each.hours and each.hours.calendar == calendar]
    known = (await calendars.days(tx)).get(calendar, {}) if policies else {}
    return tuple(gap.warning for gap in coverage.gaps(policies, lambda _, day: day in known, now))


async def _new_days(
    tx: Transaction, calendar: str, days: Sequence[Day], defaults: Sequence[Day]
) -> tuple[Mapping[date, Day], list[Day]]:
    """Return the days that the calendar has there, and, in order, those that are to be others."""
    candidates = {each.day: each for each in (*defaults, *days)}
    if not candidates:
        return {}, []
    stored = {each.day: each for each in await calendars.between(tx, calendar, min(candidates), max(candidates))}
    replacing = {each.day for each in days}
    return stored, sorted(
        each for day, each in candidates.items() if day not in stored or (day in replacing and stored[day] != each)
    )


def _require_ends(faults: Sequence[Sentence]) -> None:
    if faults:
        detail = Sentence(
            "{count} {count:row of a policy|rows of policies} would no longer end; nothing was written: see errors.",
            count=len(faults),
        )
        raise ValidationFailed(detail, errors=[Pointer("", each) for each in faults])


def _entry(
    calendar: str, new: Sequence[Day], stored: Mapping[date, Day], deadlines: int, now: datetime, area: str, by: By
) -> Entry:
    rows, left_out = named([_changed(each, stored.get(each.day)) for each in new])
    data: CalendarChangedData = {
        "calendar": calendar,
        "days": len(new),
        "first": new[0].day,
        "last": new[-1].day,
        "sources": sorted({each.source for each in new}),
        "deadlines_looked_at": deadlines,
        "rows": rows,
        "rows_left_out": left_out,
        "by": by.as_dict(),
    }
    return Entry(EventType.CALENDAR_CHANGED, now, area, (), data)


def _changed(new: Day, old: Day | None) -> ChangedRow:
    names = ("workday", "source", "note")
    before = None if old is None else {name: getattr(old, name) for name in names}
    changes = between(before, {name: getattr(new, name) for name in names})
    return {"of": "calendar", "row": new.day.isoformat(), "changes": changes}
