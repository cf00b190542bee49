"""cells.geojson with every fault it may have."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.places.geojson import MAX_VERTICES, CellShape, read_shapes

_SQUARE = [[113.3, 23.08], [113.302, 23.08], [113.302, 23.082], [113.3, 23.082], [113.3, 23.08]]


def feature(coordinates: object = None, kind: str = "Polygon", **properties: object) -> dict[str, Any]:
    """A sound feature, but for what is given; a property given as None is left out."""
    fields = {"code": "440105001001001", "name": "网格", "community": "440105001001"} | properties
    return {
        "type": "Feature",
        "properties": {key: value for key, value in fields.items() if value is not None},
        "geometry": {"type": kind, "coordinates": [_SQUARE] if coordinates is None else coordinates},
    }


def _with(key: str, value: object) -> dict[str, Any]:
    properties: dict[str, Any] = {key: value}
    return feature(**properties)


def collection(*features: object) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def square(low: float, high: float, lat: float = 23.0) -> tuple[tuple[float, float], ...]:
    """From `low` to `high` degrees east of 113 E and north of `lat`."""
    west, east, south, north = 113 + low, 113 + high, lat + low, lat + high
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def only_fault(content: bytes) -> tuple[int, str]:
    shapes, faults = read_shapes(content)
    assert shapes == []
    assert len(faults) == 1
    return faults[0]


def test_a_polygon_is_read_as_it_is_drawn() -> None:
    ring = tuple((lon, lat) for lon, lat in _SQUARE)
    assert read_shapes(collection(feature())) == (
        [(1, CellShape("440105001001001", "网格", "440105001001", (ring,)))],
        [],
    )


def test_every_ring_of_a_multipolygon_is_read() -> None:
    hole, other = [square(0, 1), square(0.2, 0.4)], [square(2, 3)]
    shapes, faults = read_shapes(collection(feature([hole, other], "MultiPolygon")))
    assert not faults
    assert shapes[0][1].rings == (*hole, *other)


def test_a_byte_order_mark_heights_and_other_members_and_properties_are_let_be() -> None:
    one = feature([[[*position, 12.5] for position in _SQUARE]], area_m2=45_000) | {"id": 7, "bbox": []}
    content = b"\xef\xbb\xbf" + orjson.dumps({"type": "FeatureCollection", "name": "cells", "features": [one]})
    assert read_shapes(content) == read_shapes(collection(feature()))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not JSON"),
        (b"code,name,community\n", "not JSON"),
        (collection(feature())[:-1], "not JSON"),
        (collection(feature()).replace(b"23.08]", b"NaN]", 1), "not JSON"),
        (b'{"features": [], "features": []}', 'not JSON: the member "features" stands twice in one object: export'),
        (b"[" * 1_000_000, "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        ('\n{"name": "海珠"}'.encode("gbk"), "not a FeatureCollection"),
        (b'\n{"name": "\xff"}', 'line 2: not UTF-8, and GB18030 neither: save the file as "CSV UTF-8"'),
        (b'{\n"type": }', "not JSON: line 2 cannot be read on from character 9: export the file anew as GeoJSON"),
        (b"[]", "not a FeatureCollection: send"),
        (orjson.dumps(feature()), "not a FeatureCollection: send"),
        (b'{"type": "FeatureCollection"}', '"features" should be a list: send'),
        (b'{"type": "FeatureCollection", "features": {}}', '"features" should be a list: send'),
    ],
)
def test_a_file_that_is_no_feature_collection_is_told_as_feature_0(content: bytes, sentence: str) -> None:
    number, detail = only_fault(content)
    assert number == 0
    assert detail.startswith(sentence)


@pytest.mark.parametrize("wrong", [None, 7, "Feature", [], {}, {"type": "Polygon", "coordinates": []}])
def test_what_is_no_feature_is_told(wrong: object) -> None:
    number, detail = only_fault(collection(wrong))
    assert (number, detail[:19]) == (1, "not a Feature: send")


@pytest.mark.parametrize("key", ["code", "name", "community"])
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "property {} is missing: add it"),
        (440105001001001, "property {} should be text, not 440105001001001: put it in quotes"),
        (True, "property {} should be text, not True: put it in quotes"),
        (["a"], "property {} should be text, not list: put it in quotes"),
        ("", "property {} is blank: fill it in"),
        (" \t", "property {} is blank: fill it in"),
    ],
)
def test_a_property_that_is_missing_or_no_text_is_told(key: str, value: object, sentence: str) -> None:
    _, detail = only_fault(collection(_with(key, value)))
    assert detail.startswith(sentence.format(key))


@pytest.mark.parametrize("properties", [None, [], "code"])
def test_a_feature_without_properties_is_told(properties: object) -> None:
    assert only_fault(collection(feature() | {"properties": properties})) == (
        1,
        "no properties: give it code, name, community",
    )


@pytest.mark.parametrize(
    "geometry", [None, [], "Polygon", {}, {"type": "Point", "coordinates": [113.3, 23.08]}, {"type": []}]
)
def test_a_geometry_that_is_no_area_is_told(geometry: object) -> None:
    _, detail = only_fault(collection(feature() | {"geometry": geometry}))
    assert detail.startswith("geometry ") and detail.endswith(" is not an area: draw a Polygon or MultiPolygon")


@pytest.mark.parametrize(
    ("coordinates", "kind", "sentence"),
    [
        ([], "Polygon", "the geometry is empty: draw the cell"),
        ([[]], "MultiPolygon", "the geometry is empty: draw the cell"),
        ({}, "Polygon", "coordinates hold dict where a list should be: "),
        ([7], "Polygon", "coordinates hold 7 where a list should be: "),
        ([_SQUARE], "MultiPolygon", "ring 1 holds 113.3: send [longitude, latitude], two finite numbers"),
        ([[_SQUARE]], "Polygon", "ring 1 holds list: send [longitude, latitude], two finite numbers"),
        ([[]], "Polygon", "ring 1 has 0 points: a closed ring has at least 4"),
        ([_SQUARE, [*_SQUARE[:2], _SQUARE[0]]], "Polygon", "ring 2 has 3 points: a closed ring has at least 4"),
        ([_SQUARE[:-1]], "Polygon", "ring 1 is not closed: end it with its first point"),
        ([["a", *_SQUARE]], "Polygon", "ring 1 holds a: send [longitude, latitude], two finite numbers"),
        ([[[113.3], *_SQUARE]], "Polygon", "ring 1 holds [113.3]: send"),
        ([[[113.3, None], *_SQUARE]], "Polygon", "ring 1 holds list: send"),
        ([[[113.3, "23"], *_SQUARE]], "Polygon", "ring 1 holds list: send"),
        ([[[True, False], *_SQUARE]], "Polygon", "ring 1 holds list: send"),
        (
            [[position[::-1] for position in _SQUARE]],
            "Polygon",
            "ring 1 holds [23.08, 113.3], which looks swapped: send",
        ),
        ([[[180.1, 23.08], *_SQUARE]], "Polygon", "ring 1 holds [180.1, 23.08], outside of longitude -180 to 180"),
        ([[[113.3, -90.1], *_SQUARE]], "Polygon", "ring 1 holds [113.3, -90.1], outside of longitude -180 to 180"),
        ([[[428_000.5, 2_553_000.5], *_SQUARE]], "Polygon", "ring 1 holds [428000.5, 2553000.5], outside of"),
        ([[[1e300, 1.0], *_SQUARE]], "Polygon", "ring 1 holds [1e+300, 1.0], outside of"),
        ([_SQUARE * (MAX_VERTICES // 5) + _SQUARE], "Polygon", "over 20000 vertices: simplify the outline"),
        ([[_SQUARE] * (MAX_VERTICES // 5 + 1)], "MultiPolygon", "over 20000 vertices: simplify the outline"),
    ],
)
def test_a_geometry_that_cannot_be_drawn_is_told(coordinates: object, kind: str, sentence: str) -> None:
    number, detail = only_fault(collection(feature(coordinates, kind)))
    assert number == 1
    assert detail.startswith(sentence)


def test_as_many_vertices_as_are_allowed_are_read() -> None:
    turns = [2 * math.pi * i / (MAX_VERTICES - 1) for i in range(MAX_VERTICES - 1)]
    ring = [[113.3 + 0.01 * math.cos(turn), 23.08 + 0.01 * math.sin(turn)] for turn in turns]
    assert read_shapes(collection(feature([[*ring, ring[0]]])))[1] == []


@pytest.mark.parametrize(
    ("position", "sentence"),
    [
        ([40.0, 75.0], "ring 1 holds [40.0, 75.0], which looks swapped: send [longitude, latitude]"),
        ([11.33, 23.08], "ring 1 holds [11.33, 23.08], which is not in China: send [longitude, latitude] in this"),
        ([0, 0], "ring 1 holds [0, 0], which is not in China"),
        ([137.9, 23.08], "ring 1 holds [137.9, 23.08], which is not in China"),
        ([113.3, 0.8], "ring 1 holds [113.3, 0.8], which is not in China"),
    ],
)
def test_a_shape_outside_china_is_told_and_whether_it_looks_swapped(position: list[float], sentence: str) -> None:
    number, detail = only_fault(collection(feature([[*_SQUARE[:2], position, *_SQUARE[2:]]])))
    assert (number, detail.startswith(sentence)) == (1, True), detail


def test_a_ring_that_is_no_outline_is_told_with_its_number_also_as_a_hole() -> None:
    line = [[113.3, 23.08], [113.301, 23.081], [113.302, 23.082], [113.3, 23.08]]
    assert only_fault(collection(feature([line]))) == (
        1,
        "ring 1 goes around nothing, it is a line: draw it around the cell",
    )
    assert only_fault(collection(feature([_SQUARE, line])))[1].startswith("ring 2 goes around nothing")
    bow_tie = [_SQUARE[0], _SQUARE[2], _SQUARE[1], _SQUARE[3], _SQUARE[0]]
    assert only_fault(collection(feature([bow_tie])))[1].startswith("ring 1 crosses itself near [113.3, 23.08")


def test_an_outline_that_stands_twice_is_told_once_however_it_is_drawn() -> None:
    hole, part = square(0.2, 0.4), square(0, 1)
    drawn = feature([[part, hole]], "MultiPolygon", code="a")
    turned = feature([[hole[::-1], (*part[2:], *part[1:3])]], "MultiPolygon", code="b")
    other = feature([part], code="c")
    shapes, faults = read_shapes(collection(drawn, other, turned))
    assert [number for number, _ in shapes] == [1, 2]
    assert faults == [
        (3, "it has the outline of feature 1: draw each cell where it is, or leave one of the two out"),
    ]


def test_a_code_and_an_outline_that_stand_twice_are_one_fault() -> None:
    _, faults = read_shapes(collection(feature(), feature()))
    assert [(number, detail.split(":")[0]) for number, detail in faults] == [
        (2, "code 440105001001001 is on feature 1 already")
    ]


def test_a_code_that_stands_twice_is_told_with_the_first_feature_even_if_that_one_is_wrong() -> None:
    shapes, faults = read_shapes(collection(feature(name=None), feature(code="b"), feature(), feature(code="b")))
    assert [number for number, _ in shapes] == [2]
    assert [number for number, _ in faults] == [1, 3, 4]
    assert faults[1][1].startswith("code 440105001001001 is on feature 1 already: keep one")
    assert faults[2][1].startswith("code b is on feature 2 already: keep one")


def test_all_faults_are_told_at_once_and_the_sound_features_are_read() -> None:
    shapes, faults = read_shapes(collection(feature([], code=None, name=7), feature(code="b"), None))
    assert [(number, shape.code) for number, shape in shapes] == [(2, "b")]
    assert [number for number, _ in faults] == [1, 1, 1, 3]


def test_faults_without_end_are_cut_off_and_that_is_told() -> None:
    _, faults = read_shapes(collection(*[{}] * 5_000))
    assert len(faults) == 1_001
    assert faults[-1] == (0, "over 1000 faults: features from 1001 on were not read, mend these first")


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=15,
)


@given(_JSON, _JSON, st.sampled_from(["Polygon", "MultiPolygon"]))
def test_no_feature_whatever_makes_it_raise(value: object, coordinates: object, kind: str) -> None:
    content = collection(value, {**feature(), "properties": value}, feature(coordinates, kind, name=value))
    shapes, faults = read_shapes(content)
    assert {number for number, _ in shapes} | {number for number, _ in faults} == {1, 2, 3}


@given(st.binary(max_size=50))
def test_no_bytes_whatever_make_it_raise(content: bytes) -> None:
    assert only_fault(content)[0] == 0
