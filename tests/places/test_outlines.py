"""When a ring is no outline of a place, against brute force; and when two outlines are one."""

from __future__ import annotations

import math
import random
import time
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.places import outlines
from service.places.shapes import Ring

_CHANCE = st.integers(0, 2**32).map(random.Random)
_EDGE = 0.001  # degrees: a hundred metres


def _ring(*points: tuple[float, float]) -> Ring:
    """Closed, of points given in hundreds of metres or so from a place in Haizhu."""
    drawn = tuple((113.3 + x * _EDGE, 23.08 + y * _EDGE) for x, y in points)
    return (*drawn, drawn[0])


def _star(chance: random.Random, corners: int) -> Ring:
    """Never crosses itself: its corners lie around its middle, in order."""
    turns = [2 * math.pi * (i + chance.uniform(0, 0.9)) / corners for i in range(corners)]
    far = [chance.uniform(0.1, 1) for _ in turns]
    return _ring(*((r * math.cos(t), r * math.sin(t)) for t, r in zip(turns, far, strict=True)))


@pytest.mark.parametrize(
    "ring",
    [
        _ring((0, 0), (1, 0), (1, 1), (0, 1)),
        _ring((0, 0), (0, 1), (1, 1), (1, 0)),
        _ring((0, 0), (1, 0), (0, 1)),
        _ring((0, 0), (2, 0), (2, 2), (1, 1), (0, 2)),
        _ring((0, 0), (0, 0), (1, 0), (1, 1), (1, 1)),  # a point twice
        _ring((0, 0), (2, 0), (2, 1), (1, 0), (0, 1)),  # touches its own edge
        _ring((0, 0), (1, 1), (2, 0), (2, 2), (1, 1), (0, 2)),  # touches itself at a corner
        _ring((0, 0), (3, 0), (3, 3), (0, 3), (0, 0), (1, 1), (1, 2), (2, 2), (2, 1), (1, 1)),  # a way to its hole
        _ring((0, 0), (2, 0), (1, 0), (1, 1)),  # a spike
        _ring((0, 0), (1, 0), (1, 1), (0.5, -0.00005), (0, 1)),  # over its edge by half a centimetre
        _ring((0, 0), (0.01, 0), (0.01, 0.01)),  # a metre wide
    ],
)
def test_an_outline_has_no_fault(ring: Ring) -> None:
    assert outlines.fault(ring) is None
    assert outlines.fault(ring[::-1]) is None


@pytest.mark.parametrize(
    "ring",
    [
        _ring((0, 0), (1, 0), (1, 0)),
        _ring((0, 0), (0, 0), (0, 0)),
        _ring((0, 0), (0, 1), (0, 2)),
        _ring((0, 0), (1, 3), (2, 6), (1, 3)),
        _ring((0, 0), (70, 30), (71, 90), (70, 30)),
    ],
)
def test_a_line_goes_around_nothing(ring: Ring) -> None:
    assert outlines.fault(ring) == "goes around nothing, it is a line: draw it around the cell"


@pytest.mark.parametrize(
    "ring",
    [
        _ring((0, 0), (1, 1), (1, 0), (0, 1)),
        _ring((0, 0), (1, 1), (2, 0), (2, 3), (1, -1), (0, 3)),
        _ring((0, 0), (1, 0), (1, 1), (0.5, -0.001), (0, 1)),  # over its edge by ten centimetres
        _ring((0, 0), (3, 0), (3, 3), (0, 3), (0, 1), (2, 1), (2, 2), (1, 2), (1, -1)),
    ],
)
def test_a_ring_that_crosses_itself_is_told_where(ring: Ring) -> None:
    for each in (ring, ring[::-1]):
        detail = outlines.fault(each)
        assert detail is not None and detail.startswith("crosses itself near [113.3")


@given(_CHANCE, st.integers(3, 12))
def test_what_crosses_itself_is_what_brute_force_finds(chance: random.Random, corners: int) -> None:
    ring = _ring(*((chance.randrange(20), chance.randrange(20)) for _ in range(corners)))
    detail = outlines.fault(ring) or ""
    assert detail.startswith("crosses itself") == any(_meet(*pair) for pair in combinations(pairwise(ring), 2))


@given(_CHANCE, st.integers(4, 400))
def test_a_ring_around_its_middle_has_no_fault(chance: random.Random, corners: int) -> None:
    assert outlines.fault(_star(chance, corners)) is None


def test_a_ring_that_zigzags_from_end_to_end_does_not_take_time_with_the_square_of_its_edges() -> None:
    zigzag = [(i % 2 * 100.0, i / 1000) for i in range(19_996)]
    ring = _ring(*zigzag, (100, 21), (-1, 21), (-1, -1))
    began = time.perf_counter()
    assert outlines.fault(ring) is None
    assert time.perf_counter() - began < 20, "minutes, if it did"


@given(_CHANCE)
def test_an_outline_is_the_same_wherever_it_begins_and_whichever_way_it_turns(chance: random.Random) -> None:
    rings = [_star(chance, 5) for _ in range(chance.randrange(1, 4))]
    again = []
    for ring in rings:
        at = chance.randrange(5)
        turned = ring[at:-1] + ring[: at + 1]
        again.append(turned[:: chance.choice((1, -1))])
    chance.shuffle(again)
    assert outlines.canonical(tuple(again)) == outlines.canonical(tuple(rings))
    assert outlines.canonical((*rings[1:], _star(chance, 5))) != outlines.canonical(tuple(rings))


def _meet(one: tuple[tuple[float, float], ...], other: tuple[tuple[float, float], ...]) -> bool:
    """Whether two edges cross at a point inside of both, by solving for it."""
    (a, b), (u, v) = one
    (x, y), (z, w) = other
    slant = (u - a) * (w - y) - (v - b) * (z - x)
    if abs(slant) < 1e-12:
        return False
    s = ((x - a) * (w - y) - (y - b) * (z - x)) / slant
    t = ((x - a) * (v - b) - (y - b) * (u - a)) / slant
    return 1e-6 < s < 1 - 1e-6 and 1e-6 < t < 1 - 1e-6
