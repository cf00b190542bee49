"""The newest events in memory: each is read once in a process, for all who wait on the feed.

When the tail of the log has moved and somebody waits, the new events are read, and whoever waits is woken if one of
them passes its filters. Those who wait behind one filter are looked at as one. While nobody waits, nothing is read.
Readers whose cursor lies before what is kept read from the database, a few at a time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import NamedTuple

from service import clock
from service import context as contexts
from service.context import TaskPart
from service.feed.event_types import event
from service.feed.tail import Tail
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.rules.sight import Viewer
from service.store.log import feed, marks
from service.store.log.feed import FeedFilter, NewEvent, lets_through
from service.store.log.marks import BEGINNING, LogPlace, LostPlaceError
from service.web import shares
from service.web.answers import encode
from service.web.waiting import Wakeups

_log = logging.getLogger(__name__)

MAX_EVENTS = 2_000
"""The events that are kept. Of a longer stretch at once none is read, and all readers go to the database."""
_MAX_BEHIND = 3
"""The readers of one process that read from the database at once."""
_INTEREST_S = 1.0
"""Whoever waited so recently is taken to come again."""
_WARM_EVENTS = 500
"""The events from before that are read when the first reader comes, for others that come with an older cursor."""
_WARM_S = 1.0
_AFTER_FAULT_S = 1.0
_LOOKS_AT_ONCE = 1_000


class EventPage(NamedTuple):
    """A page of the feed, with its events as JSON. Everything up to `place` was looked at. `is_last`: nothing follows
    so far."""

    items: bytes
    place: LogPlace
    is_last: bool


@dataclass(slots=True)
class _Kept:
    """One event in memory. It looks the same to everybody who sees it, so it is encoded once."""

    new: NewEvent
    _json: bytes | None = None

    def encoded(self, viewer: Viewer) -> bytes:
        if self._json is None:
            self._json = encode(event(viewer, self.new.stored))
        return self._json


class Newest(TaskPart):
    """The newest events, and those who wait for more. Kept are all events past position `_start` up to the place
    `_end`."""

    def __init__(self, context: contexts.Context) -> None:
        self._context = context
        self._tail = context.part(Tail)
        self._wakeups = context.part(Wakeups)
        self._events: list[_Kept] = []
        self._start, self._end = 0, BEGINNING
        self._renewals = 0
        self._is_following = asyncio.Event()
        self._is_warm = asyncio.Event()
        self._finding_end: asyncio.Task[LogPlace] | None = None
        self._waiting = 0
        self._waited_at = 0.0
        self._readers: dict[FeedFilter, dict[asyncio.Future[None], int]] = {}
        self._behind = asyncio.Semaphore(_MAX_BEHIND)

    def page(self, after: LogPlace, limit: int, filters: FeedFilter, viewer: Viewer) -> EventPage | None:
        """The next events after a place, at most `limit`; None when they are not kept here, or when this process does
        not know that the log still holds the place."""
        if not self._is_warm.is_set() or after.position < self._start:
            return None
        if self._renewals != self._tail.renewals or not self._is_held(after):
            return None
        found = list(itertools.islice(self._passing(after.position, filters), limit))
        end = max(after, self._end, key=_position)
        place = found[-1].new.place if len(found) == limit else end
        return EventPage(b"[%b]" % b",".join(each.encoded(viewer) for each in found), place, True)

    def _is_held(self, place: LogPlace) -> bool:
        mark = self._tail.recent.mark_at(place.position)
        return place.position == 0 or (mark is not None and place.mark in (None, mark))

    def _passing(self, after: int, filters: FeedFilter) -> Iterator[_Kept]:
        first = max(0, after - self._start)
        return (each for each in itertools.islice(self._events, first, None) if lets_through(filters, each.new))

    @asynccontextmanager
    async def behind(self, timeout_s: float) -> AsyncIterator[None]:
        """The way to the database for readers of the feed: a few go at once, so that they leave connections to all
        others. The turn of the reader's subject comes first, or a subject without turns would stand in the way.

        Raises:
            Unavailable: the seconds pass first.
            TooMany: the turn of the subject does not come.
        """
        async with shares.at_database():
            try:
                async with asyncio.timeout(timeout_s):
                    await self._behind.acquire()
            except TimeoutError:
                raise Unavailable(Sentence("Many read the feed at this moment. Send the same request again.")) from None
            try:
                yield
            finally:
                self._behind.release()

    async def wait(self, after: int, filters: FeedFilter, timeout_s: float) -> bool:
        """Wait until there may be something for this reader past position `after`; False when the seconds pass
        first."""
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                if after < self._start or any(self._passing(after, filters)):
                    return True
                await self._bell(after, filters)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            self._waited_at = clock.monotonic()
        return True

    async def _bell(self, after: int, filters: FeedFilter) -> None:
        bell: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        readers = self._readers.setdefault(filters, {})
        readers[bell] = after
        try:
            await bell
        finally:
            readers.pop(bell, None)
            if not readers and self._readers.get(filters) is readers:
                del self._readers[filters]

    async def follow(self) -> None:
        """Keep what comes from now on, and what came just before: a reader that is going to wait calls this first."""
        self._waited_at = clock.monotonic()
        if not self._is_following.is_set():
            self._begin_at(max(0, self._tail.position - _WARM_EVENTS))
            self._is_following.set()
            if self._end.position == self._tail.position:
                self._is_warm.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_WARM_S):
                await self._is_warm.wait()

    async def end_of_log(self) -> LogPlace:
        """The place of the last numbered event. Those who ask at the same moment share one look."""
        if self._finding_end is None:
            # in a context of its own: the look belongs to nobody's request
            self._finding_end = asyncio.create_task(self._find_end(), context=Context())
        return await asyncio.shield(self._finding_end)

    async def _find_end(self) -> LogPlace:
        try:
            async with self._context.database.read() as connection:
                return await marks.end(connection)
        finally:
            self._finding_end = None

    def _begin_at(self, position: int) -> None:
        self._events.clear()
        self._start, self._end = position, LogPlace(position, self._tail.recent.mark_at(position))
        self._renewals = self._tail.renewals
        self._is_warm.clear()

    async def _run(self) -> None:
        while True:
            await self._is_following.wait()
            try:
                has_moved = self._renewals != self._tail.renewals or await self._tail.wait_past(
                    self._end.position, _INTEREST_S
                )
                if not self._waiting and clock.monotonic() - self._waited_at > _INTEREST_S:
                    self._is_following.clear()
                    self._begin_at(0)
                elif has_moved:
                    await self._round()
            except Unavailable:  # the tail says so
                await asyncio.sleep(_AFTER_FAULT_S)
            except Exception as error:
                _log.exception("the newest events could not be read", extra={"event": "newest_failed"})
                self._context.metrics.fault("feed", error)
                await asyncio.sleep(_AFTER_FAULT_S)

    async def _round(self) -> None:
        """Read what came since the last round, once, and wake those for whom there is something."""
        position, new = self._tail.position, None
        if self._end.position <= position <= self._end.position + MAX_EVENTS:
            with suppress(LostPlaceError):
                async with self._context.database.read() as connection:
                    new = await feed.between(connection, self._end, position)
        if new is not None and self._renewals == self._tail.renewals and len(new) == position - self._end.position:
            self._keep(new)
            await self._pass_on(new)
            return
        # a longer stretch, or a log that was taken back: everybody looks in the database
        self._begin_at(position)
        self._is_warm.set()
        for readers in list(self._readers.values()):
            self._wake(readers, sys.maxsize)

    def _keep(self, new: Sequence[NewEvent]) -> None:
        self._events += map(_Kept, new)
        self._end = new[-1].place if new else self._end
        self._is_warm.set()
        surplus = len(self._events) - MAX_EVENTS
        if surplus > 0:
            del self._events[:surplus]
            self._start += surplus

    async def _pass_on(self, new: Sequence[NewEvent]) -> None:
        looks = 0
        for filters, readers in list(self._readers.items()):
            last = next((each.position for each in reversed(new) if lets_through(filters, each)), 0)
            self._wake(readers, last)
            looks += len(new)
            if looks >= _LOOKS_AT_ONCE:
                looks = 0
                await asyncio.sleep(0)

    def _wake(self, readers: dict[asyncio.Future[None], int], before: int) -> None:
        """Wake the readers that have read less far than position `before`."""
        for bell in [bell for bell, after in readers.items() if after < before]:
            del readers[bell]
            self._wakeups.wake(bell)


def _position(place: LogPlace) -> int:
    return place.position
