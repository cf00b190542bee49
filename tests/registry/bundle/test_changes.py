"""The plan of an import, pure: whatever is imported in whatever order, history stays a line without overlaps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.registry.bundle import changes
from service.registry.bundle.changes import Plan
from tests.registry.bundles import DAY, NOW

_days = st.integers(-5, 5).map(lambda days: NOW + days * DAY)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    start, end = draw(st.none() | _days), draw(st.none() | _days)
    return {"code": "a", "name": draw(st.sampled_from("xyz")), "valid_from": start, "valid_to": end}


def carry_out(stored: list[dict[str, Any]], plan: Plan) -> list[dict[str, Any]]:
    """What the store does with a plan; a primary key that is taken would be an error."""
    by_key = {(row["code"], row["valid_from"]): row for row in stored}
    for row in (*plan.ended, *plan.corrected):
        by_key[row["code"], row["valid_from"]] = {**by_key[row["code"], row["valid_from"]], **row}
    for row in plan.added:
        assert (row["code"], row["valid_from"]) not in by_key
        by_key[row["code"], row["valid_from"]] = dict(row)
    return sorted(by_key.values(), key=lambda row: row["valid_from"])


def newest(stored: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {row["code"]: row for row in stored}


@given(st.lists(st.tuples(rows(), st.integers(0, 3)), max_size=8))
def test_history_never_overlaps_and_the_same_row_again_changes_nothing(
    imports: list[tuple[dict[str, Any], int]],
) -> None:
    stored: list[dict[str, Any]] = []
    now = NOW
    for row, later in imports:
        now += later * DAY
        plan = changes.plan_of("units.csv", [(2, row)], newest(stored), now)
        if plan.faults:
            assert not (plan.ended or plan.corrected or plan.added)
            continue
        stored = carry_out(stored, plan)
        for old, new in itertools.pairwise(stored):
            assert old["valid_to"] is not None
            assert old["valid_to"] <= new["valid_from"]
        assert all(each["valid_to"] is None or each["valid_to"] > each["valid_from"] for each in stored)
        again = changes.plan_of("units.csv", [(2, row)], newest(stored), now + timedelta(hours=1))
        assert again.summary.unchanged == 1


@given(rows(), rows(), st.booleans())
def test_what_was_in_force_before_an_import_stays_as_it_was_whatever_dates_it_names(
    first: dict[str, Any], second: dict[str, Any], settled: bool
) -> None:
    wanted = second if settled else {**second, "valid_to": None}  # a unit may have ended last week
    stored = carry_out([], changes.plan_of("units.csv", [(2, first)], {}, NOW - 3 * DAY))
    assume(stored)  # a code's very first row may reach back: nobody could have known it before
    plan = changes.plan_of("units.csv", [(2, wanted)], newest(stored), NOW, past_is_settled=settled)
    after = carry_out(stored, plan)
    for hours in range(-6 * 24, 0, 12):
        moment = NOW + timedelta(hours=hours)
        assert in_force(after, moment) == in_force(stored, moment)


@pytest.mark.parametrize("end", [NOW - 2 * DAY, NOW])
def test_a_duty_that_is_over_did_not_go_on_until_now(end: datetime) -> None:
    over = {**STORED, "valid_to": NOW - DAY}
    plan = changes.plan_of("duties.csv", [(2, {**STORED, "valid_to": end})], {"a": over}, NOW, past_is_settled=True)
    assert [fault.row for fault in plan.faults] == [2]
    assert not (plan.ended or plan.added)


@given(rows())
def test_a_code_that_is_new_once_the_past_is_settled_begins_now_or_later(row: dict[str, Any]) -> None:
    plan = changes.plan_of("duties.csv", [(2, row)], {}, NOW, past_is_settled=True)
    assert bool(plan.added) != bool(plan.faults)
    assert all(each["valid_from"] >= NOW for each in plan.added)


def dated(name: str, start: datetime | None, end: datetime | None = None) -> dict[str, Any]:
    return {"code": "a", "name": name, "valid_from": start, "valid_to": end}


STORED = dated("x", NOW - 10 * DAY)


@pytest.mark.parametrize("back", [timedelta(microseconds=1), DAY, 10 * DAY - timedelta(microseconds=1)])
def test_a_change_that_would_begin_in_the_past_is_told_what_to_do(back: timedelta) -> None:
    plan = changes.plan_of("units.csv", [(7, dated("y", NOW - back))], {"a": STORED}, NOW)
    [fault] = plan.faults
    assert (fault.file, fault.row) == ("units.csv", 7)
    assert "nothing is changed in the past: leave valid_from out for now, or give a later one" in fault.detail
    assert not (plan.added or plan.ended or plan.corrected)


@pytest.mark.parametrize("start", [None, NOW - 11 * DAY, NOW - 10 * DAY, NOW])
def test_a_file_that_goes_on_naming_when_the_row_began_changes_it_from_now_on(start: datetime | None) -> None:
    plan = changes.plan_of("units.csv", [(2, dated("y", start))], {"a": STORED}, NOW)
    assert (plan.faults, plan.added) == ([], [dated("y", NOW)])
    assert plan.ended == [{"code": "a", "valid_from": STORED["valid_from"], "valid_to": NOW}]


def test_what_was_over_does_not_come_back_in_the_past() -> None:
    over = dated("x", NOW - 10 * DAY, NOW - 5 * DAY)
    for name in ("x", "y"):
        plan = changes.plan_of("units.csv", [(2, dated(name, NOW - 3 * DAY))], {"a": over}, NOW)
        assert (len(plan.faults), plan.added) == (1, [])
        plan = changes.plan_of("units.csv", [(2, dated(name, over["valid_from"]))], {"a": over}, NOW)
        assert (plan.faults, plan.added) == ([], [dated(name, NOW)])


def in_force(stored: list[dict[str, Any]], moment: Any) -> list[str]:
    return [
        row["name"]
        for row in stored
        if row["valid_from"] <= moment and (row["valid_to"] is None or moment < row["valid_to"])
    ]
