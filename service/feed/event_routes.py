"""`GET /v1/events`: one log, many readers; each keeps its own cursor."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, Field

from service import clock
from service.access.deps import Caller
from service.context import Context, CurrentContext
from service.feed import cloud_events
from service.feed.tail import Tail
from service.rules import errors
from service.rules.words import EventType
from service.store.log import feed, numbering
from service.store.log.feed import FeedFilter, FeedPage
from service.web import problems, waiting
from service.web.answers import answer
from service.web.text import Code, CursorText, Limit, Params, Prefix, WaitSeconds

router = APIRouter(prefix="/v1/events", tags=["events · 事件流"])

_CURSOR = "events"
_GATHER_S = 0.05
_EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "specversion": "1.0",
            "id": "41-1",
            "source": "/sihu/440105",
            "type": "sihu.call.missed",
            "time": "2026-11-23T05:00:00.012Z",
            "datacontenttype": "application/json",
            "subject": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11",
            "sequence": "0000000003",
            "data": {
                "incident": {
                    "id": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11",
                    "number": "2026-000123",
                    "kind": "incident",
                    "grid_code": "440105003001001",
                    "category": "urban-0110",
                    "urgency": "normal",
                    "state": "calling",
                    "level": 1,
                    "unit": "440105003001",
                    "due_at": "2026-11-23T05:00:00Z",
                    "due_kind": "answer",
                    "version": 2,
                },
                "call": 1,
                "by": {"kind": "clock"},
                "note": None,
            },
        }
    ],
    "next_cursor": "WzQyXQ…",
}


def _split(value: Any) -> Any:
    """The values of a repeated parameter, each of which may hold several separated by commas."""
    if not isinstance(value, list):
        return value
    return [name for each in value for name in (each.split(",") if isinstance(each, str) else [each]) if name]


class FeedQuery(Params):
    """Where to go on, how long to wait, what to leave out."""

    after: CursorText | None = Field(None, description="a next_cursor; `now`: the end; none: the oldest kept")
    wait: WaitSeconds = 0
    limit: Limit = 50
    types: Annotated[list[EventType], BeforeValidator(_split), Field(max_length=len(EventType))] = Field(
        default=[], description="event types, repeated or separated by commas"
    )
    unit: Code | None = None
    area: Prefix | None = None


@router.get(
    "",
    summary="What happened, in one order, without gaps · 事件流",
    responses={
        200: {"description": "The next events", "content": {"application/json": {"example": _EXAMPLE}}},
        **problems.documented(errors.Unauthorized, errors.BadCursor, errors.ValidationFailed, errors.Unavailable),
    },
)
async def read_events(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[FeedQuery, Query()]
) -> Response:
    """Pass `next_cursor` back as `after`. An event never appears before one already read. With `wait`, an empty answer
    is held until something comes; one that ends empty gives the same cursor back. Items may be few, or none with a
    moved cursor, when a filter matches little: go on from there."""
    wanted = cloud_events.wanted(caller, tuple(query.types), query.unit, query.area)
    after = await _start(context, query.after)
    page = await _page(request, context, after, query, wanted)
    items = [cloud_events.cloud_event(stored, context.worlds.world.district) for stored in page.events]
    return answer({"items": items, "next_cursor": context.cursors.sign(_CURSOR, [page.scanned_to])})


async def _start(context: Context, after: str | None) -> int:
    if after is None:
        return 0
    if after == "now":
        async with context.database.read() as connection:
            return await numbering.end(connection)
    position: int = context.cursors.read(_CURSOR, after)[0]
    return position


async def _page(request: Request, context: Context, after: int, query: FeedQuery, wanted: FeedFilter) -> FeedPage:
    """The next page; with `wait`, the first that is not empty. No connection is held while waiting."""
    tail = context.part(Tail)
    until = clock.monotonic() + query.wait
    position = after
    while True:
        async with context.database.read() as connection:
            page = await feed.read(connection, position, query.limit, wanted)
        left_s = until - clock.monotonic()
        if page.events or page.more:
            return page
        if left_s <= 0:
            return FeedPage((), after, False)
        if position != after:  # what came was not for this reader: let more gather before looking again
            await asyncio.sleep(min(_GATHER_S, left_s))
        position = page.scanned_to
        if not await waiting.while_connected(request, tail.wait_past(position, left_s)):
            return FeedPage((), after, False)
