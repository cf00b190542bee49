"""Which cell a point lies in, against brute force."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.commands import sample
from service.places.coordinates import CoordType, Point, from_wgs84, metres_between, to_wgs84
from service.places.geojson import read_shapes
from service.places.shapes import Ring, Shape, ShapeIndex
from tests.places import make_shapes

_CELLS_CSV = (Path(sample.SAMPLE) / "cells.csv").read_text("utf-8")
_DRAWN = make_shapes.draw(_CELLS_CSV)
_SHAPES = [shape for _, shape in read_shapes(_DRAWN)[0]]
_INDEX = ShapeIndex(Shape(each.code, each.rings) for each in _SHAPES)


def box(west: float, south: float, east: float, north: float) -> Ring:
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


# --- the sample -------------------------------------------------------------------------------------------------------


def test_the_sample_is_what_the_script_draws() -> None:
    assert make_shapes.TARGET.read_bytes() == _DRAWN
    assert len(_DRAWN) < 700_000


def test_the_sample_draws_every_cell_once_inside_a_box_like_haizhus() -> None:
    shapes, faults = read_shapes(_DRAWN)
    assert not faults
    assert [f"{each.code},{each.name},{each.community}" for _, each in shapes] == _CELLS_CSV.splitlines()[1:]
    assert [number for number, _ in shapes] == list(range(1, len(shapes) + 1))
    points = [point for each in _SHAPES for ring in each.rings for point in ring]
    assert all(113.23 <= lon <= 113.42 and 23.05 <= lat <= 23.11 for lon, lat in points)


def test_the_sample_has_neither_overlaps_nor_gaps() -> None:
    corners = {each.rings[0][0] for each in _SHAPES}
    (west, south), (east, north) = min(corners), max(corners)
    assert len(corners) == len(_SHAPES) == round((east - west) / 0.002 + 1) * round((north - south) / 0.002 + 1)
    sides = [
        metres_between((r[0][1], r[0][0]), (r[at][1], r[at][0])) for r in (s.rings[0] for s in _SHAPES) for at in (1, 3)
    ]
    assert min(sides) > 100 and max(sides) < 250


def test_a_community_and_a_street_of_the_sample_are_blocks() -> None:
    for digits, size in ((12, 16), (9, 7 * 16)):
        blocks: dict[str, list[Point]] = {}
        for each in _SHAPES:
            blocks.setdefault(each.code[:digits], []).append(each.rings[0][0])
        for corners in blocks.values():
            wide = round((max(lon for lon, _ in corners) - min(lon for lon, _ in corners)) / 0.002) + 1
            high = round((max(lat for _, lat in corners) - min(lat for _, lat in corners)) / 0.002) + 1
            assert wide * high == len(corners) == size


# --- points in shapes -------------------------------------------------------------------------------------------------


def test_ten_thousand_points_lie_where_brute_force_puts_them_in_every_coordinate_type() -> None:
    points = _scattered(10_000)
    truth = [_brute_force(*point) for point in points]
    apart = 0
    for coord_type in CoordType:
        for point, code in zip(points, truth, strict=True):
            lat, lon = to_wgs84(*from_wgs84(*point, coord_type), coord_type)
            found = _INDEX.locate(lat, lon)
            if found != code:
                apart += 1
                assert _to_edges(point, code, found) < 0.01
    assert apart < 10
    assert truth.count(None) > 100 and len(set(truth)) > 1900


def test_a_point_on_an_edge_or_corner_of_the_sample_is_north_and_east_of_it() -> None:
    codes = {each.rings[0][0]: each.code for each in _SHAPES}
    lons, lats = (sorted({corner[i] for corner in codes}) for i in (0, 1))
    for (lon, lat), code in codes.items():
        for north, east in ((0.0, 0.0), (0.0, 0.001), (0.001, 0.0)):
            assert _INDEX.locate(lat + north, lon + east) == code
    assert _INDEX.locate(lats[-1] + 0.002, lons[0] + 0.001) is None
    assert _INDEX.locate(lats[0] + 0.001, lons[-1] + 0.002) is None


@given(st.integers(0, 2**32).map(random.Random))
def test_a_point_on_a_slanted_edge_belongs_to_exactly_one(chance: random.Random) -> None:
    shapes = _crooked(chance)
    alone = [ShapeIndex([each]) for each in shapes]
    together = ShapeIndex(shapes)
    for shape in shapes:
        i = chance.randrange(4)
        part = chance.choice([0.0, 1.0, chance.random()])
        (x, y), (u, v) = shape.rings[0][i : i + 2]
        lat, lon = y + part * (v - y), x + part * (u - x)
        if 1 < lat < 4 and 1 < lon < 4:
            assert [each.locate(lat, lon) for each in alone].count(None) == len(shapes) - 1
            assert together.locate(lat, lon) is not None


@given(st.integers(0, 2**32).map(random.Random))
def test_any_polygons_are_found_as_brute_force_finds_them(chance: random.Random) -> None:
    shapes = [Shape(f"{i:03}", (_any_ring(chance),)) for i in range(chance.randrange(40))]
    alone = [ShapeIndex([each]) for each in shapes]
    index = ShapeIndex(shapes)
    for _ in range(30):
        lat, lon = chance.uniform(-2, 12), chance.uniform(-2, 12)
        codes = [code for each in alone if (code := each.locate(lat, lon))]
        assert codes == [each.code for each in shapes if _crossings(each.rings, lat, lon) % 2]
        assert index.locate(lat, lon) == min(codes, default=None)


def test_a_hole_is_outside_and_another_shape_may_fill_it() -> None:
    ring = Shape("ring", (box(0, 0, 3, 3), box(1, 1, 2, 2)))
    index = ShapeIndex([ring])
    assert index.locate(0.5, 0.5) == "ring"
    assert index.locate(1.5, 1.5) is None
    assert index.locate(1, 1) is None and index.locate(2, 2) == "ring"  # the edge of the hole
    assert index.distance_m("ring", 1.5, 1.5) == pytest.approx(55_287, rel=0.01)
    filled = ShapeIndex([ring, Shape("yolk", (box(1, 1, 2, 2),))])
    assert filled.locate(1.5, 1.5) == filled.locate(1, 1) == "yolk"


def test_a_shape_of_several_parts_is_found_in_each() -> None:
    index = ShapeIndex(
        [Shape("a", (box(0, 0, 1, 1), box(5, 5, 6, 6), box(5.2, 5.2, 5.4, 5.4))), Shape("b", (box(2, 2, 3, 3),))]
    )
    assert [index.locate(at, at) for at in (0.5, 1.5, 2.5, 5.1, 5.3, 5.5)] == ["a", None, "b", "a", None, "a"]


def test_of_overlapping_shapes_the_smallest_code_is_told_whatever_their_order_and_size() -> None:
    small = [Shape(f"m{i}", (box(i, i, i + 1, i + 1),)) for i in range(100)]
    for wide in ("a", "z"):
        index = ShapeIndex([Shape(wide, (box(0, 0, 100, 100),)), *reversed(small)])
        assert index.locate(50.5, 50.5) == min(wide, "m50")
        assert index.locate(50.5, 60.5) == wide


def test_shapes_that_all_cover_everything_take_no_memory_with_the_square_of_their_number() -> None:
    index = ShapeIndex(Shape(f"{i:04}", (box(0, 0, 1, 1 + i / 1e6),)) for i in range(2000))
    assert index.locate(0.5, 0.5) == "0000"
    assert sum(map(len, index._grid._buckets.values())) <= 64 * 2000


def test_a_distance_is_0_inside_and_metres_to_the_nearest_edge_outside() -> None:
    shape = _SHAPES[0]
    (west, south), (east, north) = shape.rings[0][0], shape.rings[0][2]
    lat, lon = (south + north) / 2, (west + east) / 2
    assert _INDEX.distance_m(shape.code, lat, lon) == 0
    assert _INDEX.distance_m(shape.code, lat, east) == 0  # on the edge of the next
    assert _INDEX.distance_m(shape.code, lat, west - 0.001) == pytest.approx(
        metres_between((lat, west), (lat, west - 0.001))
    )
    assert _INDEX.distance_m(shape.code, north + 0.003, lon) == pytest.approx(
        metres_between((north, lon), (north + 0.003, lon)), rel=1e-5
    )
    assert _INDEX.distance_m(shape.code, south - 0.02, west - 0.02) == pytest.approx(
        metres_between((south, west), (south - 0.02, west - 0.02)), rel=1e-3
    )


def test_the_nearest_edge_is_as_far_from_inside_as_from_outside() -> None:
    shape = _SHAPES[0]
    (west, south), (_, north) = shape.rings[0][0], shape.rings[0][2]
    lat = (south + north) / 2
    for step in (-0.0004, 0.0004):
        metres = metres_between((lat, west), (lat, west + step))
        assert _INDEX.edge_m(shape.code, lat, west + step) == pytest.approx(metres, rel=1e-5)


def test_a_code_without_a_shape_has_no_distance() -> None:
    assert _INDEX.distance_m("440105999999999", 23.08, 113.3) is None


def test_an_index_knows_its_codes_and_how_many_they_are() -> None:
    assert len(_INDEX) == len(_SHAPES)
    assert _INDEX.codes == {each.code for each in _SHAPES}


def test_an_empty_index_finds_nothing() -> None:
    for index in (ShapeIndex([]), ShapeIndex([Shape("a", ())])):
        assert index.locate(23.08, 113.3) is None and index.locate(0, 0) is None
    assert ShapeIndex([]).distance_m("a", 0, 0) is None and len(ShapeIndex([])) == 0


def test_what_is_no_place_is_found_nowhere() -> None:
    for lat, lon in ((float("nan"), 113.3), (23.08, float("nan")), (float("inf"), 113.3), (-91.0, 500.0)):
        assert _INDEX.locate(lat, lon) is None


def test_two_shapes_with_one_code_are_refused() -> None:
    with pytest.raises(ValueError, match="two shapes for a"):
        ShapeIndex([Shape("a", (box(0, 0, 1, 1),)), Shape("a", (box(1, 0, 2, 1),))])


# --- helpers ----------------------------------------------------------------------------------------------------------


def _scattered(number: int) -> list[Point]:
    """Points (latitude, longitude) in the bounds of the sample and a little outside."""
    chance = random.Random(20260721)
    points = [point for each in _SHAPES for point in each.rings[0]]
    (west, east), (south, north) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
    return [
        (chance.uniform(south - 3e-4, north + 3e-4), chance.uniform(west - 3e-4, east + 3e-4)) for _ in range(number)
    ]


_BOXES = [(*each.rings[0][0], *each.rings[0][2], each.code) for each in _SHAPES]


def _brute_force(lat: float, lon: float) -> str | None:
    codes = [code for west, south, east, north, code in _BOXES if south <= lat < north and west <= lon < east]
    assert len(codes) <= 1
    return codes[0] if codes else None


def _to_edges(point: Point, *codes: str | None) -> float:
    """Metres to the edge that parts these shapes: 0 in the one, hence the distance to the other."""
    return max(_INDEX.distance_m(code, *point) or 0.0 for code in codes if code)


def _crossings(rings: Sequence[Ring], lat: float, lon: float) -> int:
    """Edges north of a point, where the index counts those east of it."""
    count = 0
    for ring in rings:
        for (x, y), (u, v) in pairwise(ring):
            count += (x > lon) != (u > lon) and lat < y + (lon - x) * (v - y) / (u - x)
    return count


def _any_ring(chance: random.Random) -> Ring:
    x, y, size = chance.uniform(0, 10), chance.uniform(0, 10), chance.choice([0.5, 2, 10])
    ring = [(x + chance.uniform(-size, size), y + chance.uniform(-size, size)) for _ in range(chance.randrange(3, 9))]
    return (*ring, ring[0])


def _crooked(chance: random.Random) -> list[Shape]:
    """5 by 5 quadrangles that share corners and edges, drawn in either sense."""
    at = {(i, j): (i + chance.uniform(-0.3, 0.3), j + chance.uniform(-0.3, 0.3)) for i in range(6) for j in range(6)}
    shapes = []
    for i in range(5):
        for j in range(5):
            ring: Ring = (at[i, j], at[i + 1, j], at[i + 1, j + 1], at[i, j + 1], at[i, j])
            shapes.append(Shape(f"{i}{j}", (ring if chance.random() < 0.5 else ring[::-1],)))
    return shapes
