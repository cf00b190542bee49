"""The newest batches in memory: where each ended, and with which mark."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from uuid import UUID

from service.store.log.marks import BEGINNING, LogPlace, short

_MIN_BATCHES = 8_000
"""The number of batches that are remembered at least: a process may learn of its own commit only after it has read the
batch."""


class RecentPlaces:
    """The ends of the batches that this process has read last, one after the other without a gap."""

    def __init__(self) -> None:
        self._places: list[LogPlace] = [BEGINNING]
        self._marks: set[str | None] = set()

    @property
    def end(self) -> LogPlace:
        """The end of the last batch that was read."""
        return self._places[-1]

    @property
    def ends(self) -> Sequence[LogPlace]:
        """All that are remembered, oldest first."""
        return self._places

    def begin_at(self, places: Sequence[LogPlace]) -> None:
        """Forget everything, and go on from the last of these places."""
        self._places = list(places)
        self._marks = {place.mark for place in places}

    def add(self, place: LogPlace) -> None:
        """Remember the end of the next batch."""
        self._places.append(place)
        self._marks.add(place.mark)
        if len(self._places) > 2 * _MIN_BATCHES:
            self.begin_at(self._places[_MIN_BATCHES:])

    def has(self, batch: UUID) -> bool:
        """Whether this batch is remembered."""
        return short(batch) in self._marks

    def mark_at(self, position: int) -> str | None:
        """The mark of the batch that holds this position; None when that is not remembered."""
        oldest, newest = self._places[0].position, self._places[-1].position
        if not oldest <= position <= newest:
            return None
        return self._places[bisect_left(self._places, position, key=_position)].mark


def _position(place: LogPlace) -> int:
    return place.position
