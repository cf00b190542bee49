"""What the log says of a row that changed."""

from __future__ import annotations

from datetime import UTC, date, datetime

from service.rules.words import Level, Urgency
from service.shown import changes
from service.shown.changes import ChangedRow


def test_only_what_differs_is_named_with_old_and_new() -> None:
    before = {"name": "旧", "level": 1, "covers": ["a"], "workday": True, "rank": 2}
    after = {
        "name": "新",
        "level": 1,
        "covers": ("a", "b"),
        "workday": False,
        "urgency": Urgency.URGENT,
        "rank": Level.STREET,
    }
    assert changes.between(before, after) == {
        "name": {"from": "旧", "to": "新"},
        "covers": {"from": ["a"], "to": ["a", "b"]},
        "workday": {"from": True, "to": False},
        "urgency": {"from": None, "to": "urgent"},
    }


def test_times_days_and_shapes_are_short() -> None:
    after = {
        "valid_from": datetime(2026, 11, 1, 16, tzinfo=UTC),
        "day": date(2026, 11, 2),
        "shape": [[[113.1, 23.1], [113.2, 23.1], [113.2, 23.2]]],
        "covers": [],
    }
    assert {name: each["to"] for name, each in changes.between(None, after).items()} == {
        "valid_from": "2026-11-02T00:00:00+08:00",
        "day": "2026-11-02",
        "shape": 3,
    }


def test_an_event_names_200_rows_and_counts_the_rest() -> None:
    rows: list[ChangedRow] = [{"of": "units.csv", "row": str(n), "changes": {}} for n in range(201)]
    named, left_out = changes.named(rows)
    assert (named, left_out) == (rows[:200], 1)
    assert changes.named([]) == ([], 0)
