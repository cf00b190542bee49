"""Every fault of a policy that only the registry shows: rows nobody comes to, no days, boxes that do not end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from service.times.policy_checks import faults_in_world, read_policy
from tests.registry.bundles import NOW, OFFICE, in_yaml, row, working, written

CODES = ("u", "u-1", "u-1-a", "u-2")


def told_in_world(policy: dict[str, Any], days: dict[date, bool] | None = None, now: datetime = NOW) -> list[str]:
    """What only the registry shows."""
    read, wrong = read_policy(in_yaml(policy))
    assert read is not None, wrong
    return list(faults_in_world(read.policy(1), CODES, days, now))


def off(first: int, last: int) -> dict[date, bool]:
    """Every day of these years, none of them a working day."""
    start = date(first, 1, 1)
    return {start + timedelta(days=n): False for n in range((date(last + 1, 1, 1) - start).days)}


def test_a_sound_policy_has_no_fault_in_the_world() -> None:
    assert told_in_world(written()) == []
    assert told_in_world(written(working(category="u-1"), row(category="u-1-a"), **OFFICE), {}) == []


@pytest.mark.parametrize(
    ("rows", "lost"),
    [
        ([row(category="x")], ["x"]),
        ([row(category="u-1-a-b")], ["u-1-a-b"]),
        ([row(category="u-1"), row(category="u-1-a")], []),
        ([row(category="u-1-a"), row(category="u-1"), row(category="u-2"), row(category="u")], []),  # u itself is left
        ([row(category="u-"), row(category="u-1"), row(category="u-2")], ["u-"]),  # all of its categories are taken
        ([row(category="u-"), row(category="u-1", urgency="urgent"), row(category="u-2")], []),
        ([row(category="u-"), row(2, category="u-1"), row(category="u-2")], []),
        ([row(category="x"), row(category="y")], ["x", "y"]),
    ],
)
def test_a_row_that_no_category_comes_to_is_told(rows: list[dict[str, Any]], lost: list[str]) -> None:
    assert told_in_world(written(*rows)) == [
        f"level 1, urgency normal, category {each}: no category comes to this row: correct the prefix, "
        "or leave the row out"
        for each in lost
    ]


def test_a_calendar_without_days_is_told_whether_or_not_a_row_uses_it() -> None:
    faults = ["calendar cn holds no days: load them first (sihu calendar load)"]
    assert told_in_world(written(working(category="u"), **OFFICE)) == told_in_world(written(**OFFICE)) == faults


ENDLESS = "level 1, urgency normal, category u: it does not end within 5 years: the calendar has too few working days"


@pytest.mark.parametrize(
    ("first", "last", "ends"),
    [(2000, 2099, False), (2026, 2031, False), (2026, 2030, True), (2027, 2099, False), (2060, 2066, False)],
)
def test_a_box_that_does_not_end_in_five_years_is_told(first: int, last: int, ends: bool) -> None:
    policy = written(working(category="u"), row(category="u-1"), **OFFICE)
    assert told_in_world(policy, off(first, last)) == ([] if ends else [ENDLESS])


@pytest.mark.parametrize("box", ["answer", "resolve"])
@pytest.mark.parametrize(("length", "ends"), [("4wd", True), ("6wd", False)])
def test_the_answer_box_and_the_resolve_box_have_to_end_both(box: str, length: str, ends: bool) -> None:
    one_workday_a_year = off(2000, 2099) | {date(year, 1, 5): True for year in range(2000, 2100)}
    policy = written(working(category="u", answer="1h", resolve="1h") | {box: length}, **OFFICE)
    assert told_in_world(policy, one_workday_a_year) == ([] if ends else [ENDLESS])


def test_faults_of_rows_and_of_the_calendar_come_together() -> None:
    wrong = told_in_world(written(row(category="x"), working(category="u"), **OFFICE), off(2000, 2099))
    assert [fault.split(": ")[0].rpartition(" ")[2] for fault in wrong] == ["u", "x"]
