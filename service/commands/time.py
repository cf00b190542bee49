"""`sihu policy …` and `sihu calendar …`: time rules and working days from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from service.commands.database import OPS, now_and_world, with_database
from service.registry.bundle.files import BundleError
from service.rules.errors import NotFound, ValidationFailed
from service.rules.worktime import FIRST_YEAR, LAST_YEAR
from service.rules.world import World
from service.settings import Settings
from service.store.database import Database
from service.store.registry import calendars
from service.times import calendar_changes, calendar_feed, day_sources, policies
from service.times.policy_checks import faults_in_world, read_policy, timer_of
from service.times.policy_file import PolicyFile
from service.web.text import Code, Moment


def policy_list(settings: Settings, asked: argparse.Namespace) -> int:
    """Every version, and when it was, is or will be in force."""

    async def work(database: Database) -> list[str]:
        clock, worlds = await now_and_world(database)
        world, now = worlds.world, clock.now()
        return [
            f"{code} {number}  {', '.join(_marks(world, (code, number), now)) or 'draft'}"
            for code, number in sorted(world.policies)
        ]

    for line in with_database(settings, work):
        print(line)
    return 0


def _marks(world: World, key: tuple[str, int], now: datetime) -> Iterator[str]:
    """One for each time a version is in force, oldest first; none for one that never is."""
    for start, end in world.reigns(key):
        until = f" until {end.isoformat()}" if end else ""
        if end and end <= now:
            yield f"was in force from {start.isoformat()}{until}"
        else:
            yield (f"from {start.isoformat()}" if start > now else "in force") + until


def policy_check(settings: Settings, asked: argparse.Namespace) -> int:
    """Every fault of a policy.yaml against the registry of this database; writes nothing."""
    wanted = _read(asked.file)

    async def work(database: Database) -> list[str]:
        clock, worlds = await now_and_world(database)
        async with database.read() as connection:
            known = (await calendars.days(connection)).get(wanted.calendar or "")
        timer = timer_of(wanted, known)
        return list(faults_in_world(wanted.policy(0), worlds.world.categories, timer, clock.now()))

    return _told(with_database(settings, work)) or _say(f"{asked.file} is sound.")


def policy_draft(settings: Settings, asked: argparse.Namespace) -> int:
    """Store a policy.yaml as the next version, a draft."""
    wanted = _read(asked.file)

    async def work(database: Database) -> policies.PolicyDraft:
        clock, _ = await now_and_world(database)
        return await policies.draft(database, wanted, clock.now(), OPS)

    done = with_database(settings, work)
    name = f"{done.policy.code} version {done.policy.version}"
    return _say(f"{name}: {'drafted; activate it next' if done.new else 'says the same already'}.")


def policy_activate(settings: Settings, asked: argparse.Namespace) -> int:
    """Put a version in force, now or from an instant."""
    at = _moment(asked.at) if asked.at else None

    async def work(database: Database) -> datetime:
        clock, _ = await now_and_world(database)
        _, starts, _ = await policies.activate(database, asked.code, asked.version, at, clock.now(), OPS)
        return starts

    starts = with_database(settings, work)
    return _say(f"{asked.code} version {asked.version} is in force from {starts.isoformat()}.")


def calendar_load(settings: Settings, asked: argparse.Namespace) -> int:
    """Working days from a CSV or JSON feed file."""
    try:
        content = asked.file.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read {error.filename}: {error.strerror}") from None
    calendar, years = _calendar(asked.calendar), [_year(each) for each in asked.fill_year]
    days, missing = calendar_feed.read_feed(asked.file.name, content, years)
    return _say_changed(calendar, _change(settings, calendar, days, missing))


def calendar_seed(settings: Settings, asked: argparse.Namespace) -> int:
    """The published holidays, for days of which nothing is known yet: what was edited stays as it is."""
    official = day_sources.official()
    done = _change(settings, day_sources.OFFICIAL, (), official)
    if not done.days:
        return _say(f"Nothing to seed: calendar cn knows every day from {official[0].day} to {official[-1].day}.")
    return _say_changed(day_sources.OFFICIAL, done)


def calendar_coverage(settings: Settings, asked: argparse.Namespace) -> int:
    """Which years are known, and how much of each."""

    async def work(database: Database) -> list[tuple[int, int, int]]:
        async with database.read() as connection:
            return await calendars.years(connection, asked.calendar)

    years = with_database(settings, work)
    if not years:
        raise NotFound(f"Calendar {asked.calendar} holds no days: load them with sihu calendar load.")
    for year, known, days in years:
        print(f"{year}  {known} of {days} days" + ("" if known == days else "  (not covered)"))
    return 0


def _change(
    settings: Settings, calendar: str, wanted: Sequence[calendars.Day], missing: Sequence[calendars.Day]
) -> calendar_changes.CalendarChange:
    async def work(database: Database) -> calendar_changes.CalendarChange:
        clock, _ = await now_and_world(database)
        return await calendar_changes.change_days(database, calendar, wanted, clock.now(), OPS, defaults=missing)

    return with_database(settings, work)


def _say_changed(calendar: str, done: calendar_changes.CalendarChange) -> int:
    return _say(f"{calendar}: {done.days} days changed; the engine looks at {done.deadlines} running deadlines again.")


def _read(file: Path) -> PolicyFile:
    try:
        policy, wrong = read_policy(file.read_bytes())
    except OSError as error:
        raise BundleError(f"cannot read {error.filename}: {error.strerror}") from None
    if policy is None:
        _told(wrong)
        raise BundleError(f"{file}: {len(wrong)} faults; nothing was written")
    return policy


def _told(faults: list[str]) -> int:
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _say(sentence: str) -> int:
    print(sentence)
    return 0


def _moment(text: str) -> datetime:
    try:
        return TypeAdapter(Moment).validate_python(text)
    except ValidationError:
        raise ValidationFailed(f"{text} is no time with its offset, such as 2027-01-01T00:00:00+08:00") from None


def _year(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValidationFailed(f"--fill-year {year}: give a year from {FIRST_YEAR} to {LAST_YEAR}")
    return year


def _calendar(text: str) -> str:
    try:
        return TypeAdapter(Code).validate_python(text)
    except ValidationError:
        raise ValidationFailed(
            f"{text!r} is no calendar's code for --calendar: give letters and digits, such as cn"
        ) from None
