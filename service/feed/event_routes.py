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
from service.feed import cursors
from service.feed.cursors import FeedCursor
from service.feed.event_types import CloudEventPage, event
from service.feed.newest import EventPage, Newest
from service.feed.tail import Tail
from service.registry.filters import demand_known
from service.rules import errors
from service.rules.sight import Viewer, sight_of
from service.rules.words import EventType
from service.shown import examples
from service.store.log import feed
from service.store.log.feed import FeedFilter
from service.store.log.marks import BEGINNING, LogPlace, LostPlaceError
from service.web import paging, patterns, problems
from service.web.answers import Answer, encode
from service.web.examples import ok
from service.web.patterns import Shown
from service.web.router import Router
from service.web.text import COMMAS, Code, CursorText, Limit, Params, Prefix, WaitSeconds
from service.web.waiting import HeldRequests

router = Router(prefix="/v1/events", tags=["events"], is_hot=True)

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
            errors.HistoryChanged,
            errors.CursorExpired,
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

    A restore, or a failover to a server that lacked the newest commits, takes the log back. A cursor from what was lost
    then gets 410 `history_changed`: go on from `common`, the last cursor that both histories share, or from `oldest`
    where that is null. No event id is ever given to another event.
    """
    filters = FeedFilter(sight_of(caller), tuple(query.types), query.unit, query.area)
    start = await _start(context, query.after)
    demand_known(context.worlds.world, unit=query.unit, area=query.area)
    reader = _FeedReader(request, context, context.viewer(caller), query.limit, filters)
    try:
        page, history = await reader.page(start.place, query.wait)
    except LostPlaceError as error:
        raise await cursors.refusal(context, start, error) from None
    return paging.encoded(page.items, cursors.sign(context, page.place, history))


async def _start(context: Context, after: str | None) -> FeedCursor:
    if after is None:
        return FeedCursor(BEGINNING)
    if after == "now":
        return FeedCursor(await context.part(Newest).end_of_log())
    return cursors.read(context, after)


@dataclass(frozen=True, slots=True)
class _FeedReader:
    """Who reads the feed, and what of it. No database connection is held while the reader waits."""

    request: Request
    context: Context
    viewer: Viewer
    limit: int
    filters: FeedFilter

    async def page(self, after: LogPlace, wait_s: float) -> tuple[EventPage, str]:
        """The next page and the history of its log; with `wait_s` the first page that is not empty.

        Raises:
            LostPlaceError: the log was taken back, so that a place of this reader is not there any more, or what
                follows it is too old to be kept.
        """
        until, place, page = clock.monotonic() + wait_s, after, None
        if wait_s:
            await self.context.part(Newest).follow()
            page = self._kept(place)
        while True:
            history = self.context.part(Tail).history  # before the read, which may already see the next one
            if page is None:
                page = await self._stored(place, until)
            if page.place.position == after.position:
                after = page.place  # an older cursor had no mark
            if page.items != _NO_ITEMS or not page.is_last:
                return page, history
            place = page.place
            if not await self._has_news(place.position, until):
                return EventPage(_NO_ITEMS, after, True), history
            page = self._kept(place)
            if page is None:  # the reader is behind by now: let more gather before looking in the database again
                await asyncio.sleep(_GATHER_S)

    def _kept(self, after: LogPlace) -> EventPage | None:
        """The page, if this process has its events in memory."""
        return self.context.part(Newest).page(after, self.limit, self.filters, self.viewer)

    async def _stored(self, after: LogPlace, until: float) -> EventPage:
        """The page from the database."""
        timeout_s = max(_MAX_BEHIND_S, until - clock.monotonic())
        async with self.context.part(Newest).behind(timeout_s), self.context.database.read() as connection:
            found = await feed.read(connection, after.position, self.limit, self.filters, after.mark)
        items = encode([event(self.viewer, each) for each in found.events])
        return EventPage(items, LogPlace(found.scanned_to, found.mark), not found.more)

    async def _has_news(self, after: int, until: float) -> bool:
        left_s = until - clock.monotonic()
        if left_s <= 0:
            return False
        waits = self.context.part(Newest).wait(after, self.filters, left_s)
        return bool(await self.context.part(HeldRequests).while_connected(self.request, waits))
