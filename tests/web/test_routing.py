"""What no route is there for, at every route of the service alike: slashes, methods, names in the query."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from service.clock import VirtualClock
from service.main import create_app
from service.rules.words import EventType
from service.settings import Settings
from service.web import routing
from tests.house import COMMUNITY, START, STREET, House

pytestmark = pytest.mark.anyio

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW")
PAGES = ("/docs", "/docs/problems", "/docs/static/start.js", "/docs/static/swagger-ui.css", "/openapi.json")
SAMPLES = {"{unit}": COMMUNITY, "{n}": "1", "{seq}": "1", "{id}": "019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11"}
CODES = {
    "/v1/grid-cells": "440105003001001",
    "/v1/policies": "haizhu-trial",
    "/v1/calendars": "cn",
    "/v1/duties": "EX-001",
}


def routes() -> list[APIRoute]:
    app = create_app(Settings(virtual_clock=START), VirtualClock(START))
    return [each for each in app.routes if isinstance(each, APIRoute) and each.include_in_schema]


def address(path: str, incident: str = "019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11") -> str:
    """The path of a route with something in its place that exists."""
    for name, value in {**SAMPLES, "{incident_id}": incident}.items():
        path = path.replace(name, value)
    return path.replace("{code}", next((code for start, code in CODES.items() if path.startswith(start)), STREET))


NEEDED: dict[str, dict[str, Any]] = {
    "/v1/grid-cells/locate": {"lat": 23.08, "lon": 113.32, "coord_type": "wgs84"},
    "/v1/grid-cells/{code}/chain": {"category": "urban-0110"},
    "/v1/calendars/{code}/days": {"first": "2026-01-01", "last": "2026-01-31"},
    "/v1/appraisal": {"period": "2026-11"},
    "/v1/appraisal/calls": {"period": "2026-11"},
    "/v1/appraisal/watch": {"period": "2026-11"},
    "/v1/appraisal/watch/calls": {"period": "2026-11", "sign": "raised"},
}


async def test_a_name_that_no_route_knows_is_refused_everywhere(house: House) -> None:
    for route in routes():
        for method in route.methods or ():
            answer = await house.send("ops", method, address(route.path) + "?no_such_name=1")
            if route.path == "/metrics":
                assert answer.status_code == 200
                continue
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), (method, route.path)
            errors = {each["pointer"]: each["detail"] for each in answer.json()["errors"]}
            assert errors["?no_such_name"].startswith("Remove this: nothing has this name here.")


@pytest.mark.clause("ASVS 15.3.7")
async def test_a_name_given_twice_is_refused_everywhere(house: House) -> None:
    seen = set()
    for path, item in house.app.openapi()["paths"].items():
        for method, operation in item.items():
            for name in [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]:
                answer = await house.send("ops", method.upper(), f"{address(path)}?{name}=1&{name}=2", {})
                assert answer.status_code == 422, (method, path, name)
                errors = {each["pointer"]: each["detail"] for each in answer.json()["errors"]}
                assert errors[f"?{name}"].startswith("Send this name once"), (method, path, name)
                assert ("commas" in errors[f"?{name}"]) is (name in ("state", "types"))
                seen.add(name)
    assert {"state", "types", "unit", "area", "limit", "cursor", "dry_run", "period", "first", "wait"} < seen


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"state": "calling,answered"}, 200),
        ({"state": "calling,"}, 422),
        ({"state": ",calling"}, 422),
        ({"state": ""}, 422),
        ({"state": "calling, answered"}, 422),
        ({"state": "calling;answered"}, 422),
        ({"state": "open"}, 422),
    ],
)
@pytest.mark.parametrize("path", ["/v1/incidents", f"/v1/queues/{COMMUNITY}"])
async def test_several_values_are_separated_by_commas(house: House, path: str, query: Any, status: int) -> None:
    assert (await house.send("ops", "GET", path, **query)).status_code == status


async def test_the_feed_takes_its_types_the_same_way(house: House) -> None:
    every = ",".join(EventType)
    for types, status in ((every, 200), ("", 422), (f"{EventType.CALL_OPENED},", 422)):
        assert (await house.send("ops", "GET", "/v1/events", types=types)).status_code == status


async def test_a_body_that_is_no_json_goes_before_the_query(house: House) -> None:
    for body, query, status in ((b"{", "?x=1", 400), (b"{}", "?x=1", 422), (b'{"a":1,"a":2}', "?x=1", 400)):
        headers = {"Authorization": f"Bearer {await house.key('worker')}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://sihu") as client:
            answer = await client.post(f"/v1/incidents{query}", content=body, headers=headers)
            assert answer.status_code == status
            assert (await client.post(f"/v1/incidents{query}", content=body)).status_code == 401


async def test_head_is_answered_wherever_get_is(house: House) -> None:
    await house.key("ops")  # its event is numbered before the feed is read
    incident = (await house.report())["id"]
    await house.sealed()  # otherwise the feed may grow between the two answers
    changing = {"sihu-now", "x-request-id"}
    paths = [each.path for each in routes() if "GET" in (each.methods or ())]
    for path in (*paths, *PAGES):
        got = await house.send("ops", "GET", address(path, incident), **NEEDED.get(path, {}))
        head = await house.send("ops", "HEAD", address(path, incident), **NEEDED.get(path, {}))
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert got.status_code in (200, 404), path
        if path not in ("/metrics", "/readyz"):  # their figures change from one answer to the next
            assert {**head.headers, **dict.fromkeys(changing)} == {**got.headers, **dict.fromkeys(changing)}, path


async def test_a_refusal_of_head_has_no_body(house: House) -> None:
    for path, status in (("/v1/nothing", 404), ("/v1/incidents/batch", 405), ("/v1/units?x=1", 422), ("/nothing", 404)):
        answer = await house.send("ops", "HEAD", path)
        assert (answer.status_code, answer.content) == (status, b"")
        assert answer.headers["content-type"] == "application/problem+json"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://sihu") as client:
        answer = await client.head("/v1/units")
    assert (answer.status_code, answer.content) == (401, b"")


async def test_head_never_waits(house: House) -> None:
    await house.sealed()
    queue = f"/v1/queues/{COMMUNITY}"
    tag = (await house.send("community", "HEAD", queue)).headers["etag"]
    async with asyncio.timeout(5):
        unchanged = await house.send("community", "HEAD", queue, headers={"If-None-Match": tag}, wait=50)
        empty = await house.send("community", "HEAD", "/v1/events", after="now", wait=50)
    assert (unchanged.status_code, empty.status_code) == (304, 200)


async def test_the_document_has_no_head(house: House) -> None:
    assert not [path for path, item in house.app.openapi()["paths"].items() if "head" in item]


@pytest.mark.clause("ASVS 3.7.2")
async def test_a_slash_too_many_is_404_and_no_redirect(house: House) -> None:
    for path in (*{each.path for each in routes()}, *PAGES):
        right = address(path)
        others = (f"{right}//", right.replace("/v1/", "/v1//"), f"{right}%0A")
        for wrong in (f"{right}/", f"http://house/{right}", *others):
            if wrong == right or (wrong.endswith("%0A") and path.endswith("}")):
                continue
            answer = await house.send("ops", "GET", wrong)
            assert (answer.status_code, answer.headers.get("location")) == (404, None), wrong
            assert answer.json()["code"] == "not_found"


@pytest.mark.clause("API9:2023")
async def test_a_method_unknown_to_its_path_is_405_with_allow(house: House) -> None:
    known: dict[str, set[str]] = {}
    for route in routes():
        known.setdefault(route.path, set()).update(route.methods or ())
    for path, methods in known.items():
        allow = sorted(methods | ({"HEAD"} if "GET" in methods else set()))
        for method in METHODS:
            if method in methods:
                continue
            answer = await house.send("ops", method, address(path))
            assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(allow)), (method, path)
            assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/incidents/batch", "POST"),
        ("GET", "/v1/registry/import", "POST"),
        ("GET", "/v1/clock/advance", "POST"),
        ("POST", "/v1/duties/proposals", "GET, HEAD"),
        ("DELETE", "/v1/grid-cells/locate", "GET, HEAD"),
        ("GET", "/v1/keys/019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11", "DELETE"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/docs", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_a_fixed_path_is_never_taken_for_an_id(house: House, method: str, path: str, allow: str) -> None:
    answer = await house.send("ops", method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


def test_two_names_for_one_path_are_no_app() -> None:
    router = APIRouter()
    router.add_api_route("/a/{x}", lambda: None, methods=["GET"])
    router.add_api_route("/a/{y}", lambda: None, methods=["POST"])
    with pytest.raises(ValueError, match="are one path"):
        routing.RouteTable(router.routes, ())
    with pytest.raises(TypeError, match="no plain route"):
        routing.RouteTable([Mount("/x", FastAPI())], ())
