"""What makes two incidents candidates for a merge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.rules.similarity import Likeness

DAYS_30 = timedelta(days=30)


@pytest.mark.parametrize(
    ("likeness", "is_candidate"),
    [
        (Likeness(True, True, None, timedelta()), True),
        (Likeness(True, True, 100.0, DAYS_30), True),
        (Likeness(False, True, None, timedelta()), False),
        (Likeness(True, False, None, timedelta()), False),
        (Likeness(True, True, 100.01, timedelta()), False),
        (Likeness(True, True, None, DAYS_30 + timedelta(microseconds=1)), False),
    ],
)
def test_a_candidate_is_of_the_same_line_place_and_time(likeness: Likeness, is_candidate: bool) -> None:
    assert likeness.is_candidate == is_candidate
