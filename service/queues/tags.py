"""The tags of all queues, in memory: a poll that finds nothing new costs a look-up and touches no row.

The tag of a queue is the position of its last change in the log, with the mark of the batch there. Every process that
has read as far gives the same tag, also after a restart. Between a commit in this process and the numbering of its
batch, the tag also names this batch, so a client that acts and polls at once never gets "unchanged". A tag that was
sent never comes back after a change, nor after a restore or a failover that lost changes: positions are given again
then, and marks are not.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from uuid import UUID

from service.rules.words import CALL_OPEN_STATES, State
from service.store.log.marks import BEGINNING, LogPlace, short
from service.web.waiting import Wakeups

DEFAULT_STATES = frozenset(CALL_OPEN_STATES)


class QueueTags:
    """The place of the last change for each unit and state. The tail of the log advances it, the queue route reads
    it."""

    def __init__(self, wakeups: Wakeups | None = None) -> None:
        self._places: dict[str, LogPlace] = {}
        # Batches come in the order of their commits, not of their ids: the turn of a batch says which came last.
        self._fresh: dict[str, list[tuple[int, UUID]]] = {}
        self._turns = itertools.count(1)
        self.commits = 0
        """The transactions that this process has committed so far."""
        self._wakeups = wakeups or Wakeups()
        self._waiting: dict[str, dict[asyncio.Future[None], frozenset[State]]] = {}

    def load(self, marks: Mapping[tuple[str, str], LogPlace]) -> None:
        """Replace all places by the stored ones. Everybody who waits looks again."""
        self._places = {f"{unit}:{state}": place for (unit, state), place in marks.items()}
        for unit in list(self._waiting):
            for waiter in self._waiting.pop(unit):
                self._wakeups.wake(waiter)

    def touch(self, keys: Iterable[str], batch: UUID) -> None:
        """Note that this process committed a change of these queues ("unit:state"). The position of the change is not
        known yet."""
        self.commits = turn = next(self._turns)
        for key in keys:
            self._fresh.setdefault(key, []).append((turn, batch))
            self._ring(key)

    def advance(self, keys: Iterable[str], place: LogPlace, batch: UUID | None) -> None:
        """Note that a numbered batch changed these queues. `place` is its end.

        A batch removes only the note that `touch` made of it. Without the note of a later batch the tag would be this
        very position, and another process may have sent that as a tag already, before the later change.
        """
        for key in keys:
            self._places[key] = max(place, self._places.get(key, BEGINNING), key=_position)
            if key in self._fresh:
                self._settle(key, batch)
            self._ring(key)

    def drop(self, lost: Iterable[UUID]) -> None:
        """Forget batches that this process committed and that were lost before they were numbered."""
        for batch in lost:
            for key in list(self._fresh):
                self._settle(key, batch)
                self._ring(key)

    def _settle(self, key: str, batch: UUID | None) -> None:
        left = [each for each in self._fresh[key] if each[1] != batch]
        if left:
            self._fresh[key] = left
        else:
            del self._fresh[key]

    def tag(self, unit: str, states: Iterable[State]) -> str:
        """The weak ETag of a unit's queue in these states."""
        keys = [f"{unit}:{state}" for state in states]
        position, mark = max((self._places.get(key, BEGINNING) for key in keys), key=_position)
        fresh = [self._fresh[key][-1] for key in keys if key in self._fresh] if self._fresh else ()
        place = f"{position}-{mark}" if mark else f"{position}"
        return f'W/"{place}+{short(max(fresh)[1])}"' if fresh else f'W/"{place}"'

    async def changed(self, unit: str, states: frozenset[State], tag: str, timeout_s: float) -> bool:
        """Wait until the queue has another tag; False when the seconds pass first. No database connection is used."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.tag(unit, states) == tag:
                    await self._bell(unit, states)
        except TimeoutError:
            return False
        return True

    async def _bell(self, unit: str, states: frozenset[State]) -> None:
        """Wait until a queue of this unit in one of these states has changed."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(unit, {})
        waiting[waiter] = states
        try:
            await waiter
        finally:
            waiting.pop(waiter, None)
            if not waiting and self._waiting.get(unit) is waiting:
                del self._waiting[unit]

    def _ring(self, key: str) -> None:
        unit, _, state = key.partition(":")
        waiting = self._waiting.get(unit)
        if waiting is None:
            return
        for waiter in [waiter for waiter, states in waiting.items() if state in states]:
            del waiting[waiter]
            self._wakeups.wake(waiter)


def _position(place: LogPlace) -> int:
    return place.position
