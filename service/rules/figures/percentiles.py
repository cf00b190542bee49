"""The median and the 90th percentile of durations, exact: whole microseconds until the last step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PERCENTS = (50, 90)


class Spread(NamedTuple):
    """The median and the 90th percentile in seconds; None when there are no durations."""

    median: float | None = None
    p90: float | None = None


def spread_of(microseconds: Sequence[int]) -> Spread:
    """The percentiles of these durations."""
    ordered = sorted(microseconds)
    picks = [ordered[min(len(ordered) - 1, place + up)] for place in _places(len(ordered)) for up in (0, 1)]
    return spread(len(ordered), picks)


def _places(many: int) -> list[int]:
    return [(many - 1) * percent // 100 for percent in PERCENTS] if many else []


def spread(many: int, picks: Sequence[int]) -> Spread:
    """The percentiles of `many` durations. `picks` are the two neighbours of each in microseconds: low and high of the
    median, then of the 90th percentile. All arithmetic is in whole numbers, so that Python and SQL get the same."""
    if not many:
        return Spread()
    values = []
    for n, percent in enumerate(PERCENTS):
        low, high, share = picks[2 * n], picks[2 * n + 1], (many - 1) * percent % 100
        hundredths_us = low * (100 - share) + high * share
        values.append((hundredths_us + 50_000) // 100_000 / 1000)
    return Spread(*values)
