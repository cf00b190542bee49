"""`GET /v1/incidents/{id}/similar`: which open incidents may be the same matter, the likeliest first."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents import similar
from tests.house import CELL, House

pytestmark = pytest.mark.anyio

POINT = {"lat": 23.0862, "lon": 113.2734, "coord_type": "wgs84"}
ELSEWHERE = f"{CELL[:9]}002001"
DAY_S = 86_400


def _moved(metres: float) -> dict[str, Any]:
    """A point so many metres north."""
    return {**POINT, "lat": POINT["lat"] + metres / 111_320}  # type: ignore[operator]


async def _similar(house: House, incident: Any, who: str = "street") -> Any:
    return (await house.get(who, f"/v1/incidents/{incident['id']}/similar"))["items"]


async def test_an_incident_is_not_similar_to_itself(house: House) -> None:
    assert await _similar(house, await house.report()) == []


async def test_points_further_than_a_hundred_metres_are_another_matter(house: House) -> None:
    here = await house.report(location=POINT)
    near, _ = await house.report(location=_moved(90)), await house.report(location=_moved(110))
    [found] = await _similar(house, here)
    assert found["id"] == near["id"]
    assert 85 < found["distance_m"] < 95


async def test_without_a_point_the_cell_decides(house: House) -> None:
    here = await house.report()
    same, _ = await house.report(), await house.report(grid_code=ELSEWHERE)
    [found] = await _similar(house, here)
    assert (found["id"], found["same_cell"], found["distance_m"]) == (same["id"], True, None)


async def test_the_likeliest_comes_first(house: House) -> None:
    """The same category before the distance, a known distance before an unknown one, then the hours between."""
    here = await house.report(location=POINT)
    await house.advance(seconds=600)
    far, near = await house.report(location=_moved(60)), await house.report(location=_moved(20))
    unknown = await house.report()
    other = await house.report(category="urban-0101", location=POINT)
    found = await _similar(house, here)
    assert [each["id"] for each in found] == [near["id"], far["id"], unknown["id"], other["id"]]
    assert [each["same_category"] for each in found] == [True, True, True, False]


async def test_closed_ones_and_other_lines_are_no_candidates(house: House) -> None:
    here, closed = await house.report(), await house.report()
    await house.act("worker", closed, "withdraw", reason="弄错了")
    await house.report(category="party-01")
    assert await _similar(house, here) == []


async def test_a_candidate_is_one_the_actor_sees(house: House) -> None:
    here, other = await house.report(), await house.report()
    for incident in (here, other):
        await house.act("community", incident, "raise", ground="other", reason="x")
    await house.act("street", here, "raise", ground="other", reason="x")
    assert [each["id"] for each in await _similar(house, here)] == [other["id"]]
    assert await _similar(house, here, "department") == [], "it was never called for the other"
    answer = await house.send("department", "GET", f"/v1/incidents/{other['id']}/similar")
    assert answer.status_code == 404


async def test_there_are_at_most_twenty(house: House) -> None:
    here = await house.report()
    for _ in range(similar.MAX_CANDIDATES + 2):
        await house.report()
    assert len(await _similar(house, here)) == similar.MAX_CANDIDATES
