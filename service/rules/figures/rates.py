"""Rates with their uncertainty: of three calls, a hundred percent says little."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from service.rules.figures.definition import Measure, Tally

_Z = 1.959963984540054
"""The standard normal quantile of a two-sided interval of 95 %."""
_DIGITS = 4


class Rate(NamedTuple):
    """`n` of `of` as a share from 0 to 1, and the Wilson score interval of 95 % around it; None when `of` is 0."""

    n: int
    of: int
    rate: float | None
    low: float | None
    high: float | None


def rate_of(n: int, of: int) -> Rate:
    """The rate of whole counts (Wilson, 1927: Probable inference, the law of succession, and statistical inference)."""
    if not of:
        return Rate(n, of, None, None, None)
    share, square = n / of, _Z * _Z / of
    middle = (share + square / 2) / (1 + square)
    reach = _Z * sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return Rate(n, of, round(share, _DIGITS), round(low, _DIGITS), round(high, _DIGITS))


def answered_in_time(tally: Tally) -> Rate:
    """The rate of calls answered in time, of all that count."""
    n = tally.counts
    return rate_of(n[Measure.ANSWERED_CREDITED], n[Measure.ANSWERABLE] + n[Measure.ACCOUNTABLE])


def resolved_in_time(tally: Tally) -> Rate:
    """The rate of calls resolved in time and verified, of all that count."""
    return rate_of(tally.counts[Measure.RESOLVED_CREDITED], tally.counts[Measure.RESOLVABLE])
