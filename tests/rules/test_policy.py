"""One version of the time rules: the row that fits, and what a policy that says nothing more means."""

from __future__ import annotations

import pytest

from service.rules.policy import Box, FairPlay, Policy, Weights
from service.rules.words import ClockKind, Kind, Level, Urgency

DAY_S = 86_400
KEY = (Level.STREET, Urgency.NORMAL)
BOXES = {
    KEY: (
        Box(1, 10, ClockKind.WORKING, "u-0101"),
        Box(2, 20, ClockKind.WORKING, "u-01"),
        Box(3, 30, ClockKind.CONTINUOUS),
    )
}


def test_a_policy_that_says_no_more_has_these_limits() -> None:
    policy = Policy("p", 1, {}, 1, 1)
    assert (policy.holds, policy.hold_s) == (3, 365 * DAY_S)
    assert (policy.extensions, policy.extend_percent) == (3, 100)
    assert (policy.returns, policy.warn, policy.hours, policy.title) == (2, (), None, "")
    assert policy.fair_play == FairPlay(80, 50, 50, 5, 10 * DAY_S, 300, 30)
    assert policy.weights == Weights(answered=30, resolved=40, street=20, reporter=10) == Weights(30, 40, 20, 10)


def test_only_suggestions_and_deliberations_wait() -> None:
    policy = Policy("p", 1, {}, 1, 1)
    assert {kind: policy.parked_s(kind) for kind in Kind} == {
        Kind.INCIDENT: 0,
        Kind.SUGGESTION: 30 * DAY_S,
        Kind.DELIBERATION: 60 * DAY_S,
    }


@pytest.mark.parametrize(("category", "answer_s"), [("u-0101", 1), ("u-010199", 1), ("u-0102", 2), ("x", 3), ("u", 3)])
def test_the_row_with_the_longest_prefix_fits(category: str, answer_s: int) -> None:
    assert Policy("p", 1, BOXES, 1, 1).box(*KEY, category).answer_s == answer_s


def test_a_hole_is_named() -> None:
    policy = Policy("p", 7, {KEY: BOXES[KEY][:2]}, 1, 1)
    with pytest.raises(LookupError, match="policy p version 7 has no row for level 2, normal, x"):
        policy.box(*KEY, "x")
