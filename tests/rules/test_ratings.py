"""Ratings of several reporters: the mean counts, and sums of means are exact."""

from __future__ import annotations

import pytest

from service.rules import ratings


@pytest.mark.parametrize(
    ("scores", "whole", "mean", "shown"),
    [
        ((4,), 4, None, 4),
        ((5, 2), 4, 350, 3.5),
        ((1, 2, 2), 2, 167, 1.67),
        ((5, 5), 5, 500, 5.0),
        ((1, 1, 2), 1, 133, 1.33),
    ],
)
def test_a_mean_is_in_hundredths(scores: tuple[int, ...], whole: int, mean: int | None, shown: float) -> None:
    assert (ratings.whole_mean(scores), ratings.mean(scores)) == (whole, mean)
    assert ratings.stars(whole, mean) == shown
    assert ratings.hundredths(whole, mean) == round(shown * 100)


def test_nothing_rated_is_nothing() -> None:
    assert (ratings.stars(None, None), ratings.hundredths(None, None)) == (None, 0)
