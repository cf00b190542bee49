"""What two incidents have in common, found out from their reports and the shapes of the cells, for the rule of
`rules/similarity.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.context import Context
from service.places.coordinates import CoordType, Point, metres_between, to_wgs84
from service.rules.model import Incident
from service.rules.similarity import NEAR_M, Likeness
from service.store.incidents.loading import Loaded


def likeness(context: Context, loaded: Loaded, other: Mapping[Any, Any]) -> Likeness:
    """What an incident has in common with one that it may be merged into: `other` joins `incident` and `report`."""
    return likeness_of(context, loaded, other, point_of(loaded.row), point_of(other))


def likeness_of(
    context: Context, loaded: Loaded, other: Mapping[Any, Any], here: Point | None, there: Point | None
) -> Likeness:
    """What two incidents have in common for somebody who knows only these points of them."""
    incident = loaded.incident
    return Likeness(
        same_line=other["line"] == loaded.row["line"],
        is_near=is_near(context, incident, here, other["grid_code"]),
        distance_m=metres_between(here, there) if here and there else None,
        apart=abs(other["reported_at"] - incident.reported_at),
    )


def is_near(context: Context, incident: Incident, here: Point | None, cell: str) -> bool:
    """Whether a cell is that of the incident, or one of its street within `NEAR_M` of the incident's point."""
    if here is None or cell == incident.grid_code or not cell.startswith(incident.street):
        return cell == incident.grid_code
    metres = context.worlds.shapes.distance_m(cell, *here)
    return metres is not None and metres <= NEAR_M


def point_of(row: Mapping[Any, Any]) -> Point | None:
    """The point of a report in WGS-84; None when it has none."""
    location = row["location"]
    return to_wgs84(location["lat"], location["lon"], CoordType(location["coord_type"])) if location else None
