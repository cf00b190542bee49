"""`GET /v1/queues/{unit}`: for department, street and community systems that poll."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field, ValidationError

from service import clock
from service import context as contexts
from service.access import deps
from service.context import Context
from service.queues.pages import PageKey, QueuePage, SharedPages
from service.queues.tags import DEFAULT_STATES, QueueTags
from service.rules import errors
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.sight import NOTHING, Member, Sight, Viewer, queue_sight_of
from service.rules.words import State
from service.rules.world import World
from service.shown import examples
from service.shown.row import IncidentRow, row
from service.store.incidents import queue_pages
from service.web import faults, headers, paging, problems
from service.web.answers import Answer, encode
from service.web.cursors import kind_of
from service.web.examples import ok, unchanged
from service.web.paging import ItemPage
from service.web.router import Router
from service.web.text import Limit, PageCursor, Params, WaitSeconds
from service.web.waiting import HeldRequests

_TAG_DIGITS = 16

router = Router(prefix="/v1/queues", tags=["queues"], is_hot=True)


class QueueRow(IncidentRow):
    """An incident in the queue of a unit. `assisting` is true when another unit is called, and this one assists it."""

    assisting: bool


_EXAMPLE: ItemPage[QueueRow] = {"items": [{**examples.ROW, "assisting": False}], "next_cursor": None}


class QueueQuery(Params):
    """The states to list, the page, and how long to wait for a change."""

    state: Annotated[list[Literal["calling", "answered", "on_hold", "resolved"]], Field(max_length=5)] = Field(
        default=[], description="separated by commas; calling, answered and on_hold if left out"
    )
    limit: Limit = 50
    cursor: PageCursor = None
    wait: WaitSeconds = 0


_PARAMETERS = [
    {"name": "unit", "in": "path", "required": True, "schema": {"type": "string"}, "example": "440105003"},
    *(
        {"name": name, "in": "query", "required": False, "schema": schema, "description": schema.get("description", "")}
        for name, schema in QueueQuery.model_json_schema(ref_template="#/components/schemas/{model}")[
            "properties"
        ].items()
    ),
    {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}},
]


@router.get(
    "/{unit}",
    summary="A unit's queue, soonest deadline first · 待办队列",
    responses={
        200: ok("One page; `ETag` stands for the whole queue", _EXAMPLE, "ETag"),
        304: unchanged(),
        **problems.documented(
            errors.Unauthorized, errors.NotFound, errors.BadCursor, errors.ValidationFailed, errors.Unavailable
        ),
    },
    openapi_extra={"parameters": _PARAMETERS},
)
async def read_queue(request: Request) -> Answer[ItemPage[QueueRow]] | Response:
    """The incidents this unit is called for, and those in which it assists (`assisting: true`).

    Poll with `If-None-Match`: a 304 costs next to nothing. With `wait` as well, the answer comes when the queue changes
    or the seconds have passed."""
    # Parameters are read by hand: department systems poll all day, and the framework's way costs a 304 twice as much.
    context, unit = contexts.of(request.scope), request.path_params["unit"]
    query = _query_of(request.scope["query_string"])
    actor = deps.actor_of(request.scope)
    sight = _sight(actor, unit, context.worlds.world, context.clock.now())
    wanted = _Wanted(context, actor, unit, frozenset(map(State, query.state)) or DEFAULT_STATES, query, sight)
    known = request.headers.get("if-none-match")
    if _is_members(sight):
        return await _answer_member(request, wanted, known)
    tags = context.part(QueueTags)
    tag = tags.tag(unit, wanted.states)
    woken = False
    if headers.is_unchanged(known, tag):
        waits = tags.changed(unit, wanted.states, tag, query.wait) if query.wait else None
        woken = bool(waits and await context.part(HeldRequests).while_connected(request, waits))
        if not woken:
            return Response(status_code=304, headers={"ETag": tag})
        tag = tags.tag(unit, wanted.states)
    # the tag is taken before the rows are read, so the rows may be newer than the tag, but never older
    return _encoded(wanted, await _page(wanted, tag, woken=woken), tag)


class _Wanted(NamedTuple):
    """What a request asks for: a page of a queue in some states, as far as `sight` goes."""

    context: Context
    actor: Actor
    unit: str
    states: frozenset[State]
    query: QueueQuery
    sight: Sight

    @property
    def kind(self) -> str:
        """What a cursor of this queue is good for."""
        return kind_of("queue", {"unit": self.unit, "states": sorted(self.states)}, self.actor.subject)


async def _answer_member(request: Request, wanted: _Wanted, known: str | None) -> Response:
    """The answer to a partner that asks for the queue of its parent. Its tag is made of what it sees there: the tag of
    the queue would tell it, and a held request would end, whenever something was reported in confidence."""
    tags, held = wanted.context.part(QueueTags), wanted.context.part(HeldRequests)
    until_s, woken = clock.monotonic() + wanted.query.wait, False
    while True:
        of_queue = tags.tag(wanted.unit, wanted.states)
        page = await _page(wanted, of_queue, woken=woken)
        assert page.partners_tag is not None
        if not headers.is_unchanged(known, page.partners_tag):
            return _encoded(wanted, page, page.partners_tag)
        left_s = until_s - clock.monotonic()
        waits = tags.changed(wanted.unit, wanted.states, of_queue, left_s) if left_s > 0 else None
        woken = bool(waits and await held.while_connected(request, waits))
        if not woken:
            return Response(status_code=304, headers={"ETag": page.partners_tag})


async def _page(wanted: _Wanted, tag: str, *, woken: bool) -> QueuePage:
    context, actor, query = wanted.context, wanted.actor, wanted.query
    after = None if query.cursor is None else _place(context.cursors.read(wanted.kind, query.cursor))
    looker = actor.subject, actor.role, actor.unit
    key = PageKey(wanted.unit, tuple(sorted(wanted.states)), after, query.limit, wanted.sight, looker, tag)
    read = partial(_read, context, context.viewer(actor), key)
    return await context.part(SharedPages).page(key, context.part(QueueTags).commits, read, woken=woken)


def _encoded(wanted: _Wanted, page: QueuePage, tag: str) -> Response:
    cursor = wanted.context.cursors.sign(wanted.kind, page.last) if page.last else None
    return paging.encoded(page.items, cursor, headers={"ETag": tag})


@lru_cache(maxsize=1024)
def _query_of(query_string: bytes) -> QueueQuery:
    """The checked parameters, cached since pollers repeat them. Raises `ValidationFailed`."""
    values: dict[str, Any] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        if name == "state":
            values.setdefault("state", []).extend(value.split(","))
        else:
            values[name] = value
    try:
        return QueueQuery.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise faults.refused([({**each, "loc": ("query", *each["loc"])}, QueueQuery) for each in found]) from None


def _sight(actor: Actor, code: str, world: World, now: datetime) -> Sight:
    """What the actor sees of the queue of a unit. Raises `NotFound` when there is no such unit, or the actor sees
    nothing of its queue."""
    unit = world.unit(code, now)
    sight = NOTHING if unit is None else queue_sight_of(actor, unit)
    if sight == NOTHING:
        raise errors.NotFound(Sentence("There is no queue {unit} that you may see: see GET /v1/units.", unit=code))
    return sight


def _place(values: Any) -> tuple[datetime, UUID]:
    """The place that a cursor carries."""
    due_at, incident_id = values
    return datetime.fromisoformat(due_at), UUID(incident_id)


async def _read(context: Context, viewer: Viewer, key: PageKey) -> QueuePage:
    """Read a page. How a row looks depends on the world, the moment and on who looks."""
    tag = None
    async with context.database.glance() as connection:
        if _is_members(key.sight):  # before the rows, so that they are never older
            tag = _tag_of(await queue_pages.versions(connection, key.unit, key.states, sight=key.sight))
        found = await queue_pages.page(
            connection,
            key.unit,
            key.states,
            key.after,
            key.limit + 1,
            sight=key.sight,
            looker=viewer.actor.unit,
        )
    shown = found[: key.limit]
    last = shown[-1] if len(found) > key.limit else None
    items = encode([_row(viewer, each, key.unit) for each in shown])
    return QueuePage(items, (last["due_at"], last["id"]) if last else None, tag)


def _is_members(sight: Sight) -> bool:
    """Whether a sight is that of a partner on the queue of its parent."""
    return any(isinstance(case, Member) for case in sight)


def _tag_of(versions: Sequence[tuple[UUID, int]]) -> str:
    """The weak ETag of these incidents in these versions."""
    return f'W/"{hashlib.sha256(encode(versions)).hexdigest()[:_TAG_DIGITS]}"'


def _row(viewer: Viewer, stored: Mapping[Any, Any], unit: str) -> QueueRow:
    return {**row(viewer, stored), "assisting": stored["unit"] != unit}
