"""What the room of incidents hands in: its routers in an order that hides none, its intake, its limits."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from service.incidents.intake import Intake
from service.incidents.room import ROOM
from service.web.doors import BODY_BYTES
from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio

ROUTES = [route for router in ROOM.routers for route in router.routes if isinstance(route, APIRoute)]


def _first_match(method: str, path: str) -> APIRoute:
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return next(route for route in ROUTES if route.matches(scope)[0] is Match.FULL)


def test_no_route_hides_another() -> None:
    """Routes are tried one after the other: a path made from its own template comes back to its own route."""
    hidden = []
    for route in ROUTES:
        path = route.path.format(incident_id="019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", n="1", seq="1")
        hidden += [f"{method} {path}" for method in route.methods or () if _first_match(method, path) is not route]
    assert hidden == []


def test_a_verb_is_named_once() -> None:
    names = [(method, route.path) for route in ROUTES for method in route.methods or ()]
    assert len(names) == len(set(names)) > 30


async def test_the_intake_runs_with_the_process(house: House) -> None:
    assert house.process.context.part(Intake) in house.process.parts
    assert [type(make(house.process.context)) for make in ROOM.parts] == [Intake]


async def test_only_a_batch_may_be_large(house: House) -> None:
    body: dict[str, Any] = {"grid_code": CELL, "category": CATEGORY, "description": "x" * 4000}
    items = [body] * 20
    batch = await house.send("worker", "POST", "/v1/incidents/batch", {"items": items})
    assert (batch.status_code, len(batch.content) > BODY_BYTES) == (200, True)
    assert {each["status"] for each in batch.json()["results"]} == {201}
    alone = await house.send("worker", "POST", "/v1/incidents", {**body, "items": items})
    assert (alone.status_code, alone.json()["code"]) == (413, "body_too_large")
