"""The reporters' ratings of an outcome: one of each reporter of the incident or of one merged into it; the mean
counts."""

from __future__ import annotations

from fractions import Fraction

from service.rules.model import Call, IncidentOf, Rating

HUNDREDTHS = 100
"""Means are kept in hundredths of a star, so that their sums are exact."""


def ratings_of(call: Call, incident: IncidentOf[tuple[Call, ...]]) -> tuple[Rating, ...]:
    """The reporters' ratings of a call's outcome. One from before they were kept one by one is its reporter's."""
    if call.outcome_rating is None or call.outcome_ratings:
        return call.outcome_ratings
    return (Rating(incident.reporter, call.outcome_rating),)


def whole_mean(scores: tuple[int, ...]) -> int:
    """The mean in whole stars, a half upwards."""
    return int(Fraction(sum(scores), len(scores)) + Fraction(1, 2))


def mean(scores: tuple[int, ...]) -> int | None:
    """The mean in hundredths of a star, a half upwards; None for one score, which is its own mean."""
    return int(Fraction(HUNDREDTHS * sum(scores), len(scores)) + Fraction(1, 2)) if len(scores) > 1 else None


def hundredths(rating: int | None, mean_of_several: int | None) -> int:
    """A rating in hundredths of a star; 0 where there is none."""
    return mean_of_several if mean_of_several is not None else HUNDREDTHS * (rating or 0)


def stars(rating: int | None, mean_of_several: int | None) -> float | None:
    """A rating as people see it: the whole stars of one reporter, or the mean of several."""
    return rating if mean_of_several is None else mean_of_several / HUNDREDTHS
