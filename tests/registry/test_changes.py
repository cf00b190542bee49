"""The plan of an import, pure: whatever is imported in whatever order, history stays a line without overlaps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from service.registry import changes
from service.registry.changes import Plan
from tests.registry.bundles import DAY, NOW

_days = st.integers(-5, 5).map(lambda days: NOW + days * DAY)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    start, end = draw(st.none() | _days), draw(st.none() | _days)
    return {"code": "a", "name": draw(st.sampled_from("xyz")), "valid_from": start, "valid_to": end}


def carry_out(stored: list[dict[str, Any]], made: Plan) -> list[dict[str, Any]]:
    """What the store does with a plan; a primary key that is taken would be an error."""
    by_key = {(row["code"], row["valid_from"]): row for row in stored}
    for row in (*made.ended, *made.corrected):
        by_key[row["code"], row["valid_from"]] = {**by_key[row["code"], row["valid_from"]], **row}
    for row in made.added:
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
        made = changes.plan("units.csv", [(2, row)], newest(stored), now)
        if made.faults:
            assert not (made.ended or made.corrected or made.added)
            continue
        stored = carry_out(stored, made)
        for old, new in itertools.pairwise(stored):
            assert old["valid_to"] is not None
            assert old["valid_to"] <= new["valid_from"]
        assert all(each["valid_to"] is None or each["valid_to"] > each["valid_from"] for each in stored)
        again = changes.plan("units.csv", [(2, row)], newest(stored), now + timedelta(hours=1))
        assert again.change.unchanged == 1


@given(rows(), rows())
def test_what_was_in_force_before_an_import_without_dates_stays_as_it_was(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    undated = {**second, "valid_from": None, "valid_to": None}
    stored = carry_out([], changes.plan("units.csv", [(2, first)], {}, NOW - DAY))
    assume(stored)  # a code's very first row may reach back: nobody could have known it before
    after = carry_out(stored, changes.plan("units.csv", [(2, undated)], newest(stored), NOW))
    for days in range(-6, 0):
        moment = NOW + days * DAY
        assert in_force(after, moment) == in_force(stored, moment)


def in_force(stored: list[dict[str, Any]], moment: Any) -> list[str]:
    return [
        row["name"]
        for row in stored
        if row["valid_from"] <= moment and (row["valid_to"] is None or moment < row["valid_to"])
    ]
