"""The one reader of the log in a process: it numbers what is committed and rings everybody who waits.

A commit in this process rings at once; what other processes commit is seen by a short poll. A round takes one or two
small
queries and holds no connection in between. It reads no events: a batch row says which queues it touched, the nearest
deadline it set, and what has to be read anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from service import clock
from service.readers.queues import QueueTags
from service.rules.errors import Unavailable
from service.store import log
from service.store.database import Database
from service.store.log import Committed, Sealed

_log = logging.getLogger(__name__)

POLL_S = 0.1
"""How long a change made elsewhere may stay unseen (contract §3: 250 ms)."""
GATHER_S = 0.025
"""Pause between two rounds under load, so that batches gather and numbering costs the writers little."""
_AFTER_FAULT_S = 1.0

Reloader = Callable[[], Awaitable[None]]


class Tail:
    """One a process. `tell` after every commit; `start` and `stop` with the process."""

    def __init__(self, database: Database, queues: QueueTags) -> None:
        self.position = 0
        """The last numbered event this process has seen."""
        self._database = database
        self._queues = queues
        self._rung = asyncio.Event()
        self._moved = asyncio.Condition()
        self._reloaders: dict[str, Reloader] = {}
        self._unread: set[str] = set()
        self._wakers: list[Callable[[datetime], None]] = []
        self._beats: list[Callable[[], None]] = []
        self._told = 0
        self._seen = 0
        self._away = False
        self._waiting_since: float | None = None
        self._task: asyncio.Task[None] | None = None

    def on_reload(self, name: str, reload: Reloader) -> None:
        """Run `reload` when a batch says that `name` has to be read anew; again until it succeeds."""
        self._reloaders[name] = reload

    def on_wake(self, wake: Callable[[datetime], None]) -> None:
        """Tell `wake` the nearest deadline of every batch."""
        self._wakers.append(wake)

    def on_beat(self, beat: Callable[[], None]) -> None:
        """Call `beat` every round, at least every `POLL_S`."""
        self._beats.append(beat)

    @property
    def lag_s(self) -> float:
        """How long something told in this process has been waiting for its number, or the database for an answer."""
        return 0.0 if self._waiting_since is None else clock.monotonic() - self._waiting_since

    async def load(self) -> None:
        """Start from what is numbered now. Raises `Unavailable`."""
        async with self._database.read() as connection:
            self.position = await log.end(connection)
            self._queues.load(await log.queue_marks(connection))

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def tell(self, committed: Committed) -> None:
        """A transaction of this process was committed."""
        self._told = max(self._told, committed.batch_id)
        self._queues.touch(committed.queues, committed.batch_id)
        self._wake(committed.wake_at)
        if self._waiting_since is None:
            self._waiting_since = clock.monotonic()
        self._rung.set()

    async def wait_past(self, position: int, timeout_s: float) -> bool:
        """Wait until something past `position` is numbered; False when the seconds pass first."""
        return await self._await(lambda: self.position > position, timeout_s)

    async def settled(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything told so far is numbered; False when the seconds pass first."""
        told = self._told
        return await self._await(lambda: self._seen >= told, timeout_s)

    async def _await(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(holds)
        except TimeoutError:
            return False
        return True

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._rung.wait()
            except TimeoutError:
                pass
            self._rung.clear()
            await asyncio.sleep(await self._round())

    async def _round(self) -> float:
        """One turn; returns how long to pause at least. The tail never dies of a fault."""
        try:
            await self._number_and_read()
            await self._reload()
        except Unavailable as error:
            if not self._away:
                _log.error("the database is away: %s", error.cause, extra={"event": "database_away"})
            self._away = True
            return self._failed()
        except Exception:
            _log.exception("the tail of the log failed", extra={"event": "tail_failed"})
            return self._failed()
        if self._away:
            self._away = False
            _log.warning("the database is back", extra={"event": "database_back"})
        if self._seen >= self._told:
            self._waiting_since = None
        else:
            self._rung.set()  # another process is numbering: look again after a pause
        for beat in self._beats:
            beat()
        return GATHER_S

    def _failed(self) -> float:
        if self._waiting_since is None:
            self._waiting_since = clock.monotonic()
        self._rung.set()
        return _AFTER_FAULT_S

    async def _number_and_read(self) -> None:
        """Number what waits, and pass on what is numbered, by whomever; only what is committed is passed on."""
        full = True
        while full:
            async with self._database.begin() as tx:
                await log.seal(tx)
                batches = await log.sealed_after(tx, self.position)
            if batches:
                await self._pass_on(batches)
            full = len(batches) == log.SEAL_LIMIT

    async def _pass_on(self, batches: list[Sealed]) -> None:
        for batch in batches:
            self._queues.advance(batch.queues, batch.last_position, batch.id)
            self._unread.update(batch.reload)
            self._wake(batch.wake_at)
        self._seen = max(self._seen, max(batch.id for batch in batches))
        async with self._moved:
            self.position = batches[-1].last_position
            self._moved.notify_all()

    async def _reload(self) -> None:
        for name in sorted(self._unread & self._reloaders.keys()):
            await self._reloaders[name]()
            self._unread.discard(name)

    def _wake(self, at: datetime | None) -> None:
        if at is not None:
            for wake in self._wakers:
                wake(at)
