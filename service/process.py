"""One running process: its parts, the order in which they start and stop, and how it waits for the database.

A start never fails because the database cannot be reached: the process answers `/healthz`, refuses everything else with
503, and goes on by itself once the database is reachable and migrated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, FastAPI, Request

from service import clock as clocks
from service import metrics
from service.access import issuer as issuers
from service.access.gate import look_again
from service.access.issuer import Issuer
from service.access.issuer_change import IssuerChange
from service.access.secret_keys import KeySource, Secrets
from service.clock import Clock, DatabaseClock, VirtualClock
from service.context import Context, Part, RepeatedPart, TurnFault
from service.engine import Engine
from service.escalation.advance import Advancer
from service.escalation.erasing import Erasure
from service.feed.stretches import LogStretches
from service.feed.tail import Tail
from service.gauges import Gauges
from service.look import Look
from service.queues.pages import SharedPages
from service.queues.tags import QueueTags
from service.room import Room
from service.rules.errors import Unavailable
from service.settings import EngineMode, Settings
from service.store import lanes, migrate, pooling
from service.store.incidents.claiming import FIRST, WakePlace
from service.store.log import numbering
from service.store.outages import Outages
from service.store.registry import deployment
from service.web import openapi
from service.web.cursors import Cursors
from service.web.people_database import PeopleDatabase
from service.web.waiting import HeldRequests, Wakeups
from service.worlds import CurrentWorld

_log = logging.getLogger(__name__)

_TRY_AGAIN_S = 1.0
_MAX_PARTS_S = 1.0
"""Seconds that all parts together may take to stop. What takes longer waits for a database that does not answer. No
part takes more than half of what is left: one that hangs leaves time for those behind it to end their statements."""
_MAX_CLOSE_S = 1.5
"""Seconds that the goodbye to the database may take. After that the end of the process cuts its connections."""
_NO_DATABASE = "postgresql+asyncpg://nowhere/nowhere"


class Process:
    """Everything that lives as long as the process. The rooms receive its `context` only."""

    def __init__(self, settings: Settings, clock: Clock, rooms: Sequence[Room]) -> None:
        self.settings = settings
        self.clock = clock
        self.metrics = metrics.new(openapi.version())
        outages = Outages(self.metrics.database_fault)
        url = settings.database_url or _NO_DATABASE
        self.lanes = lanes.open_to(url, settings.pool_size, outages, people=PeopleDatabase)
        self.database = self.lanes.people
        self.worlds = CurrentWorld()
        self.held, self.wakeups = HeldRequests(look_again([room.door for room in rooms])), Wakeups()
        self.metrics.held_now.set_function(lambda: len(self.held))
        queues = QueueTags(self.wakeups)
        self.tail = Tail(self.lanes.tail, queues, self.metrics, clock)
        self.ready = asyncio.Event()
        self.obstacle = ""
        """Why the process is not ready yet; empty while nobody knows of a reason."""
        self.look: Look[Any] = Look()
        self.is_stopping = False
        self.trouble = ""
        """What is known about a database that cannot be reached, for /readyz; empty: what the database itself says."""
        advancer = None
        by_class: dict[type, object] = {QueueTags: queues, SharedPages: SharedPages(), Tail: self.tail}
        by_class.update({HeldRequests: self.held, Wakeups: self.wakeups})
        if isinstance(clock, VirtualClock):
            engine = self.lanes.engine
            advancer = by_class[Advancer] = Advancer(engine, self.worlds, clock, self.tail.tell, self.metrics)
        self.context = Context(
            database=self.database,
            worlds=self.worlds,
            clock=clock,
            metrics=self.metrics,
            cursors=Cursors(),
            tell=self.tail.tell,
            parts=by_class,
            fire_due=advancer.stay if advancer is not None else None,
        )
        self.parts = self._parts(rooms)
        by_class.update((type(part), part) for part in self.parts)
        self._coming_up: asyncio.Task[None] | None = None
        self._running: list[Part] = []

    def _parts(self, rooms: Sequence[Room]) -> tuple[Part, ...]:
        """The parts in the order in which they are loaded and started. They stop in the reverse order: first the parts
        of the rooms, which begin nothing new, then the engine, which finishes its sweep, then the tail."""
        context, on_tail = (replace(self.context, database=each) for each in (self.lanes.parts, self.lanes.tail))
        fires = self.settings.engine is not EngineMode.OFF and not isinstance(self.clock, VirtualClock)
        return (
            _Reader(self._read_cursor_secret, reloads="secret"),
            _ClockKeeper(on_tail, follows_log=self.settings.virtual_clock == "now"),
            # before the parts that load again on a reload, so that what changes from here on makes them load again
            self.tail,
            _Reader(lambda: self.worlds.reload(self.lanes.parts), reloads="world"),
            Secrets(self.lanes.parts, KeySource.of(self.settings), self.clock),
            LogStretches(context, self.settings.feed_days),
            Gauges(context),
            *([Erasure(context, self.settings.text_years)] if self.settings.engine is not EngineMode.OFF else []),
            Issuer(issuers.settings_of(self.settings)),
            IssuerChange(context, self.settings),
            *([Engine(replace(context, database=self.lanes.engine))] if fires else []),
            *(make(context) for room in rooms for make in room.parts),
        )

    @property
    def start_of_sweeps(self) -> WakePlace:
        """The place from which on incidents may be due, as far as this process knows."""
        engine = self.context.parts.get(Engine)
        return engine.start_at if isinstance(engine, Engine) else FIRST

    async def start(self) -> None:
        """Start the parts in the background. The event `ready` is set once every part runs."""
        self._coming_up = asyncio.create_task(self._come_up())

    def note_trouble(self, trouble: str) -> None:
        """Take note of why the database cannot be reached, as somebody knows who looks after it; empty: nothing."""
        self.trouble = trouble

    def let_go(self) -> None:
        """Begin to stop: hold no request any longer, and say in /readyz that no more should come."""
        self.is_stopping = True
        self.held.release()

    async def stop(self) -> None:
        """Stop the parts, the last one first, and close the connections to the database at the end. This takes a
        moment even when the database does not answer; what hangs then is left behind."""
        self.let_go()
        end = clocks.monotonic() + _MAX_PARTS_S
        if self._coming_up is not None:
            self._coming_up.cancel()
            await asyncio.wait({self._coming_up}, timeout=_MAX_PARTS_S / 2)
        while self._running:
            part = self._running.pop()
            self.tail.off_reload(part.reloads)
            await self._stop(part, max(0.0, end - clocks.monotonic()) / 2)
        await asyncio.wait({asyncio.create_task(self._close())}, timeout=_MAX_CLOSE_S)

    async def _close(self) -> None:
        await self.look.stop()
        await self.lanes.close()

    async def _stop(self, part: Part, patience_s: float) -> None:
        name = type(part).__name__
        stopping = asyncio.create_task(part.stop())
        await asyncio.wait({stopping}, timeout=patience_s)
        if not stopping.done():
            stopping.cancel()
            _log.warning("%s did not stop in time, and is left behind", name, extra={"event": "stop_too_slow"})
        elif (error := stopping.exception()) is not None:  # the other parts have to be stopped all the same
            _log.error("%s did not stop cleanly", name, exc_info=error, extra={"event": "stop_failed"})
            if isinstance(error, Exception):
                self.metrics.fault("stop", error)

    async def _come_up(self) -> None:
        reason = None
        while (obstacle := await self._load()) is not None:
            if obstacle.reason != reason:
                reason = self.obstacle = obstacle.reason
                sentence = "not ready, trying every second: %s"
                _log.error(sentence, reason, exc_info=obstacle.fault, extra={"event": "not_ready"})
            await asyncio.sleep(_TRY_AGAIN_S)
        for part in self.parts:
            if part.reloads:
                self.tail.on_reload(part.reloads, part.load)
            part.start()
            self._running.append(part)
        self.ready.set()
        _log.info("ready", extra={"event": "ready"})

    async def _load(self) -> _Obstacle | None:
        """Load every part. Returns what prevents it; None when all parts are loaded."""
        try:
            await self.lanes.tail.demand_writes()
            if await pooling.shares_sessions(self.lanes.tail):
                return _Obstacle(pooling.ADVICE)
            if advice := (await migrate.survey(self.lanes.tail)).advice:
                return _Obstacle(advice)
            for part in self.parts:
                await part.load()
        except Unavailable as error:
            return _Obstacle(error.cause or error.detail)
        except Exception as error:  # a process that gave up here would never be ready, even when the fault is gone
            self.metrics.fault("start", error)
            return _Obstacle(f"{type(error).__name__}: {error}", error)
        return None

    async def _read_cursor_secret(self) -> None:
        async with self.lanes.tail.read() as connection:
            self.context.cursors.use(await deployment.cursor_secret(connection))


class _Obstacle(NamedTuple):
    """Why a process is not ready yet. `fault`: the error, when it is one that should not happen."""

    reason: str
    fault: Exception | None = None


class _Reader(Part):
    """A part that only loads: at the start, and again whenever a commit names `reloads`."""

    def __init__(self, read: Callable[[], Awaitable[None]], *, reloads: str = "") -> None:
        self._read = read
        self.reloads = reloads

    async def load(self) -> None:
        await self._read()


class _ClockKeeper(RepeatedPart):
    """Sets the clock of the process by the database at the start, and again after each pause. While it cannot, the
    clock runs on as it was set before.

    With `follows_log` a virtual clock starts no earlier than the newest time stored.
    """

    PAUSE_S = 30.0
    FAULT = TurnFault("clock", "clock_failed", "the clock cannot be set by the database")

    def __init__(self, context: Context, *, follows_log: bool) -> None:
        super().__init__(context)
        self._follows_log = follows_log

    async def load(self) -> None:
        clock = self._context.clock
        if isinstance(clock, VirtualClock) and self._follows_log:
            async with self._context.database.read() as connection:
                newest = await numbering.newest_time(connection)
            if newest and newest > clock.now():
                clock.move_to(newest)
        await self.turn()

    def start(self) -> None:
        if isinstance(self._context.clock, DatabaseClock):  # a virtual one stands still
            super().start()

    async def turn(self) -> None:
        if isinstance(self._context.clock, DatabaseClock):
            await self._context.clock.synchronise(self._context.database)


def of(app: FastAPI) -> Process:
    """The process to which an application belongs."""
    process: Process = app.state.process
    return process


async def _of_request(request: Request) -> Process:
    return of(request.app)


CurrentProcess = Annotated[Process, Depends(_of_request)]
