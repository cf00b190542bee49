"""`GET /v1/appraisal`: the figures of units, streets, departments, lines and levels in a month, and their calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from service.access.deps import Caller, must_be
from service.appraisal import examples, pages, views
from service.appraisal.accept import CSV, wants_csv
from service.appraisal.shapes import CountedCall, FiguresView
from service.appraisal.sheet import sheet
from service.context import CurrentContext
from service.registry import filters
from service.rules import errors
from service.rules.figures import scoring
from service.rules.figures.definition import UNKNOWN_LINE, Grouping, Measure, Period
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.sight import Sight, Viewer, figures_sight_of
from service.rules.words import Level, Role
from service.rules.world import World
from service.store.figures import months, tallies
from service.store.figures.tallies import CallFilter
from service.web import problems
from service.web.answers import Answer, answer
from service.web.cursors import kind_of
from service.web.examples import ok
from service.web.languages import language_of
from service.web.paging import ItemPage
from service.web.router import Router
from service.web.text import Code, Limit, Month, PageCursor, Params

router = Router(prefix="/v1/appraisal", tags=["appraisal"])

_FIGURES = ok(
    "Every group by its code, and the total; as CSV, one line a group", examples.FIGURES, "Content-Disposition"
)
_FIGURES["content"][CSV] = {"schema": {"type": "string"}, "example": examples.SHEET}
_PROBLEMS = (errors.Unauthorized, errors.NotYours, errors.ValidationFailed, errors.Unavailable)


class FiguresQuery(Params):
    """A calendar month in Asia/Shanghai, and what its calls are grouped by."""

    period: Month = Field(
        description="a month of Asia/Shanghai: its calls were opened from its first instant on, before the next month"
    )
    group_by: Grouping = Field(Grouping.UNIT, description="what the calls are grouped by")


class CallsQuery(FiguresQuery):
    """The figure whose calls are listed; without `group`, that of all groups together."""

    group: Code | None = Field(None, description="the code of a group")
    measure: Measure = Field(Measure.CALLS, description="the figure whose calls are listed")
    limit: Limit = 50
    cursor: PageCursor = None


@router.get(
    "",
    summary="The figures of a month, each with its calls · 考核",
    responses={
        200: _FIGURES,
        **problems.documented(*_PROBLEMS),
    },
)
async def read_figures(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[FiguresQuery, Query()]
) -> Answer[FiguresView] | Response:
    """Figures are counted from calls alone; a call belongs to the month in which it was opened. Each count has a link,
    `calls`, that lists exactly the calls it counts. Auditors and ops see all calls, a unit sees its own, a street or
    community also all those of its area, and reporters see none (403). `Accept: text/csv` gives a spreadsheet file."""
    sight = _sight(caller)
    period = Period.of(query.period)
    async with context.database.patient.read() as connection:
        found = await tallies.tallies(connection, period, query.group_by, sight)
        begun_before = await months.had_begun_before(connection, period)
    viewer = Viewer(caller, context.worlds.world, context.clock.now())
    policy = scoring.policy_of(viewer.world, period, viewer.now)
    if wants_csv(request.headers.get("accept")):
        name = f'attachment; filename="appraisal-{period}-{query.group_by}.csv"'
        headers = {"Content-Disposition": name, "Vary": "Accept"}
        language = language_of(request.scope)
        return Response(sheet(viewer, found, query.group_by, policy, language), 200, headers, f"{CSV}; charset=utf-8")
    page = views.page(viewer, found, period, query.group_by, policy, begun_before=begun_before)
    return answer(page, headers={"Vary": "Accept"})


@router.get(
    "/calls",
    summary="The calls behind a figure · 考核明细",
    responses={
        200: ok("Oldest first; over all pages as many as the figure says", examples.CALLS),
        **problems.documented(*_PROBLEMS, errors.BadCursor, errors.UnknownUnit, errors.UnknownReference),
    },
)
async def list_figure_calls(
    context: CurrentContext, caller: Caller, query: Annotated[CallsQuery, Query()]
) -> Answer[ItemPage[CountedCall]]:
    """Exactly the calls that a figure counts. Auditors and ops see all calls, a unit sees its own, a street or
    community also all those of its area, and reporters see none (403)."""
    sight = _sight(caller)
    kind = kind_of("appraisal", query.model_dump(mode="json", exclude={"cursor", "limit"}), caller.subject)
    after = pages.place(context.cursors, kind, query.cursor)
    if query.group is not None:
        _demand_group(context.worlds.world, query.group_by, query.group)
    figure = CallFilter(Period.of(query.period), query.group_by, query.group, query.measure)
    async with context.database.patient.read() as connection:
        found = await tallies.page(connection, figure, sight, after, query.limit + 1)
    viewer = Viewer(caller, context.worlds.world, context.clock.now())
    return pages.page(context.cursors, kind, viewer, found, query.limit)


def _sight(caller: Actor) -> Sight:
    """The calls that the caller may see in figures. Raises `NotYours` for reporters, who see none."""
    must_be(caller, Role.UNIT, Role.AUDITOR, Role.OPS)
    return figures_sight_of(caller)


def _demand_group(world: World, grouping: Grouping, code: str) -> None:
    """Raises `UnknownUnit` or `UnknownReference` when no group can have this code."""
    if grouping is Grouping.LEVEL:
        if code not in {str(level.value) for level in Level}:
            raise errors.UnknownReference(Sentence("A level is 1, 2, 3 or 4."), "?group")
    elif grouping is Grouping.LINE:
        if code != UNKNOWN_LINE:
            filters.demand_line(world, code, "?group")
    elif grouping is Grouping.STREET:
        filters.demand_area(world, code, "?group")
    else:
        filters.demand_unit(world, code, "?group")
