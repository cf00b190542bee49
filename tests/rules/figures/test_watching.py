"""Shares and medians, and how far a sign looks beyond its month."""

from __future__ import annotations

from datetime import UTC, datetime

from service.rules.figures.definition import Period
from service.rules.figures.watching import OPS_SIGNS, Sign, SignShare, Watch, last_end, last_report

NOTHING = dict.fromkeys(Sign, SignShare(0, 0))


def _watch(*raised: SignShare) -> Watch:
    units = {f"unit-{n}": {**NOTHING, Sign.RAISED: share} for n, share in enumerate(raised)}
    return Watch(units, dict.fromkeys(OPS_SIGNS, SignShare(9, 9)))


def test_a_share_of_nothing_is_none() -> None:
    rates = [SignShare(n, of).rate for n, of in ((1, 3), (0, 3), (3, 3), (0, 0))]
    assert rates == [0.3333, 0.0, 1.0, None]


def test_the_median_is_of_the_units_that_have_a_share() -> None:
    assert _watch(SignShare(1, 2), SignShare(0, 7), SignShare(1, 4), SignShare(0, 0)).medians()[Sign.RAISED] == 0.25
    assert _watch(SignShare(1, 3), SignShare(1, 2)).medians()[Sign.RAISED] == 0.4167, "the mean of 1/3 and 1/2"


def test_without_a_share_there_is_no_median() -> None:
    """What ops decided is no share of a unit."""
    assert set(_watch(SignShare(0, 0)).medians().values()) == set(_watch().medians().values()) == {None}


def test_a_month_looks_four_weeks_ahead() -> None:
    november = Period(2026, 11)
    assert last_end(november) == datetime(2026, 12, 14, 16, tzinfo=UTC)
    assert last_report(november) == datetime(2026, 12, 28, 16, tzinfo=UTC)
