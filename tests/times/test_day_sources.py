"""The published holidays: what the first import brings, and what lies over them."""

from __future__ import annotations

from datetime import date

import pytest

from service.commands import sample
from service.registry.bundle.files import read_folder
from service.store.database import Database
from service.store.registry.calendars import Day
from service.times import calendar_changes
from tests.registry.bundles import DAY, NOW, OPS, bring, files, in_yaml, stored_days, working, written

pytestmark = pytest.mark.anyio

SAMPLE = read_folder(sample.SAMPLE)
MAKE_UP_2026 = [
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
]


async def test_the_first_import_that_needs_them_brings_the_published_days(office: Database) -> None:
    days = await stored_days(office)
    assert (min(days), max(days), len(days)) == (date(2020, 1, 1), date(2026, 12, 31), 7 * 365 + 2)
    assert [day for day in MAKE_UP_2026 if not days[day][0]] == []
    assert [day for day in days if day.year == 2026 and day.weekday() >= 5 and days[day][0]] == MAKE_UP_2026
    assert not days[date(2026, 10, 1)][0]
    assert {source.split()[0] for _, source, _ in days.values()} == {"chinesecalendar"}


async def test_days_of_a_bundle_lie_over_the_published_ones_and_do_not_replace_them(database: Database) -> None:
    bundle_with_days = SAMPLE | {
        "calendar.csv": b"code,day,workday,note\ncn,2026-12-24,false,x\nown,2027-01-01,true,\n"
    }
    report = await bring(database, bundle_with_days)
    assert (report.faults, report.days) == ((), 7 * 365 + 2 + 1)
    days = await stored_days(database)
    assert days[date(2026, 12, 24)] == (False, "calendar.csv", "x")
    assert [days[date(2026, month, day)][0] for month, day in ((10, 1), (10, 10), (12, 23))] == [False, True, True]
    assert await stored_days(database, "own") == {date(2027, 1, 1): (True, "calendar.csv", None)}
    assert not (await bring(database, bundle_with_days, NOW + DAY)).changes_anything


async def test_days_that_ops_wrote_before_the_first_import_lie_over_the_published_ones(database: Database) -> None:
    await calendar_changes.change_days(database, "cn", [Day(date(2026, 7, 8), False, "区府办", "台风")], NOW, OPS)
    report = await bring(database, SAMPLE)
    days = await stored_days(database)
    assert (report.days, len(days)) == (7 * 365 + 1, 7 * 365 + 2)
    assert days[date(2026, 7, 8)] == (False, "区府办", "台风")
    assert not days[date(2026, 10, 1)][0]


async def test_a_policy_without_a_calendar_brings_no_days(haizhu: Database) -> None:
    assert await stored_days(haizhu) == {}


async def test_edited_days_outlive_a_second_import(office: Database) -> None:
    await calendar_changes.change_days(office, "cn", [Day(date(2026, 11, 25), False, "区府办", "停电")], NOW, OPS)
    report = await bring(office, SAMPLE, NOW + DAY)
    assert (report.days, report.changes_anything) == (0, False)
    assert (await stored_days(office))[date(2026, 11, 25)] == (False, "区府办", "停电")


async def test_a_calendar_of_ones_own_is_not_seeded(database: Database) -> None:
    own = in_yaml(written(working(category="u"), calendar="own", hours=["08:00-12:00"]))
    report = await bring(database, files() | {"policy.yaml": own})
    assert [fault.detail for fault in report.faults] == [
        "calendar own holds no days: load them first (sihu calendar load)"
    ]
