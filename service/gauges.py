"""The gauges of `/metrics` that somebody has to read: how the open incidents stand, how far the calendar reaches.

A scrape never waits for the database. It shows what was read last, says how old that is, and has it read again in the
background, if it is no longer fresh.
"""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import timedelta

from service import clock as clocks
from service.context import Context, TaskPart
from service.feed.tail import Tail
from service.rules.errors import Unavailable
from service.rules.words import Level
from service.rules.worktime import ZONE
from service.store.database import StatementRefused
from service.store.incidents import claiming, standing

_log = logging.getLogger(__name__)

_FRESH_S = 15.0
"""How long the gauges that come from the database are fresh."""
_REST = 50
"""The pause after a reading lasts at least this many times as long as the reading: it never takes more than a fiftieth
of one core of the database, however many incidents are open."""
_LIMIT_S = 3.0
_MAX_DAYS = 400


class Gauges(TaskPart):
    """Keeps the gauges of one process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted = asyncio.Event()
        self._read_at: float | None = None

    def start(self) -> None:
        self._wanted.set()
        super().start()

    def scrape(self) -> None:
        """Set the gauges that the process knows by itself, and have the others read again soon."""
        metrics, tail = self._context.metrics, self._context.part(Tail)
        metrics.feed_position.set(tail.position)
        metrics.feed_lag_s.set(tail.lag_s)
        metrics.clock_offset_s.set(_or_nan(clocks.offset_s(self._context.clock)))
        metrics.calendar_days_left.set(self._days_left())
        metrics.gauges_age_s.set(_or_nan(None if self._read_at is None else clocks.monotonic() - self._read_at))
        self._wanted.set()

    async def refresh(self) -> None:
        """Read the gauges of the deployment from the database. Raises `Unavailable`."""
        context = self._context
        async with asyncio.timeout(2 * _LIMIT_S), context.database.read() as connection:
            found = await standing.by_level(connection, round(_LIMIT_S * 1000))
            put_aside = await claiming.put_aside(connection)
        now, metrics = context.clock.now(), context.metrics
        overdue_s = {level: (now - each.oldest_due_at).total_seconds() for level, each in found.items()}
        for level in Level:
            metrics.open_incidents.labels(level.value).set(found[level].open if level in found else 0)
            metrics.oldest_due_s.labels(level.value).set(max(0.0, overdue_s.get(level, 0.0)))
        metrics.engine_lag_s.set(max(0.0, *overdue_s.values(), 0.0))
        metrics.put_aside.set(put_aside.incidents)
        self._read_at = clocks.monotonic()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            began = clocks.monotonic()
            try:
                await self.refresh()
            except Unavailable:
                pass  # the outage is in the log already
            except (StatementRefused, TimeoutError) as error:
                _log.warning("the gauges are not read anew: %s", error, extra={"event": "gauges_stale"})
            except Exception as error:
                _log.exception("the gauges cannot be read", extra={"event": "gauges_failed"})
                self._context.metrics.fault("gauges", error)
            await asyncio.sleep(max(_FRESH_S, _REST * (clocks.monotonic() - began)))
            self._wanted.clear()  # only now, so that whoever scrapes often has them read no more often

    def _days_left(self) -> float:
        """The days from today to the first that the calendar of the policy in force does not know; infinite when every
        clock of the policy is continuous, and not a number before the world is loaded."""
        world = self._context.worlds.world
        try:
            now = self._context.clock.now()
        except clocks.ClockNotSetError:
            return math.nan
        policy = world.active(now)
        if policy is None or policy.hours is None:
            return math.nan if policy is None else math.inf
        calendar, today = world.calendars[policy.hours], now.astimezone(ZONE).date()
        return float(next((n for n in range(_MAX_DAYS) if not calendar.knows(today + timedelta(days=n))), _MAX_DAYS))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
