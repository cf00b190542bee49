"""How a view names a unit, a version of a policy, or whoever acted."""

from __future__ import annotations

from typing_extensions import TypedDict

from service.rules.logged import ByView
from service.rules.model import By
from service.rules.sight import Viewer
from service.rules.words import Role


class UnitName(TypedDict):
    """A unit by its code, with its name as the registry has it now."""

    code: str
    name: str


class PolicyReference(TypedDict):
    """The version of the time rules that an incident was reported under."""

    code: str
    version: int


def unit_name(viewer: Viewer, code: str) -> UnitName:
    """The view of a unit: its code, and its name as the registry has it now."""
    return {"code": code, "name": viewer.world.unit_name(code)}


def by_view(viewer: Viewer, by: By) -> ByView:
    """The view of whoever acted, without the fields that do not apply."""
    return seen_by(viewer, by.as_dict())


def seen_by(viewer: Viewer, by: ByView) -> ByView:
    """Whoever acted, as a viewer may see it: a partner never sees who reported, not even by a name of the service."""
    is_hidden = viewer.actor.answers_for is not None and by["kind"] == Role.REPORTER
    return {"kind": by["kind"]} if is_hidden else by
