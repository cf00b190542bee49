"""Filters that name something of the registry. A code that the registry never had is refused: its list would be empty
for ever, and nobody would learn of the typo.

Rows that are no longer in force are known, since past incidents have them. A category or an area may be the start of a
code.
"""

from __future__ import annotations

from service.rules.errors import UnknownCategory, UnknownReference, UnknownUnit
from service.rules.sentences import Sentence
from service.rules.world import World


def demand_known(
    world: World,
    *,
    unit: str | None = None,
    area: str | None = None,
    category: str | None = None,
    line: str | None = None,
) -> None:
    """Demand that the registry knows what these parameters of a query name.

    Raises:
        UnknownUnit, UnknownCategory, UnknownReference: the pointer is `?unit`, `?category`, `?area` or `?line`.
    """
    if unit is not None:
        demand_unit(world, unit, "?unit")
    if area is not None:
        demand_area(world, area, "?area")
    if category is not None and not world.category_codes.any_starts_with(category):
        raise UnknownCategory(
            Sentence("No category starts with {category}. GET /v1/categories lists them.", category=category),
            "?category",
        )
    if line is not None:
        demand_line(world, line, "?line")


def demand_unit(world: World, code: str, pointer: str) -> None:
    """Raises `UnknownUnit` unless a unit has this code, or once had it."""
    if code not in world.units:
        raise UnknownUnit(Sentence("No unit has the code {code}. GET /v1/units lists them.", code=code), pointer)


def demand_area(world: World, prefix: str, pointer: str) -> None:
    """Raises `UnknownReference` unless the code of a cell, community, street or district starts with `prefix`."""
    if not world.place_codes.any_starts_with(prefix):
        detail = Sentence(
            "No cell, community or street has a code that starts with {prefix}. GET /v1/grid-cells lists them.",
            prefix=prefix,
        )
        raise UnknownReference(detail, pointer)


def demand_line(world: World, code: str, pointer: str) -> None:
    """Raises `UnknownReference` unless a line of work has this code."""
    if code not in world.lines:
        detail = Sentence("No line of work has the code {code}. Known: {known}.", code=code, known=list(world.lines))
        raise UnknownReference(detail, pointer)
