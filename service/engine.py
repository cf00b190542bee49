"""The engine: at each deadline a bell rings, and the engine sweeps until no incident is due.

APScheduler is only the bell. It holds no business state (deadlines live in the database), so any number of engines run
at once and a restart forgets nothing. The bell is set to the nearest `wake_at`. When an act sets a nearer one, the bell
is set to that: through `wake` in this process, through the tail of the log in the others.
"""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from service import clock as clocks
from service.access.sessions import KEPT
from service.context import Context, Part
from service.escalation import seeding, sweep
from service.feed.tail import Tail
from service.rules.errors import Unavailable
from service.store.access import quotas, sessions
from service.store.incidents import claiming
from service.store.incidents.claiming import FIRST, WakePlace

_log = logging.getLogger(__name__)

_BACKSTOP = timedelta(seconds=5)
"""The bell rings at least this often: a ring may get lost, or another engine may die while it holds a due incident."""
_AFTER_FAULT = timedelta(seconds=1)
_MAX_RINGS = 1000
"""Rings at once. A ring takes no time, but APScheduler learns of its end a little later. At its own limit, which is
one, it would skip the next ring and warn of it."""
_EVERYWHERE_S = 4.0
"""How often a sweep begins at the first of all incidents, so at each ring of the backstop: somebody may have
moved a deadline by hand."""
_BETWEEN_SWEEPS = timedelta(milliseconds=30)
"""The pause after a sweep where more is due already, or locked by somebody else: deadlines gather, and nobody spins."""
_OVERDUE = timedelta(milliseconds=500)
_TIDY_EVERY_S = 600.0
"""How often the engine looks for counts of past days, and for sessions that are over."""
_KEPT = timedelta(days=1)
"""How long a count is kept after its day: no clock of a process is so far behind."""
SIDE_BY_SIDE = 3
"""Pages that are swept at once: while PostgreSQL writes some, Python decides another. With two pages, Python waits for
a fifth of the time; a fourth page gains nothing."""


class Engine(Part):
    """Fires deadlines for as long as it runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._clock = context.clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._next: datetime | None = None
        self.start_at = FIRST
        """The place from which on the next sweep looks for incidents. Nobody waits before it, as far as is known here:
        every deadline that is set is told to `wake`."""
        self._looked_everywhere_s = -math.inf
        self._nearest_set: datetime | None = None
        """The nearest deadline that was set since the last sweep began."""
        self._tidied_s = -math.inf
        self._bell = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep now, and from now on whenever the bell rings."""
        tail = self._context.part(Tail)
        tail.on_wake(self.wake)
        tail.on_beat(self.beat)
        self._scheduler.start()
        self._task = asyncio.create_task(self._run())
        self._bell.set()

    async def stop(self) -> None:
        """Sweep no more. A sweep that has begun is finished first."""
        if self._task is None:
            return
        self._stopping = True
        self._bell.set()
        await self._task
        self._task = None
        self._scheduler.shutdown(wait=False)

    def wake(self, at: datetime) -> None:
        """Ring the bell at `at` or earlier, since a deadline was set. During a sweep, `at` is kept for afterwards."""
        self._nearest_set = min(at, self._nearest_set or at)
        if self._next is None or at < self._next:
            self._ring_at(at)

    def beat(self) -> None:
        """Ring the bell if it should have rung already: APScheduler follows the wall clock of this host, which may be
        set back. The tail calls this on each of its rounds."""
        if self._next is not None and self._clock.now() > self._next + _OVERDUE:
            self._bell.set()

    def _ring_at(self, at: datetime) -> None:
        now = self._clock.now()
        self._next = max(at, now)
        self._scheduler.add_job(
            self._ring,
            DateTrigger(clocks.wall_time(self._next, now)),
            id="bell",
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=_MAX_RINGS,
        )

    async def _ring(self) -> None:
        # no work happens here: while a job runs, APScheduler skips the next run of the job for good
        self._bell.set()

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            if self._stopping:
                return
            self._next = None
            try:
                nearest = await self._sweep_all()
            except Unavailable:
                nearest = self._clock.now() + _AFTER_FAULT
            except Exception as error:  # whatever went wrong, the bell must be set again
                _log.exception("the sweep failed", extra={"event": "sweep_failed"})
                self._context.metrics.fault("engine", error)
                nearest = self._clock.now() + _AFTER_FAULT
            await self._tidy()
            moments = (nearest, self._next, self._clock.now() + _BACKSTOP)  # `wake` may have set `_next` meanwhile
            self._ring_at(min(moment for moment in moments if moment is not None))

    async def _sweep_all(self) -> datetime | None:
        """Sweep until no incident is due. Returns when to look again: at the nearest `wake_at`, or None."""
        if self._nearest_set is not None:
            self.start_at = min(self.start_at, WakePlace.at(self._nearest_set))
        if clocks.monotonic() - self._looked_everywhere_s >= _EVERYWHERE_S:
            self.start_at, self._looked_everywhere_s = FIRST, clocks.monotonic()
        self._nearest_set = None
        seeds = await seeding.ready(self._context.database, self._clock.now(), self._context.tell)
        front = sweep.Front(self.start_at, seeds)
        ended = await asyncio.gather(*(self._turns(front) for _ in range(SIDE_BY_SIDE)), return_exceptions=True)
        for error in ended:  # only now, when no page is under way any more
            if error is not None:
                raise error
        # from the place where the sweep began: who was passed over, since somebody had a lock, is found again
        async with self._context.database.read() as connection:
            nearest = await claiming.nearest(connection, self.start_at)
        self.start_at = front.place if nearest is None else nearest.just_before()
        return None if nearest is None else max(nearest.wake_at, self._clock.now() + _BETWEEN_SWEEPS)

    async def _turns(self, front: sweep.Front) -> None:
        """Sweep page after page, until a page is not full or the engine is to stop."""
        context, full = self._context, True
        while full and not self._stopping:
            swept = await sweep.run_once(context.database, context.worlds, self._clock.now(), context.tell, front=front)
            context.metrics.swept(swept.fired, swept.backed_off, swept.lateness)
            context.metrics.calls_ended(swept.decisions)
            full = swept.full

    async def _tidy(self) -> None:
        """Remove what was counted on past days, and sessions that are over, a piece at a time: what is left waits for
        the next ring. A failure stops no deadline: it is counted, and waits for the next time."""
        if clocks.monotonic() - self._tidied_s < _TIDY_EVERY_S:
            return
        before_s, self._tidied_s = self._tidied_s, clocks.monotonic()
        try:
            async with self._context.database.begin() as tx:
                now = self._clock.now()
                counts = await quotas.remove_before(tx, quotas.day_of(now) - _KEPT)
                over = await sessions.remove_past(tx, now, now - KEPT)
            if counts == quotas.MAX_PIECE or over == sessions.MAX_PIECE:
                self._tidied_s = before_s
        except Unavailable:
            pass  # the next sweep says so
        except Exception as error:  # whatever went wrong, deadlines fire
            _log.exception("counts of past days could not be removed", extra={"event": "tidy_failed"})
            self._context.metrics.fault("engine", error)
