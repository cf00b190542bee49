"""The engine: a bell that rings at the next deadline and sweeps until nothing is due.

APScheduler is only the bell. It holds no business state (deadlines live in the database), so any number of engines run
at once and a restart forgets nothing. The bell is set to the nearest `wake_at`; a nearer one rings it earlier: in this
process through `wake`, from others through the tail of the log.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from service import clock as clocks
from service.clock import Clock
from service.escalation import sweep
from service.escalation.sweep import Swept, Tell
from service.registry.current import CurrentWorld
from service.rules.errors import Unavailable
from service.store import incidents
from service.store.database import Database
from service.web.metrics import Metrics

_log = logging.getLogger(__name__)

_BACKSTOP = timedelta(seconds=5)
"""Look again after this long even if nobody rang: a row another engine held when it died, a lost ring."""
_AFTER_FAULT = timedelta(seconds=1)
_SIDE_BY_SIDE = 2
"""Pages in flight at once: while PostgreSQL writes one, Python decides the other."""


class Engine:
    """Fires deadlines for as long as it runs. `start` and `stop` once each."""

    def __init__(self, database: Database, worlds: CurrentWorld, clock: Clock, tell: Tell, metrics: Metrics) -> None:
        self._database = database
        self._worlds = worlds
        self._clock = clock
        self._tell = tell
        self._metrics = metrics
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._next: datetime | None = None
        self._sweeping = asyncio.Lock()
        self._rung = False

    def start(self) -> None:
        self._scheduler.start()
        self._ring_at(self._clock.now())

    async def stop(self) -> None:
        """Let a sweep that is under way finish, then ring no more."""
        self._scheduler.pause()
        async with self._sweeping:
            self._scheduler.shutdown(wait=False)

    def wake(self, at: datetime) -> None:
        """A deadline was set: ring no later than `at`. A ring during a sweep is remembered."""
        if self._sweeping.locked():
            self._rung = True
        elif self._next is None or at < self._next:
            self._ring_at(at)

    def _ring_at(self, at: datetime) -> None:
        now = self._clock.now()
        self._next = max(at, now)
        self._scheduler.add_job(
            self._on_ring,
            DateTrigger(clocks.wall_time(self._next, now)),
            id="bell",
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    async def _on_ring(self) -> None:
        if self._sweeping.locked():
            self._rung = True
            return
        async with self._sweeping:
            try:
                nearest = await self._sweep_all()
            except Unavailable:
                nearest = self._clock.now() + _AFTER_FAULT
            except Exception:  # whatever it was, the bell must be set again
                _log.exception("the sweep failed", extra={"event": "sweep_failed"})
                nearest = self._clock.now() + _AFTER_FAULT
        backstop = self._clock.now() + _BACKSTOP
        self._next = None
        self._ring_at(min(nearest, backstop) if nearest else backstop)

    async def _sweep_all(self) -> datetime | None:
        """Sweep until nothing is due; returns the nearest `wake_at` still ahead."""
        while True:
            self._rung = False
            turns = await asyncio.gather(*(self._turns() for _ in range(_SIDE_BY_SIDE)))
            if not any(turns) and not self._rung:
                break
        async with self._database.read() as connection:
            return await incidents.next_wake(connection)

    async def _turns(self) -> int:
        """Take pages while they come back full. Returns how many deadlines fired."""
        fired = 0
        while True:
            swept = await sweep.run_once(self._database, self._worlds, self._clock.now(), self._tell)
            self._metrics_of(swept)
            fired += swept.fired
            if not swept.full:
                return fired

    def _metrics_of(self, swept: Swept) -> None:
        self._metrics.swept(swept.fired, swept.put_aside, swept.lateness)
