"""What a correction changes beside the incident itself: the line of work, and whether the point lies in the cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from service.incidents.placing import place
from service.incidents.schemas import LocationBody
from service.places.shapes import ShapeIndex
from service.rules.model import Incident
from service.rules.world import World


class Listing(NamedTuple):
    """What is stored with the report and follows from the category and the cell of its incident."""

    line: str
    location_mismatch: bool


def listing(row: Mapping[Any, Any], after: Incident, world: World, shapes: ShapeIndex) -> Listing:
    """What follows from the category and the cell of an incident after an act. `row` is that of the incident before."""
    line, mismatch = row["line"], row["location_mismatch"]
    if after.category != row["category"]:
        category = world.category(after.category, after.updated_at)
        line = category.line if category else line
    if after.grid_code != row["grid_code"] and row["location"] is not None:
        mismatch = place(after.grid_code, LocationBody.model_validate(row["location"]), shapes).mismatch
    return Listing(line, mismatch)
