"""`GET /v1/appraisal/watch`: what auditors keep an eye on, beside the figures of a month; and the calls behind it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from service.access.deps import Caller, must_be
from service.appraisal import examples, pages, watch_examples, watch_views
from service.appraisal.shapes import CountedCall
from service.appraisal.watch_shapes import WatchView
from service.context import CurrentContext
from service.registry import filters
from service.rules import errors
from service.rules.figures.definition import Period
from service.rules.figures.watching import OPS_SIGNS, Sign
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.store.figures import months, watching
from service.store.figures.watching import SignFilter
from service.web import paging, problems
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.paging import ItemPage
from service.web.router import Router
from service.web.text import Code, Limit, Month, PageCursor, Params

router = Router(prefix="/v1/appraisal/watch", tags=["appraisal"])

_PROBLEMS = (errors.Unauthorized, errors.NotYours, errors.ValidationFailed, errors.Unavailable)


class WatchQuery(Params):
    """A calendar month in Asia/Shanghai."""

    period: Month = Field(
        description="a month of Asia/Shanghai: its calls were opened from its first instant on, before the next month"
    )


class SignCallsQuery(WatchQuery):
    """The sign whose calls are listed; without `unit`, those of all units together."""

    sign: Sign = Field(description="the sign whose calls are listed")
    unit: Code | None = Field(None, description="the code of a called unit")
    by: Literal["ops"] | None = Field(None, description="`ops`: only what ops decided")
    limit: Limit = 50
    cursor: PageCursor = None


@router.get(
    "",
    summary="What auditors look at · 监督",
    responses={
        200: ok("Every unit that was called in the month, by its code, and ops", watch_examples.WATCH),
        **problems.documented(*_PROBLEMS),
    },
)
async def read_watch(
    context: CurrentContext, caller: Caller, query: Annotated[WatchQuery, Query()]
) -> Answer[WatchView]:
    """Signs, beside the median of all units: how often a unit left its calls in each way, left them in the last moment,
    was given in a second what it asked for, and the like; and the same of what ops decided. A sign is no verdict, but a
    reason to open the calls that it counts; no score has it. For auditors and ops (403 for others)."""
    _demand_watcher(caller)
    period = Period.of(query.period)
    async with context.database.patient.read() as connection:
        found = await watching.watch(connection, period)
        known = await months.known(connection, period)
    viewer = context.viewer(caller)
    return answer(watch_views.page(viewer, found, period, begun_before=known.begun_before))


@router.get(
    "/calls",
    summary="The calls behind a sign · 监督明细",
    responses={
        200: ok("Oldest first; over all pages as many as the sign says", examples.CALLS),
        **problems.documented(*_PROBLEMS, errors.BadCursor, errors.UnknownUnit),
    },
)
async def list_sign_calls(
    context: CurrentContext, caller: Caller, query: Annotated[SignCallsQuery, Query()]
) -> Answer[ItemPage[CountedCall]]:
    """Exactly the calls that a sign counts. For auditors and ops (403 for others)."""
    _demand_watcher(caller)
    kind = paging.list_kind("watch", query, caller.subject)
    after = pages.place(context.cursors, kind, query.cursor)
    if query.unit is not None:
        filters.demand_unit(context.worlds.world, query.unit, "?unit")
    if query.by is not None and query.sign not in OPS_SIGNS:
        raise _no_sign_of_ops(query.sign)
    wanted = SignFilter(Period.of(query.period), query.sign, query.unit, by_ops=query.by is not None)
    async with context.database.patient.read() as connection:
        found = await watching.page(connection, wanted, after, query.limit + 1)
    viewer = context.viewer(caller)
    return pages.page(context.cursors, kind, viewer, found, query.limit)


def _demand_watcher(caller: Actor) -> None:
    """Raises `NotYours` for everybody but auditors and ops."""
    must_be(caller, Role.AUDITOR, Role.OPS)


def _no_sign_of_ops(sign: Sign) -> errors.ValidationFailed:
    detail = Sentence(
        "Ops have no sign {sign}. Leave out by, or choose one of these: {signs}.",
        sign=sign.value,
        signs=[each.value for each in OPS_SIGNS],
    )
    return errors.wrong_field("?sign", detail, errors.Rule.NOT_ONE_OF, allowed=[each.value for each in OPS_SIGNS])
