"""`POST /v1/clock/advance`: who may move the clock, how far, and where there is one to move."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.clock import DatabaseClock
from service.main import create_app
from service.settings import EngineMode, Settings
from tests.house import START, House

pytestmark = pytest.mark.anyio

ADVANCE = "/v1/clock/advance"


async def test_the_clock_moves_by_seconds_and_to_an_instant(house: House) -> None:
    assert await house.advance(seconds=90) == {"now": "2026-11-23T01:01:30Z", "fired": 0}
    assert await house.advance(to="2026-11-23T10:00:00+08:00") == {"now": "2026-11-23T02:00:00Z", "fired": 0}


async def test_a_deadline_on_the_way_fires_at_its_own_instant(house: House) -> None:
    made = await house.report()
    assert (await house.advance(to=made["due_at"]))["fired"] == 1
    events = (await house.get("worker", f"/v1/incidents/{made['id']}/timeline"))["items"]
    assert events[-1]["time"] == made["due_at"]


async def test_what_fires_on_the_way_is_measured(house: House) -> None:
    made = await house.report()
    await house.advance(to=made["due_at"])
    lines = (await house.send("ops", "GET", "/metrics")).text.splitlines()
    assert "sihu_deadlines_fired_total 1.0" in lines
    assert "sihu_deadline_lateness_seconds_count 1.0" in lines


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"seconds": 1, "to": "2027-01-01T00:00:00Z"}, ""),
        ({"seconds": -1}, "/seconds"),
        ({"seconds": 10 * 366 * 86_400 + 1}, "/seconds"),
        ({"seconds": "90"}, "/seconds"),
        ({"to": (START - timedelta(seconds=1)).isoformat()}, "/to"),
        ({"to": "2199-12-31T00:00:00Z"}, "/to"),
        ({"minutes": 1}, "/minutes"),
    ],
)
async def test_a_step_that_cannot_be_made_is_refused(house: House, body: dict[str, Any], pointer: str) -> None:
    answer = await house.send("ops", "POST", ADVANCE, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert house.process.clock.now() == START


async def test_concurrent_steps_in_seconds_add_up(house: House) -> None:
    """Whichever comes first: the other waits while the clock is on its way, and goes on from where it stands then."""
    await asyncio.gather(*(house.report() for _ in range(10)))
    answers = await asyncio.gather(house.advance(seconds=5 * 3600), house.advance(seconds=3600))
    first, second = sorted(answers, key=lambda each: str(each["now"]))
    assert first in ({"now": "2026-11-23T06:00:00Z", "fired": 10}, {"now": "2026-11-23T02:00:00Z", "fired": 0})
    assert second == {"now": "2026-11-23T07:00:00Z", "fired": 10 - first["fired"]}
    assert house.process.clock.now() == START + timedelta(hours=6)


@pytest.mark.parametrize("who", ["worker", "community", "auditor"])
async def test_only_ops_move_the_clock(house: House, who: str) -> None:
    answer = await house.send(who, "POST", ADVANCE, {"seconds": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")


async def test_real_time_cannot_be_moved(haizhu_url: str) -> None:
    app = create_app(Settings(database_url=haizhu_url, engine=EngineMode.OFF), DatabaseClock())
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        house = House(app)
        answer = await house.send("ops", "POST", ADVANCE, {"seconds": 1})
        await house.close()
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
