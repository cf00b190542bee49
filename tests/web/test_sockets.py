"""Raw sockets: heads and bodies that are too large or too slow, and connections on which nothing is asked."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from typing import Any

import pytest

from service import metrics
from service.clock import VirtualClock
from service.web import connections, lobby
from service.web.lobby import Lobby
from tests.house import START
from tests.web import apps

pytestmark = pytest.mark.anyio

GOOD = b"Authorization: Bearer good\r\n"
GET = b"GET /v1/incidents HTTP/1.1\r\nHost: x\r\n" + GOOD + b"\r\n"
POST = b"POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + GOOD
REPORT = b'{"description": "x", "grid_code": "440105001001001"}'
ONE_CHUNK = b"%x\r\n%s\r\n" % (len(REPORT), REPORT)
KIB = 1024
Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of time, in tenths of a second."""
    monkeypatch.setattr(connections, "HEAD_S", 0.4)
    monkeypatch.setattr(connections, "BODY_S", 0.6)
    monkeypatch.setattr(connections, "IDLE_S", 0.8)
    monkeypatch.setattr(connections, "_LINGER_S", 0.2)
    monkeypatch.setattr(Lobby, "LOOK_S", 0.05)


@asynccontextmanager
async def served(made: Lobby | None = None, measured: metrics.Metrics | None = None) -> AsyncIterator[int]:
    made = made or Lobby(VirtualClock(START))
    options: dict[str, Any] = {"http": connections.protocol(made), "server_header": False, "timeout_keep_alive": 75}
    async with apps.served(apps.make(measured), **options) as port:
        yield port
        for connection in list(made.connections):
            connection.transport.abort()


async def rest_of(reader: asyncio.StreamReader, within_s: float = 15) -> bytes:
    """What comes until the server closes the connection."""
    found = b""
    async with asyncio.timeout(within_s):
        with suppress(ConnectionError):
            while piece := await reader.read(64 * KIB):
                found += piece
    return found


