"""Reader of cells.geojson, the shapes of cells. Faults are collected with the number of their feature, never raised.

The file is a FeatureCollection (RFC 7946). Each feature has the properties code, name and community (others are
ignored) and a Polygon or MultiPolygon. Its positions are [longitude, latitude] in CGCS2000 or WGS-84 degrees, and lie
in the box around China of `coordinates.in_china`. Heights are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.places import outlines
from service.places.coordinates import in_china
from service.places.shapes import Ring
from service.rules.sentences import Sentence
from service.sheets.decoding import UnreadableFile, decode
from service.web import strict_json
from service.web.strict_json import NotJsonError

MAX_VERTICES = 20_000
"""Vertices of one feature."""

_MAX_FAULTS = 1_000  # a fault may be longer than its cause, so millions of them would fill the memory
_QUOTE_LENGTH = 80  # characters of the file that a fault quotes
_PROPERTIES = ("code", "name", "community")


@dataclass(frozen=True, slots=True)
class CellShape:
    """A cell as the file draws it. `rings` follow the even-odd rule of `shapes.Shape`."""

    code: str
    name: str
    community: str
    rings: tuple[Ring, ...]


NumberedShapes = list[tuple[int, CellShape]]
"""Cells with the number of their feature."""
NumberedFaults = list[tuple[int, Sentence]]
"""Sentences with the number of the feature at fault."""


class _FirstFeatures(NamedTuple):
    """The number of the first feature with each code, and of the first with each outline."""

    codes: dict[str, int]
    outlines: dict[tuple[Ring, ...], int]


class _WrongShape(Exception):
    """A file or a geometry has a fault; `detail` is the sentence about it."""

    def __init__(self, detail: Sentence) -> None:
        super().__init__(detail)
        self.detail = detail


def read_shapes(content: bytes) -> tuple[NumberedShapes, NumberedFaults]:
    """Return the sound features and the faults of the others, each with the number of its feature, counted from 1.

    Number 0 stands for the file as a whole. Reading stops after 1,000 faults. The content of a file never raises.
    """
    shapes: NumberedShapes = []
    faults: NumberedFaults = []
    first_features = _FirstFeatures({}, {})
    try:
        features = _features(content)
    except _WrongShape as error:
        return [], [(0, error.detail)]
    for number, feature in enumerate(features, start=1):
        if len(faults) >= _MAX_FAULTS:
            rest = Sentence(
                "over {count} faults: features from {number} on were not read, mend these first",
                count=_MAX_FAULTS,
                number=number,
            )
            faults.append((0, rest))
            break
        details: list[Sentence] = []
        shape = _shape(feature, details)
        if repetition := _repetition(_code(feature), shape, number, first_features):
            details.append(repetition)
        faults += [(number, detail) for detail in details]
        if shape and not details:
            shapes.append((number, shape))
    return shapes, faults


def _repetition(code: str, shape: CellShape | None, number: int, first_features: _FirstFeatures) -> Sentence | None:
    """Return in words what a feature repeats of an earlier one; None when both its code and its outline are new."""
    first = first_features.codes.setdefault(code, number) if code else number
    if first != number:
        return Sentence(
            "code {code} is on feature {number} already: keep one, parts go into a MultiPolygon",
            code=_quote(code),
            number=first,
        )
    first = first_features.outlines.setdefault(outlines.canonical(shape.rings), number) if shape else number
    if first != number:
        return Sentence(
            "it has the outline of feature {number}: draw each cell where it is, or leave one of the two out",
            number=first,
        )
    return None


def _features(content: bytes) -> list[Any]:
    """Return the features of a file.

    Raises:
        _WrongShape: the file is no text, not JSON or not a FeatureCollection; the message is the sentence about it.
    """
    try:
        found = strict_json.loads(decode(content))
    except UnreadableFile as unread:
        raise _WrongShape(Sentence("line {line}: {fault}", line=max(unread.line, 1), fault=unread.detail)) from None
    except NotJsonError as error:
        raise _WrongShape(Sentence("not JSON: {why}: export the file anew as GeoJSON", why=error.why)) from None
    if not isinstance(found, dict) or found.get("type") != "FeatureCollection":
        raise _WrongShape(Sentence('not a FeatureCollection: send {{"type": "FeatureCollection", "features": [...]}}'))
    if not isinstance(found.get("features"), list):
        raise _WrongShape(
            Sentence('"features" should be a list: send {{"type": "FeatureCollection", "features": [...]}}')
        )
    features: list[Any] = found["features"]
    return features


def _shape(feature: object, details: list[Sentence]) -> CellShape | None:
    """Return the cell that a feature draws. With a fault, return None and add the sentences about it to `details`."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        details.append(
            Sentence('not a Feature: send {{"type": "Feature", "properties": {{...}}, "geometry": {{...}}}}')
        )
        return None
    properties = feature.get("properties")
    if isinstance(properties, dict):
        details += [sentence for key in _PROPERTIES if (sentence := _property(key, properties.get(key)))]
    else:
        details.append(Sentence("no properties: give it {names}", names=_PROPERTIES))
    try:
        rings = _rings(feature.get("geometry"))
    except _WrongShape as error:
        details.append(error.detail)
        return None
    if details or not isinstance(properties, dict):
        return None
    code, name, community = (properties[key].strip() for key in _PROPERTIES)
    return CellShape(code, name, community, rings)


