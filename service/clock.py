"""The only module that reads the time. All other code receives `now`, an aware UTC datetime.

In production the service's time is the database's: each process keeps the distance between the database's clock and
its own monotonic clock, so a wrong or jumping wall clock on one host changes nothing. On the virtual clock, time stands
still until it is moved.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from service.store.database import Database
from service.store.registry import deployment

_log = logging.getLogger(__name__)

_READINGS = 3
"""Readings in one synchronisation. Only the quickest reading counts, since its round trip limits its error."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The service's time as an aware UTC datetime. Within one process it never goes back."""
        ...


def host_time() -> datetime:
    """The time of this host (UTC), for what others have dated by theirs, such as the token of an issuer. The service's
    own times go by its `Clock`."""
    return datetime.now(UTC)


class ClockNotSetError(RuntimeError):
    """`now()` was called before the first synchronisation, which is a fault in the order of the start."""


class DatabaseClock:
    """The database's time. Between two readings of it, this process's monotonic clock counts on.

    `now()` never goes back. When the database's clock is put back, `now()` stands still until it has caught up.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._zero: datetime | None = None  # the database's time when the monotonic clock read 0
        self._latest: datetime | None = None

    def now(self) -> datetime:
        """The service's time. Raises `ClockNotSetError` before the first synchronisation."""
        if self._zero is None:
            raise ClockNotSetError("the clock was never set by the database: await clock.synchronise(database) first")
        read = self._zero + timedelta(seconds=self._monotonic())
        if self._latest is None or read > self._latest:
            self._latest = read
        return self._latest

    async def synchronise(self, database: Database) -> None:
        """Read the database's time and set the clock by it. Raises `Unavailable`; the clock then runs on as it was."""
        readings = []
        async with database.read() as connection:
            for _ in range(_READINGS):
                before = self._monotonic()
                server = await deployment.server_time(connection)
                readings.append((self._monotonic() - before, server, before))
        took, server, before = min(readings)
        self.observe(server, before, before + took)

    def observe(self, server: datetime, before: float, after: float) -> None:
        """Set the clock by one reading: the database's clock showed `server` between `before` and `after` (monotonic
        seconds).

        A reading gives the earliest and the latest distance that the two clocks can have. While the present distance
        lies between these, it is kept, so a slow reading does no harm. Otherwise the middle of the two is taken, which
        is wrong by at most half the round trip.
        """
        earliest, latest = server - timedelta(seconds=after), server - timedelta(seconds=before)
        if self._zero is not None and earliest <= self._zero <= latest:
            return
        middle = earliest + (latest - earliest) / 2
        if self._zero is not None and abs(middle - self._zero) > timedelta(seconds=1):
            moved = (middle - self._zero).total_seconds()
            _log.warning("the database's clock moved by %.3f s", moved, extra={"event": "clock_moved"})
        self._zero = middle


class VirtualClock:
    """A clock for trials: it stands still until it is moved, and moves only forward."""

    def __init__(self, start: datetime) -> None:
        self._now = _utc(start)

    def now(self) -> datetime:
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Set the time to `moment`. Raises ValueError when `moment` lies before now or has no offset."""
        moment = _utc(moment)
        if moment < self._now:
            raise ValueError(f"time cannot go back: it is {self._now.isoformat()}, asked for {moment.isoformat()}")
        self._now = moment


def wall_time(at: datetime, now: datetime) -> datetime:
    """The time on the wall clock of this host at the service's time `at`. Only a scheduler needs it, for its run dates.

    `now` is the service's time. An `at` in the past gives a wall time in the past.
    """
    return datetime.now(UTC) + (at - now)


def offset_s(clock: Clock) -> float | None:
    """The seconds by which the service's time is ahead of the wall clock of this host. None on the virtual clock, and
    before the first synchronisation."""
    if isinstance(clock, VirtualClock):
        return None
    try:
        return (clock.now() - datetime.now(UTC)).total_seconds()
    except ClockNotSetError:
        return None


def monotonic() -> float:
    """Seconds on this process's monotonic clock, for measuring how long something takes. They are never stored."""
    return time.monotonic()


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset from UTC")
    return moment.astimezone(UTC)


def of(start: datetime | Literal["now"] | None) -> Clock:
    """The clock of a process: the database's, or a virtual one that starts at `start`."""
    if start is None:
        return DatabaseClock()
    return VirtualClock(datetime.now(UTC) if start == "now" else start.astimezone(UTC))
