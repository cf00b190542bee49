"""Policies and calendars in answers: every value comes from its own field, and examples have the shape of answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from service.rules import world as worlds
from service.rules.policy import Activation, Box, FairPlay, Hours, Policy, Weights
from service.rules.words import ClockKind, Level, Urgency
from service.store.registry.calendars import Day
from service.times import examples, views
from tests.registry.bundles import DAY, NOW
from tests.shapes import check

POLICY = Policy(
    "p",
    3,
    {(Level.STREET, Urgency.URGENT): (Box(1, 2, ClockKind.WORKING, "u-1"), Box(3, 4, ClockKind.CONTINUOUS))},
    verify_s=5,
    reopen_s=6,
    hours=Hours("cn", ((480, 720), (840, 1440))),
    warn=(50, 80),
    holds=7,
    hold_s=8,
    extensions=9,
    extend_percent=10,
    returns=11,
    suggestion_s=12,
    deliberation_s=13,
    weights=Weights(14, 15, 16, 17),
    fair_play=FairPlay(18, 19, 20, 21, 22, 23, 24),
    title="t",
)
"""A policy of which no two values are equal, so that no two of them can be exchanged."""


def test_a_policy_shows_each_of_its_values() -> None:
    assert views.policy(POLICY, active=True) == {
        "code": "p",
        "version": 3,
        "title": "t",
        "active": True,
        "verify_s": 5,
        "reopen_s": 6,
        "calendar": "cn",
        "hours": ["08:00-12:00", "14:00-24:00"],
        "warn": (50, 80),
        "holds": {"times": 7, "longest_s": 8},
        "extensions": {"times": 9, "percent": 10},
        "returns": 11,
        "suggestion_s": 12,
        "deliberation_s": 13,
        "score": {"answered": 14, "resolved": 15, "street": 16, "reporter": 17},
        "late": 18,
        "late_exit": 19,
        "unverified": 20,
        "spot_check": 21,
        "appeal_s": 22,
        "quota": {"reports": 23, "urgent": 24},
        "rows": [
            {"level": 2, "urgency": "urgent", "category": "u-1", "answer_s": 1, "resolve_s": 2, "clock": "working"},
            {"level": 2, "urgency": "urgent", "category": None, "answer_s": 3, "resolve_s": 4, "clock": "continuous"},
        ],
    }


def test_a_policy_without_working_time_has_no_hours() -> None:
    bare = views.policy(Policy("p", 1, {}, 5, 6), active=False)
    assert (bare["calendar"], bare["hours"], bare["active"]) == (None, [], False)


def test_a_version_lists_its_own_activations_alone() -> None:
    moments = [Activation(NOW - DAY, "p", 3), Activation(NOW, "p", 2), Activation(NOW + DAY, "p", 3)]
    second = Policy("p", 2, {}, 5, 6)
    world = worlds.build(1, policies=[POLICY, second], activations=moments)
    third = views.policy_version(POLICY, world, NOW)
    assert (third["activations"], third["active"]) == ([NOW - DAY, NOW + DAY], False)
    assert views.policy_version(second, world, NOW)["active"]
    assert views.policy_version(POLICY, world, NOW - timedelta(hours=1))["active"]


def test_a_day_shows_its_source_and_note() -> None:
    shown = views.day(Day(date(2026, 2, 14), True, "s", "n"))
    assert shown == {"day": "2026-02-14", "workday": True, "source": "s", "note": "n"}


def test_a_year_is_covered_when_all_its_days_are_known() -> None:
    years = views.coverage("cn", [(2026, 365, 365), (2028, 365, 366)])["years"]
    assert [(each["year"], each["days_known"], each["covered"]) for each in years] == [
        (2026, 365, True),
        (2028, 365, False),
    ]


@pytest.mark.parametrize(
    ("example", "view"),
    [
        (examples.POLICY, views.PolicyView),
        (examples.POLICY_VERSION, views.PolicyVersionView),
        (examples.DAY, views.DayView),
        (examples.DAYS_CHANGED, views.DaysChangedView),
        (examples.COVERAGE, views.CoverageView),
    ],
)
def test_an_example_has_the_shape_of_its_view(example: dict[str, Any], view: Any) -> None:
    check(view, example)
