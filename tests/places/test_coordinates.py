"""Coordinates of every type into WGS-84 and back, against published pairs and by round trips."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.places.coordinates import CoordType, Point, from_wgs84, metres_between, metres_per_degree, to_wgs84

HAIZHU = st.tuples(st.floats(23.0, 23.2), st.floats(113.1, 113.5))
CHINA = st.tuples(st.floats(1.0, 55.7), st.floats(72.2, 137.7))
TYPES = st.sampled_from(CoordType)
_SHIFTED = (CoordType.GCJ02, CoordType.BD09)

_TEMPLE = (39.915, 116.404)
_PAIRS: list[tuple[Point, Point]] = [
    # WGS-84, GCJ-02: eviltransform's python/test.py
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
    # coordtransform's README
    (_TEMPLE, (39.91640428150164, 116.41024449916938)),
]


@pytest.mark.parametrize(("wgs84", "gcj02"), _PAIRS)
def test_published_pairs_of_wgs84_and_gcj02_are_met_both_ways(wgs84: Point, gcj02: Point) -> None:
    assert from_wgs84(*wgs84, CoordType.GCJ02) == pytest.approx(gcj02, abs=1e-9)
    assert to_wgs84(*gcj02, CoordType.GCJ02) == pytest.approx(wgs84, abs=1e-9)


def test_the_published_pair_of_gcj02_and_bd09_is_met_both_ways() -> None:
    wgs84, bd09 = (
        to_wgs84(*_TEMPLE, CoordType.GCJ02),
        (39.92133699351021, 116.41036949371029),
    )  # coordtransform's README
    assert from_wgs84(*wgs84, CoordType.BD09) == pytest.approx(bd09, abs=1e-9)
    assert to_wgs84(*bd09, CoordType.BD09) == pytest.approx(wgs84, abs=1e-9)


@given(HAIZHU, TYPES)
def test_there_and_back_in_and_around_haizhu_is_under_a_hundredth_of_a_metre(
    point: Point, coord_type: CoordType
) -> None:
    assert metres_between(to_wgs84(*from_wgs84(*point, coord_type), coord_type), point) < 0.01
    assert metres_between(from_wgs84(*to_wgs84(*point, coord_type), coord_type), point) < 0.01


@given(CHINA, TYPES)
def test_there_and_back_anywhere_in_china_is_under_a_micrometre(point: Point, coord_type: CoordType) -> None:
    assert metres_between(to_wgs84(*from_wgs84(*point, coord_type), coord_type), point) < 1e-6


@given(HAIZHU)
def test_gcj02_lies_600_to_650_metres_south_east_in_haizhu(point: Point) -> None:
    shifted = from_wgs84(*point, CoordType.GCJ02)
    assert 600 < metres_between(point, shifted) < 650
    assert shifted[0] < point[0] and shifted[1] > point[1]


@given(HAIZHU)
def test_bd09_lies_another_900_to_1000_metres_from_gcj02_in_haizhu(point: Point) -> None:
    assert 900 < metres_between(from_wgs84(*point, CoordType.GCJ02), from_wgs84(*point, CoordType.BD09)) < 1000


@given(HAIZHU)
def test_cgcs2000_is_taken_for_wgs84(point: Point) -> None:
    assert to_wgs84(*point, CoordType.CGCS2000) == from_wgs84(*point, CoordType.CGCS2000) == point
    assert to_wgs84(*point, CoordType.WGS84) == from_wgs84(*point, CoordType.WGS84) == point


@pytest.mark.parametrize("coord_type", _SHIFTED)
@pytest.mark.parametrize(
    "point", [(51.5, -0.1), (-33.9, 151.2), (0.5, 110.0), (56.0, 110.0), (30.0, 71.9), (30.0, 138.0)]
)
def test_nothing_is_shifted_outside_china(point: Point, coord_type: CoordType) -> None:
    assert to_wgs84(*point, coord_type) == point
    assert from_wgs84(*point, coord_type) == point


@given(st.floats(), st.floats(), TYPES)
def test_any_two_numbers_come_to_an_end(lat: float, lon: float, coord_type: CoordType) -> None:
    assert len(to_wgs84(lat, lon, coord_type)) == len(from_wgs84(lat, lon, coord_type)) == 2


@pytest.mark.parametrize(
    ("lat", "north", "east"),
    [(0, 110_574, 111_320), (15, 110_649, 107_550), (30, 110_852, 96_486), (45, 111_132, 78_847)],
)
def test_a_degree_is_as_long_as_tables_have_it(lat: float, north: float, east: float) -> None:
    assert metres_per_degree(lat) == pytest.approx((north, east), abs=1)


def test_a_distance_is_that_of_a_geodesic_to_a_thousandth_at_the_size_of_a_district() -> None:
    a, b = (23.05, 113.23), (23.11, 113.42)
    assert metres_between(a, b) == metres_between(b, a)
    assert metres_between(a, b) == pytest.approx(_long_way(a, b), rel=1e-3)
    assert metres_between(a, a) == 0


def test_a_distance_over_the_date_line_is_the_short_one() -> None:
    assert metres_between((0, 179.999), (0, -179.999)) == pytest.approx(222.6, abs=0.1)


def _long_way(a: Point, b: Point) -> float:
    """Straight through the ellipsoid, which is 2 mm less than along it at 20 km."""
    return math.dist(_earth_centred(*a), _earth_centred(*b))


def _earth_centred(lat: float, lon: float) -> tuple[float, float, float]:
    phi, lam, ecc2 = math.radians(lat), math.radians(lon), 0.00669437999014
    across = 6378137.0 / math.sqrt(1 - ecc2 * math.sin(phi) ** 2)
    flat = across * math.cos(phi)
    return flat * math.cos(lam), flat * math.sin(lam), across * (1 - ecc2) * math.sin(phi)
