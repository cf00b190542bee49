"""The score of a group: the weighted mean of its parts (see `definition`), in exact fractions until the last step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from service.rules.figures.definition import Measure, Period, Tally
from service.rules.policy import FairPlay, Policy, Weights
from service.rules.world import World

STARS = 5
"""The number of stars of the best rating."""


class ScorePart(NamedTuple):
    """One part of a score: `n` out of `of`, and the weight of the part. A late exit and a resolution that nobody
    verified count as shares of a call."""

    n: Fraction | int
    of: Fraction | int
    weight: int


COUNTED: Mapping[str, Measure] = {
    "answered": Measure.ANSWERABLE,
    "resolved": Measure.RESOLVABLE,
    "street": Measure.STREET_RATED,
    "reporter": Measure.REPORTER_RATED,
}
"""The measure whose calls each part is computed from."""


def parts(tally: Tally, weights: Weights, fair_play: FairPlay) -> Mapping[str, ScorePart]:
    """The parts of a score; a part whose `of` is 0 has no data."""
    counts = tally.counts

    def of(measure: Measure, percent: int = 100) -> Fraction:
        return Fraction(counts[measure] * percent, 100)

    late_exit = fair_play.late_exit
    answerable = of(Measure.ANSWERABLE) + of(Measure.ACCOUNTABLE) + of(Measure.LATE_EXIT_ANSWER, late_exit)
    resolvable = of(Measure.RESOLVABLE) + of(Measure.LATE_EXIT_RESOLVE, late_exit)
    resolved = of(Measure.RESOLVED_CREDITED) + of(Measure.UNVERIFIED_CREDITED, fair_play.unverified)
    street, reporter = STARS * of(Measure.STREET_RATED), STARS * of(Measure.REPORTER_RATED)
    return {
        "answered": ScorePart(of(Measure.ANSWERED_CREDITED), answerable, weights.answered),
        "resolved": ScorePart(resolved, resolvable, weights.resolved),
        "street": ScorePart(tally.street_stars, street, weights.street),
        "reporter": ScorePart(tally.reporter_stars, reporter, weights.reporter),
    }


def score(some: Mapping[str, ScorePart]) -> float | None:
    """The score from 0 to 100, rounded to hundredths, a half upwards; None when no part counts."""
    counted = [each for each in some.values() if each.of and each.weight]
    if not counted:
        return None
    mean = sum(Fraction(each.n * each.weight) / each.of for each in counted) / sum(each.weight for each in counted)
    return int(mean * 10_000 + Fraction(1, 2)) / 100


def policy_of(world: World, period: Period, now: datetime) -> Policy | None:
    """The policy in force when the period ends, or now if the period has not ended."""
    return world.active(min(now, period.end - timedelta(microseconds=1)))
