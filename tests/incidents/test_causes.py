"""A refusal points at the field that is its cause, whatever its status: in a single request and inside a batch."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.commands import sample
from service.places.coordinates import CoordType, from_wgs84
from tests.house import CATEGORY, CELL, STREET, House

pytestmark = pytest.mark.anyio

ELSEWHERE = "440105001001001"


def _point(cell: str) -> dict[str, Any]:
    """A point in the middle of a cell, as a phone in China gives it."""
    features = orjson.loads((sample.SAMPLE / "cells.geojson").read_bytes())["features"]
    ring = next(each["geometry"]["coordinates"][0] for each in features if each["properties"]["code"] == cell)[:-1]
    middle = sum(lat for _, lat in ring) / len(ring), sum(lon for lon, _ in ring) / len(ring)
    lat, lon = from_wgs84(*middle, CoordType.GCJ02)
    return {"lat": lat, "lon": lon, "coord_type": "gcj02", "accuracy_m": 12.5}


BODY: dict[str, Any] = {"category": CATEGORY, "description": "路灯不亮"}
SOURCE = {"system": "grid-app", "ref": "A-1"}
REFUSED = [
    # who, what is sent, the status and the code, the pointer, what the sentence names
    ("worker", {"location": _point(ELSEWHERE)}, 403, "not_yours", "/location", [ELSEWHERE, STREET, "grid_code"]),
    ("street", {"location": _point(ELSEWHERE)}, 403, "not_yours", "/location", [ELSEWHERE, STREET, "grid_code"]),
    ("worker", {"grid_code": ELSEWHERE}, 403, "not_yours", "/grid_code", [ELSEWHERE, STREET, "ops"]),
    ("worker", {"grid_code": ELSEWHERE, "location": _point(CELL)}, 403, "not_yours", "/grid_code", [ELSEWHERE]),
    ("worker", {"grid_code": CELL, "on_behalf_of": "x"}, 403, "not_yours", "/on_behalf_of", ["leave out"]),
    ("ops", {"grid_code": CELL}, 422, "validation_failed", "/on_behalf_of", ["subject"]),
    ("worker", {}, 422, "validation_failed", "/grid_code", ["location"]),
    ("worker", {"grid_code": CELL[:-3] + "999"}, 422, "unknown_cell", "/grid_code", [CELL[:-3] + "999"]),
    ("worker", {"grid_code": CELL, "category": "no"}, 422, "unknown_category", "/category", ["no"]),
    (
        "worker",
        {"grid_code": CELL, "source": {"system": "12345", "ref": "A-1"}},
        403,
        "not_yours",
        "/source/system",
        ["12345"],
    ),
    ("worker", {"grid_code": CELL, "source": SOURCE}, 409, "source_taken", "/source", ["source.ref"]),
]


@pytest.mark.parametrize(("who", "fields", "status", "code", "pointer", "names"), REFUSED)
async def test_a_refused_report_points_at_its_cause(
    shipped: House, who: str, fields: dict[str, Any], status: int, code: str, pointer: str, names: list[str]
) -> None:
    await shipped.report("stranger", grid_code=ELSEWHERE, source=SOURCE)
    body = {**BODY, **fields}
    single = await shipped.send(who, "POST", "/v1/incidents", body)
    batch = await shipped.send(who, "POST", "/v1/incidents/batch", {"items": [7, body]})
    within = batch.json()["results"][1]["problem"]
    for problem, at in ((single.json(), pointer), (within, f"/items/1{pointer}")):
        assert (problem["status"], problem["code"]) == (status, code), problem
        assert [each["pointer"] for each in problem["errors"]] == [at]
        assert problem["errors"][0]["detail"] == problem["detail"]
        assert all(name in problem["detail"] for name in names), problem["detail"]


async def test_a_point_elsewhere_is_taken_with_an_own_cell(shipped: House) -> None:
    """As the refusal of the point alone says."""
    made = await shipped.report(location=_point(ELSEWHERE))
    assert (made["grid_code"], made["location_mismatch"]) == (CELL, True)


async def test_a_key_with_another_body_points_at_the_key(house: House) -> None:
    items = [{**BODY, "grid_code": CELL, "idempotency_key": "k", "description": text} for text in ("甲", "乙")]
    answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": items})
    problem = answer.json()["results"][1]["problem"]
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("idempotency_mismatch", "/items/1/idempotency_key")
