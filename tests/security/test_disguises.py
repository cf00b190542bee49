"""Requests that pretend to be something else, over real sockets: smuggled, with the wrong method, spelled oddly, from
a foreign page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from service.clock import VirtualClock
from service.web import connections
from service.web.lobby import Lobby
from tests.house import CATEGORY, CELL, START, House
from tests.web import apps

pytestmark = pytest.mark.anyio

REPORT = json.dumps({"grid_code": CELL, "category": CATEGORY, "description": "x", "on_behalf_of": "anna"})
HIDDEN = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
JSON = {"Content-Type": "application/json"}
ODD = ("/v1/units%2F", "/v1//units", "/V1/units", "/v1/units;x=1", "/v1/%2575nits", "/v1/keys%00")


@asynccontextmanager
async def served(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole service, over a socket; it has the key of ops."""
    protocol = connections.protocol(Lobby(VirtualClock(START)))
    key = {"Authorization": f"Bearer {await house.key('ops')}"}
    async with (
        apps.served(house.app, http=protocol, server_header=False) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=key) as client,
    ):
        yield client


async def talk(port: int, text: str) -> bytes:
    """Everything that comes back for these bytes, until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode("latin-1"))
    writer.write_eof()
    async with asyncio.timeout(15):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.clause("API8:2023", "ASVS 4.2.1")
async def test_a_request_with_two_ends_is_refused(house: House) -> None:
    """Nothing behind it is taken for a request, whichever end a proxy in front has believed."""
    body = f"0\r\n\r\n{HIDDEN}"
    async with served(house) as client:
        key = f"Authorization: {client.headers['Authorization']}"
        for lines in LENGTHS:
            head = f"POST /v1/incidents HTTP/1.1\r\nHost: x\r\n{key}\r\n{lines.format(n=len(body))}\r\n\r\n"
            answer = await talk(client.base_url.port or 0, head + body)
            assert answer.startswith(b"HTTP/1.1 400 "), (lines, answer[:200])
            assert answer.count(b"HTTP/1.1 ") == 1, lines


@pytest.mark.clause("API8:2023", "ASVS 13.4.4")
async def test_no_other_method_does_anything(house: House) -> None:
    async with served(house) as client:
        for method in ("TRACE", "TRACK", "CONNECT", "OPTIONS", "PROPFIND"):
            answer = await client.request(method, "/v1/incidents", headers={"X-Secret": "mirror"})
            assert answer.status_code in (400, 405), method
            assert "mirror" not in answer.text and "x-secret" not in answer.text.lower()


@pytest.mark.clause("ASVS 3.5.3")
async def test_a_header_makes_no_other_method(house: House) -> None:
    async with served(house) as client:
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            answer = await client.post("/v1/incidents", content=REPORT, headers={name: "DELETE"} | JSON)
            assert answer.status_code == 201
            assert (await client.get("/v1/incidents", headers={name: "POST"})).status_code == 200


@pytest.mark.clause("API8:2023", "ASVS 3.4.2", "ASVS 3.5.1", "ASVS 3.5.2")
async def test_a_foreign_page_may_read_nothing(house: House) -> None:
    """No answer allows another origin, and a request that needs no preflight is no JSON, or has no key."""
    foreign = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with served(house) as client:
        for method, path in (("GET", "/v1/incidents"), ("OPTIONS", "/v1/incidents"), ("GET", "/docs"), ("GET", "/no")):
            answer = await client.request(method, path, headers=foreign)
            assert not [name for name in answer.headers if name.startswith("access-control-")], (method, path)
            assert "set-cookie" not in answer.headers
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = await client.post("/v1/incidents", content=REPORT, headers={**foreign, "Content-Type": kind})
            assert answer.status_code == 415


@pytest.mark.clause("ASVS 5.3.2", "ASVS 13.4.1", "ASVS 13.4.3")
async def test_nothing_is_served_but_what_is_meant(house: House) -> None:
    async with served(house) as client:
        for path in ("/.git/config", "/docs/static/", "/docs/static", "/docs/static/../docs.py", "/pyproject.toml"):
            assert (await client.get(path)).status_code == 404, path
        for path in (
            "/docs/static/%2e%2e%2fdocs.py",
            "/docs/static/..%5cdocs.py",
            "/redoc",
            "/server-status",
            "/static",
        ):
            assert (await client.get(path)).status_code == 404, path


@pytest.mark.clause("ASVS 1.1.1")
async def test_an_odd_spelling_of_a_path_is_no_path(house: House) -> None:
    for path in ODD:
        assert (await house.send("ops", "GET", path)).status_code == 404, path


LENGTHS = (
    "Content-Length: {n}\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: {n}",
    "Content-Length: {n}\r\nContent-Length: 0",
    "Content-Length: {n}, 0",
    "Content-Length: +{n}",
    "Content-Length: 0x10",
    "Content-Length: {n}\r\nTransfer-Encoding: identity, chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding : chunked",
    "Content-Length: {n}\r\n Transfer-Encoding: chunked",
)
TEXTS = (
    "'; DROP TABLE incident; --",
    '" OR 1=1 --',
    "\\'; SELECT pg_sleep(9); --",
    "%41%2e %s %(x)s {0} {incident.id} ${7*7} {{7*7}}",
    "<script>alert(1)</script>&lt;b&gt;",
    "$(id) `id` | id; id && id",
    "\\u0041\\x41 \\n",
)


@pytest.mark.clause("ASVS 1.1.1", "ASVS 1.2.3", "ASVS 1.2.4", "ASVS 1.3.2", "ASVS 1.3.7", "ASVS 1.3.10")
async def test_words_are_kept_as_they_were_sent(house: House) -> None:
    """They are no SQL, no template, no markup and no command, and they are decoded once."""
    for words in TEXTS:
        incident = await house.report(description=words)
        await house.act("community", incident, "comment", text=words)
        found = await house.get("worker", f"/v1/incidents/{incident['id']}")
        assert found["description"] == words
        timeline = await house.get("worker", f"/v1/incidents/{incident['id']}/timeline")
        assert timeline["items"][-1]["data"]["note"] == words


@pytest.mark.clause("ASVS 1.2.4")
async def test_a_filter_is_no_sql(house: House) -> None:
    """Whatever a filter holds, it finds no more than nothing."""
    await house.report()
    for name in ("category", "grid_code", "unit", "line", "reporter", "cursor", "limit"):
        for words in (*TEXTS, "%", "_", "urban-0110' OR '1'='1"):
            answer = await house.send("worker", "GET", "/v1/incidents", headers=None, **{name: words})
            assert answer.status_code in (200, 400, 422)
            assert answer.status_code != 200 or answer.json()["items"] == []
