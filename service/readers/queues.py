"""The tags of all queues, in memory: a poll that finds nothing new costs a look-up and touches no row.

A tag is the position of the last change of that queue, so every process that has read as far gives the same one, and it
outlives restarts. Between a commit in this process and its numbering a queue is marked with that batch, so a client
that acts and polls at once is never told "unchanged".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from service.rules.model import CALL_OPEN_STATES, State

DEFAULT_STATES = frozenset(CALL_OPEN_STATES)


class QueueTags:
    """(unit, state) → position. Advanced by the tail, asked by the queue route."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}
        self._fresh: dict[str, int] = {}
        self._changed: dict[str, asyncio.Event] = {}

    def load(self, marks: Mapping[tuple[str, str], int]) -> None:
        """Start from what is stored."""
        self._positions = {f"{unit}:{state}": position for (unit, state), position in marks.items()}

    def touch(self, keys: Iterable[str], batch_id: int) -> None:
        """This process committed a change of these queues ('unit:state'); its position is not known yet."""
        for key in keys:
            self._fresh[key] = max(batch_id, self._fresh.get(key, 0))
            self._ring(key)

    def advance(self, keys: Iterable[str], position: int, batch_id: int) -> None:
        """A numbered batch changed these queues."""
        for key in keys:
            self._positions[key] = max(position, self._positions.get(key, 0))
            if self._fresh.get(key, batch_id + 1) <= batch_id:
                del self._fresh[key]
            self._ring(key)

    def tag(self, unit: str, states: Iterable[State]) -> str:
        """The weak ETag of a unit's queue in these states."""
        keys = [f"{unit}:{state}" for state in states]
        position = max(self._positions.get(key, 0) for key in keys)
        fresh = max(self._fresh.get(key, 0) for key in keys)
        return f'W/"{position}"' if not fresh else f'W/"{position}+{fresh}"'

    async def changed(self, unit: str, states: frozenset[State], tag: str, timeout_s: float) -> bool:
        """Wait until the tag is another; False when the seconds pass first. Holds no database connection."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.tag(unit, states) == tag:
                    await self._bell(unit).wait()
        except TimeoutError:
            return False
        return True

    def _bell(self, unit: str) -> asyncio.Event:
        bell = self._changed.get(unit)
        if bell is None or bell.is_set():
            bell = self._changed[unit] = asyncio.Event()
        return bell

    def _ring(self, key: str) -> None:
        bell = self._changed.pop(key.partition(":")[0], None)
        if bell is not None:
            bell.set()
