"""The service's time: the database's in production, a value in trials. Never the wall clock of this host."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from service import clock
from service.clock import ClockNotSetError, DatabaseClock, VirtualClock

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Hand:
    """A monotonic clock that is moved by hand, in seconds."""

    def __init__(self, reads: float = 1000.0) -> None:
        self.reads = reads

    def __call__(self) -> float:
        return self.reads


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_before_the_first_reading_asking_for_the_time_is_a_clear_error() -> None:
    with pytest.raises(ClockNotSetError, match="synchronise"):
        DatabaseClock().now()


def test_the_time_is_the_databases_at_the_middle_of_the_round_trip() -> None:
    hand = Hand()
    database_clock = DatabaseClock(hand)
    database_clock.observe(NINE, before=1000.0, after=1000.4)
    hand.reads = 1000.2
    assert database_clock.now() == NINE
    assert database_clock.now().tzinfo is UTC


def test_between_readings_it_runs_with_the_monotonic_clock() -> None:
    hand = Hand()
    database_clock = DatabaseClock(hand)
    database_clock.observe(NINE, 1000.0, 1000.0)
    hand.reads += 30
    assert database_clock.now() == NINE + seconds(30)


def test_a_jump_of_this_hosts_wall_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return NINE + timedelta(days=1)

    hand = Hand()
    database_clock = DatabaseClock(hand)
    database_clock.observe(NINE, 1000.0, 1000.0)
    monkeypatch.setattr(clock, "datetime", Tomorrow)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    hand.reads += 1
    assert database_clock.now() == NINE + seconds(1)


def test_a_reading_that_could_be_right_moves_nothing_however_slow_it_was() -> None:
    hand = Hand()
    database_clock = DatabaseClock(hand)
    database_clock.observe(NINE, 1000.0, 1000.001)
    held = database_clock.now()
    database_clock.observe(NINE + seconds(60), before=1057.0, after=1062.0)
    assert database_clock.now() == held


def test_a_reading_that_shows_drift_moves_the_clock_forward() -> None:
    hand = Hand()
    database_clock = DatabaseClock(hand)
    database_clock.observe(NINE, 1000.0, 1000.0)
    hand.reads = 1060.0
    database_clock.observe(NINE + seconds(60.02), 1060.0, 1060.001)
    assert database_clock.now() - (NINE + seconds(60)) == seconds(0.0195)


def test_a_correction_backwards_lets_the_time_stand_still_and_never_go_back() -> None:
    hand = Hand()
    database_clock = DatabaseClock(hand)
    database_clock.observe(NINE, 1000.0, 1000.0)
    assert database_clock.now() == NINE
    database_clock.observe(NINE - seconds(2), 1000.0, 1000.0)
    seen = []
    for hand.reads in (1000.0, 1001.0, 1002.0, 1003.0):
        seen.append(database_clock.now())
    assert seen == [NINE, NINE, NINE, NINE + seconds(1)]


def test_a_large_correction_is_logged_and_a_small_one_is_not(caplog: pytest.LogCaptureFixture) -> None:
    database_clock = DatabaseClock(Hand())
    with caplog.at_level(logging.INFO):
        database_clock.observe(NINE, 1000.0, 1000.0)
        database_clock.observe(NINE + seconds(0.1), 1000.0, 1000.0)
        assert caplog.records == []
        database_clock.observe(NINE + seconds(100), 1000.0, 1000.0)
    assert [record.getMessage() for record in caplog.records] == ["the database's clock moved by 99.900 s"]


def test_the_virtual_clock_stands_still_until_it_is_moved() -> None:
    virtual = VirtualClock(NINE.astimezone(timezone(timedelta(hours=8))))
    assert virtual.now() == virtual.now() == NINE
    assert virtual.now().tzinfo is UTC
    virtual.move_to(NINE + seconds(90))
    virtual.move_to(NINE + seconds(90))
    assert virtual.now() == NINE + seconds(90)


def test_the_virtual_clock_never_goes_back() -> None:
    virtual = VirtualClock(NINE)
    with pytest.raises(ValueError, match="cannot go back"):
        virtual.move_to(NINE - seconds(0.001))
    assert virtual.now() == NINE


def test_a_virtual_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        VirtualClock(NINE.replace(tzinfo=None))
    with pytest.raises(ValueError, match="offset"):
        VirtualClock(NINE).move_to(NINE.replace(tzinfo=None))


def test_wall_time_is_as_far_from_the_wall_clock_as_the_moment_is_from_now() -> None:
    before = datetime.now(UTC)
    rings = clock.wall_time(NINE + seconds(30), now=NINE)
    assert before + seconds(30) <= rings <= datetime.now(UTC) + seconds(30)
    assert clock.wall_time(NINE - seconds(5), now=NINE) < datetime.now(UTC)


def test_monotonic_measures_seconds() -> None:
    assert 0 <= clock.monotonic() - clock.monotonic() + 1 <= 1
