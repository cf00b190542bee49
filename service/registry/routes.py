"""Looking things up: who answers where, for which category, and why. All from memory; no database is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, FiniteFloat

from service.access.deps import Caller
from service.context import Context, CurrentContext
from service.places.coordinates import CoordType, to_wgs84
from service.registry import examples, views
from service.rules import errors, routing
from service.rules.policy import Policy
from service.rules.world import Category, Cell, Duty, Line, Unit, World
from service.times import examples as time_examples
from service.times import views as time_views
from service.web import problems
from service.web.answers import answer
from service.web.cursors import kind_of
from service.web.examples import listed, one
from service.web.text import CategoryCode, CursorText, Limit, Moment, Params, Prefix

router = APIRouter(prefix="/v1", tags=["registry · 名录"])

_LISTS = problems.documented(errors.Unauthorized, errors.BadCursor, errors.ValidationFailed)
_Row = TypeVar("_Row", Unit, Cell, Category, Duty)
_Any = TypeVar("_Any", Unit, Cell, Category, Duty, Line, Policy)


class PageQuery(Params):
    limit: Limit = 50
    cursor: CursorText | None = None


class DatedQuery(PageQuery):
    """`at`: the rows in force then; now unless given."""

    at: Moment | None = None


class AreaQuery(DatedQuery):
    area: Prefix | None = None


class DutyQuery(AreaQuery):
    category: CategoryCode | None = None


class LocateQuery(Params):
    lat: Annotated[FiniteFloat, Field(ge=-90, le=90)]
    lon: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    coord_type: CoordType


class ChainQuery(Params):
    category: CategoryCode
    at: Moment | None = None


@router.get("/grid-cells", summary="Grid cells · 网格", responses={200: listed(examples.CELL), **_LISTS})
async def list_cells(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[AreaQuery, Query()]
) -> Response:
    world, at = _now(context, query.at)
    return _page(request, context, query, _in_force(world.cells, at, query.area), views.cell)


@router.get(
    "/grid-cells/locate",
    summary="Which cell a point lies in · 定位网格",
    responses={
        200: one(examples.LOCATED),
        **problems.documented(errors.Unauthorized, errors.NotFound, errors.ValidationFailed),
    },
)
async def locate(context: CurrentContext, caller: Caller, query: Annotated[LocateQuery, Query()]) -> Response:
    """Say which coordinates these are: a wrong guess is 600 m off, five cells away."""
    world, at = _now(context, None)
    lat, lon = to_wgs84(query.lat, query.lon, query.coord_type)
    code = context.worlds.shapes.locate(lat, lon)
    cell = world.cell(code, at) if code else None
    if cell is None:
        raise errors.NotFound("This point lies in no known grid cell: check lat, lon and coord_type.")
    return answer({"cell": views.cell(cell), "wgs84": {"lat": round(lat, 7), "lon": round(lon, 7)}})


@router.get(
    "/grid-cells/{code}",
    summary="One grid cell · 单个网格",
    responses={200: one(examples.CELL), **problems.documented(errors.Unauthorized, errors.NotFound)},
)
async def get_cell(context: CurrentContext, code: str, caller: Caller) -> Response:
    world, at = _now(context, None)
    return answer(views.cell(_cell(world, code, at)))


@router.get(
    "/grid-cells/{code}/chain",
    summary="Who would be called, and why · 四呼对象",
    responses={
        200: one(examples.CHAIN),
        **problems.documented(errors.Unauthorized, errors.NotFound, errors.ValidationFailed, errors.UnknownCategory),
    },
)
async def get_chain(
    context: CurrentContext, code: str, caller: Caller, query: Annotated[ChainQuery, Query()]
) -> Response:
    """By the very rule that will call them: community → street → department → leader, with every fallback."""
    world, at = _now(context, query.at)
    _cell(world, code, at)
    if world.category(query.category, at) is None:
        detail = f"Category {query.category} is not in the registry: see GET /v1/categories."
        raise errors.UnknownCategory(detail, "?category")
    try:
        routes = routing.chain(world, code, query.category, at)
    except LookupError:  # before the first units, or before the first import
        detail = f"No unit was in force at {at.isoformat()}: ask for a later moment."
        raise errors.ValidationFailed(detail, errors=[errors.Pointer("?at", detail)]) from None
    return answer(
        {"grid_code": code, "category": query.category, "at": at, "calls": [views.step(r, world) for r in routes]}
    )


@router.get("/units", summary="Bodies and posts · 单位", responses={200: listed(examples.UNIT), **_LISTS})
async def list_units(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[AreaQuery, Query()]
) -> Response:
    world, at = _now(context, query.at)
    units = [
        unit
        for unit in _in_force(world.units, at)
        if query.area is None or any(area.startswith(query.area) for area in (unit.code, *unit.covers))
    ]
    return _page(request, context, query, units, views.unit)


@router.get("/categories", summary="Categories · 类别", responses={200: listed(examples.CATEGORY), **_LISTS})
async def list_categories(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[DatedQuery, Query()]
) -> Response:
    world, at = _now(context, query.at)
    return _page(request, context, query, _in_force(world.categories, at), views.category)


@router.get("/lines", summary="Lines of work · 条线", responses={200: listed(examples.LINE), **_LISTS})
async def list_lines(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[PageQuery, Query()]
) -> Response:
    world = context.worlds.world
    return _page(request, context, query, [world.lines[code] for code in sorted(world.lines)], views.line)


@router.get("/duties", summary="Whose is what · 权责事项", responses={200: listed(examples.ITS_DUTY), **_LISTS})
async def list_duties(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[DutyQuery, Query()]
) -> Response:
    """With `category` or `area`: every duty that bears on it, wider ones included. With both, each says whether it is
    the one by which its lead is `responsible` there: the most specific category counts, then the most specific area.
    Duties of narrower areas are listed too, and count inside those."""
    world, at = _now(context, query.at)
    duties = [
        duty
        for duty in _in_force(world.duties, at)
        if (query.category is None or query.category.startswith(duty.category))
        and (query.area is None or query.area.startswith(duty.area) or duty.area.startswith(query.area))
    ]

    if query.category is None or query.area is None:
        return _page(request, context, query, duties, views.duty)
    theirs = world.duty_for(query.category, query.area, at)
    return _page(request, context, query, duties, lambda row: {**views.duty(row), "responsible": row is theirs})


@router.get("/policies", summary="Time rules · 时限规则", responses={200: listed(time_examples.POLICY), **_LISTS})
async def list_policies(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[PageQuery, Query()]
) -> Response:
    """Every version by code, the newest of each first; incidents keep the one they were reported under."""
    world, at = _now(context, None)
    active = world.active(at)
    ordered = sorted(world.policies.values(), key=_code_then_newest)

    def show(row: Policy) -> dict[str, Any]:
        return time_views.policy(row, row is active)

    return _page(request, context, query, ordered, show, _code_then_newest)


def _now(context: Context, at: datetime | None) -> tuple[World, datetime]:
    return context.worlds.world, at or context.clock.now()


def _cell(world: World, code: str, at: datetime) -> Cell:
    cell = world.cell(code, at)
    if cell is None:
        raise errors.NotFound(f"There is no grid cell {code}: see GET /v1/grid-cells.")
    return cell


def _in_force(rows: Mapping[str, tuple[_Row, ...]], at: datetime, prefix: str | None = None) -> list[_Row]:
    """The rows in force at a moment, by code."""
    codes = (code for code in sorted(rows) if prefix is None or code.startswith(prefix))
    return [row for code in codes for row in rows[code] if row.validity.at(at)]


def _by_code(row: Unit | Cell | Category | Duty | Line | Policy) -> tuple[str | int, ...]:
    return (row.code,)


def _code_then_newest(row: Policy) -> tuple[str | int, ...]:
    return row.code, -row.version


def _page(
    request: Request,
    context: Context,
    query: PageQuery,
    rows: Iterable[_Any],
    show: Callable[[_Any], dict[str, Any]],
    place: Callable[[_Any], tuple[str | int, ...]] = _by_code,
) -> Response:
    """`rows` come in the order of `place`, which is what a cursor remembers of the last one shown."""
    cursors = context.cursors
    kind = kind_of(request.url.path, query.model_dump(mode="json", exclude={"cursor", "limit"}))
    after = tuple(cursors.read(kind, query.cursor)) if query.cursor else ()
    found = [row for row in rows if place(row) > after][: query.limit + 1]
    items = found[: query.limit]
    cursor = cursors.sign(kind, place(items[-1])) if len(found) > query.limit else None
    return answer({"items": [show(row) for row in items], "next_cursor": cursor})
