"""What the room of time hands in: one request, for ops, and nothing that runs beside it."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from service.clock import Clock, DatabaseClock, VirtualClock
from service.escalation.advance import Advancer
from service.escalation.room import ROOM
from service.main import create_app
from service.settings import Settings
from tests.house import START, House

pytestmark = pytest.mark.anyio


def test_the_room_has_one_request() -> None:
    routes = [route for router in ROOM.routers for route in router.routes if isinstance(route, APIRoute)]
    assert [(route.methods, route.path) for route in routes] == [({"POST"}, "/v1/clock/advance")]
    assert (ROOM.parts, dict(ROOM.limits)) == ((), {})


@pytest.mark.parametrize(("clock", "there"), [(VirtualClock(START), True), (DatabaseClock(), False)])
def test_only_virtual_time_can_be_moved(clock: Clock, there: bool) -> None:
    context = create_app(Settings(), clock).state.context
    assert (Advancer in context.parts, context.fire_due is not None) == (there, there)


async def test_nobody_moves_time_without_a_key(house: House) -> None:
    answer = await house.send("ops", "POST", "/v1/clock/advance", {"seconds": 1}, headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert house.process.clock.now() == START
