"""`GET /v1/events`: one log, many readers; each keeps its own cursor."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field

from service import clock
from service.access.deps import Caller
from service.context import Context, CurrentContext
from service.feed import cursors
from service.feed.cursors import FeedCursor
from service.feed.event_types import CloudEventPage, event
from service.feed.tail import Tail
from service.registry.filters import demand_known
from service.rules import errors
from service.rules.sight import Viewer, sight_of
from service.rules.words import EventType
from service.shown import examples
from service.store.log import feed, marks
from service.store.log.feed import FeedFilter, FeedPage
from service.store.log.marks import BEGINNING, LogPlace, LostPlaceError
from service.web import patterns, problems, waiting
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.patterns import Shown
from service.web.router import Router
from service.web.text import COMMAS, Code, CursorText, Limit, Params, Prefix, WaitSeconds

router = Router(prefix="/v1/events", tags=["events"])

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
    try:
        page, history = await _page(request, context, start.place, query, filters)
    except LostPlaceError as error:
        raise await cursors.refusal(context, start, error) from None
    viewer = Viewer(caller, context.worlds.world, context.clock.now())
    cursor = cursors.sign(context, LogPlace(page.scanned_to, page.mark), history)
    return answer({"items": [event(viewer, each) for each in page.events], "next_cursor": cursor})


async def _start(context: Context, after: str | None) -> FeedCursor:
    if after is None:
        return FeedCursor(BEGINNING)
    if after == "now":
        async with context.database.read() as connection:
            return FeedCursor(await marks.end(connection))
    return cursors.read(context, after)


async def _page(
    request: Request, context: Context, after: LogPlace, query: FeedQuery, filters: FeedFilter
) -> tuple[FeedPage, str]:
    """The next page and the history of its log; with `wait` the first page that is not empty. No database connection is
    held while waiting."""
    tail = context.part(Tail)
    until = clock.monotonic() + query.wait
    place = after
    while True:
        history = tail.history  # before the read, which may already see the next one
        async with context.database.read() as connection:
            page = await feed.read(connection, place.position, query.limit, filters, place.mark)
        left_s = until - clock.monotonic()
        found = LogPlace(page.scanned_to, page.mark)
        if found.position == after.position:
            after = found  # an older cursor had no mark
        if page.events or page.more:
            return page, history
        if left_s <= 0:
            return FeedPage((), after.position, False, after.mark), history
        if place.position != after.position:  # these were not for this reader: let more gather before looking again
            await asyncio.sleep(min(_GATHER_S, left_s))
        place = found
        if not await waiting.while_connected(request, tail.wait_past(place.position, left_s)):
            return FeedPage((), after.position, False, after.mark), history
