"""How a view names a unit or a version of a policy."""

from __future__ import annotations

from typing_extensions import TypedDict

from service.rules.sight import Viewer


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
