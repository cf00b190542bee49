"""Moves the words of events from before out of the log, in the background, until none has any.

Every process does so, and they need not agree: whoever takes the turn does the next stretch. Once all is moved, a look
at what came since costs nearly nothing; it goes on, because a process of an older version may run beside this one.
"""

from __future__ import annotations

import asyncio
import logging

from service import clock
from service.context import Context, TaskPart
from service.feed.tail import Tail
from service.rules.errors import Unavailable
from service.store.incidents import old_words
from service.store.incidents.old_words import Moved

_log = logging.getLogger(__name__)

_BETWEEN_S = 0.05
"""The pause between two stretches: people and the engine come first."""
_EVERY_S = 5.0
"""The pause once all is moved, or while another process does it."""
_AFTER_FAULT_S = 5.0
_NEWS_EVERY_S = 10.0


class OldWords(TaskPart):
    """Works through the log, from where the last process was."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tail = context.part(Tail)
        self._up_to = -1
        self._renewals = -1
        self._moved = 0
        self._news_s = clock.monotonic()

    async def _run(self) -> None:
        while True:
            pause_s = _AFTER_FAULT_S
            try:
                pause_s = _BETWEEN_S if await self.step() else _EVERY_S
            except Unavailable:
                pass  # the outage is in the log already
            except Exception as error:
                _log.exception("the words of old events could not be moved", extra={"event": "old_words_failed"})
                self._context.metrics.fault("old_words", error)
            await asyncio.sleep(pause_s)

    async def step(self) -> bool:
        """Do the next stretch, if there is one and it is this process's turn. Returns whether there is more to do."""
        if (self._up_to, self._renewals) == (self._tail.position, self._tail.renewals):
            return False  # nothing came since: no look in the database
        renewals = self._tail.renewals
        async with self._context.database.begin() as tx:
            moved = await old_words.step(tx)
        if moved is None:
            return False
        self._up_to, self._renewals = moved.up_to, renewals
        self._note(moved)
        return moved.up_to < moved.end

    def _note(self, moved: Moved) -> None:
        """Say how far it is, every now and then and at the end."""
        self._moved += moved.events
        is_done = moved.up_to >= moved.end
        if self._moved and (is_done or clock.monotonic() - self._news_s >= _NEWS_EVERY_S):
            sentence = "the words of %d old events were moved out of the log, which is done up to position %d of %d"
            _log.info(sentence, self._moved, moved.up_to, moved.end, extra={"event": "old_words_moved"})
            self._moved, self._news_s = 0, clock.monotonic()
