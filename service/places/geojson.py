"""cells.geojson into the shapes of cells. Faults are collected with the number of their feature, never raised.

A FeatureCollection (RFC 7946): each feature has the properties code, name and community, other properties are let be,
and a Polygon or MultiPolygon whose positions are [longitude, latitude], CGCS2000 or WGS-84 degrees, in China: where
the shifts of `service.registry.coordinates` are defined. A height is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from service.places import outlines
from service.places.coordinates import in_china
from service.places.shapes import Ring

MOST_VERTICES = 20_000
"""Of one feature."""

_MOST_FAULTS = 1_000  # a fault is longer than what is at fault may be: millions of them would fill the memory
_SHOWN = 80  # characters of what the file says, in a fault about it
_BOM = b"\xef\xbb\xbf"
_PROPERTIES = ("code", "name", "community")


@dataclass(frozen=True, slots=True)
class CellShape:
    """A cell as the file draws it; `rings` as in `service.registry.shapes.Shape`, even-odd."""

    code: str
    name: str
    community: str
    rings: tuple[Ring, ...]


Numbered = list[tuple[int, CellShape]]
Faults = list[tuple[int, str]]


class _Seen(NamedTuple):
    """The number of the first feature with a code, and of the first with an outline."""

    codes: dict[str, int]
    outlines: dict[tuple[Ring, ...], int]


class _WrongShape(Exception):
    """What is wrong with a geometry, in one sentence."""


def read_shapes(content: bytes) -> tuple[Numbered, Faults]:
    """The sound features, and what is wrong with the others: each with the feature's number, the first being 1.

    Feature 0 is the file as a whole. After 1,000 faults the rest is not read. Never raises for what is in the file.
    """
    shapes: Numbered = []
    faults: Faults = []
    seen = _Seen({}, {})
    try:
        features = _features(content)
    except ValueError as error:
        return [], [(0, str(error))]
    for number, feature in enumerate(features, start=1):
        if len(faults) >= _MOST_FAULTS:
            faults.append((0, f"over {_MOST_FAULTS} faults: features from {number} on were not read, mend these first"))
            break
        wrong: list[str] = []
        shape = _shape(feature, wrong)
        if again := _again(_code(feature), shape, number, seen):
            wrong.append(again)
        faults += [(number, each) for each in wrong]
        if shape and not wrong:
            shapes.append((number, shape))
    return shapes, faults


def _again(code: str, shape: CellShape | None, number: int, seen: _Seen) -> str | None:
    """What this feature repeats of one before it, in words; None when it is new."""
    first = seen.codes.setdefault(code, number) if code else number
    if first != number:
        return f"code {_told(code)} is on feature {first} already: keep one, parts go into a MultiPolygon"
    first = seen.outlines.setdefault(outlines.settled(shape.rings), number) if shape else number
    if first != number:
        return f"it has the outline of feature {first}: draw each cell where it is, or leave one of the two out"
    return None


def _features(content: bytes) -> list[Any]:
    """
    Raises:
        ValueError: the file as a whole is not what it should be; with the sentence.
    """
    content = content.removeprefix(_BOM)
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"not UTF-8 on line {line}: save the file as UTF-8") from None
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:  # also for what is nested too deeply
        raise ValueError(f"not JSON: {error}; export the file anew as GeoJSON") from None
    if not isinstance(found, dict) or found.get("type") != "FeatureCollection":
        raise ValueError('not a FeatureCollection: send {"type": "FeatureCollection", "features": [...]}')
    if not isinstance(found.get("features"), list):
        raise ValueError('"features" should be a list: send {"type": "FeatureCollection", "features": [...]}')
    features: list[Any] = found["features"]
    return features


def _shape(feature: object, wrong: list[str]) -> CellShape | None:
    """None when something is wrong, and `wrong` then says what."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        wrong.append('not a Feature: send {"type": "Feature", "properties": {...}, "geometry": {...}}')
        return None
    properties = feature.get("properties")
    if isinstance(properties, dict):
        wrong += [sentence for key in _PROPERTIES if (sentence := _property(key, properties.get(key)))]
    else:
        wrong.append(f"no properties: give it {', '.join(_PROPERTIES)}")
    try:
        rings = _rings(feature.get("geometry"))
    except _WrongShape as error:
        wrong.append(str(error))
        return None
    if wrong or not isinstance(properties, dict):
        return None
    code, name, community = (properties[key].strip() for key in _PROPERTIES)
    return CellShape(code, name, community, rings)


