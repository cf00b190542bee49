"""`/v1/appraisal`: the figures of units, streets, departments, lines and levels in a month, their calls, and the close
of a month."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from service.access.deps import Caller, must_be, require
from service.appraisal import closing, examples, files, pages, views
from service.appraisal.accept import FileType, file_type
from service.appraisal.figures import figures, period_of
from service.appraisal.shapes import ClosedMonthView, CountedCall, FiguresView
from service.context import Context, CurrentContext
from service.registry import filters
from service.rules import access, errors
from service.rules.figures.definition import UNKNOWN_LINE, Grouping, Measure, Period
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.sight import Sight, Viewer, figures_sight_of
from service.rules.words import Level, Role
from service.rules.world import World
from service.store.figures import tallies
from service.store.figures.tallies import CallFilter
from service.web import problems
from service.web.answers import Answer, answer
from service.web.cursors import kind_of
from service.web.examples import ok, one
from service.web.languages import language_of
from service.web.paging import ItemPage
from service.web.router import Router
from service.web.text import Body, Code, Limit, Month, PageCursor, Params

router = Router(prefix="/v1/appraisal", tags=["appraisal"])

_VARIES = {"Vary": "Accept"}

_WORKBOOK = {FileType.XLSX: {"schema": {"type": "string", "format": "binary"}}}
_FIGURES = ok(
    "Every group by its code, and the total; as a file, one line a group", examples.FIGURES, "Content-Disposition"
)
_FIGURES["content"] |= {FileType.CSV: {"schema": {"type": "string"}, "example": examples.SHEET}, **_WORKBOOK}
_CALLS = ok(
    "Oldest first; over all pages, and in a file, as many as the figure says", examples.CALLS, "Content-Disposition"
)
_CALLS["content"] |= {FileType.CSV: {"schema": {"type": "string"}}, **_WORKBOOK}
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


class CloseBody(Body):
    """A close has nothing to choose: the body is empty or left out, and a field in it is refused."""


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
    `calls`, that lists exactly the calls it counts. Once the month is closed, `items` stay as they were counted then,
    the links list the calls as they are now, and `corrections` has each count that differs. Auditors and ops see all
    calls, a unit sees its own, a street or community also all those of its area, and reporters see none (403).
    `Accept: text/csv`, or that of xlsx, gives a file for spreadsheets."""
    sight = _sight(caller)
    viewer, month = await figures(context, caller, Period.of(query.period), query.group_by, sight)
    if (kind := file_type(request.headers.get("accept"))) is not None:
        content = await files.figures_file(viewer, month, kind, language_of(request.scope))
        return _file(content, kind, f"appraisal-{query.period}-{query.group_by}")
    return answer(views.page(viewer, month), headers=_VARIES)


@router.get(
    "/calls",
    summary="The calls behind a figure · 考核明细",
    responses={
        200: _CALLS,
        **problems.documented(*_PROBLEMS, errors.BadCursor, errors.UnknownUnit, errors.UnknownReference),
    },
)
async def list_figure_calls(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[CallsQuery, Query()]
) -> Answer[ItemPage[CountedCall]] | Response:
    """Exactly the calls that a figure counts. Auditors and ops see all calls, a unit sees its own, a street or
    community also all those of its area, and reporters see none (403). `Accept: text/csv`, or that of xlsx, gives a
    file with all of them, up to 50,000: a figure that has more is to be asked for group by group."""
    sight = _sight(caller)
    if query.group is not None:
        _demand_group(context.worlds.world, query.group_by, query.group)
    wanted = CallFilter(Period.of(query.period), query.group_by, query.group, query.measure)
    viewer = context.viewer(caller)
    if (kind := file_type(request.headers.get("accept"))) is None:
        return await _calls_page(context, viewer, query, wanted, sight)
    _demand_whole(query)
    content = await files.calls_file(context, viewer, wanted, sight, kind, language_of(request.scope))
    group = "" if query.group is None else f"-{query.group}"
    return _file(content, kind, f"calls-{query.period}-{query.group_by}{group}-{query.measure}")


async def _calls_page(
    context: Context, viewer: Viewer, query: CallsQuery, wanted: CallFilter, sight: Sight
) -> Answer[ItemPage[CountedCall]]:
    parameters = query.model_dump(mode="json", exclude={"cursor", "limit"})
    kind = kind_of("appraisal", parameters, viewer.actor.subject)
    after = pages.place(context.cursors, kind, query.cursor)
    async with context.database.patient.read() as connection:
        found = await tallies.page(connection, wanted, sight, after, query.limit + 1)
    return pages.page(context.cursors, kind, viewer, found, query.limit, _VARIES)


def _demand_whole(query: CallsQuery) -> None:
    """Raises `ValidationFailed` when a file is asked for page by page."""
    for name in sorted({"limit", "cursor"} & query.model_fields_set):
        detail = Sentence("A file has all calls of the figure: leave {name} out.", name=name)
        raise errors.wrong_field(f"?{name}", detail, errors.Rule.NOT_ALLOWED)


def _file(content: bytes, kind: FileType, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind.name.lower()}"', **_VARIES}
    media_type = f"{kind}; charset=utf-8" if kind is FileType.CSV else kind
    return Response(content, 200, headers, media_type)


@router.post(
    "/{period}/close",
    summary="Close a month · 封账",
    responses={
        200: one(examples.CLOSED),
        **problems.documented(*_PROBLEMS, *problems.OF_A_BODY, errors.NotFound, errors.Conflict),
    },
)
async def close_month(
    context: CurrentContext,
    caller: Annotated[Actor, Depends(require(Role.OPS))],
    period: str,
    body: CloseBody = CloseBody(),  # noqa: B008
) -> Answer[ClosedMonthView]:
    """The figures of a month that is over are frozen, whatever is pending shown as pending. The event
    `sihu.appraisal.closed` has the SHA-256 of them, and the seed of the month's spot checks. From then on the appraisal
    of the month shows them, and beside them as `corrections` what is counted otherwise by now. No score changes by what
    happens later, nor by a later policy. `period` is a month, such as 2026-11. Before it is over the answer is 409. A
    month that is closed already stays as it is."""
    by, now = access.by_of(caller), context.clock.now()
    closed, committed = await closing.close(context.database, context.worlds, period_of(period), now, by)
    if committed is not None:
        context.tell(committed)
    return answer(views.closed(closed))


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
