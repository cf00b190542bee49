"""`sihu policy …` and `sihu calendar …` change and show time rules and working days."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from service.commands.database import OPS, current_time, now_and_world, with_database
from service.registry.bundle.files import BundleError, unreadable
from service.rules.errors import NotFound, ValidationFailed
from service.rules.sentences import Sentence
from service.rules.worktime import FIRST_YEAR, LAST_YEAR
from service.rules.world import World
from service.settings import Settings
from service.sheets import decoding
from service.store.database import Database
from service.store.registry import calendars
from service.times import calendar_changes, calendar_feed, coverage, day_sources, policies
from service.times.durations import duration_of
from service.times.policy_checks import faults_in_world, read_policy
from service.times.policy_file import PolicyFile
from service.web.text import Code, Moment


def add_policy_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of `sihu policy`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("list", help="list every version, and when it is in force").set_defaults(command=list_policies)
    checks = commands.add_parser("check", help="print every fault of a policy.yaml; writes nothing")
    checks.set_defaults(command=check_policy)
    drafts = commands.add_parser("draft", help="store a policy.yaml as the next version")
    drafts.set_defaults(command=draft_policy)
    for each in (checks, drafts):
        each.add_argument("file", type=Path, metavar="FILE", help="a policy.yaml")
    activates = commands.add_parser("activate", help="put a version in force")
    activates.add_argument("code", help="the code of the policy, from `sihu policy list`")
    activates.add_argument("version", type=int, help="the number of the version")
    activates.add_argument(
        "--at", metavar="TIME", help="the instant from which the version is in force (RFC 3339); default now"
    )
    activates.set_defaults(command=activate_policy)


def add_calendar_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of `sihu calendar`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    loads = commands.add_parser(
        "load", help="set days from a file: CSV (day,workday,note), or JSON in the form of holiday-cn"
    )
    loads.add_argument("file", type=Path, metavar="FILE", help="a name that ends in .json is read as JSON")
    loads.add_argument("--calendar", default="cn", help="the code of the calendar; default cn")
    loads.add_argument(
        "--fill-year",
        type=int,
        action="append",
        default=[],
        help="for days of this year that are not known: Monday to Friday are working days",
    )
    loads.set_defaults(command=load_days)
    seeds = commands.add_parser("seed", help="set the published holidays, for days that are not known yet")
    seeds.set_defaults(command=seed_days)
    covers = commands.add_parser("coverage", help="show which years are known")
    covers.add_argument("--calendar", default="cn", help="the code of the calendar; default cn")
    covers.set_defaults(command=show_coverage)


def list_policies(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every version of every policy, and when it was, is or will be in force."""

    async def work(database: Database) -> list[str]:
        now, world = await now_and_world(database)
        return [
            f"{code} {number}  {', '.join(_reign_lines(world, (code, number), now)) or 'draft'}"
            for code, number in sorted(world.policies)
        ]

    for line in with_database(settings, work):
        print(line)
    return 0


def _reign_lines(world: World, key: tuple[str, int], now: datetime) -> Iterator[str]:
    """One phrase for each time that a version is in force, oldest first; none for a version that never is."""
    for start, end in world.reigns(key):
        until = f" until {end.isoformat()}" if end else ""
        if end and end <= now:
            yield f"was in force from {start.isoformat()}{until}"
        else:
            yield (f"from {start.isoformat()}" if start > now else "in force") + until


