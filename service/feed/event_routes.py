"""`GET /v1/events`: one log, many readers; each keeps its own cursor."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field

from service import clock
from service.access.deps import Caller
from service.context import Context, CurrentContext
from service.feed.event_types import CloudEventPage, event
from service.feed.tail import Tail
from service.registry.filters import demand_known
from service.rules import errors
from service.rules.sight import Viewer, sight_of
from service.rules.words import EventType
from service.shown import examples
from service.store.log import feed, numbering
from service.store.log.feed import FeedFilter, FeedPage
from service.web import patterns, problems, waiting
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.patterns import Shown
from service.web.router import Router
from service.web.text import COMMAS, Code, CursorText, Limit, Params, Prefix, WaitSeconds

router = Router(prefix="/v1/events", tags=["events"])

_CURSOR = "events"
_GATHER_S = 0.05
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
    page = await _page(request, context, after, query, filters)
    viewer = Viewer(caller, context.worlds.world, context.clock.now())
    cursor = context.cursors.sign(_CURSOR, [page.scanned_to])
    return answer({"items": [event(viewer, each) for each in page.events], "next_cursor": cursor})


async def _start(context: Context, after: str | None) -> int:
    if after is None:
        return 0
    if after == "now":
        async with context.database.read() as connection:
            return await numbering.end(connection)
    position: int = context.cursors.read(_CURSOR, after)[0]
    return position


async def _page(request: Request, context: Context, after: int, query: FeedQuery, filters: FeedFilter) -> FeedPage:
    """The next page; with `wait` the first page that is not empty. No database connection is held while waiting."""
    tail = context.part(Tail)
    until = clock.monotonic() + query.wait
    position = after
    while True:
        async with context.database.read() as connection:
            page = await feed.read(connection, position, query.limit, filters)
        left_s = until - clock.monotonic()
        if page.events or page.more:
            return page
        if left_s <= 0:
            return FeedPage((), after, False)
        if position != after:  # the new events were not for this reader: let more gather before looking again
            await asyncio.sleep(min(_GATHER_S, left_s))
        position = page.scanned_to
        if not await waiting.while_connected(request, tail.wait_past(position, left_s)):
            return FeedPage((), after, False)