async def talk(port: int, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """What is answered to these pieces until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answering = asyncio.create_task(rest_of(reader))
    with suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
    answer = await answering
    writer.close()
    return answer


def problem_of(answer: bytes) -> tuple[int, str, dict[str, str]]:
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(content)
    problem = json.loads(content)
    assert problem["status"] == int(status.split()[1])
    return problem["status"], problem["code"], headers


def head_of(size: int, *, lines: int = 1) -> bytes:
    """A whole head with a good key, of exactly this size."""
    left = size - len(GET) - lines * len(b"X-0000: \r\n")
    each, more = divmod(left, lines)
    padding = b"".join(b"X-%04d: %s\r\n" % (n, b"y" * (each + (more if n == 0 else 0))) for n in range(lines))
    return GET[:-2] + padding + b"\r\n"


CLOSE = b"GET /v1/incidents HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + GOOD + b"\r\n"


@pytest.mark.clause("API4:2023")
@pytest.mark.parametrize("lines", [1, 4000])
@pytest.mark.parametrize("piece", [1 * KIB, 256 * KIB])
async def test_a_head_has_at_most_64_kib(lines: int, piece: int) -> None:
    async with served() as port:
        for size, status in ((64 * KIB - 1, 200), (64 * KIB + 1, 431)):
            head = head_of(size, lines=lines)
            assert len(head) == size
            pieces = [head[at : at + piece] for at in range(0, size, piece)]
            answer = await talk(port, *pieces, *([CLOSE] if status == 200 else []))
            assert answer.startswith(b"HTTP/1.1 %d" % status), (size, answer[:200])
        assert problem_of(answer)[:2] == (431, "head_too_large")


async def test_a_head_without_end_costs_no_memory() -> None:
    """64 MiB in one header, and in one address: what is over the limit is not even looked at."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with served() as port:
        for start in (GET[:-2] + b"X-Long: ", b"GET /"):
            answer = await talk(port, start, *[b"y" * 256 * KIB] * 256)
            assert problem_of(answer)[:2] == (431, "head_too_large")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * KIB


@pytest.mark.clause("API4:2023")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("sent", [b"G", GET[:-2], GET[:-2] + b"X-Half: "])
async def test_half_a_head_is_too_slow(sent: bytes) -> None:
    async with served() as port:
        assert problem_of(await talk(port, sent))[:2] == (408, "too_slow")


@pytest.mark.usefixtures("hasty")
async def test_a_trickled_head_is_too_slow() -> None:
    async with served() as port:
        answer = await talk(port, *[bytes([each]) for each in GET], pause_s=0.05)
    assert problem_of(answer)[:2] == (408, "too_slow")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("sent", [[], [b"\r\n"] * 40])
async def test_a_silent_connection_is_closed(sent: list[bytes]) -> None:
    """Line breaks before a request are allowed by HTTP, and are nothing that anybody asks."""
    async with served() as port:
        assert await talk(port, *sent, pause_s=0.05) == b""


@pytest.mark.usefixtures("hasty")
async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with served() as port:
        answer = await talk(port, GET)
        assert answer.count(b"HTTP/1.1 ") == 1 and answer.startswith(b"HTTP/1.1 200")
        answer = await talk(port, GET, *[b"\r\n"] * 40, pause_s=0.05)
        assert answer.count(b"HTTP/1.1 ") == 1


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.clause("API4:2023")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "sent",
    [
        [POST + b"Content-Length: 53\r\n\r\n", REPORT[:20]],
        [POST + b"Content-Length: 53\r\n\r\n"],
        [POST + b"Content-Length: 5300\r\n\r\n", *[b" "] * 60],
        [CHUNKED, *[b"1\r\n \r\n"] * 60],
        [CHUNKED, ONE_CHUNK, *[b"1;x=y\r\n \r\n"] * 60],
        [CHUNKED, ONE_CHUNK + b"0\r\n", *[b"X: y\r\n"] * 60],
    ],
)
async def test_a_body_has_its_time(sent: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    async with served() as port:
        answer = await talk(port, *sent, pause_s=0.03)
    assert not caplog.records
    status, code, headers = problem_of(answer)
    assert (status, code) == (408, "too_slow")
    assert "x-request-id" in headers


async def test_who_hangs_up_within_a_body_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    measured = metrics.new()
    async with served(measured=measured) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()
        labels = {"method": "POST", "route": "/v1/incidents", "status": "0"}
        async with asyncio.timeout(5):
            while not measured.registry.get_sample_value("sihu_http_request_seconds_count", labels):
                await asyncio.sleep(0.01)
    assert not caplog.records


@pytest.mark.usefixtures("hasty")
async def test_an_answered_body_ends_without_a_word() -> None:
    """401 comes before the body; what still trickles in then gets no second answer."""
    async with served() as port:
        head = POST.replace(b"good", b"bad") + b"Content-Length: 5300\r\n\r\n"
        answer = await talk(port, head, *[b" "] * 60, pause_s=0.03)
    assert answer.startswith(b"HTTP/1.1 401") and answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.clause("ASVS 4.2.1")
@pytest.mark.parametrize("sent", [b"0\r\n" + b"X-Trailer: " + b"y" * 200 * KIB, b"1;" + b"y" * 200 * KIB])
async def test_what_is_behind_a_body_is_bounded(sent: bytes) -> None:
    async with served() as port:
        answer = await talk(port, CHUNKED, sent)
    assert problem_of(answer)[:2] == (431, "head_too_large")


@pytest.mark.clause("ASVS 4.2.1")
async def test_trailers_do_not_reach_the_request() -> None:
    async with served() as port:
        answer = await talk(port, CHUNKED + ONE_CHUNK + b"0\r\nAuthorization: Bearer bad\r\n\r\n", CLOSE)
    assert answer.startswith(b"HTTP/1.1 201")


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with served() as port:
        answer = await talk(port, GET * 200 + CLOSE)
    assert answer.count(b"HTTP/1.1 200") == 201


async def test_a_large_head_behind_others_is_refused() -> None:
    async with served() as port:
        answer = await talk(port, GET * 3 + head_of(100 * KIB))
    assert answer.count(b"HTTP/1.1 200") == 3 or answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 ") <= 4 and b"HTTP/1.1 5" not in answer


async def test_large_bodies_are_read() -> None:
    """A limit of the head is none of the body, also when both come in one piece."""
    body = b'{"items": [' + b" " * 4 * KIB * KIB + b"]}"
    head = POST.replace(b"/incidents", b"/incidents/batch") + b"Content-Length: %d\r\n\r\n" % len(body)
    async with served() as port:
        answer = await talk(port, head + body + CLOSE)
    assert answer.count(b"HTTP/1.1 200") == 2


async def test_a_refusal_is_in_the_language_of_the_request() -> None:
    async with served() as port:
        answer = await talk(port, GET[:-2] + b"Accept-Language: zh\r\n" + b"X: " + b"y" * 70 * KIB)
    assert "请求头" in answer.decode()


# --- connections ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(port: int, count: int) -> AsyncIterator[list[Socket]]:
    """So many connections, one after the other."""
    sockets = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield sockets
    finally:
        for _, writer in sockets:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in sockets), return_exceptions=True)