def check_policy(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every fault of a policy.yaml against the registry of this database, or how long its working day is, and
    what its calendar lacks; write nothing."""
    policy_file = _read_policy(arguments.file)

    async def work(database: Database) -> tuple[list[Sentence], list[Sentence]]:
        now, world = await now_and_world(database)
        async with database.read() as connection:
            days = (await calendars.days(connection)).get(policy_file.calendar or "")
        policy = policy_file.policy(0)
        gaps = coverage.gaps([policy], lambda _, day: day in (days or {}), now)
        return list(faults_in_world(policy, world.categories, days, now)), [gap.warning for gap in gaps]

    faults, warnings = with_database(settings, work)
    if faults:
        _print_faults(faults)
        return 1
    print(Sentence("{file} is sound.", file=str(arguments.file)))
    if policy_file.hours:
        print(_working_day(policy_file))
    if policy_file.unsaid:
        taken = policy_file.unsaid
        print(Sentence("It does not say these, which are taken from the sample: {values:and}.", values=taken))
    _print_warnings(warnings)
    return 0


def _working_day(policy: PolicyFile) -> Sentence:
    length = duration_of(policy.working_day_s)
    return Sentence("1wd is {length}: one working day of {hours:and}.", length=length, hours=policy.hours)


def draft_policy(settings: Settings, arguments: argparse.Namespace) -> int:
    """Store a policy.yaml as the next version, a draft."""
    policy_file = _read_policy(arguments.file)

    async def work(database: Database) -> policies.PolicyDraft:
        return await policies.draft(database, policy_file, await current_time(database), OPS)

    draft = with_database(settings, work)
    name = f"{draft.policy.code} version {draft.policy.version}"
    print(f"{name}: {'drafted; activate it next' if draft.new else 'says the same already'}.")
    return 0


def activate_policy(settings: Settings, arguments: argparse.Namespace) -> int:
    """Put a version in force, from now or from a given instant on."""
    at = _moment(arguments.at) if arguments.at else None

    async def work(database: Database) -> tuple[datetime, list[Sentence]]:
        now = await current_time(database)
        _, starts, _ = await policies.activate(database, arguments.code, arguments.version, at, now, OPS)
        now, world = await now_and_world(database)
        return starts, [gap.warning for gap in coverage.gaps_of_world(world, now)]

    starts, warnings = with_database(settings, work)
    print(f"{arguments.code} version {arguments.version} is in force from {starts.isoformat()}.")
    _print_warnings(warnings)
    return 0


def load_days(settings: Settings, arguments: argparse.Namespace) -> int:
    """Set the working days that a CSV or JSON file names."""
    try:
        content = arguments.file.read_bytes()
    except OSError as error:
        raise unreadable(error) from None
    calendar, years = _calendar(arguments.calendar), [_year(each) for each in arguments.fill_year]
    feed = calendar_feed.read_feed(arguments.file.name, content, years)
    _print_warnings(feed.notes)
    _print_change(calendar, _change(settings, calendar, feed.days, feed.plain))
    return 0


def seed_days(settings: Settings, arguments: argparse.Namespace) -> int:
    """Set the published holidays, for days that the calendar does not know yet. Days that it knows stay as they are."""
    official = day_sources.official()
    change = _change(settings, day_sources.OFFICIAL, (), official)
    if change.days:
        _print_change(day_sources.OFFICIAL, change)
    else:
        print(f"Nothing to seed: calendar cn knows every day from {official[0].day} to {official[-1].day}.")
        _print_warnings(change.warnings)
    return 0


def show_coverage(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the years of which days are known, and how many days of each."""

    async def work(database: Database) -> list[tuple[int, int, int]]:
        async with database.read() as connection:
            return await calendars.years(connection, arguments.calendar)

    years = with_database(settings, work)
    if not years:
        raise NotFound(
            Sentence(
                "Calendar {calendar} holds no days: load them with sihu calendar load.", calendar=arguments.calendar
            )
        )
    for year, known, days in years:
        print(f"{year}  {known} of {days} days" + ("" if known == days else "  (not covered)"))
    return 0


def _change(
    settings: Settings, calendar: str, days: Sequence[calendars.Day], missing: Sequence[calendars.Day]
) -> calendar_changes.CalendarChange:
    """Set `days`, and those days of `missing` that the calendar does not know yet."""

    async def work(database: Database) -> calendar_changes.CalendarChange:
        now = await current_time(database)
        return await calendar_changes.change_days(database, calendar, days, now, OPS, defaults=missing)

    return with_database(settings, work)


def _print_change(calendar: str, change: calendar_changes.CalendarChange) -> None:
    print(
        Sentence(
            "{calendar}: {days} {days:day|days} changed; the engine looks at {deadlines} running "
            "{deadlines:deadline|deadlines} again.",
            calendar=calendar,
            days=change.days,
            deadlines=change.deadlines,
        )
    )
    _print_warnings(change.warnings)


def _print_warnings(warnings: Sequence[Sentence]) -> None:
    for warning in warnings:
        print(Sentence("warning: {warning}", warning=warning))


def _read_policy(file: Path) -> PolicyFile:
    """The policy in a file. Raises `BundleError` when the file cannot be read, or when it has faults, after printing
    them."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise unreadable(error) from None
    policy, faults = read_policy(content)
    if note := decoding.note(str(file), content):
        _print_warnings([note])
    if policy is None:
        _print_faults(faults)
        raise BundleError(
            Sentence("{file}: {count} {count:fault|faults}; nothing was written", file=str(file), count=len(faults))
        )
    return policy


def _print_faults(faults: Sequence[Sentence]) -> None:
    for fault in faults:
        print(fault, file=sys.stderr)


def _moment(text: str) -> datetime:
    try:
        return TypeAdapter(Moment).validate_python(text)
    except ValidationError:
        raise ValidationFailed(
            Sentence("{text} is no time with its offset, such as 2027-01-01T00:00:00+08:00.", text=text)
        ) from None


def _year(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValidationFailed(
            Sentence("--fill-year {year}: give a year from {min} to {max}.", year=year, min=FIRST_YEAR, max=LAST_YEAR)
        )
    return year


def _calendar(text: str) -> str:
    try:
        return TypeAdapter(Code).validate_python(text)
    except ValidationError:
        raise ValidationFailed(
            Sentence("{text} is no calendar's code for --calendar: give letters and digits, such as cn.", text=text)
        ) from None
