"""From the coordinates phones and map services give to WGS-84 degrees, and back. Pure: numbers in, numbers out.

- WGS-84: GPS chips. CGCS2000 (EPSG:4490), the surveyors' own, differs by decimetres and is taken for the same.
- GCJ-02: Amap, Tencent, WeChat. In Haizhu some 620 to 630 m south-east of WGS-84 (domain page §6).
- BD-09: Baidu; a second shift on top of GCJ-02, about 900 m more.

Neither shift was ever published by its authority. The constants are the ones in general use, as in eviltransform
(https://github.com/googollee/eviltransform) and coordTransform_py (https://github.com/wandergis/coordTransform_py).
Those undo the shifts roughly, up to 1.5 m off; here they are undone by iteration, exactly but for rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

Point = tuple[float, float]
"""Latitude and longitude, degrees."""

_KRASOVSKY_AXIS = 6378245.0  # metres: GCJ-02 reckons on the ellipsoid of 1940; eviltransform's 6378137 moves it by 1 cm
_KRASOVSKY_ECC2 = 0.00669342162296594323
_WGS84_AXIS = 6378137.0  # metres
_WGS84_ECC2 = 0.00669437999014
_CHINA_LAT = (0.8293, 55.8271)  # degrees: the box outside of which nothing is shifted, as in eviltransform
_CHINA_LON = (72.004, 137.8347)
_WAVES = ((20.0, 6.0), (20.0, 2.0))  # (metres, half-turns a degree), of the longitude, in both shifts
_LAT_WAVES = ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
_LON_WAVES = ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
_BD_TURNS = math.pi * 3000.0 / 180.0
_BD_LAT, _BD_LON = 0.006, 0.0065  # degrees
_CLOSE = 1e-12  # degrees, a tenth of a micrometre: the iteration ends
_MOST_STEPS = 30  # each step shrinks the error fifty times or more, so six do; a bound all the same


class CoordType(StrEnum):
    """What a pair of coordinates is in."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"
    CGCS2000 = "cgcs2000"


def to_wgs84(lat: float, lon: float, coord_type: CoordType) -> Point:
    """WGS-84 latitude and longitude of a point given in `coord_type`, all in degrees.

    Exact to rounding (under a micrometre) where the shifts are defined; a point outside China stays as it is.
    """
    if coord_type in (CoordType.WGS84, CoordType.CGCS2000) or not in_china(lat, lon):
        return lat, lon
    if coord_type is CoordType.BD09:
        lat, lon = _undo(_gcj02_to_bd09, lat, lon)
    return _undo(_wgs84_to_gcj02, lat, lon)


def from_wgs84(lat: float, lon: float, coord_type: CoordType) -> Point:
    """Latitude and longitude in `coord_type` of a WGS-84 point, all in degrees."""
    if coord_type in (CoordType.WGS84, CoordType.CGCS2000) or not in_china(lat, lon):
        return lat, lon
    lat, lon = _wgs84_to_gcj02(lat, lon)
    return _gcj02_to_bd09(lat, lon) if coord_type is CoordType.BD09 else (lat, lon)


def in_china(lat: float, lon: float) -> bool:
    """Whether the shifts are defined at a point (degrees): a box somewhat larger than China."""
    return _CHINA_LAT[0] <= lat <= _CHINA_LAT[1] and _CHINA_LON[0] <= lon <= _CHINA_LON[1]


def metres_between(a: Point, b: Point) -> float:
    """Distance of two WGS-84 points in metres, on the plane that touches the ellipsoid at their middle latitude.

    Within 0.1 % up to some 50 km in China, which is a city; not for further away, nor near the poles.
    """
    north, east = metres_per_degree((a[0] + b[0]) / 2)
    return math.hypot((b[0] - a[0]) * north, math.remainder(b[1] - a[1], 360.0) * east)


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres of one degree of latitude and of one of longitude at a latitude (degrees) of the WGS-84 ellipsoid.

    From the radii of curvature in the meridian and the prime vertical; a sphere would be 0.4 % off in Guangzhou.
    """
    angle = math.radians(lat)
    bulge = 1 - _WGS84_ECC2 * math.sin(angle) ** 2
    across = _WGS84_AXIS / math.sqrt(bulge)
    along = across * (1 - _WGS84_ECC2) / bulge
    return math.radians(along), math.radians(across * math.cos(angle))


def _undo(shift: Callable[[float, float], Point], lat: float, lon: float) -> Point:
    """The point (degrees) which `shift` takes to this one. It converges since near points are shifted nearly alike."""
    before = lat, lon
    for _ in range(_MOST_STEPS):
        there = shift(*before)
        miss = there[0] - lat, there[1] - lon
        before = before[0] - miss[0], before[1] - miss[1]
        if abs(miss[0]) < _CLOSE and abs(miss[1]) < _CLOSE:
            break
    return before


def _wgs84_to_gcj02(lat: float, lon: float) -> Point:
    """Metres by a polynomial and waves about 35 N 105 E, then made degrees on Krasovsky's ellipsoid."""
    x, y = lon - 105.0, lat - 35.0
    root, both = 0.1 * math.sqrt(abs(x)), _waves(x, _WAVES)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 2 * root + both + _waves(y, _LAT_WAVES)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + root + both + _waves(x, _LON_WAVES)
    angle = math.radians(lat)
    bulge = 1 - _KRASOVSKY_ECC2 * math.sin(angle) ** 2
    across = _KRASOVSKY_AXIS / math.sqrt(bulge)
    along = across * (1 - _KRASOVSKY_ECC2) / bulge
    return lat + math.degrees(north / along), lon + math.degrees(east / (across * math.cos(angle)))


def _waves(degrees: float, waves: tuple[tuple[float, float], ...]) -> float:
    """Metres."""
    return sum(metres * math.sin(math.pi * turns * degrees) for metres, turns in waves) * 2 / 3


def _gcj02_to_bd09(lat: float, lon: float) -> Point:
    """Degrees taken for a plane: polar coordinates, both a little changed, and moved north-east."""
    far = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_TURNS)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_TURNS)
    return far * math.sin(angle) + _BD_LAT, far * math.cos(angle) + _BD_LON
