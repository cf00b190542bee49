"""Where a report is: in which coordinates, in which cell, and when point and cell disagree (contract §3)."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents.placing import Place, place
from service.incidents.schemas import LocationBody
from service.places.coordinates import CoordType, from_wgs84, metres_per_degree
from service.places.shapes import Ring, Shape, ShapeIndex

WEST, EAST, BARE = "440105001001001", "440105001001002", "440105001001003"
SOUTH_LAT, EDGE_LON, WIDE = 23.08, 113.3, 0.02
MIDDLE_LAT = SOUTH_LAT + WIDE / 2
SHIFTED = (CoordType.GCJ02, CoordType.BD09)


def _box(west: float) -> Ring:
    east, north = west + WIDE, SOUTH_LAT + WIDE
    return ((west, SOUTH_LAT), (east, SOUTH_LAT), (east, north), (west, north), (west, SOUTH_LAT))


SHAPES = ShapeIndex([Shape(WEST, (_box(EDGE_LON - WIDE),)), Shape(EAST, (_box(EDGE_LON),))])
"""Two cells some two kilometres wide beside each other; the third, BARE, was never drawn."""


def _east_of_edge(metres: float, accuracy_m: float | None = None, kind: CoordType = CoordType.WGS84) -> LocationBody:
    """A point this far into the east cell (negative: the west cell), in these coordinates."""
    lon = EDGE_LON + metres / metres_per_degree(MIDDLE_LAT)[1]
    lat, lon = from_wgs84(MIDDLE_LAT, lon, kind)
    told: dict[str, Any] = {"lat": lat, "lon": lon, "coord_type": kind.value, "accuracy_m": accuracy_m}
    return LocationBody(**told)


def test_without_a_location_the_cell_that_was_named_is_all_there_is() -> None:
    assert place(WEST, None, SHAPES) == Place(WEST)


@pytest.mark.parametrize("kind", CoordType)
def test_the_point_is_kept_in_wgs84_and_names_the_cell_when_nobody_did(kind: CoordType) -> None:
    found = place(None, _east_of_edge(-30, kind=kind), SHAPES)
    assert (found.grid_code, found.mismatch) == (WEST, False)
    assert (found.lat, found.lon) == pytest.approx((MIDDLE_LAT, EDGE_LON - 30 / 102_500), abs=1e-6)


@pytest.mark.parametrize("kind", CoordType)
@pytest.mark.parametrize(("accuracy_m", "mismatch"), [(None, True), (0, True), (29, True), (31, False), (2000, False)])
def test_a_point_30_m_outside_the_named_cell_is_marked_up_to_an_accuracy_of_30_m(
    kind: CoordType, accuracy_m: float | None, mismatch: bool
) -> None:
    assert place(WEST, _east_of_edge(30, accuracy_m, kind), SHAPES).mismatch is mismatch
    assert place(EAST, _east_of_edge(-30, accuracy_m, kind), SHAPES).mismatch is mismatch


@pytest.mark.parametrize("kind", SHIFTED)
def test_a_shifted_point_is_measured_where_it_is_and_not_where_its_numbers_are(kind: CoordType) -> None:
    inside, outside = _east_of_edge(-30, kind=kind), _east_of_edge(-100, kind=kind)
    for each in (inside, outside):
        assert SHAPES.locate(each.lat, each.lon) == EAST, "as WGS-84 it would be in the next cell"
    assert place(WEST, inside, SHAPES).mismatch is False
    assert place(EAST, outside, SHAPES).mismatch is True


@pytest.mark.parametrize(("accuracy_m", "mismatch"), [(None, True), (29, True), (31, False)])
def test_a_cell_without_a_shape_is_left_by_as_much_as_the_point_lies_inside_another(
    accuracy_m: float | None, mismatch: bool
) -> None:
    assert place(BARE, _east_of_edge(30, accuracy_m), SHAPES).mismatch is mismatch
    assert place(BARE, _east_of_edge(-30, accuracy_m), SHAPES).mismatch is mismatch


@pytest.mark.parametrize("kind", SHIFTED)
def test_a_shifted_point_in_no_other_cell_is_no_mismatch_of_a_cell_without_a_shape(kind: CoordType) -> None:
    far_west = _east_of_edge(-30 - WIDE * 102_500, kind=kind)
    assert SHAPES.locate(far_west.lat, far_west.lon) == WEST, "as WGS-84 it would be in a cell"
    found = place(BARE, far_west, SHAPES)
    assert (found.grid_code, found.mismatch) == (BARE, False)
    assert (found.lat, found.lon) == pytest.approx((MIDDLE_LAT, EDGE_LON - WIDE - 30 / 102_500), abs=1e-5)


def test_a_cell_without_a_shape_is_not_left_where_nothing_is_drawn() -> None:
    lost: dict[str, Any] = {"lat": 39.9, "lon": 116.4, "coord_type": "wgs84", "accuracy_m": 5}
    assert place(BARE, LocationBody(**lost), SHAPES).mismatch is False
    assert place(BARE, LocationBody(**lost), ShapeIndex(())).mismatch is False
    assert place(WEST, LocationBody(**lost), SHAPES).mismatch is True
