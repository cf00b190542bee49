"""`GET /v1/events`: one log, many readers; each keeps its own cursor."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field

from service import clock
from service.access.deps import Caller
from service.context import Context, CurrentContext
from service.feed.event_types import CloudEventPage, event
from service.feed.newest import EventPage, Newest
from service.registry.filters import demand_known
from service.rules import errors
from service.rules.sight import Viewer, sight_of
from service.rules.words import EventType
from service.shown import examples
from service.store.log import feed
from service.store.log.feed import FeedFilter
from service.web import paging, patterns, problems
from service.web.answers import Answer
from service.web.examples import ok
from service.web.patterns import Shown
from service.web.router import Router
from service.web.text import COMMAS, Code, CursorText, Limit, Params, Prefix, WaitSeconds
from service.web.waiting import HeldRequests

router = Router(prefix="/v1/events", tags=["events"])

_CURSOR = "events"
_GATHER_S = 0.05
_MAX_BEHIND_S = 2.0
"""How long a reader that does not wait for news waits for its way to the database."""
_NO_ITEMS = b"[]"
_EXAMPLE: CloudEventPage = {"items": [examples.MISSED], "next_cursor": "WzQyXQ…"}


class FeedQuery(Params):
    """The cursor to go on from, how long to wait, and which events to list."""

    after: Annotated[CursorText, Shown(patterns.AFTER)] | None = Field(
        None, description="a `next_cursor`; `now` for the end of the log; left out: the oldest event kept"
    )
    wait: WaitSeconds = 0
    limit: Limit = 50
    types: Annotated[list[EventType], COMMAS, Field(max_length=len(EventType))] = Field(
        default=[], description="event types, separated by commas"
    )
    unit: Code | None = Field(None, description="events of incidents whose last call was on this unit when it happened")
    area: Prefix | None = Field(None, description="the start of the grid code: a district, street, community or cell")


@router.get(
    "",
    summary="What happened, in one order, without gaps · 事件流",
    responses={
        200: ok("The next events", _EXAMPLE),
        **problems.documented(
            errors.Unauthorized,
            errors.BadCursor,
            errors.ValidationFailed,
            errors.UnknownUnit,
            errors.UnknownReference,
            errors.Unavailable,
        ),
    },
)
async def read_events(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[FeedQuery, Query()]
) -> Answer[CloudEventPage]:
    """Pass `next_cursor` back as `after`. No event ever appears before one that was already read.

    With `wait`, an empty answer is delayed until an event comes; if none comes in that time, you get the same cursor.
    When few events match the filter, a page may have few items, or none at all but a new cursor: go on from that
    cursor.
    """
    filters = FeedFilter(sight_of(caller), tuple(query.types), query.unit, query.area)
    after = await _start(context, query.after)
    demand_known(context.worlds.world, unit=query.unit, area=query.area)
    reader = _FeedReader(
        request, context, Viewer(caller, context.worlds.world, context.clock.now()), query.limit, filters
    )
    page = await reader.page(after, query.wait)
    return paging.encoded(page.items, context.cursors.sign(_CURSOR, [page.scanned_to]))


async def _start(context: Context, after: str | None) -> int:
    if after is None:
        return 0
    if after == "now":
        return await context.part(Newest).end_of_log()
    position: int = context.cursors.read(_CURSOR, after)[0]
    return position


@dataclass(frozen=True, slots=True)
class _FeedReader:
    """Who reads the feed, and what of it. No database connection is held while the reader waits."""

    request: Request
    context: Context
    viewer: Viewer
    limit: int
    filters: FeedFilter

    async def page(self, after: int, wait_s: float) -> EventPage:
        """The next page; with `wait_s` the first page that is not empty."""
        until, position, page = clock.monotonic() + wait_s, after, None
        if wait_s:
            await self.context.part(Newest).follow()
            page = self._kept(after)
        while True:
            if page is None:
                page = await self._stored(position, until)
            if page.items != _NO_ITEMS or not page.is_last:
                return page
            position = page.scanned_to
            if not await self._has_news(position, until):
                return EventPage(_NO_ITEMS, after, True)
            page = self._kept(position)
            if page is None:  # the reader is behind by now: let more gather before looking in the database again
                await asyncio.sleep(_GATHER_S)

    def _kept(self, after: int) -> EventPage | None:
        """The page, if this process has its events in memory."""
        return self.context.part(Newest).page(after, self.limit, self.filters, self.viewer)

    async def _stored(self, after: int, until: float) -> EventPage:
        """The page from the database."""
        timeout_s = max(_MAX_BEHIND_S, until - clock.monotonic())
        async with self.context.part(Newest).behind(timeout_s), self.context.database.read() as connection:
            found = await feed.read(connection, after, self.limit, self.filters)
        items = paging.encode([event(self.viewer, each) for each in found.events])
        return EventPage(items, found.scanned_to, not found.more)

    async def _has_news(self, after: int, until: float) -> bool:
        left_s = until - clock.monotonic()
        if left_s <= 0:
            return False
        waits = self.context.part(Newest).wait(after, self.filters, left_s)
        return bool(await self.context.part(HeldRequests).while_connected(self.request, waits))
