"""The score of a group: the weighted mean of its parts (see `definition`), in exact fractions until the last step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from service.rules.figures.definition import Measure, Period, Tally
from service.rules.policy import Policy, Weights
from service.rules.world import World

STARS = 5
"""The number of stars of the best rating."""


class ScorePart(NamedTuple):
    """One part of a score: `n` out of `of`, and the weight of the part."""

    n: int | Fraction
    of: int
    weight: int


COUNTED: Mapping[str, Measure] = {
    "answered": Measure.ANSWERABLE,
    "resolved": Measure.RESOLVABLE,
    "street": Measure.STREET_RATED,
    "reporter": Measure.REPORTER_RATED,
}
"""The measure whose calls each part is computed from."""


def parts(tally: Tally, weights: Weights) -> Mapping[str, ScorePart]:
    """The parts of a score; a part whose `of` is 0 has no data."""
    n = tally.counts
    return {
        "answered": ScorePart(n[Measure.ANSWERED_IN_TIME], n[Measure.ANSWERABLE], weights.answered),
        "resolved": ScorePart(n[Measure.RESOLVED_IN_TIME], n[Measure.RESOLVABLE], weights.resolved),
        "street": ScorePart(tally.street_stars, STARS * n[Measure.STREET_RATED], weights.street),
        "reporter": ScorePart(tally.reporter_stars, STARS * n[Measure.REPORTER_RATED], weights.reporter),
    }


def score(some: Mapping[str, ScorePart]) -> float | None:
    """The score from 0 to 100, rounded to hundredths, a half upwards; None when no part counts."""
    counted = [each for each in some.values() if each.of and each.weight]
    if not counted:
        return None
    mean = sum(Fraction(each.n * each.weight, each.of) for each in counted) / sum(each.weight for each in counted)
    return int(mean * 10_000 + Fraction(1, 2)) / 100


def policy_of(world: World, period: Period, now: datetime) -> Policy | None:
    """The policy in force when the period ends, or now if the period has not ended."""
    return world.active(min(now, period.end - timedelta(microseconds=1)))
