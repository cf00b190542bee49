"""A queue page is read once for all who want the same page at the same moment.

Whoever comes while a page is being read takes that page, if it was asked for under the same tag: a page that was read
under a tag is never older than the tag, whoever takes it. A tag says nothing of a rating, which moves no version, so a
new request joins no reading that began before the last commit of this process: whoever acts and then reads finds the
act. Those who were woken by a change came before it, and may take the page of that change for a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from service.rules.errors import Unavailable
from service.rules.sight import Sight
from service.rules.words import Role
from service.web import shares

_KEEP_S = 1.0


class PageKey(NamedTuple):
    """What decides the rows of a page, and how they look. `looker` is the subject that looks, with its role and its
    unit: of one queue, each sees some incidents whole and others masked. `tag` is that of the queue when the page is
    asked for."""

    unit: str
    states: tuple[str, ...]
    after: tuple[datetime, UUID] | None
    limit: int
    sight: Sight
    looker: tuple[str, Role, str | None]
    tag: str


class QueuePage(NamedTuple):
    """The rows of a page as JSON, and the place of its last row when further rows follow. `partners_tag`: the tag for a
    partner, which may not know that of the queue."""

    items: bytes
    last: tuple[datetime, UUID] | None
    partners_tag: str | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """A page that is being read, or was read a moment ago. Its outcome is None when whoever read it gave up."""

    commits: int
    outcome: asyncio.Future[QueuePage | None]


class SharedPages:
    """The pages that are being read in this process, and those that were read for a change a moment ago."""

    def __init__(self) -> None:
        self._readings: dict[PageKey, _Reading] = {}

    async def page(
        self, key: PageKey, commits: int, read: Callable[[], Awaitable[QueuePage]], *, woken: bool
    ) -> QueuePage:
        """The page: that of a reading which serves this request as well, or else what `read` returns.

        `commits`: how many transactions this process has committed so far. `woken`: the request was held, and a change
        ended that.

        Raises:
            Unavailable: the database cannot be reached, for this reader or for the one it joined.
            Whatever `read` raises.
        """
        while True:
            found = self._shared(key, commits, woken)
            if found is None:
                async with shares.at_database():  # before others may join, since the turn is of this request alone
                    if (found := self._shared(key, commits, woken)) is None:
                        return await self._read(key, commits, read, woken)
            page = await asyncio.shield(found.outcome)
            if page is not None:
                return page

    def _shared(self, key: PageKey, commits: int, woken: bool) -> _Reading | None:
        """The reading that serves this request as well."""
        found = self._readings.get(key)
        return found if found and (woken or (found.commits == commits and not found.outcome.done())) else None

    async def _read(
        self, key: PageKey, commits: int, read: Callable[[], Awaitable[QueuePage]], woken: bool
    ) -> QueuePage:
        loop = asyncio.get_running_loop()
        reading = self._readings[key] = _Reading(commits, loop.create_future())
        try:
            page = await read()
        except Unavailable as error:
            reading.outcome.set_exception(error)
            reading.outcome.exception()  # looked at here, since perhaps nobody else waits for it
            self._drop(key, reading)
            raise
        except BaseException:  # perhaps the server gave up the request: the next one reads for itself
            reading.outcome.set_result(None)
            self._drop(key, reading)
            raise
        reading.outcome.set_result(page)
        if woken:
            loop.call_later(_KEEP_S, self._drop, key, reading)
        else:
            self._drop(key, reading)
        return page

    def _drop(self, key: PageKey, reading: _Reading) -> None:
        if self._readings.get(key) is reading:
            del self._readings[key]
