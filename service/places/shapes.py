"""Shapes of cells: which cell a point lies in, and how far away a cell is. Pure: polygons and numbers, no I/O.

Plain Python is fast enough. A district has about 2,000 small polygons and a report needs one look-up. A grid with about
one bucket per shape leaves a few polygons to test, which takes microseconds; numpy, shapely or PostGIS would each be a
large dependency for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from service.places.coordinates import metres_per_degree

Ring = tuple[tuple[float, float], ...]
"""A closed sequence of (longitude, latitude) in WGS-84 degrees; the last point equals the first."""

_Edge = tuple[float, float, float, float]
"""Latitude of the south end, latitude of the north end, longitude of the south end, degrees of longitude per degree of
latitude."""

_Box = tuple[float, float, float, float]
"""South, west, north and east border in degrees."""

_MAX_BUCKETS = 64
"""Buckets that one shape may occupy. A wider shape is in no bucket and is tested at every look-up; otherwise the memory
for shapes that all cover everything would grow with the square of their number."""

_MARGIN = 1e-9  # degrees, a tenth of a millimetre; a rounded crossing of a slanted edge must lie inside the box


@dataclass(frozen=True)
class Shape:
    """The area of a cell: every point that lies inside an odd number of its rings, so holes and separate parts work."""

    code: str
    rings: tuple[Ring, ...]


class ShapeIndex:
    """An index that finds the shape around a point. The index never changes, so tasks and threads may share it.

    South and west edges belong to a shape, north and east edges do not. So if shapes share an edge, corner by corner or
    along a parallel or meridian, a point on it belongs to exactly one of them.
    """

    def __init__(self, shapes: Iterable[Shape]) -> None:
        """
        Raises:
            ValueError: two shapes have the same code.
        """
        self._shapes: dict[str, _Prepared] = {}
        for shape in sorted(shapes, key=lambda each: each.code):
            if shape.code in self._shapes:
                raise ValueError(f"two shapes for {shape.code}")
            self._shapes[shape.code] = _Prepared(shape)
        self._grid = _Grid(list(self._shapes.values()))

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all shapes."""
        return frozenset(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def locate(self, lat: float, lon: float) -> str | None:
        """Return the code of the shape around a WGS-84 point (degrees), the smallest of several; None outside."""
        return min(
            (codes for part in self._grid.near(lat, lon) for codes in _first_around(part, lat, lon)), default=None
        )

    def distance_m(self, code: str, lat: float, lon: float) -> float | None:
        """Return the metres from a WGS-84 point (degrees) to a shape, 0 inside it; None when the code has no shape.

        The distance is measured on the plane that touches the ellipsoid at the point. Its error is below 0.1 % up to
        about 10 km.
        """
        shape = self._shapes.get(code)
        if shape is None:
            return None
        return 0.0 if shape.contains(lat, lon) else shape.edge_m(lat, lon)

    def edge_m(self, code: str, lat: float, lon: float) -> float:
        """Return the metres from a WGS-84 point (degrees), inside or outside a shape, to the nearest edge of the shape.

        Raises:
            KeyError: the code has no shape.
        """
        return self._shapes[code].edge_m(lat, lon)


class _Prepared:
    """A shape with everything computed in advance that does not depend on the point."""

    __slots__ = ("_edges", "_rings", "box", "code")

    def __init__(self, shape: Shape) -> None:
        self.code = shape.code
        self._rings = shape.rings
        self._edges = tuple(_edges(shape.rings))
        lons = [lon for ring in shape.rings for lon, _ in ring] or [math.inf]
        lats = [lat for ring in shape.rings for _, lat in ring] or [math.inf]
        self.box: _Box = (min(lats) - _MARGIN, min(lons) - _MARGIN, max(lats) + _MARGIN, max(lons) + _MARGIN)

    def contains(self, lat: float, lon: float) -> bool:
        """Whether a line to the east crosses an odd number of edges. An edge includes its south end only."""
        south, west, north, east = self.box
        if not (south <= lat <= north and west <= lon <= east):
            return False
        inside = False
        for low, high, start, slope in self._edges:
            if low <= lat < high and lon < start + (lat - low) * slope:
                inside = not inside
        return inside

    def edge_m(self, lat: float, lon: float) -> float:
        """Return the metres from a point to the nearest edge."""
        north, east = metres_per_degree(lat)
        nearest = math.inf
        for ring in self._rings:
            plane = [(math.remainder(x - lon, 360.0) * east, (y - lat) * north) for x, y in ring]
            for i in range(1, len(plane)):
                nearest = min(nearest, _from_origin(plane[i - 1], plane[i]))
        return nearest


class _Grid:
    """Buckets of shapes by latitude and longitude. A shape is in every bucket that its box touches, or in `_wide`."""

    def __init__(self, shapes: Sequence[_Prepared]) -> None:
        placed = [each for each in shapes if math.isfinite(each.box[0])]
        self._south = min((each.box[0] for each in placed), default=math.inf)
        self._west = min((each.box[1] for each in placed), default=math.inf)
        self._north = max((each.box[2] for each in placed), default=-math.inf)
        self._east = max((each.box[3] for each in placed), default=-math.inf)
        self._rows = self._columns = max(1, math.isqrt(len(placed)))
        self._buckets: dict[int, list[_Prepared]] = {}
        self._wide: list[_Prepared] = []
        for each in placed:
            self._place(each)

    def near(self, lat: float, lon: float) -> Iterator[Sequence[_Prepared]]:
        """Yield lists of the shapes that may contain a point, each list in the order of codes."""
        if self._south <= lat <= self._north and self._west <= lon <= self._east:
            yield self._buckets.get(self._row(lat) * self._columns + self._column(lon), ())
            yield self._wide

    def _place(self, shape: _Prepared) -> None:
        south, west, north, east = shape.box
        rows = range(self._row(south), self._row(north) + 1)
        columns = range(self._column(west), self._column(east) + 1)
        if len(rows) * len(columns) > _MAX_BUCKETS:
            self._wide.append(shape)
            return
        for row in rows:
            for column in columns:
                self._buckets.setdefault(row * self._columns + column, []).append(shape)

    def _row(self, lat: float) -> int:
        part = (lat - self._south) / (self._north - self._south)  # the divisor is never 0, since boxes have a margin
        return min(int(part * self._rows), self._rows - 1)

    def _column(self, lon: float) -> int:
        part = (lon - self._west) / (self._east - self._west)
        return min(int(part * self._columns), self._columns - 1)


def _first_around(shapes: Sequence[_Prepared], lat: float, lon: float) -> Iterator[str]:
    """Yield the code of the first shape that contains a point, or nothing."""
    for shape in shapes:
        if shape.contains(lat, lon):
            yield shape.code
            return


def _edges(rings: Iterable[Ring]) -> Iterator[_Edge]:
    """Yield every edge from its south end, so that two shapes compute the same crossing of an edge that they share.

    Edges along a parallel are left out, since a line to the east does not cross them.
    """
    for ring in rings:
        for i in range(1, len(ring)):
            (start, low), (end, high) = sorted((ring[i - 1], ring[i]), key=lambda point: point[1])
            if low != high:
                yield low, high, start, (end - start) / (high - low)


def _from_origin(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance from (0, 0) to the line between two points of a plane, in the unit of the plane."""
    x, y = b[0] - a[0], b[1] - a[1]
    square = x * x + y * y
    along = max(0.0, min(1.0, -(a[0] * x + a[1] * y) / square)) if square else 0.0
    return math.hypot(a[0] + along * x, a[1] + along * y)
