"""What two incidents have in common: the list of candidates and a merge ask the same question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.incidents import acting, likeness
from service.rules.similarity import Likeness
from tests.house import CELL, House
from tests.rules.builders import PEOPLE

pytestmark = pytest.mark.anyio

POINT = {"lat": 23.0862, "lon": 113.2734, "coord_type": "wgs84"}


async def _likeness(house: House, one: dict[str, Any], other: dict[str, Any]) -> Likeness:
    found = []
    for each in (one, other):
        incident = await house.report(**each)
        found.append(await acting.see(house.process.context, UUID(incident["id"]), PEOPLE["ops"]))
    return likeness.likeness(house.process.context, found[0], found[1].row)


async def test_the_same_matter_in_the_same_cell_is_a_candidate(house: House) -> None:
    alike = await _likeness(house, {}, {})
    assert alike == Likeness(True, True, None, timedelta())
    assert alike.is_candidate


@pytest.mark.parametrize(
    "other", [{"grid_code": f"{CELL[:9]}002001"}, {"category": "party-01"}, {"location": {**POINT, "lat": 23.0872}}]
)
async def test_another_place_or_line_is_none(house: House, other: dict[str, Any]) -> None:
    assert not (await _likeness(house, {"location": POINT}, other)).is_candidate


async def test_a_distance_is_in_metres(house: House) -> None:
    alike = await _likeness(house, {"location": POINT}, {"location": {**POINT, "lat": POINT["lat"] + 90 / 111_320}})  # type: ignore[operator]
    assert alike.distance_m is not None
    assert 85 < alike.distance_m < 95
    assert alike.is_candidate
