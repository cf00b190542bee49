"""Draws the sample's cells: `python -m tests.places.make_shapes` writes service/registry/haizhu/cells.geojson.

Plainly fictitious: one lattice of 0.002 by 0.002 degrees, some 205 m by 222 m, in a box the size of Haizhu. A street
is a block of it, 3 of them side by side and 6 on top of each other; a community is a square of 4 by 4 cells, 7 side by
side in a street. Lines of the lattice are reckoned once, so neighbours share their edges to the last digit.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import orjson

from service.commands import sample

TARGET = Path(sample.SAMPLE) / "cells.geojson"

_SOUTH, _WEST, _STEP = 23.056, 113.24, 0.002  # degrees
_STREETS, _COMMUNITIES, _CELLS = (3, 6), (7, 1), (4, 4)  # columns, rows
_LONS = [round(_WEST + _STEP * i, 6) for i in range(3 * 7 * 4 + 1)]
_LATS = [round(_SOUTH + _STEP * i, 6) for i in range(6 * 1 * 4 + 1)]


def draw(cells_csv: str) -> bytes:
    """The GeoJSON of all cells of a cells.csv, a feature a line."""
    rows = csv.DictReader(cells_csv.splitlines())
    features = b",\n".join(orjson.dumps(each) for each in _features(list(rows)))
    return b'{"type":"FeatureCollection","features":[\n' + features + b"\n]}\n"


def _features(rows: list[dict[str, str]]) -> Iterator[dict[str, object]]:
    streets: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        streets[row["community"][:9]][row["community"]].append(row["code"])
    for row in rows:
        communities = streets[row["community"][:9]]
        places = (
            (_place(list(streets), row["community"][:9], _STREETS), _COMMUNITIES, _CELLS),
            (_place(list(communities), row["community"], _COMMUNITIES), _CELLS, (1, 1)),
            (_place(communities[row["community"]], row["code"], _CELLS), (1, 1), (1, 1)),
        )
        column = sum(place[0] * a[0] * b[0] for place, a, b in places)
        line = sum(place[1] * a[1] * b[1] for place, a, b in places)
        yield {
            "type": "Feature",
            "properties": {key: row[key] for key in ("code", "name", "community")},
            "geometry": {"type": "Polygon", "coordinates": [_rectangle(column, line)]},
        }


def _place(among: list[str], code: str, size: tuple[int, int]) -> tuple[int, int]:
    """Column and row of a code in a block of `size`."""
    at = among.index(code)
    if at >= size[0] * size[1]:
        raise ValueError(f"no place for {code}: the lattice has {size} there, make it larger")
    return at % size[0], at // size[0]


def _rectangle(column: int, line: int) -> list[list[float]]:
    west, east, south, north = _LONS[column], _LONS[column + 1], _LATS[line], _LATS[line + 1]
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


if __name__ == "__main__":
    TARGET.write_bytes(draw((Path(sample.SAMPLE) / "cells.csv").read_text("utf-8")))
