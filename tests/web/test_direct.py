"""A hot route answers like the framework, byte for byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Cookie, Depends, Header, Response
from fastapi.params import Body as InBody
from starlette.types import ASGIApp

from service.clock import VirtualClock
from service.main import create_app
from service.settings import Settings
from service.web import direct
from service.web.direct import DirectRoute
from service.web.router import Router
from tests.house import CATEGORY, CELL, COMMUNITY, START, House

pytestmark = pytest.mark.anyio

GOOD = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}
INCIDENTS = "/v1/incidents"
UNKNOWN = f"{INCIDENTS}/019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11"


@pytest.fixture
async def framework(house: House, haizhu_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A second process on the same database, whose routes all go the framework's way."""

    def usual_way(route: DirectRoute, usual: ASGIApp) -> ASGIApp:
        return usual

    monkeypatch.setattr(direct, "app_of", usual_way)
    app = create_app(Settings(database_url=haizhu_url, virtual_clock=START), VirtualClock(START))
    monkeypatch.undo()
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        other = House(app)
        other._keys = house._keys
        yield other
        await other.close()


async def keys(house: House, framework: House, *people: str) -> None:
    """Make the keys of these people known to both."""
    for who in people:
        await house.key(who)
    for part in framework.process.parts:
        if part.reloads == "keys":
            await part.load()


async def both(
    house: House, framework: House, who: str, method: str, path: str, content: Any = None, **headers: str
) -> tuple[Any, Any]:
    """Both answers to one request: status, headers and bytes."""
    lines = {"X-Request-Id": "one", **{name.replace("_", "-"): value for name, value in headers.items()}}
    found = []
    for each in (house, framework):
        answer = await each.raw(who, method, path, content, headers=lines)
        shown = {name: value for name, value in answer.headers.items() if name != "ratelimit"}
        found.append((answer.status_code, "ratelimit" in answer.headers, shown, answer.content))
    return found[0], found[1]


