from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.rules import world as worlds
from service.rules.figures import scoring
from service.rules.figures.definition import Measure, Period, Tally, summed
from service.rules.figures.scoring import ScorePart
from service.rules.policy import Activation, Weights
from tests.rules.builders import POLICIES

PLAIN = {
    Measure.ANSWERED_IN_TIME: 6,
    Measure.ANSWERED_LATE: 1,
    Measure.MISSED_ANSWER: 3,
    Measure.EXEMPT_ANSWER: 2,
    Measure.RESOLVED_LEVEL_1: 4,
    Measure.RESOLVED_IN_TIME: 3,
    Measure.MISSED_RESOLVE: 2,
    Measure.EXEMPT_RESOLVE: 1,
    Measure.STREET_RATED: 2,
    Measure.REPORTER_RATED: 1,
}


def _tally(counts: dict[Measure, int] = PLAIN, street: int = 7, reporter: int = 5) -> Tally:
    return Tally(summed(counts), street, reporter)


def test_the_parts_are_shares_of_what_could_be_done_in_time() -> None:
    parts = scoring.parts(_tally(), Weights())
    assert parts == {
        "answered": ScorePart(6, 7 + 3 - 2, 30),
        "resolved": ScorePart(3, 4 + 2 - 1, 40),
        "street": ScorePart(7, 10, 20),
        "reporter": ScorePart(5, 5, 10),
    }
    assert scoring.score(parts) == pytest.approx(30 * 0.75 + 40 * 0.6 + 20 * 0.7 + 10 * 1.0)


def test_a_part_without_data_leaves_its_weight_to_the_others() -> None:
    counts = {Measure.ANSWERED_IN_TIME: 1, Measure.MISSED_ANSWER: 2, Measure.REPORTER_RATED: 1}
    parts = scoring.parts(_tally(counts, 0, 4), Weights())
    assert (parts["resolved"].of, parts["street"].of) == (0, 0)
    assert scoring.score(parts) == round((100 / 3 * 30 + 80 * 10) / 40, 2)


def test_a_weight_of_zero_leaves_a_part_out() -> None:
    assert scoring.score(scoring.parts(_tally(), Weights(1, 0, 0, 0))) == 75.0
    assert scoring.score(scoring.parts(_tally(), Weights(0, 0, 0, 0))) is None


def test_nothing_that_counts_is_no_score_and_nothing_well_done_is_zero() -> None:
    assert scoring.score(scoring.parts(_tally({}, 0, 0), Weights())) is None
    exempted = {Measure.MISSED_ANSWER: 2, Measure.EXEMPT_ANSWER: 2}
    assert scoring.score(scoring.parts(_tally(exempted, 0, 0), Weights())) is None
    assert scoring.score(scoring.parts(_tally({Measure.MISSED_ANSWER: 1}, 0, 0), Weights())) == 0.0


@pytest.mark.parametrize(
    ("n", "of", "score"), [(1, 3, 33.33), (2, 3, 66.67), (1, 8, 12.5), (1, 20_000, 0.01), (1, 1, 100.0)]
)
def test_two_places_half_rounded_up(n: int, of: int, score: float) -> None:
    assert scoring.score({"answered": ScorePart(n, of, 30)}) == score


def test_the_weights_are_those_in_force_when_the_period_ends_or_now() -> None:
    november = Period(2026, 11)
    begin = (datetime(2026, 1, 1, tzinfo=UTC), november.end - timedelta(days=1), november.end)
    policies = [replace(each, hours=None) for each in POLICIES]
    activations = [Activation(at, each.code, each.version) for at, each in zip(begin, policies, strict=True)]
    world = worlds.build(1, policies=policies, activations=activations)
    assert scoring.policy_of(world, november, november.end + timedelta(days=60)) == policies[1]
    assert scoring.policy_of(world, november, november.start) == policies[0]
    assert scoring.policy_of(world, Period(2025, 1), november.start) is None
