"""The timer of boxes that run day and night: all of the time counts, and all of it is known."""

from __future__ import annotations

from datetime import timedelta

from service.rules.timers import CONTINUOUS
from service.rules.worktime import Segment
from tests.rules.builders import NOW, later

HOUR = timedelta(hours=1)


def test_every_second_counts_forwards_and_backwards() -> None:
    assert CONTINUOUS.due(NOW, HOUR) == later(hours=1)
    assert CONTINUOUS.before(later(hours=1), HOUR) == NOW
    assert CONTINUOUS.counted(NOW, later(hours=30)) == 30 * HOUR


def test_nothing_is_counted_backwards() -> None:
    assert CONTINUOUS.counted(later(hours=1), NOW) == timedelta()
    assert CONTINUOUS.segments(later(hours=1), NOW) == ()
    assert CONTINUOUS.segments(NOW, NOW) == ()


def test_all_of_it_is_one_stretch_and_sure() -> None:
    assert CONTINUOUS.segments(NOW, later(hours=2)) == (Segment(NOW, later(hours=2), 2 * HOUR),)
    assert CONTINUOUS.is_provisional(NOW, later(days=9999)) is False
