"""The headers of every answer: of routes, of refusals on the way to them, of faults."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from service.clock import DatabaseClock
from service.ids import new_request_id
from service.web import every_answer
from tests.house import COMMUNITY, START, House
from tests.web import apps

pytestmark = pytest.mark.anyio

NOW = "2026-11-23T01:00:00.000Z"


@pytest.mark.clause(
    "API8:2023", "ASVS 3.2.1", "ASVS 3.4.3", "ASVS 3.4.4", "ASVS 3.4.5", "ASVS 3.4.6", "ASVS 14.2.2", "ASVS 14.3.2"
)
@pytest.mark.parametrize(
    ("method", "path", "status", "cache"),
    [
        ("GET", "/healthz", 200, "no-store"),
        ("GET", "/readyz", 200, "no-store"),
        ("GET", "/metrics", 200, "no-store"),
        ("GET", "/docs", 200, "no-store"),
        ("GET", "/openapi.json", 200, "no-store"),
        ("GET", "/docs/static/swagger-ui.css", 200, "public, max-age=604800"),
        ("GET", "/v1/incidents", 200, "no-store"),
        ("HEAD", "/v1/incidents", 200, "no-store"),
        ("GET", f"/v1/queues/{COMMUNITY}", 200, "no-cache"),
        ("POST", "/v1/keys", 422, "no-store"),
        ("GET", "/v1/incidents?x=1", 422, "no-store"),
        ("GET", "/v1/incidents?" + "x" * 9000, 400, "no-store"),
        ("DELETE", "/v1/incidents", 405, "no-store"),
        ("GET", "/v1/nothing", 404, "no-store"),
        ("GET", "/nothing", 404, "no-store"),
    ],
)
async def test_every_answer_has_them(house: House, method: str, path: str, status: int, cache: str) -> None:
    answer = await house.send("ops", method, path, {} if method == "POST" else None)
    assert (answer.status_code, answer.headers["cache-control"]) == (status, cache)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["sihu-now"] == NOW
    assert (answer.headers["content-language"], answer.headers["vary"]) == (
        "en",
        "Accept-Language, Authorization, Cookie",
    )
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert len(answer.headers.get_list("x-content-type-options")) == 1
    [policy] = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; ") and policy.endswith("; frame-ancestors 'none'")
    assert ("script-src" in policy) is path.startswith("/docs")
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]


async def test_so_have_incidents_and_what_was_not_changed(house: House) -> None:
    reported = await house.send("worker", "POST", "/v1/incidents", {"description": ""})
    incident = await house.report()
    read = await house.send("worker", "GET", f"/v1/incidents/{incident['id']}")
    await house.sealed()
    queue = f"/v1/queues/{COMMUNITY}"
    tag = (await house.send("community", "GET", queue)).headers["etag"]
    unchanged = await house.send("community", "GET", queue, headers={"If-None-Match": tag})
    assert (reported.status_code, read.status_code, unchanged.status_code) == (422, 200, 304)
    caches = [each.headers["cache-control"] for each in (reported, read, unchanged)]
    assert caches == ["no-store", "no-cache", "no-cache"]


async def test_who_has_no_key_gets_them_too(house: House) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://sihu") as client:
        answer = await client.get("/v1/units")
    assert (answer.status_code, answer.headers["cache-control"], answer.headers["sihu-now"]) == (401, "no-store", NOW)


async def test_a_fault_has_them_and_is_logged_under_its_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        async with apps.client(apps.make()) as client:
            answer = await client.get("/v1/broken", headers={"X-Request-Id": "night-7"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "night-7")
    assert (answer.headers["cache-control"], answer.headers["sihu-now"]) == ("no-store", NOW)
    assert "night-7" in caplog.text
    assert caplog.records[0].__dict__["request_id"] == "night-7"


@pytest.mark.clause("ASVS 1.2.1")
@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("a", True),
        ("A-1._z", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a b", False),
        ("a,b", False),
        ("a/b", False),
        ("<script>", False),
    ],
)
async def test_a_request_id_that_is_a_plain_name_comes_back(sent: str, taken: bool) -> None:
    async with apps.client(apps.make()) as client:
        answer = await client.get("/v1/incidents", headers={"X-Request-Id": sent})
    assert (answer.headers["x-request-id"] == sent) is taken
    assert taken or re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_new_ids_differ() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000


async def test_now_is_the_services_own_to_the_millisecond(house: House) -> None:
    await house.advance(seconds=1.2345)
    answer = await house.send("ops", "GET", "/healthz")
    assert answer.headers["sihu-now"] == "2026-11-23T01:00:01.234Z"


async def test_a_process_that_knows_no_time_yet_says_none() -> None:
    ticks = iter(range(100))
    clock = DatabaseClock(monotonic=lambda: float(next(ticks)))
    app = FastAPI()
    every_answer.install(app, clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client:
        assert "sihu-now" not in (await client.get("/")).headers
        clock.observe(datetime(2026, 11, 23, 1, tzinfo=UTC), 0.0, 0.0)
        assert (await client.get("/")).headers["sihu-now"] == START.strftime("%Y-%m-%dT%H:%M:%S.000Z")
