"""Rows of the registry, proposals of duties and chains of calls as the API answers them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NotRequired

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.logged import ByView, author
from service.rules.model import Actor
from service.rules.routing import Route
from service.rules.sight import is_office
from service.rules.words import Kind, Level, UnitKind, Urgency
from service.rules.world import Category, Cell, Duty, Line, Unit, World
from service.shown.references import UnitName
from service.store.registry.duty_proposals import Proposal


class ValidityView(TypedDict):
    """When a row is in force: from `valid_from` until just before `valid_to`; without an end if that is null."""

    valid_from: datetime
    valid_to: datetime | None


class UnitView(ValidityView):
    """A body or a post."""

    code: str
    name: str
    kind: UnitKind
    level: Level | None
    parent: str | None
    line_parent: str | None
    covers: tuple[str, ...]
    in_charge_of: tuple[str, ...]
    answers_for: tuple[str, ...]


class CellView(ValidityView):
    """A grid cell; `has_shape`: points can be located in it."""

    code: str
    name: str
    community: str
    has_shape: bool


class PointView(TypedDict):
    """A point in WGS-84 degrees."""

    lat: float
    lon: float


class LocatedView(TypedDict):
    """The cell around a point, and the point."""

    cell: CellView
    wgs84: PointView


class CategoryView(ValidityView):
    """A category of incidents, and the urgency of a report that names none. `urgencies` and `kinds` are those that a
    report may ask for; an empty list allows all of them."""

    code: str
    name: str
    line: str
    urgency: Urgency
    parent: str | None
    urgencies: tuple[Urgency, ...]
    kinds: tuple[Kind, ...]


class LineView(TypedDict):
    """A line of work."""

    code: str
    name: str


class DutyView(ValidityView):
    """A duty: the unit that leads a category in an area, and the units that assist it. `responsible` comes in a list
    for one category and one area: whether the lead of this duty is responsible for them."""

    code: str
    title: str
    category: str
    area: str
    lead_unit: str
    assisting: tuple[str, ...]
    basis: str
    responsible: NotRequired[bool]


class ProposalView(TypedDict):
    """A proposed duty. `approved_by`, `approved_at` and `valid_from` are null unless the proposal was approved;
    `refused_by`, `refused_at` and `refused_reason` are null unless it was refused."""

    code: str
    title: str
    category: str
    area: str
    lead_unit: str
    assisting: tuple[str, ...]
    basis: str
    valid_to: datetime | None
    proposed_by: ByView
    proposed_at: datetime
    approved_by: ByView | None
    approved_at: datetime | None
    valid_from: datetime | None
    refused_by: ByView | None
    refused_at: datetime | None
    refused_reason: str | None


class ProposedDuty(TypedDict):
    """A duty before it is admitted."""

    code: str
    title: str
    category: str
    area: str
    lead_unit: str
    assisting: tuple[str, ...]
    basis: str
    valid_to: datetime | None


class AdmittedDuty(ProposedDuty):
    """A duty that was admitted, and the moment from which it is in force."""

    valid_from: datetime


class DutyProposedData(TypedDict):
    """The data of `sihu.duty.proposed`."""

    duty: ProposedDuty
    by: ByView


class DutyApprovedData(TypedDict):
    """The data of `sihu.duty.approved`. `taken_back`: the rows of this code that were planned for later."""

    duty: AdmittedDuty
    proposed_by: ByView
    taken_back: list[DutyView]
    by: ByView


class DutyRefusedData(TypedDict):
    """The data of `sihu.duty.refused`."""

    duty: ProposedDuty
    proposed_by: ByView
    reason: str
    by: ByView


class StepView(TypedDict):
    """One call of a chain. `unrouted`: the level had nobody to call, and this unit is called instead."""

    level: Level
    level_name: str
    unit: UnitName
    unrouted: bool
    because: str


class ChainView(TypedDict):
    """The calls of an incident in a cell, from the community to the leader."""

    grid_code: str
    category: str
    at: datetime
    calls: list[StepView]


def unit(row: Unit) -> UnitView:
    """Return a unit as the API shows it."""
    return {
        "code": row.code,
        "name": row.name,
        "kind": row.kind,
        "level": row.level,
        "parent": row.parent,
        "line_parent": row.line_parent,
        "covers": row.covers,
        "in_charge_of": row.in_charge_of,
        "answers_for": row.answers_for,
        "valid_from": row.validity.valid_from,
        "valid_to": row.validity.valid_to,
    }


def cell(row: Cell) -> CellView:
    """Return a grid cell as the API shows it."""
    return {
        "code": row.code,
        "name": row.name,
        "community": row.community,
        "has_shape": row.shape is not None,
        "valid_from": row.validity.valid_from,
        "valid_to": row.validity.valid_to,
    }


def located(row: Cell, lat: float, lon: float) -> LocatedView:
    """Return the cell around a WGS-84 point, with the point to seven decimals, which is a centimetre."""
    return {"cell": cell(row), "wgs84": {"lat": round(lat, 7), "lon": round(lon, 7)}}


def category(row: Category) -> CategoryView:
    """Return a category as the API shows it."""
    return {
        "code": row.code,
        "name": row.name,
        "line": row.line,
        "urgency": row.urgency,
        "parent": row.parent,
        "urgencies": row.urgencies,
        "kinds": row.kinds,
        "valid_from": row.validity.valid_from,
        "valid_to": row.validity.valid_to,
    }


def line(row: Line) -> LineView:
    """Return a line of work as the API shows it."""
    return {"code": row.code, "name": row.name}


def duty(row: Duty) -> DutyView:
    """Return a duty as the API shows it."""
    return {
        "code": row.code,
        "title": row.title,
        "category": row.category,
        "area": row.area,
        "lead_unit": row.lead_unit,
        "assisting": row.assisting,
        "basis": row.basis,
        "valid_from": row.validity.valid_from,
        "valid_to": row.validity.valid_to,
    }


def judged_duty(row: Duty, responsible: bool) -> DutyView:
    """Return a duty with whether its lead is responsible for the category and area of the query."""
    return {**duty(row), "responsible": responsible}


def proposal(actor: Actor, row: Proposal) -> ProposalView:
    """Return a proposal of a duty as an actor sees it."""
    return {
        "code": row.code,
        "title": row.title,
        "category": row.category,
        "area": row.area,
        "lead_unit": row.lead_unit,
        "assisting": row.assisting,
        "basis": row.basis,
        "valid_to": row.valid_to,
        "proposed_by": _author(actor, row.proposed_by),
        "proposed_at": row.proposed_at,
        "approved_by": _author(actor, row.approved_by) if row.approved_by else None,
        "approved_at": row.approved_at,
        "valid_from": row.valid_from,
        "refused_by": _author(actor, row.refused_by) if row.refused_by else None,
        "refused_at": row.refused_at,
        "refused_reason": row.refused_reason,
    }


def _author(actor: Actor, by: ByView) -> ByView:
    """Whoever proposed or decided; for reporters and partners without a subject, which may be a person."""
    return by if is_office(actor) or by.get("subject") == actor.subject else author(by["kind"], None, by.get("unit"))


def step(route: Route, world: World) -> StepView:
    """Return one call of a chain as the API shows it."""
    return {
        "level": route.level,
        "level_name": route.level.name.lower(),
        "unit": {"code": route.unit, "name": world.unit_name(route.unit)},
        "unrouted": route.unrouted,
        "because": route.because,
    }


def chain(grid_code: str, category_code: str, at: datetime, routes: Iterable[Route], world: World) -> ChainView:
    """Return the chain of calls for a category in a cell."""
    calls = [step(route, world) for route in routes]
    return {"grid_code": grid_code, "category": category_code, "at": at, "calls": calls}
