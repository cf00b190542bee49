from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from service.rules import world as worlds
from service.rules.figures import scoring
from service.rules.figures.definition import Measure, Period, Tally, summed
from service.rules.figures.scoring import ScorePart
from service.rules.policy import Activation, FairPlay, Weights
from tests.rules.builders import POLICIES

PLAIN_WEIGHTS = Weights()
PLAIN = {
    Measure.ANSWERED_CREDITED: 6,
    Measure.ANSWERABLE: 7,
    Measure.ACCOUNTABLE: 1,
    Measure.LATE_EXIT_ANSWER: 4,
    Measure.RESOLVED_CREDITED: 3,
    Measure.UNVERIFIED_CREDITED: 1,
    Measure.RESOLVABLE: 6,
    Measure.LATE_EXIT_RESOLVE: 2,
    Measure.STREET_RATED: 2,
    Measure.REPORTER_RATED: 1,
}


def _tally(counts: dict[Measure, int] = PLAIN, street: int = 7, reporter: int = 5) -> Tally:
    return Tally(summed(counts), street, reporter)


def _parts(tally: Tally, weights: Weights = PLAIN_WEIGHTS, **shares: int) -> Mapping[str, ScorePart]:
    return scoring.parts(tally, weights, FairPlay(**shares))


def test_the_parts_are_shares_of_what_could_be_done_in_time() -> None:
    parts = _parts(_tally())
    assert parts == {
        "answered": ScorePart(6, 7 + 1 + 2, 30),
        "resolved": ScorePart(Fraction(7, 2), 6 + 1, 40),
        "street": ScorePart(7, 10, 20),
        "reporter": ScorePart(5, 5, 10),
    }
    assert scoring.score(parts) == pytest.approx(30 * 0.6 + 40 * 0.5 + 20 * 0.7 + 10 * 1.0)


def test_a_part_without_data_leaves_its_weight_to_the_others() -> None:
    counts = {Measure.ANSWERED_CREDITED: 1, Measure.ANSWERABLE: 3, Measure.REPORTER_RATED: 1}
    parts = _parts(_tally(counts, 0, 4))
    assert (parts["resolved"].of, parts["street"].of) == (0, 0)
    assert scoring.score(parts) == round((100 / 3 * 30 + 80 * 10) / 40, 2)


def test_a_weight_of_zero_leaves_a_part_out() -> None:
    assert scoring.score(_parts(_tally(), Weights(1, 0, 0, 0))) == 60.0
    assert scoring.score(_parts(_tally(), Weights(0, 0, 0, 0))) is None


def test_nothing_that_counts_is_no_score_and_nothing_well_done_is_zero() -> None:
    assert scoring.score(_parts(_tally({}, 0, 0))) is None
    exempted = {Measure.MISSED_ANSWER: 2, Measure.EXEMPT_ANSWER: 2, Measure.LATE_EXIT: 1}
    assert scoring.score(_parts(_tally(exempted, 0, 0))) is None
    assert scoring.score(_parts(_tally({Measure.ANSWERABLE: 1}, 0, 0))) == 0.0


def test_the_policy_prices_late_exits_and_silence() -> None:
    free = _parts(_tally(), late_exit=0, unverified=100)
    assert (free["answered"].of, free["resolved"].n, free["resolved"].of) == (8, 4, 6)
    dear = _parts(_tally(), late_exit=100, unverified=0)
    assert (dear["answered"].of, dear["resolved"].n, dear["resolved"].of) == (12, 3, 8)


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
