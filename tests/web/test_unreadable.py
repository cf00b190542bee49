"""Over a real connection: what the HTTP parser refuses is a problem, and nothing names the server's software."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from service.clock import VirtualClock
from service.web import connections, request_log
from service.web.lobby import Lobby
from tests.house import START
from tests.web import apps

pytestmark = pytest.mark.anyio


async def talk(sent: bytes) -> tuple[bytes, dict[str, str], Any]:
    """The status line, the headers and the JSON of the answer to these bytes."""
    async with apps.served(
        apps.make(), http=connections.protocol(Lobby(VirtualClock(START))), server_header=False
    ) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert int(headers["content-length"]) == len(content)
    return status.encode(), headers, json.loads(content)


@pytest.mark.parametrize(
    "sent",
    [
        "GET /v1/incidents?q=小区 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        "GET /v1/小区 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        b"BREW /v1/incidents HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/incidents HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /v1/incidents HTTP/1.1\r\nHost x\r\n\r\n",
        b"POST /v1/incidents HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_cannot_be_read_is_a_problem(sent: bytes) -> None:
    status, headers, problem = await talk(sent)
    assert (status, headers["content-type"]) == (b"HTTP/1.1 400 Bad Request", "application/problem+json")
    assert (problem["code"], problem["status"]) == ("bad_request", 400)
    assert headers["connection"] == "close"
    assert headers["cache-control"] == "no-store"
    assert headers["sihu-now"] == "2026-11-23t01:00:00.000z"
    assert "x-request-id" in headers
    assert "server" not in headers


@pytest.mark.clause("ASVS 16.3.3")
async def test_what_cannot_be_read_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    _, headers, _ = await talk("GET /v1/小区 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    (found,) = [vars(each)["fields"] for each in caplog.records if each.name == request_log.__name__]
    assert (found["status"], found["address"]) == (400, "127.0.0.1")
    assert found["request_id"] == headers["x-request-id"]


async def test_a_method_of_another_protocol_is_405() -> None:
    sent = b"PROPFIND /v1/incidents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n"
    status, headers, problem = await talk(sent)
    assert (status, headers["allow"]) == (b"HTTP/1.1 405 Method Not Allowed", "get, head, post")
    assert (problem["code"], "server" in headers) == ("method_not_allowed", False)
