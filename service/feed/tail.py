"""The tail of the log, its one reader in a process: it numbers committed batches and rings everybody who waits.

A commit in this process rings at once; a commit of another process is seen by a short poll. A round is one small
transaction, and no connection is held between two rounds. No event is read: the row of a batch says which queues it
touched, the nearest deadline it set, and what has to be read anew.

Each round looks whether the log still has the batch that was read last, and whether the server is still the same. If
not, the tail looks where the log was taken back (`histories`) before anything is numbered.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from service import clock
from service.clock import Clock
from service.context import TaskPart
from service.feed.recent import RecentPlaces
from service.metrics import Metrics
from service.queues.tags import QueueTags
from service.rules.errors import Unavailable
from service.store.database import Database
from service.store.log import histories, marks, numbering
from service.store.log.histories import HistoryLook, Memory
from service.store.log.marks import LostPlaceError
from service.store.log.numbering import OtherServerError, Sealed
from service.store.log.writing import Committed

_log = logging.getLogger(__name__)

POLL_S = 0.1
"""The longest pause between two rounds, so that a commit of another process is seen in time (contract §3: 250 ms)."""
GATHER_S = 0.025
"""The pause between two rounds under load, so that batches gather and numbering costs the writers little."""
_REST = 3
"""The pause after a round lasts at least this many times as long as the round. While somebody holds a snapshot open for
an hour, every round walks over all that was numbered since (13 ms per 100,000 batches), and that must not take up the
database."""
_REMEMBERED = 1_000
"""The number of batches that are remembered from before the start."""
_AFTER_FAULT_S = 1.0

Reloader = Callable[[], Awaitable[None]]


class Tail(TaskPart):
    """The tail of the log; a process has exactly one. `tell` is called after every commit."""

    def __init__(self, database: Database, queues: QueueTags, metrics: Metrics, clock: Clock) -> None:
        self.recent = RecentPlaces()
        """The batches that this process has read last."""
        self.history = ""
        """The mark of the present history of the log."""
        self.renewals = 0
        """How often the tail has begun anew. The log may have been taken back then, and positions given out again."""
        self._database = database
        self._clock = clock
        self._queues = queues
        self._metrics = metrics
        self._rung = asyncio.Event()
        self._moved = asyncio.Condition()
        self._reloaders: dict[str, Reloader] = {}
        self._unread: set[str] = set()
        self._wakers: list[Callable[[datetime], None]] = []
        self._beats: list[Callable[[], None]] = []
        self._unnumbered: dict[UUID, float] = {}  # batch → when `tell` named it, until it is read with its number
        self._histories: frozenset[str] = frozenset()
        self._lost_in: str | None = None
        self._server_started: datetime | None = None
        self._in_doubt = False
        self._failing_since: float | None = None

    def on_reload(self, name: str, reload: Reloader) -> None:
        """Run `reload` when a batch says that `name` has to be read anew, and try again until it succeeds."""
        self._reloaders[name] = reload

    def off_reload(self, name: str) -> None:
        """Read `name` anew no more, since its part stops."""
        self._reloaders.pop(name, None)

    def on_wake(self, wake: Callable[[datetime], None]) -> None:
        """Call `wake` with the nearest deadline of every batch that sets one."""
        self._wakers.append(wake)

    def on_beat(self, beat: Callable[[], None]) -> None:
        """Call `beat` after every round that succeeds, about every `POLL_S` or more often."""
        self._beats.append(beat)

    @property
    def position(self) -> int:
        """The last numbered event this process has seen."""
        return self.recent.end.position

    @property
    def lag_s(self) -> float:
        """The seconds that the oldest batch of this process has waited for its number, or that rounds have failed, if
        that is longer."""
        since = [*itertools.islice(self._unnumbered.values(), 1)]
        if self._failing_since is not None:
            since.append(self._failing_since)
        return clock.monotonic() - min(since) if since else 0.0

    async def load(self) -> None:
        """Start from the present end of the log.

        First the commits of a process that died are numbered, since a tag that it gave must not come back. Parts that
        register a reload load after the tail: what changes past this end is read anew when the tail comes to it.

        Raises:
            Unavailable: the database cannot be reached.
        """
        waiting = list(self._unnumbered)
        await self._look()
        async with self._database.begin() as tx:
            await numbering.seal(tx)
        await self._go_to_end()
        for batch in waiting:
            del self._unnumbered[batch]

    def tell(self, committed: Committed) -> None:
        """Take note of a transaction that this process has committed."""
        self._wake(committed.wake_at)
        if self.recent.has(committed.mark):  # numbered and read before `tell` came
            return
        self._unnumbered[committed.mark] = clock.monotonic()
        self._queues.touch(committed.queues, committed.mark)
        self._rung.set()

    def doubt(self, history: str) -> None:
        """Look whether the log was taken back without anybody noticing: a reader has a place in this history that is
        not there."""
        self._lost_in, self._in_doubt = history, True
        self._rung.set()

    async def wait_past(self, position: int, timeout_s: float) -> bool:
        """Wait until something past `position` is numbered, or the tail has begun anew; False when the seconds pass
        first."""
        renewals = self.renewals
        return await self._await(lambda: self.position > position or self.renewals != renewals, timeout_s)

    async def settled(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything that this process has committed so far is numbered; False when the seconds pass
        first."""
        waiting = list(self._unnumbered)
        return await self._await(lambda: not any(batch in self._unnumbered for batch in waiting), timeout_s)

    async def _await(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(holds)
        except TimeoutError:
            return False
        return True

    async def _run(self) -> None:
        pause_s = 0.0
        while True:
            try:
                async with asyncio.timeout(max(0.0, POLL_S - pause_s)):
                    await self._rung.wait()
            except TimeoutError:
                pass
            self._rung.clear()
            pause_s = await self._round()
            await asyncio.sleep(pause_s)

    async def _round(self) -> float:
        """Do one round; return the shortest pause after it, in seconds. The tail survives every fault."""
        began = clock.monotonic()
        try:
            if self._failing_since is not None or self._in_doubt:
                await self._begin_anew()
            await self._number_and_read()
            await self._reload()
        except (LostPlaceError, OtherServerError):
            self._in_doubt = True
            self._rung.set()
            return GATHER_S
        except Unavailable:
            return self._failed(began)
        except Exception as error:
            _log.exception("the tail of the log failed", extra={"event": "tail_failed"})
            self._metrics.fault("tail", error)
            return self._failed(began)
        self._failing_since = None
        if self._unnumbered:
            self._rung.set()  # committed during this round, or another process is numbering: look again after a pause
        for beat in self._beats:
            beat()
        return min(POLL_S, max(GATHER_S, _REST * (clock.monotonic() - began)))

    def _failed(self, began: float) -> float:
        if self._failing_since is None:
            self._failing_since = began
        self._rung.set()
        return _AFTER_FAULT_S

    async def _begin_anew(self) -> None:
        """Start anew, since the database may be another one: restored from a backup, or a standby that lacks the last
        commits. A tail that has read what the log lacks goes on from its end, and everything is reloaded."""
        last = self.position
        look = await self._look()
        if look.is_lost:
            await self._go_to_end()
            words = "the log was taken back: it ends at %d, and this process has read as far as %d"
            _log.error(words, self.position, last, extra={"event": "log_back"})
        else:
            async with self._database.read() as connection:
                self._queues.load(await numbering.queue_marks(connection))
        self._in_doubt = False
        self._unread.update(self._reloaders)
        async with self._moved:
            self.renewals += 1
            self._moved.notify_all()

    async def _look(self) -> HistoryLook:
        memory = Memory(self._histories, self.recent.ends, self._lost_in)
        async with self._database.begin() as tx:
            look = await histories.look(tx, self._clock.now(), memory)
        self._histories = frozenset(each.mark for each in look.histories)
        self.history, self._server_started, self._lost_in = look.histories[-1].mark, look.server_started, None
        if look.committed is not None:
            _log.error("the log goes on from a copy, and events may be lost", extra={"event": "log_restored"})
            self.tell(look.committed)
        return look

    async def _go_to_end(self) -> None:
        """Go on from the end of the log."""
        async with self._database.read() as connection:
            self.recent.begin_at(await marks.newest(connection, _REMEMBERED))
            self._queues.load(await numbering.queue_marks(connection))

    async def _number_and_read(self) -> None:
        """Number the committed batches, and pass on all that are numbered, whichever process did it. A batch is passed
        on only after its numbering is committed."""
        full = True
        while full:
            waiting = list(self._unnumbered)
            async with self._database.begin() as tx:
                numbered = await numbering.seal(tx, self._server_started)
                batches = await numbering.sealed_since(tx, self.recent.end)
            if batches:
                await self._pass_on(batches)
            full = numbering.SEAL_LIMIT in (len(batches), numbered)
            if numbered is not None and not full:
                await self._drop_lost(waiting)

    async def _drop_lost(self, waiting: list[UUID]) -> None:
        """Forget the announced batches that are still missing after everything committed was read: they were lost, as
        in a failover to a standby that lacked them."""
        lost = [batch for batch in waiting if self._unnumbered.pop(batch, None) is not None]
        if lost:
            _log.error("%d committed transactions are not in the database", len(lost), extra={"event": "commits_lost"})
            self._queues.drop(lost)
            async with self._moved:
                self._moved.notify_all()

    async def _pass_on(self, batches: list[Sealed]) -> None:
        for batch in batches:
            self._queues.advance(batch.queues, batch.place, batch.mark)
            self._unread.update(batch.reload)
            self._wake(batch.wake_at)
            if batch.mark is not None:
                self._unnumbered.pop(batch.mark, None)
        async with self._moved:
            for batch in batches:
                self.recent.add(batch.place)
            self._moved.notify_all()

    async def _reload(self) -> None:
        for name in sorted(self._unread & self._reloaders.keys()):
            await self._reloaders[name]()
            self._unread.discard(name)

    def _wake(self, at: datetime | None) -> None:
        if at is not None:
            for wake in self._wakers:
                wake(at)
