"""Where a report is: its point in WGS-84 degrees, the cell that holds it, and whether the two agree."""

from __future__ import annotations

from typing import NamedTuple

from service.incidents.schemas import Location
from service.places.coordinates import CoordType, to_wgs84
from service.places.shapes import ShapeIndex


class Place(NamedTuple):
    """`lat`, `lon`: degrees WGS-84. `mismatch`: the point lies outside the cell that was named, by more than its own
    accuracy (exact when it tells none); the cell stands all the same, since the worker knows where they are."""

    grid_code: str | None = None
    lat: float | None = None
    lon: float | None = None
    mismatch: bool = False


def place(grid_code: str | None, location: Location | None, shapes: ShapeIndex) -> Place:
    """The place of a report. Without a cell named: the one the point lies in, or None."""
    if location is None:
        return Place(grid_code)
    lat, lon = to_wgs84(location.lat, location.lon, CoordType(location.coord_type))
    if grid_code is None:
        return Place(shapes.locate(lat, lon), lat, lon)
    return Place(grid_code, lat, lon, _outside_m(grid_code, lat, lon, shapes) > (location.accuracy_m or 0))


def _outside_m(grid_code: str, lat: float, lon: float, shapes: ShapeIndex) -> float:
    """Metres by which a point lies outside of a cell. A cell without a shape is wherever no other cell is: it is left
    by as much as the point lies inside of another one."""
    outside_m = shapes.distance_m(grid_code, lat, lon)
    if outside_m is not None:
        return outside_m
    other = shapes.locate(lat, lon)
    return shapes.edge_m(other, lat, lon) if other else 0.0
