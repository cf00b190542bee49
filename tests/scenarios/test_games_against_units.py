"""What one reporter can do to a unit that works as it should: floods, rejections without end, references of others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import CATEGORY, CELL, STREET, House
from tests.scenarios.deeds import accept, answer_and_leave, do, reject, resolve
from tests.scenarios.tables import compare

pytestmark = pytest.mark.anyio

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
BOX, VERIFY_BOX = 4 * HOUR, 3 * DAY
REPORT = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}


async def _batch(house: House, key: str, items: list[dict[str, Any]]) -> list[int]:
    """The statuses of a batch that is sent with this key."""
    headers = {"Authorization": f"Bearer {key}"}
    answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": items}, headers=headers)
    return [each["status"] for each in answer.json()["results"]]


@pytest.mark.clause("API6:2023")
async def test_a_flood_ends_at_its_quota_and_costs_nothing(house: House, twin: House) -> None:
    """Its key may report five a day, three of them as urgent; ops close what came, before and after it was missed."""
    wanted = {"role": "reporter", "area": STREET, "subject": "flooder", "quota": {"reports": 5, "urgent": 3}}
    key = (await house.send("ops", "POST", "/v1/keys", wanted)).json()["key"]
    await do(house, "community", await house.report())
    urgent = await _batch(house, key, [{**REPORT, "urgency": "urgent"}] * 10)
    assert urgent == [201] * 3 + [429] * 7
    assert await _batch(house, key, [REPORT] * 10) == [201] * 2 + [429] * 8
    await house.advance(seconds=30 * MINUTE)
    flood = {"reporter": "flooder", "from": "2026-11-23T09:00:00+08:00", "to": "2026-11-23T10:00:00+08:00"}
    closed = await house.send("ops", "POST", "/v1/incidents/flood", {**flood, "reason": "刷报"})
    assert closed.json() == {"closed": 5, "exempted": 3}
    await do(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | flooded             | calm   | by hand
        score            | 100                 | 100    | (30 × 1/1 + 40 × 1/1) / 70
        part answered    | 1/1 a1              | 1/1 a1 |
        part resolved    | 1/1 a1              | 1/1 a1 |
        rate answered    | 1/1                 | 1/1    |
        rate resolved    | 1/1                 | 1/1    |
        calls            | 6 a1 b1 c1 d1 e1 f1 | 1 a1   |
        answered         | 1 a1                | 1 a1   |
        answered_in_time | 1 a1                | 1 a1   |
        resolved         | 1 a1                | 1 a1   |
        resolved_in_time | 1 a1                | 1 a1   |
        missed           | 3 b1 c1 d1          | -      |
        missed_answer    | 3 b1 c1 d1          | -      |
        exempt           | 3 b1 c1 d1          | -      |
        exempt_answer    | 3 b1 c1 d1          | -      |
        closed           | 2 e1 f1             | -      |
        street           | flooded             | calm   | called by the clock for three, and nothing counts
        calls            | 3 b2 c2 d2          | -      |
        closed           | 3 b2 c2 d2          | -      |
        """,
    )


async def test_nobody_rejects_for_ever(house: House, twin: House) -> None:
    """It is done at once, and its reporter says twice that it is not. The third time is the street's or ops', who look:
    three calls instead of one without end. What was rejected stays so, for the contract has no appeal against that."""
    incident = await house.report()
    for _ in range(2):
        await resolve(house, "community", incident)
        await reject(house, "worker", incident)
    await resolve(house, "street", incident)
    assert (await house.refused("worker", incident, "reject", reason="还在"))["status"] == 409
    await house.advance(seconds=VERIFY_BOX)
    incident = await twin.report()
    await resolve(twin, "community", incident)
    await accept(twin, "worker", incident)
    await compare(
        house,
        twin,
        """
        community        | rejected  | accepted | by hand
        score            | 42.86     | 100      | (30 × 2/2 + 40 × 0/2) / 70
        part answered    | 2/2 a1 a2 | 1/1 a1   |
        part resolved    | 0/2 a1 a2 | 1/1 a1   |
        rate answered    | 2/2       | 1/1      |
        rate resolved    | 0/2       | 1/1      |
        calls            | 2 a1 a2   | 1 a1     |
        answered         | 2 a1 a2   | 1 a1     |
        answered_in_time | 2 a1 a2   | 1 a1     |
        resolved         | 2 a1 a2   | 1 a1     |
        resolved_in_time | -         | 1 a1     |
        rejected         | 2 a1 a2   | -        |
        """,
    )


@pytest.mark.clause("API6:2023")
async def test_nobody_takes_the_reference_of_another(house: House, twin: House) -> None:
    """The street would report first what the hotline has, so that the hotline's report is taken for its own."""
    report = {**REPORT, "source": {"system": "hotline", "ref": "GZ2026-000777"}}
    squatted = await house.send("street", "POST", "/v1/incidents", report)
    assert (squatted.status_code, squatted.json()["code"]) == (403, "not_yours")
    told = await house.report("worker", source=report["source"])
    again = await house.send("worker", "POST", "/v1/incidents", report)
    assert (again.status_code, again.json()["id"]) == (200, told["id"]), "the same pair is the same report"
    await house.advance(seconds=BOX)
    await answer_and_leave(twin, "community", await twin.report("worker", source=report["source"]))
    await compare(
        house,
        twin,
        """
        community        | game   | honest | by hand
        score            | 0      | 100    | 30 × 0/1 / 30
        part answered    | 0/1 a1 | 1/1 a1 |
        rate answered    | 0/1    | 1/1    |
        calls            | 1 a1   | 1 a1   |
        answered         | -      | 1 a1   |
        answered_in_time | -      | 1 a1   |
        missed           | 1 a1   | -      |
        missed_answer    | 1 a1   | -      |
        raised           | -      | 1 a1   |
        """,
    )
