"""Look-ups of cells, units, categories, lines of work and duties. Every answer comes from memory, not the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Query, Request

from service.access.deps import Caller, actor_of
from service.context import Context, CurrentContext
from service.places.coordinates import to_wgs84
from service.registry import examples, views
from service.registry.filters import demand_known
from service.registry.schemas import AreaQuery, ChainQuery, DatedQuery, DutyQuery, LocateQuery
from service.rules import errors, routing
from service.rules.arrows.handling import unknown_category
from service.rules.sentences import Sentence
from service.rules.world import Category, Cell, Duty, Line, Unit, World
from service.web import paging, problems
from service.web.answers import Answer, answer, answer_in_words
from service.web.examples import listed, one
from service.web.paging import ItemPage, PageQuery, SortKey
from service.web.router import Router

router = Router(prefix="/v1", tags=["registry"])

_LIST_PROBLEMS = (errors.Unauthorized, errors.BadCursor, errors.ValidationFailed)
_LISTS = problems.documented(*_LIST_PROBLEMS)
_FILTERED = problems.documented(*_LIST_PROBLEMS, errors.UnknownReference)
_OF_DUTIES = problems.documented(*_LIST_PROBLEMS, errors.UnknownReference, errors.UnknownCategory)
_Row = TypeVar("_Row", Unit, Cell, Category, Duty)
_Item = TypeVar("_Item", Unit, Cell, Category, Duty, Line)
_View = TypeVar("_View")


@router.get("/grid-cells", summary="List the grid cells · 网格", responses={200: listed(examples.CELL), **_FILTERED})
async def list_cells(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[AreaQuery, Query()]
) -> Answer[ItemPage[views.CellView]]:
    """Cells in force at `at`, or now, are listed by code. `area` keeps those whose code starts with it."""
    world, at = _now(context, query.at)
    demand_known(world, area=query.area)
    return _page(request, context, query, _in_force(world.cells, at, query.area), views.cell)


@router.get(
    "/grid-cells/locate",
    summary="Find the grid cell of a point · 定位网格",
    responses={
        200: one(examples.LOCATED),
        **problems.documented(errors.Unauthorized, errors.NotFound, errors.ValidationFailed),
    },
)
async def locate_cell(
    context: CurrentContext, caller: Caller, query: Annotated[LocateQuery, Query()]
) -> Answer[views.LocatedView]:
    """The answer is the grid cell around the point. The query has to name the coordinate system of the point: with a
    wrong one, you get a cell about 600 m away."""
    world, at = _now(context, None)
    lat, lon = to_wgs84(query.lat, query.lon, query.coord_type)
    code = context.worlds.shapes.locate(lat, lon)
    cell = world.cell(code, at) if code else None
    if cell is None:
        raise errors.NotFound(Sentence("This point lies in no known grid cell: check lat, lon and coord_type."))
    return answer(views.located(cell, lat, lon))


@router.get(
    "/grid-cells/{code}",
    summary="Show a grid cell · 单个网格",
    responses={200: one(examples.CELL), **problems.documented(errors.Unauthorized, errors.NotFound)},
)
async def read_cell(context: CurrentContext, code: str, caller: Caller) -> Answer[views.CellView]:
    """The answer is the cell with this code that is in force now."""
    world, at = _now(context, None)
    return answer(views.cell(_cell(world, code, at)))


@router.get(
    "/grid-cells/{code}/chain",
    summary="Show who would be called, and why · 四呼对象",
    responses={
        200: one(examples.CHAIN),
        **problems.documented(errors.Unauthorized, errors.NotFound, errors.ValidationFailed, errors.UnknownCategory),
    },
)
async def read_chain(
    request: Request, context: CurrentContext, code: str, caller: Caller, query: Annotated[ChainQuery, Query()]
) -> Answer[views.ChainView]:
    """The answer lists the four calls of an incident in this cell: community, street, department, leader. The rule that
    makes the real calls decides each, and `because` says why this unit is called."""
    world, at = _now(context, query.at)
    _cell(world, code, at)
    if world.category(query.category, at) is None:
        raise errors.UnknownCategory(unknown_category(query.category), "?category")
    try:
        routes = routing.chain(world, code, query.category, at)
    except LookupError:  # before the first units, or before the first import
        raise errors.wrong_field(
            "?at", Sentence("No unit was in force at {at}: ask for a later moment.", at=at)
        ) from None
    return answer_in_words(views.chain(code, query.category, at, routes, world), request)


@router.get("/units", summary="List the units · 单位", responses={200: listed(examples.UNIT), **_FILTERED})
async def list_units(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[AreaQuery, Query()]
) -> Answer[ItemPage[views.UnitView]]:
    """Units in force at `at`, or now, are listed by code. `area` keeps the units inside it, and those that cover an
    area inside it."""
    world, at = _now(context, query.at)
    demand_known(world, area=query.area)
    units = [
        unit
        for unit in _in_force(world.units, at)
        if query.area is None or any(area.startswith(query.area) for area in (unit.code, *unit.covers))
    ]
    return _page(request, context, query, units, views.unit)


@router.get("/categories", summary="List the categories · 类别", responses={200: listed(examples.CATEGORY), **_LISTS})
async def list_categories(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[DatedQuery, Query()]
) -> Answer[ItemPage[views.CategoryView]]:
    """Categories in force at `at`, or now, are listed by code."""
    world, at = _now(context, query.at)
    return _page(request, context, query, _in_force(world.categories, at), views.category)


@router.get("/lines", summary="List the lines of work · 条线", responses={200: listed(examples.LINE), **_LISTS})
async def list_lines(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[PageQuery, Query()]
) -> Answer[ItemPage[views.LineView]]:
    """Lines of work are listed by code. They have no validity dates."""
    world: World = context.worlds.world
    return _page(request, context, query, [world.lines[code] for code in sorted(world.lines)], views.line)


@router.get(
    "/duties", summary="List the duties · 权责事项", responses={200: listed(examples.RESPONSIBLE_DUTY), **_OF_DUTIES}
)
async def list_duties(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[DutyQuery, Query()]
) -> Answer[ItemPage[views.DutyView]]:
    """With `category` or `area`, the answer holds every duty that applies to it, including those of wider categories
    and areas. With both, `responsible` marks the duty that decides there: the one with the most specific category, and
    of several the one with the most specific area. Duties of narrower areas are listed too; they decide inside those
    areas."""
    world, at = _now(context, query.at)
    demand_known(world, area=query.area, category=query.category)
    duties = [
        duty
        for duty in _in_force(world.duties, at)
        if (query.category is None or query.category.startswith(duty.category))
        and (query.area is None or query.area.startswith(duty.area) or duty.area.startswith(query.area))
    ]
    if query.category is None or query.area is None:
        return _page(request, context, query, duties, views.duty)
    responsible = world.duty_for(query.category, query.area, at)
    return _page(request, context, query, duties, lambda row: views.judged_duty(row, row is responsible))


def _now(context: Context, at: datetime | None) -> tuple[World, datetime]:
    return context.worlds.world, at or context.clock.now()


def _cell(world: World, code: str, at: datetime) -> Cell:
    cell = world.cell(code, at)
    if cell is None:
        raise errors.NotFound(Sentence("There is no grid cell {cell}: see GET /v1/grid-cells.", cell=code))
    return cell


def _in_force(rows: Mapping[str, tuple[_Row, ...]], at: datetime, prefix: str | None = None) -> list[_Row]:
    """Return the rows in force at a moment, in the order of codes."""
    codes = (code for code in sorted(rows) if prefix is None or code.startswith(prefix))
    return [row for code in codes for row in rows[code] if row.validity.in_force_at(at)]


def _by_code(row: Unit | Cell | Category | Duty | Line) -> SortKey:
    return (row.code,)


def _page(
    request: Request,
    context: Context,
    query: PageQuery,
    rows: Iterable[_Item],
    view: Callable[[_Item], _View],
) -> Answer[ItemPage[_View]]:
    """Answer with one page of `rows`, which are in the order of their codes."""
    subject = actor_of(request.scope).subject
    return paging.page(context.cursors, request.url.path, subject, query, rows, view, _by_code)