async def are_open(sockets: list[Socket]) -> int:
    """How many of these the server has not closed."""

    async def is_open(reader: asyncio.StreamReader) -> bool:
        try:
            async with asyncio.timeout(0.5):
                return await reader.read(1) != b""
        except TimeoutError:
            return True
        except ConnectionError:
            return False

    return sum(await asyncio.gather(*(is_open(reader) for reader, _ in sockets)))


@pytest.mark.clause("ASVS 15.2.2")
async def test_silent_connections_of_an_address_are_bounded() -> None:
    """The oldest make room, so that whoever asks something is let in all the same."""
    async with served() as port, opened(port, 300) as silent:
        assert (await talk(port, CLOSE)).startswith(b"HTTP/1.1 200")
        assert await are_open(silent) <= lobby.MAX_STRANGERS


async def greeted(sockets: list[Socket]) -> None:
    """A request with an accepted key on each of these."""
    for reader, writer in sockets:
        writer.write(GET)
        await reader.readuntil(b"}")


async def test_accepted_keys_do_not_count() -> None:
    async with served() as port, opened(port, 100) as known:
        await greeted(known)
        async with opened(port, 300):
            assert await are_open(known) == 100


@pytest.mark.clause("ASVS 15.3.4")
async def test_a_trusted_proxy_is_not_bounded() -> None:
    made = Lobby(VirtualClock(START), [ip_network("127.0.0.0/8")])
    async with served(made) as port, opened(port, 300) as through_it:
        assert await are_open(through_it) == 300


async def test_all_connections_together_are_bounded() -> None:
    """Those of strangers make room first."""
    made = Lobby(VirtualClock(START), [ip_network("127.0.0.0/8")], max_connections=50)
    async with served(made) as port, opened(port, 1) as known:
        await greeted(known)
        async with opened(port, 100) as strangers:
            assert (await talk(port, CLOSE)).startswith(b"HTTP/1.1 200")
            assert await are_open(strangers) <= 50
            assert await are_open(known) == 1


async def test_who_is_answered_makes_no_room() -> None:
    """When every place is taken by somebody who is answered, who comes then is refused in words."""
    made = Lobby(VirtualClock(START), max_connections=3)
    half = POST + b"Content-Length: 100\r\n\r\n"
    async with served(made) as port, opened(port, 3) as busy:
        for _, writer in busy:
            writer.write(half)
        await asyncio.sleep(0.2)
        answer = await talk(port)
        assert problem_of(answer)[:2] == (503, "unavailable")
        assert await are_open(busy) == 3


@pytest.mark.parametrize(
    ("address", "same"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::2"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1")],
)
async def test_one_host_is_one_whatever_its_address(address: str, same: str) -> None:
    made = Lobby(VirtualClock(START))
    assert made._host(address) == made._host(same) is not None
    assert made._host(address) != made._host("203.0.113.9")
