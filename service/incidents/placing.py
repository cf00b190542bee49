"""The place of a report: its point in degrees WGS-84, its grid cell, and whether the two agree."""

from __future__ import annotations

from typing import NamedTuple

from service.incidents.schemas import LocationBody
from service.places.coordinates import CoordType, to_wgs84
from service.places.shapes import ShapeIndex


class Place(NamedTuple):
    """The place of a report. `lat`, `lon`: degrees WGS-84. `mismatch`: the point lies outside the cell that the
    reporter named, by more than the point's accuracy (0 m when none is given). The named cell counts all the same,
    since the grid worker knows the place."""

    grid_code: str | None = None
    lat: float | None = None
    lon: float | None = None
    mismatch: bool = False


def place(grid_code: str | None, location: LocationBody | None, shapes: ShapeIndex) -> Place:
    """The place of a report. When the reporter named no cell, the cell is the one in which the point lies, or None."""
    if location is None:
        return Place(grid_code)
    lat, lon = to_wgs84(location.lat, location.lon, CoordType(location.coord_type))
    if grid_code is None:
        return Place(shapes.locate(lat, lon), lat, lon)
    return Place(grid_code, lat, lon, _outside_m(grid_code, lat, lon, shapes) > (location.accuracy_m or 0))


def _outside_m(grid_code: str, lat: float, lon: float, shapes: ShapeIndex) -> float:
    """Metres by which a point lies outside a cell. A cell without a shape covers whatever no other cell covers, so the
    point is outside it by the distance to the edge of the other cell in which it lies."""
    outside_m = shapes.distance_m(grid_code, lat, lon)
    if outside_m is not None:
        return outside_m
    other = shapes.locate(lat, lon)
    return shapes.edge_m(other, lat, lon) if other else 0.0
