"""What follows from a correction: the line of the category, and whether the point lies in the cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.incidents.correcting import Listing, listing
from service.places.shapes import Shape, ShapeIndex
from service.rules.words import State
from tests.rules.builders import CATEGORY, CELL, NEXT_CELL, NOBODYS_CATEGORY, OTHER_CELL, WORLD, an_incident

_WEST = (((113.0, 23.0), (113.1, 23.0), (113.1, 23.1), (113.0, 23.1)),)
_EAST = (((113.1, 23.0), (113.2, 23.0), (113.2, 23.1), (113.1, 23.1)),)
SHAPES = ShapeIndex([Shape(CELL, _WEST), Shape(NEXT_CELL, _EAST)])
IN_THE_EAST = {"lat": 23.05, "lon": 113.15, "coord_type": "wgs84", "accuracy_m": None}
INCIDENT = an_incident(State.CALLING)
_ORDER = replace(WORLD.categories[NOBODYS_CATEGORY][0], line="order")
LINES = replace(WORLD, categories={**WORLD.categories, NOBODYS_CATEGORY: (_ORDER,)})


def _listed(category: str = CATEGORY, grid_code: str = CELL, location: Any = IN_THE_EAST) -> Listing:
    row = {"category": CATEGORY, "grid_code": CELL, "line": "urban", "location": location, "location_mismatch": True}
    after = INCIDENT._replace(category=category, grid_code=grid_code)
    return listing(row, after, LINES, SHAPES)


def test_nothing_follows_from_another_act() -> None:
    assert _listed() == Listing("urban", True)


def test_the_line_is_that_of_the_category() -> None:
    assert _listed(category=NOBODYS_CATEGORY) == Listing("order", True)


def test_a_point_in_the_right_cell_is_no_mismatch() -> None:
    assert _listed(grid_code=NEXT_CELL) == Listing("urban", False)
    assert _listed(grid_code=OTHER_CELL) == Listing("urban", True), "no shape is known, and the point lies in another"
    assert _listed(grid_code=NEXT_CELL, location=None) == Listing("urban", True), "nobody said where"
