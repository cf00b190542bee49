"""What has changed in a month since it was closed.

The figures of a closed month are frozen, and its calls live on: an appeal is granted, what was pending is verified,
what was closed comes back. Each count that has another value by now is a correction. Only what adds up is corrected:
counts, seconds on hold and stars, from which rates and scores follow. Medians and percentiles stay as they were frozen;
the counts of the calls that they are made of are corrected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from service.rules.figures.definition import Measure, Tallies, Tally

Amount = int | Fraction
HELD_S, STREET_STARS, REPORTER_STARS = "held_s", "street_stars", "reporter_stars"
COUNTED_FROM: Mapping[str, Measure] = {
    **{measure.value: measure for measure in Measure},
    HELD_S: Measure.HOLDS,
    STREET_STARS: Measure.STREET_RATED,
    REPORTER_STARS: Measure.REPORTER_RATED,
}
"""What may be corrected, by its name, in the order in which it is shown, and the measure that has its calls."""
_NOTHING = Tally(dict.fromkeys(Measure, 0))


class CorrectedFigure(NamedTuple):
    """A figure of a group that was frozen as `was` and is counted as `now`. `name` is one of `COUNTED_FROM`."""

    group: str
    name: str
    was: Amount
    now: Amount


def corrections(frozen: Tallies, counted: Tallies) -> list[CorrectedFigure]:
    """The figures of groups that differ, in the order of codes. Those of all groups together are their sums."""
    return [each for code in sorted({*frozen.groups, *counted.groups}) for each in _of_group(code, frozen, counted)]


def _of_group(code: str, frozen: Tallies, counted: Tallies) -> Iterator[CorrectedFigure]:
    was, now = (amounts(each.groups.get(code, _NOTHING)) for each in (frozen, counted))
    for name in COUNTED_FROM:
        if was[name] != now[name]:
            yield CorrectedFigure(code, name, was[name], now[name])


def amounts(tally: Tally) -> dict[str, Amount]:
    """What adds up of a group's figures, by its name."""
    counts = {measure.value: n for measure, n in tally.counts.items()}
    others = {HELD_S: tally.held_s, STREET_STARS: tally.street_stars, REPORTER_STARS: tally.reporter_stars}
    return {**counts, **others}
