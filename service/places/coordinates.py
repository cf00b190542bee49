"""Coordinates of phones and map services are converted to WGS-84 degrees and back. Pure: numbers in, numbers out.

- WGS-84 comes from GPS chips. CGCS2000 (EPSG:4490), which surveyors use, differs by decimetres and counts as WGS-84.
- GCJ-02 comes from Amap, Tencent and WeChat. In Haizhu it lies 620 to 630 m south-east of WGS-84, by the formula below.
- BD-09 comes from Baidu. It adds a second shift to GCJ-02, about 950 m in Haizhu.

The authorities never published either shift. The constants are those in general use, as in eviltransform
(https://github.com/googollee/eviltransform) and coordTransform_py (https://github.com/wandergis/coordTransform_py).
Both of these reverse a shift with an error of up to 1.5 m; this module reverses it by iteration, down to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

Point = tuple[float, float]
"""Latitude and longitude, degrees."""

_KRASOVSKY_AXIS = 6378245.0  # metres, the ellipsoid of 1940; eviltransform's 6378137 moves points by 1 cm
_KRASOVSKY_ECC2 = 0.00669342162296594323
_WGS84_AXIS = 6378137.0  # metres
_WGS84_ECC2 = 0.00669437999014
_CHINA_LAT = (0.8293, 55.8271)  # degrees; outside this box nothing is shifted, as in eviltransform
_CHINA_LON = (72.004, 137.8347)
_WAVES = ((20.0, 6.0), (20.0, 2.0))  # (metres, half-turns per degree) over the longitude, in both directions
_LAT_WAVES = ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
_LON_WAVES = ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
_BD_TURNS = math.pi * 3000.0 / 180.0
_BD_LAT, _BD_LON = 0.006, 0.0065  # degrees
_CLOSE = 1e-12  # degrees, a tenth of a micrometre; the iteration stops here
_MAX_STEPS = 30  # each step divides the error by fifty or more, so six are enough


class CoordType(StrEnum):
    """The coordinate system of a point."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"
    CGCS2000 = "cgcs2000"


def to_wgs84(lat: float, lon: float, coord_type: CoordType) -> Point:
    """Return the WGS-84 latitude and longitude of a point given in `coord_type`, all in degrees.

    The result is exact to rounding (under a micrometre). A point outside China is returned unchanged.
    """
    if coord_type in (CoordType.WGS84, CoordType.CGCS2000) or not in_china(lat, lon):
        return lat, lon
    if coord_type is CoordType.BD09:
        lat, lon = _undo(_gcj02_to_bd09, lat, lon)
    return _undo(_wgs84_to_gcj02, lat, lon)


def from_wgs84(lat: float, lon: float, coord_type: CoordType) -> Point:
    """Return the latitude and longitude in `coord_type` of a WGS-84 point, all in degrees."""
    if coord_type in (CoordType.WGS84, CoordType.CGCS2000) or not in_china(lat, lon):
        return lat, lon
    lat, lon = _wgs84_to_gcj02(lat, lon)
    return _gcj02_to_bd09(lat, lon) if coord_type is CoordType.BD09 else (lat, lon)


def in_china(lat: float, lon: float) -> bool:
    """Whether the shifts are defined at a point (degrees), which is a box somewhat larger than China."""
    return _CHINA_LAT[0] <= lat <= _CHINA_LAT[1] and _CHINA_LON[0] <= lon <= _CHINA_LON[1]


def metres_between(a: Point, b: Point) -> float:
    """Return the distance of two WGS-84 points in metres, on the plane that touches the ellipsoid between them.

    The error is below 0.1 % up to about 50 km in China, the size of a city. The plane does not serve longer distances
    or points near the poles.
    """
    north, east = metres_per_degree((a[0] + b[0]) / 2)
    return math.hypot((b[0] - a[0]) * north, math.remainder(b[1] - a[1], 360.0) * east)


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Return the metres in one degree of latitude and in one degree of longitude, at a latitude in degrees.

    Both follow from the radii of curvature of the WGS-84 ellipsoid; a sphere would be 0.4 % wrong in Guangzhou.
    """
    angle = math.radians(lat)
    bulge = 1 - _WGS84_ECC2 * math.sin(angle) ** 2
    across = _WGS84_AXIS / math.sqrt(bulge)
    along = across * (1 - _WGS84_ECC2) / bulge
    return math.radians(along), math.radians(across * math.cos(angle))


def _undo(shift: Callable[[float, float], Point], lat: float, lon: float) -> Point:
    """Return the point (degrees) that `shift` moves here. Near points are shifted alike, so the iteration converges."""
    before = lat, lon
    for _ in range(_MAX_STEPS):
        there = shift(*before)
        miss = there[0] - lat, there[1] - lon
        before = before[0] - miss[0], before[1] - miss[1]
        if abs(miss[0]) < _CLOSE and abs(miss[1]) < _CLOSE:
            break
    return before


def _wgs84_to_gcj02(lat: float, lon: float) -> Point:
    """The shift in metres is a polynomial plus waves around 35 N 105 E; Krasovsky's ellipsoid turns it into degrees."""
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
    """Return the sum of these sine waves in metres."""
    return sum(metres * math.sin(math.pi * turns * degrees) for metres, turns in waves) * 2 / 3


def _gcj02_to_bd09(lat: float, lon: float) -> Point:
    """Degrees are treated as a plane: radius and angle change a little, and the point moves north-east."""
    far = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_TURNS)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_TURNS)
    return far * math.sin(angle) + _BD_LAT, far * math.cos(angle) + _BD_LON
