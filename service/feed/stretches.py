"""Keeps room in the log: makes its next stretch in time, and archives what the feed does not keep any longer.

Every process does so, and they need not agree: whoever comes first does the work, and the others find it done.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from service.context import Context, TaskPart
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.store.database import StatementRefused
from service.store.log import stretches
from service.store.log.stretches import STRETCH, LogRoom
from service.store.sqlstates import cause_of

_log = logging.getLogger(__name__)

_EVERY_S = 60.0
_FIRST_PAUSE_S = 1.0
"""Seconds until something that did not succeed is tried again; then twice as many each time, up to `_EVERY_S`."""


class LogStretches(TaskPart):
    """Keeps room in the log, and the feed as long as `feed_days`; None: for ever. `size`: batch ids in a stretch."""

    def __init__(self, context: Context, feed_days: int | None = None, size: int = STRETCH) -> None:
        self._context = context
        self._kept_for = None if feed_days is None else timedelta(days=feed_days)
        self._size = size

    async def load(self) -> None:
        """Make room, if there is little. Raises `Unavailable` when there is none."""
        await self._make_room()
        room = await self._room()
        if not room.batches:
            detail = Sentence("The log has no room for another event. Ops have to run `sihu migrate`.")
            cause = f"the log has no room after batch {room.last}: run `sihu migrate`"
            raise Unavailable(detail, cause=cause)

    async def check(self) -> bool:
        """Make the next stretch and archive the oldest ones, where it is time. Returns whether nothing is left to do;
        otherwise somebody else was in the way. Raises `Unavailable`."""
        made = await self._make_room()
        return await self._archive_old() and made

    async def _run(self) -> None:
        pause_s = retry_s = _FIRST_PAUSE_S
        while True:
            await asyncio.sleep(pause_s)
            is_done = False
            try:
                is_done = await self.check()
            except Unavailable:
                pass  # the outage is in the log already
            except Exception as error:
                _log.exception("the log is not kept in order", extra={"event": "stretches_failed"})
                self._context.metrics.fault("stretches", error)
            pause_s = _EVERY_S if is_done else retry_s
            retry_s = _FIRST_PAUSE_S if is_done else min(2 * retry_s, _EVERY_S)

    async def _make_room(self) -> bool:
        """Whether there is room for a whole stretch, after an attempt to make it."""
        try:
            async with self._context.database.begin() as tx:
                made = await stretches.make_ahead(tx, self._size)
        except (StatementRefused, Unavailable) as error:
            await self._warn(error)
            return False
        await self._room()  # which also sets the gauge
        return made

    async def _warn(self, error: StatementRefused | Unavailable) -> None:
        """Tell ops that no room could be made, as long as there is still some."""
        cause = error.cause if isinstance(error, Unavailable) else cause_of(error)
        room = await self._room()
        _log.error(
            "the log has room for %d more transactions, and no more could be made: %s; run `sihu migrate`",
            room.batches,
            cause,
            extra={"event": "log_room_short"},
        )

    async def _room(self) -> LogRoom:
        async with self._context.database.read() as connection:
            room = await stretches.room(connection)
        self._context.metrics.log_room.set(room.batches)
        return room

    async def _archive_old(self) -> bool:
        """Whether all that the feed does not keep is in the archive. The oldest goes first, so that what is kept has no
        gap."""
        if self._kept_for is None:
            return True
        before = self._context.clock.now() - self._kept_for
        for stretch in (await self._room()).past:
            async with self._context.database.read() as connection:
                if not await stretches.has_expired(connection, stretch, before):
                    return True
            async with self._context.database.connected() as connection:
                if not await stretches.archive(connection, stretch):
                    return False
            _log.info("the events before %s are in the archive", before, extra={"event": "log_archived"})
        return True