def _code(feature: object) -> str:
    """Return the code of a feature, even of one with faults; "" when there is none."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code") if isinstance(properties, dict) else None
    return code.strip() if isinstance(code, str) else ""


def _property(key: str, value: object) -> Sentence | None:
    if value is None:
        return Sentence("property {key} is missing: add it, as in cells.csv", key=key)
    if not isinstance(value, str):
        return Sentence(
            'property {key} should be text, not {value}: put it in quotes, "{key}": "..."', key=key, value=_quote(value)
        )
    if not value.strip():
        return Sentence("property {key} is blank: fill it in, as in cells.csv", key=key)
    return None


def _rings(geometry: object) -> tuple[Ring, ...]:
    """Return the rings of a geometry.

    Raises:
        _WrongShape: the first fault of the geometry.
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        raise _WrongShape(Sentence("geometry {kind} is not an area: draw a Polygon or MultiPolygon", kind=_quote(kind)))
    coordinates = geometry.get("coordinates")
    rings = list(_lists(coordinates if kind == "MultiPolygon" else [coordinates]))
    if not rings:
        raise _WrongShape(Sentence("the geometry is empty: draw the cell, or leave the feature out"))
    if sum(map(len, rings)) > MAX_VERTICES:
        raise _WrongShape(Sentence("over {count} vertices: simplify the outline", count=MAX_VERTICES))
    return tuple(_ring(ring, number) for number, ring in enumerate(rings, start=1))


def _lists(polygons: object) -> Iterator[list[Any]]:
    """Yield every ring of every polygon as a list; its members are not checked yet."""
    for polygon in _list(polygons):
        for ring in _list(polygon):
            yield _list(ring)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _WrongShape(
            Sentence(
                "coordinates hold {value} where a list should be: a Polygon is a list of rings, a ring a list of "
                "[longitude, latitude], a MultiPolygon a list of Polygons",
                value=_quote(value),
            )
        )
    return value


def _ring(positions: list[Any], number: int) -> Ring:
    ring = tuple(_position(each, number) for each in positions)
    if len(positions) < 4:
        raise _WrongShape(
            Sentence(
                "ring {ring} has {count} {count:point|points}: a closed ring has at least 4, the first again last",
                ring=number,
                count=len(positions),
            )
        )
    if ring[0] != ring[-1]:
        raise _WrongShape(Sentence("ring {ring} is not closed: end it with its first point", ring=number))
    if fault := outlines.fault(ring):
        raise _WrongShape(Sentence("ring {ring} {fault}", ring=number, fault=fault))
    return ring


def _position(position: object, ring: int) -> tuple[float, float]:
    if not isinstance(position, list) or len(position) < 2 or not all(map(_is_number, position)):
        raise _WrongShape(
            Sentence(
                "ring {ring} holds {value}: send [longitude, latitude], two finite numbers, which stand one list "
                "deeper in a MultiPolygon than in a Polygon",
                ring=ring,
                value=_quote(position),
            )
        )
    lon, lat = float(position[0]), float(position[1])
    if in_china(lat, lon):
        return lon, lat
    if in_china(lon, lat):
        raise _WrongShape(
            Sentence(
                "ring {ring} holds {value}, which looks swapped: send [longitude, latitude]",
                ring=ring,
                value=_quote(position),
            )
        )
    if abs(lon) <= 180 and abs(lat) <= 90:
        raise _WrongShape(
            Sentence(
                "ring {ring} holds {value}, which is not in China: send [longitude, latitude] in this order, and look "
                "for a digit too few",
                ring=ring,
                value=_quote(position),
            )
        )
    raise _WrongShape(
        Sentence(
            "ring {ring} holds {value}, outside of longitude -180 to 180 and latitude -90 to 90: send degrees "
            "(CGCS2000, EPSG:4490), not metres of a projection",
            ring=ring,
            value=_quote(position),
        )
    )


_NUMBERS = frozenset({int, float})
"""What JSON has as numbers; a bool is none, although Python derives it from int."""


def _is_number(value: object) -> bool:
    return type(value) in _NUMBERS and math.isfinite(value)  # type: ignore[arg-type]  # of one of these types


def _quote(value: object) -> str:
    """Return a value of the file, shortened for a sentence about it."""
    if isinstance(value, list | dict):
        value = value[:4] if isinstance(value, list) and all(map(_is_number, value[:4])) else type(value).__name__
    return str(value)[:_QUOTE_LENGTH]
