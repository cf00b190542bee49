"""What makes a ring no outline of a place, and when two outlines are one. Pure: numbers in, words out."""

from __future__ import annotations

import math
from itertools import pairwise

from service.places.shapes import Ring

_Point = tuple[float, float]
_Edge = tuple[_Point, _Point]
"""Its west end, its east end."""

_NOTHING = 1e-12  # square degrees, some 100 square centimetres: a line there and back, but for rounding
_SLIP = 1e-7  # degrees, a centimetre: edges that cross by less do so by the rounding of whoever wrote the file
_MOST_BESIDE = 50
"""Edges above one another, on average, that are looked at: an outline has a handful, a ring that zigzags from end to
end thousands, and the time would grow with their square. Rings of up to 100 edges are looked at whole."""


def fault(ring: Ring) -> str | None:
    """Why a closed ring goes around nothing, or not around one area, in words; None when it does."""
    crossing = _crossing(ring)
    if crossing is not None:
        return f"crosses itself near {list(crossing)}: draw it around the cell in one turn, parts in a MultiPolygon"
    if abs(_area(ring)) < _NOTHING:
        return "goes around nothing, it is a line: draw it around the cell"
    return None


def settled(rings: tuple[Ring, ...]) -> tuple[Ring, ...]:
    """The same for the same outline, wherever its rings begin, which way they turn and in what order they come."""
    return tuple(sorted(map(_settled, rings)))


def _settled(ring: Ring) -> Ring:
    points = ring[:-1]
    at = points.index(min(points))
    there = points[at:] + points[:at]
    return min(there, there[:1] + there[:0:-1])


def _area(ring: Ring) -> float:
    """Square degrees, negative when it turns with the clock; reckoned from its first point, to lose no digits."""
    west, south = ring[0]
    return sum((a - west) * (v - south) - (u - west) * (b - south) for (a, b), (u, v) in pairwise(ring)) / 2


def _crossing(ring: Ring) -> _Point | None:
    """Where an edge that crosses another begins. From west to east: an edge meets only those that have not ended."""
    edges = sorted((min(a, b), max(a, b)) for a, b in pairwise(ring))
    beside: list[_Edge] = []
    left = _MOST_BESIDE * len(edges)
    for edge in edges:
        beside = [each for each in beside if each[1][0] >= edge[0][0]]
        left -= len(beside)
        if left < 0:
            return None
        if any(_part(edge, each) and _part(each, edge) for each in beside):
            return edge[0]
        beside.append(edge)
    return None


def _part(edge: _Edge, other: _Edge) -> bool:
    """Whether the ends of `other` lie on the two sides of the line through `edge`, neither of them on it."""
    (a, b), (u, v) = edge
    slip = _SLIP * math.dist(*edge)
    sides = [(u - a) * (y - b) - (v - b) * (x - a) for x, y in other]
    return min(sides) < -slip and max(sides) > slip
