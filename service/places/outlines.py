"""Outlines of places: whether a ring encloses one area, and whether two outlines are equal. Pure: no I/O."""

from __future__ import annotations

import math
from itertools import pairwise

from service.places.shapes import Ring
from service.rules.sentences import Sentence

_Point = tuple[float, float]
_Segment = tuple[_Point, _Point]
"""One edge of a ring, by its west end and its east end."""

_MIN_AREA = 1e-12  # square degrees, about 100 square centimetres; less is a line drawn there and back
_TOLERANCE = 1e-7  # degrees, one centimetre; edges that cross by less do so because the file was rounded
_MAX_OVERLAPPING = 50
"""Average number of edges over one longitude up to which a ring is checked for crossings. An outline has a few; a ring
that zigzags from end to end has thousands, and the time would grow with the square of their number. A ring of up to 100
edges is always checked completely."""


def fault(ring: Ring) -> Sentence | None:
    """Return in words why a closed ring does not enclose one area; None when it does."""
    crossing = _crossing(ring)
    if crossing is not None:
        return Sentence(
            "crosses itself near {place}: draw it around the cell in one turn, parts in a MultiPolygon",
            place=str(list(crossing)),
        )
    if abs(_area(ring)) < _MIN_AREA:
        return Sentence("goes around nothing, it is a line: draw it around the cell")
    return None


def canonical(rings: tuple[Ring, ...]) -> tuple[Ring, ...]:
    """Return one form for equal outlines, wherever their rings start, whichever way they turn, in whatever order."""
    return tuple(sorted(map(_canonical_ring, rings)))


def _canonical_ring(ring: Ring) -> Ring:
    points = ring[:-1]
    start = points.index(min(points))
    forward = points[start:] + points[:start]
    return min(forward, forward[:1] + forward[:0:-1])


def _area(ring: Ring) -> float:
    """Return the area in square degrees, negative when the ring turns clockwise.

    The first point serves as the origin, which keeps the digits of a small area.
    """
    west, south = ring[0]
    return sum((a - west) * (v - south) - (u - west) * (b - south) for (a, b), (u, v) in pairwise(ring)) / 2


def _crossing(ring: Ring) -> _Point | None:
    """Return where an edge that crosses another starts. The sweep goes from west to east, so that each edge is compared
    only with those that have not ended."""
    edges = sorted((min(a, b), max(a, b)) for a, b in pairwise(ring))
    overlapping: list[_Segment] = []
    left = _MAX_OVERLAPPING * len(edges)
    for edge in edges:
        overlapping = [each for each in overlapping if each[1][0] >= edge[0][0]]
        left -= len(overlapping)
        if left < 0:
            return None
        if any(_separates(edge, each) and _separates(each, edge) for each in overlapping):
            return edge[0]
        overlapping.append(edge)
    return None


def _separates(edge: _Segment, other: _Segment) -> bool:
    """Whether the line through `edge` separates the ends of `other`, neither of which lies on it."""
    (a, b), (u, v) = edge
    tolerance = _TOLERANCE * math.dist(*edge)
    (x, y), (s, t) = other
    one, two = (u - a) * (y - b) - (v - b) * (x - a), (u - a) * (t - b) - (v - b) * (s - a)
    return (one < -tolerance and two > tolerance) or (two < -tolerance and one > tolerance)