def _code(feature: object) -> str:
    """The code of a feature, even of one with faults; "" without one."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code") if isinstance(properties, dict) else None
    return code.strip() if isinstance(code, str) else ""


def _property(key: str, value: object) -> str | None:
    if value is None:
        return f"property {key} is missing: add it, as in cells.csv"
    if not isinstance(value, str):
        return f'property {key} should be text, not {_told(value)}: put it in quotes, "{key}": "..."'
    if not value.strip():
        return f"property {key} is blank: fill it in, as in cells.csv"
    return None


def _rings(geometry: object) -> tuple[Ring, ...]:
    """
    Raises:
        _WrongShape: with the first thing that is wrong.
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        raise _WrongShape(f"geometry {_told(kind)} is not an area: draw a Polygon or MultiPolygon")
    coordinates = geometry.get("coordinates")
    rings = list(_lists(coordinates if kind == "MultiPolygon" else [coordinates]))
    if not rings:
        raise _WrongShape("the geometry is empty: draw the cell, or leave the feature out")
    if sum(map(len, rings)) > MOST_VERTICES:
        raise _WrongShape(f"over {MOST_VERTICES} vertices: simplify the outline")
    return tuple(_ring(ring, number) for number, ring in enumerate(rings, start=1))


def _lists(polygons: object) -> Iterator[list[Any]]:
    """Every ring of every polygon, as lists of what should be positions."""
    for polygon in _list(polygons):
        for ring in _list(polygon):
            yield _list(ring)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _WrongShape(
            f"coordinates hold {_told(value)} where a list should be: a Polygon is a list of rings, a ring a list of "
            "[longitude, latitude], a MultiPolygon a list of Polygons"
        )
    return value


def _ring(positions: list[Any], number: int) -> Ring:
    ring = tuple(_position(each, number) for each in positions)
    if len(positions) < 4:
        raise _WrongShape(
            f"ring {number} has {len(positions)} points: a closed ring has at least 4, the first again last"
        )
    if ring[0] != ring[-1]:
        raise _WrongShape(f"ring {number} is not closed: end it with its first point")
    if fault := outlines.fault(ring):
        raise _WrongShape(f"ring {number} {fault}")
    return ring


def _position(position: object, ring: int) -> tuple[float, float]:
    if not isinstance(position, list) or len(position) < 2 or not all(map(_is_number, position)):
        raise _WrongShape(
            f"ring {ring} holds {_told(position)}: send [longitude, latitude], two finite numbers, which stand one "
            "list deeper in a MultiPolygon than in a Polygon"
        )
    lon, lat = float(position[0]), float(position[1])
    if in_china(lat, lon):
        return lon, lat
    if in_china(lon, lat):
        raise _WrongShape(f"ring {ring} holds {_told(position)}, which looks swapped: send [longitude, latitude]")
    if abs(lon) <= 180 and abs(lat) <= 90:
        raise _WrongShape(
            f"ring {ring} holds {_told(position)}, which is not in China: send [longitude, latitude] in this order, "
            "and look for a digit too few"
        )
    raise _WrongShape(
        f"ring {ring} holds {_told(position)}, outside of longitude -180 to 180 and latitude -90 to 90: send degrees "
        "(CGCS2000, EPSG:4490), not metres of a projection"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _told(value: object) -> str:
    """What the file says, shortened."""
    if isinstance(value, list | dict):
        value = value[:4] if isinstance(value, list) and all(map(_is_number, value[:4])) else type(value).__name__
    return str(value)[:_SHOWN]
