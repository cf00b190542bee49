"""One running process: what it holds, in which order it starts and stops, and how it comes back after the database.

Starting never fails because the database is away: the process answers `/healthz`, refuses the rest with 503 and one
clear problem, and goes on by itself when the database is there and migrated.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from starlette.datastructures import State

from service.access.keyring import Keyring
from service.clock import Clock, DatabaseClock, VirtualClock
from service.engine import Engine
from service.escalation.advance import Advancer
from service.feed.tail import Tail
from service.incidents.intake import Intake
from service.metrics import Metrics
from service.queues.tags import QueueTags
from service.rules.errors import Unavailable
from service.settings import EngineMode as EngineMode
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from service.store.log import numbering
from service.store.registry import deployment
from service.web.cursors import Cursors
from service.worlds import CurrentWorld

_log = logging.getLogger(__name__)

_TRY_AGAIN_S = 1.0
_CLOCK_EVERY_S = 30.0


class Process:
    """Everything that lives as long as the process. Its parts lie on `state`, where the routes find them."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, metrics: Metrics, state: State) -> None:
        self.settings = settings
        self.state = state
        self.database = database
        self.clock = clock
        self.metrics = metrics
        self.keyring = Keyring()
        self.worlds = CurrentWorld()
        self.queues = QueueTags()
        self.tail = Tail(database, self.queues)
        self.intake = Intake(database, self.worlds, clock, self.tail.tell, metrics)
        self.engine = Engine(database, self.worlds, clock, self.tail.tell, metrics)
        self.advancer = (
            Advancer(database, self.worlds, clock, self.tail.tell) if isinstance(clock, VirtualClock) else None
        )
        self.ready = asyncio.Event()
        for name in ("database", "clock", "keyring", "worlds", "tail", "queues", "intake", "advancer"):
            setattr(state, name, getattr(self, name))
        state.process = self
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def virtual(self) -> VirtualClock | None:
        return self.clock if isinstance(self.clock, VirtualClock) else None

    async def start(self) -> None:
        self._tasks.append(asyncio.create_task(self._come_up()))

    async def stop(self) -> None:
        """Stop in the order in which work flows: nothing new, then what is under way, then the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.ready.is_set():
            await self.intake.stop()
            if self._fires:
                await self.engine.stop()
            await self.tail.stop()
        await self.database.close()

    @property
    def _fires(self) -> bool:
        return self.settings.engine is not EngineMode.OFF and self.virtual is None

    async def _come_up(self) -> None:
        said = None
        while True:
            try:
                await self._load()
                break
            except (Unavailable, _Behind) as error:
                why = error.cause if isinstance(error, Unavailable) else str(error)
                if why != said:
                    said = why
                    _log.error("not ready, trying every second: %s", why, extra={"event": "not_ready"})
                await asyncio.sleep(_TRY_AGAIN_S)
        self._run()
        self.ready.set()
        _log.info("ready", extra={"event": "ready"})

    async def _load(self) -> None:
        if await migrate.pending(self.database):
            raise _Behind("the database is not at this version's tables: run `sihu migrate`.")
        async with self.database.read() as connection:
            self.state.cursors = Cursors(await deployment.cursor_secret(connection))
            newest = await numbering.newest_time(connection)
        await self._set_clock(newest)
        # the tail first: whatever changes after this point of the log is read anew when the tail comes past it
        await self.tail.load()
        await self.worlds.reload(self.database)
        await self.keyring.reload(self.database)

    async def _set_clock(self, newest: datetime | None) -> None:
        if isinstance(self.clock, DatabaseClock):
            await self.clock.synchronise(self.database)
        elif self.virtual and self.settings.virtual_clock == "now" and newest and newest > self.virtual.now():
            self.virtual.move_to(newest)

    def _run(self) -> None:
        self.tail.on_reload("world", lambda: self.worlds.reload(self.database))
        self.tail.on_reload("keys", lambda: self.keyring.reload(self.database))
        self.tail.start()
        self.intake.start()
        if self._fires:
            self.tail.on_wake(self.engine.wake)
            self.tail.on_beat(self.engine.beat)
            self.engine.start()
        if isinstance(self.clock, DatabaseClock):
            self._tasks.append(asyncio.create_task(self._keep_time(self.clock)))

    async def _keep_time(self, clock: DatabaseClock) -> None:
        while True:
            await asyncio.sleep(_CLOCK_EVERY_S)
            try:
                await clock.synchronise(self.database)
            except Unavailable:
                continue  # the clock runs on with what it has


class _Behind(Exception):
    """The database has older tables than this code."""
