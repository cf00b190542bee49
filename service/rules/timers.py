"""The timers that count a box's time: every second (`CONTINUOUS`) or working time alone (`worktime.WorkCalendar`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from service.rules.worktime import Segment


class Timer(Protocol):
    """Counts the time between instants, exact to the microsecond."""

    def due(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest instant at which `amount` has passed since `start`."""
        ...

    def before(self, end: datetime, amount: timedelta) -> datetime:
        """The latest instant from which `amount` still passes until `end`."""
        ...

    def counted(self, start: datetime, end: datetime) -> timedelta:
        """The time that passes between two instants; nothing when `end` is not later."""
        ...

    def segments(self, start: datetime, end: datetime) -> tuple[Segment, ...]:
        """The stretches that make up `counted`, in order."""
        ...

    def is_provisional(self, start: datetime, end: datetime) -> bool:
        """Whether the time between the two reaches into a year whose holidays are not published."""
        ...


class _Continuous:
    """The timer that counts every second, nights, weekends and holidays included."""

    def due(self, start: datetime, amount: timedelta) -> datetime:
        return start + amount

    def before(self, end: datetime, amount: timedelta) -> datetime:
        return end - amount

    def counted(self, start: datetime, end: datetime) -> timedelta:
        return max(end - start, timedelta())

    def segments(self, start: datetime, end: datetime) -> tuple[Segment, ...]:
        return (Segment(start, end, end - start),) if end > start else ()

    def is_provisional(self, start: datetime, end: datetime) -> bool:
        return False


CONTINUOUS: Timer = _Continuous()
