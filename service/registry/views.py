"""Registry rows as the API answers them."""

from __future__ import annotations

from typing import Any

from service.rules.routing import Route
from service.rules.world import Category, Cell, Duty, Line, Unit, Validity, World
from service.store.registry.duty_proposals import Proposal


def _validity(validity: Validity) -> dict[str, Any]:
    return {"valid_from": validity.valid_from, "valid_to": validity.valid_to}


def unit(row: Unit) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "kind": row.kind,
        "level": row.level,
        "parent": row.parent,
        "line_parent": row.line_parent,
        "covers": row.covers,
        "in_charge_of": row.in_charge_of,
        **_validity(row.validity),
    }


def cell(row: Cell) -> dict[str, Any]:
    named = {"code": row.code, "name": row.name, "community": row.community, "has_shape": row.shape is not None}
    return {**named, **_validity(row.validity)}


def category(row: Category) -> dict[str, Any]:
    named = {"code": row.code, "name": row.name, "line": row.line, "urgency": row.urgency, "parent": row.parent}
    return {**named, **_validity(row.validity)}


def line(row: Line) -> dict[str, Any]:
    return {"code": row.code, "name": row.name}


def duty(row: Duty) -> dict[str, Any]:
    return {
        "code": row.code,
        "title": row.title,
        "category": row.category,
        "area": row.area,
        "lead_unit": row.lead_unit,
        "assisting": row.assisting,
        "basis": row.basis,
        **_validity(row.validity),
    }


def proposal(row: Proposal) -> dict[str, Any]:
    """`approved_…` and `valid_from` are null unless it was approved, `refused_…` unless it was refused; all are while
    nobody has decided."""
    return {
        "code": row.code,
        "title": row.title,
        "category": row.category,
        "area": row.area,
        "lead_unit": row.lead_unit,
        "assisting": row.assisting,
        "basis": row.basis,
        "valid_to": row.valid_to,
        "proposed_by": row.proposed_by,
        "proposed_at": row.proposed_at,
        "approved_by": row.approved_by,
        "approved_at": row.approved_at,
        "valid_from": row.valid_from,
        "refused_by": row.refused_by,
        "refused_at": row.refused_at,
        "refused_reason": row.refused_reason,
    }


def step(route: Route, world: World) -> dict[str, Any]:
    """One call of a chain. `unrouted`: the level asked for had nobody, and this is who is called instead."""
    return {
        "level": route.level,
        "level_name": route.level.name.lower(),
        "unit": {"code": route.unit, "name": world.unit_name(route.unit)},
        "unrouted": route.unrouted,
        "because": route.because,
    }