def bodies() -> list[bytes]:
    """Bodies of a report, of which none is taken."""
    nothings: tuple[Any, ...] = (None, 1, "", " ", [], {}, "x" * 5000, "\u200b", "é\u0000")
    words: tuple[Any, ...] = ("URGENT", 0, {})
    times: tuple[Any, ...] = ("2026-11-23", "2026-11-23T08:55:00", 0, "", "x", {})
    points: tuple[Any, ...] = ({}, [], 1, {"lat": "23", "lon": 113, "coord_type": "wgs84"})
    wrong: list[Any] = [
        *(None, [], [GOOD], "text", 1, True, {}, {"items": []}),
        *({**GOOD, name: value} for name in GOOD for value in nothings),
        *({**GOOD, name: value} for name in ("kind", "urgency") for value in words),
        *({**GOOD, "occurred_at": at} for at in times),
        *({**GOOD, "location": each} for each in points),
        {**GOOD, "location": {"lat": 91, "lon": 181.5, "coord_type": "mars", "accuracy_m": -1}},
        *({**GOOD, "source": each} for each in ({}, {"system": " a", "ref": ""}, {"system": "a", "ref": "b", "c": 1})),
        *({**GOOD, "attachments": each} for each in (["photo"], "photo", {"a": 1})),
        *({**GOOD, name: 1} for name in ("descripton", "Description", "", "/", "~", "grid_code ")),
        {**GOOD, "on_behalf_of": " "},
        {**GOOD, "grid_code": "999999999999999"},
        {**GOOD, "category": "no-such-thing"},
        {f"field{n}": n for n in range(200)},
    ]
    raw = [
        *(b"{", b"[1,]", b"nul", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{}{}", b" ", b'{"a":1,"a":2}', b'{"category":NaN}'),
        b'{"description": "\\ud800"}',
        b"[" * 10_000,
        json.dumps({**GOOD, "x": 1}).encode("utf-16"),
        b'{"category": %s}' % (b"9" * 5_000),
    ]
    return [*(json.dumps(each).encode() for each in wrong), *raw]


async def test_a_refused_report_is_refused_alike(house: House, framework: House) -> None:
    await keys(house, framework, "worker", "department", "ops")
    for who in ("worker", "department", "ops"):
        for content in bodies():
            ours, theirs = await both(house, framework, who, "POST", INCIDENTS, content)
            assert ours == theirs, content
            assert ours[0] >= 400, content
    ours, theirs = await both(house, framework, "worker", "POST", INCIDENTS, json.dumps({**GOOD, "on_behalf_of": "x"}))
    assert ours == theirs
    assert ours[0] == 403


@pytest.mark.parametrize(
    "media",
    [
        *("application/json; charset=utf-8", "application/json;charset=UTF-8", "APPLICATION/JSON", "application/json;"),
        *("application/problem+json", "text/plain", "", "application/json, text/plain", "json", "application/jsonx"),
    ],
)
async def test_each_media_type_is_treated_alike(house: House, framework: House, media: str) -> None:
    await keys(house, framework, "worker")
    for content in (b"{}", b"", b"{", json.dumps({**GOOD, "grid_code": "1"}).encode()):
        ours, theirs = await both(house, framework, "worker", "POST", INCIDENTS, content, Content_Type=media)
        assert ours == theirs, content


async def test_each_header_is_treated_alike(house: House, framework: House) -> None:
    await keys(house, framework, "worker", "community")
    incident = await house.report()
    bad = json.dumps({**GOOD, "grid_code": "1"})
    for value in ("", " ", "a b", "k" * 201, "good-key"):
        for path in (INCIDENTS, f"{INCIDENTS}/batch", f"{UNKNOWN}/answer"):
            ours, theirs = await both(house, framework, "worker", "POST", path, bad, Idempotency_Key=value)
            assert ours == theirs, (path, value)
    for value in ("", "*", '"7"', "7", 'W/"7"', '"1", "2"', '"'):
        path = f"{INCIDENTS}/{incident['id']}"
        body = json.dumps({"reason": "x"})
        ours, theirs = await both(house, framework, "worker", "POST", f"{path}/void", body, If_Match=value)
        assert ours == theirs, value
        ours, theirs = await both(house, framework, "worker", "GET", path, If_None_Match=value)
        assert ours == theirs, value


@pytest.mark.parametrize("size", [0, 1, 70_000])
async def test_a_chunked_body_is_counted_alike(house: House, framework: House, size: int) -> None:
    await keys(house, framework, "worker")

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield b" " * min(1000, size - start)

    found = []
    for each in (house, framework):
        lines = {"Authorization": f"Bearer {await each.key('worker')}", "Content-Type": "application/json"}
        lines["Transfer-Encoding"] = "chunked"
        answer = await each._client.post(INCIDENTS, content=chunks(), headers=lines)
        found.append((answer.status_code, answer.content))
    assert found[0] == found[1]
    assert found[0][0] == (413 if size > 65_536 else 422 if size == 0 else 400)


async def test_each_act_is_refused_alike(house: House, framework: House) -> None:
    await keys(house, framework, "worker", "community", "auditor")
    incident = await house.report()
    verbs = ("answer", "resolve", "raise", "hold", "extend", "return", "assign", "assist", "void", "merge", "rate")
    for verb in (*verbs, "comment", "urge", "part-done", "requests/1/approve", "requests/x/refuse", "calls/0/appeal"):
        for target in (f"{INCIDENTS}/{incident['id']}", UNKNOWN, f"{INCIDENTS}/no-uuid"):
            for who, body in (
                ("auditor", b"{}"),
                ("community", b'{"reason":1,"x":2}'),
                ("worker", b""),
                ("worker", b"["),
            ):
                ours, theirs = await both(house, framework, who, "POST", f"{target}/{verb}", body)
                assert ours == theirs, (verb, target, who, body)


async def _caught_up(house: House, framework: House) -> None:
    """Wait until both have read the log to its end."""
    queue = f"/v1/queues/{COMMUNITY}"
    await house.sealed()
    expected = (await house.send("community", "GET", queue)).headers["etag"]
    async with asyncio.timeout(10):
        while (await framework.send("community", "GET", queue)).headers["etag"] != expected:
            await asyncio.sleep(0.01)


QUERIES = (
    *("", "limit=5", "limit=0", "limit=x", "limit=", "limit=5&limit=6", "limits=5", "cursor=x", "cursor=", "wait=61"),
    *("state=calling", "state=calling,closed", "state=", "state=x,y", "state=calling&state=closed", "overdue=maybe"),
    *("level=5", "unit=x%20y", "unit=440105003001", "area=44", "area=x", "types=a,b", "after=x", "after=now", "%ff=1"),
    *("reported_after=2026-11-23", "reported_after=2026-11-23T00:00:00Z", "reporter=you", "category=urban", "a&b&c"),
    "limit=1&wait=0&" + "x" * 9000,
)


@pytest.mark.parametrize("path", [INCIDENTS, f"/v1/queues/{COMMUNITY}", "/v1/queues/nobody", "/v1/events"])
async def test_each_query_is_read_alike(house: House, framework: House, path: str) -> None:
    await keys(house, framework, "community", "worker")
    await house.report()
    await _caught_up(house, framework)
    for query in QUERIES:
        for method in ("GET", "HEAD", "POST"):
            for _ in range(2):  # what the first request leaves behind serves the second
                ours, theirs = await both(house, framework, "community", method, f"{path}?{query}")
                assert ours == theirs, (method, query)


async def test_an_accepted_request_is_answered_alike(house: House, framework: House) -> None:
    await keys(house, framework, "worker", "community", "ops")
    first = await house.report(key="k-1", occurred_at="2026-11-23T08:55:00+08:00", urgency="normal")
    path = f"{INCIDENTS}/{first['id']}"
    await house.act("community", first, "answer", measure="清运", contact="值班室")
    await _caught_up(house, framework)
    again = {**GOOD, "occurred_at": "2026-11-23T08:55:00+08:00", "urgency": "normal"}
    requests: list[tuple[str, str, str, Any]] = [
        ("worker", "POST", INCIDENTS, again),
        ("worker", "POST", f"{INCIDENTS}/batch", {"items": [{**again, "idempotency_key": "k-1"}, {"x": 1}, 2]}),
        *(("community", "GET", f"{path}{each}", None) for each in ("", "/timeline", "/similar", "/deadline", "/plan")),
        ("community", "GET", f"/v1/queues/{COMMUNITY}", None),
    ]
    for who, method, at, body in requests:
        for content in (None,) if body is None else (json.dumps(body), json.dumps(body).encode("utf-16")):
            ours, theirs = await both(house, framework, who, method, at, content, Idempotency_Key="k-1")
            assert ours == theirs, at
            assert ours[0] in (200, 201), ours


def test_the_document_knows_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = create_app(Settings(), VirtualClock(START)).openapi()
    monkeypatch.setattr(direct, "app_of", lambda route, usual: usual)
    assert create_app(Settings(), VirtualClock(START)).openapi() == ours


async def _with_cookie(name: Annotated[str | None, Cookie()] = None) -> Response:
    return Response(name)


async def _with_tasks(tasks: BackgroundTasks) -> Response:
    return Response(background=tasks)


async def _with_members(first: Annotated[int, InBody()], second: Annotated[int, InBody()]) -> Response:
    return Response(f"{first}{second}")


async def _with_a_header(size: Annotated[str, Header()]) -> Response:
    return Response(size)


def _plain() -> int:
    return 1


async def _with_a_thread(number: Annotated[int, Depends(_plain)]) -> Response:
    return Response(f"{number}")


@pytest.mark.parametrize("endpoint", [_with_cookie, _with_tasks, _with_members, _with_a_header, _with_a_thread])
def test_what_only_the_framework_reads_is_refused(endpoint: Any) -> None:
    router = APIRouter(route_class=DirectRoute)
    router.add_api_route("/x", endpoint, methods=["POST"], response_model=None)
    route = router.routes[0]
    assert isinstance(route, DirectRoute)
    with pytest.raises(TypeError, match="only the framework"):
        direct.app_of(route, route.app)


def test_only_hot_routers_are_direct() -> None:
    for router, is_direct in ((Router("/a", is_hot=True), True), (Router("/a"), False)):
        router.add_api_route("/x", _with_cookie)
        assert isinstance(router.routes[0], DirectRoute) is is_direct
