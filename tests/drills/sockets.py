"""Connections that say nothing, and a head that does not end: others notice nothing of either."""

from __future__ import annotations

import asyncio
import select
import socket
import time

import httpx

from tests.drills.drill import Outcome, Say, stage
from tests.drills.site import Serving, Template

MAX_P99_S = 0.3
MAX_HEAD_MIB, MAX_GROWTH_MIB = 8.0, 16.0
_HEAD_MIB = 64
_HEAD_S = 10.0
"""How long a head may take."""
_BESIDE_S = 5.0
_ADDRESS = "127.0.0.3"
"""Where the silent ones come from; others come from 127.0.0.1."""


async def silent(template: Template, say: Say, times: int) -> Outcome:
    """Thousands of connections without a word: others are served, and the silent ones are gone after the time of a
    head."""
    outcome = Outcome()
    async with stage(template, "silent", say) as here:
        server = (await here.serve(here.cluster.url()))[0]
        async with httpx.AsyncClient(base_url=server.url, headers=here.keys.of("good"), timeout=30) as client:
            await client.get("/v1/incidents")
            opened = await _open(server.port, times)
            say(f"{len(opened)} connections are open")
            try:
                began = time.monotonic()
                p99, statuses = await _beside(client, server)
                await asyncio.sleep(max(0.0, began + _HEAD_S + 3 - time.monotonic()))
                left = sum(map(_is_open, opened))
            finally:
                for each in opened:
                    each.close()
        outcome.figures |= {
            "connected": len(opened),
            "open after the time of a head": left,
            "p99 beside s": round(p99, 3),
            "statuses beside": sorted(statuses),
            "memory MiB": round(server.memory_mib()),
        }
    outcome.demand(left == 0, f"{left} silent connections are still open after {_HEAD_S + 3:.0f} s")
    outcome.demand(p99 <= MAX_P99_S, f"p99 beside them is {p99:.3f} s, over {MAX_P99_S} s")
    outcome.demand(statuses == {200}, f"others were answered {sorted(statuses)}")
    return outcome


async def head(template: Template, say: Say, times: int) -> Outcome:
    """A head of 64 MiB without a key is refused long before it ends."""
    outcome = Outcome()
    async with stage(template, "head", say) as here:
        server = (await here.serve(here.cluster.url()))[0]
        before = server.memory_mib("VmRSS")
        sent, answer = await asyncio.to_thread(_send_head, server.port)
        grown = server.memory_mib() - before
        outcome.figures |= {
            "sent before the answer MiB": round(sent, 2),
            "answer": answer,
            "memory grew by MiB": round(grown, 1),
        }
        async with httpx.AsyncClient(base_url=server.url, timeout=5) as client:
            outcome.demand((await client.get("/healthz")).status_code == 200, "/healthz does not answer afterwards")
    outcome.demand(sent <= MAX_HEAD_MIB, f"{sent:.1f} MiB of a head were sent before there was an answer")
    outcome.demand(grown <= MAX_GROWTH_MIB, f"memory grew by {grown:.1f} MiB")
    return outcome


async def _open(port: int, many: int) -> list[socket.socket]:
    """As many connections as there may be, of so many that are asked for."""
    loop = asyncio.get_running_loop()
    opened: list[socket.socket] = []
    for _ in range(many):
        each = socket.socket()
        each.setblocking(False)
        try:
            each.bind((_ADDRESS, 0))
            async with asyncio.timeout(2):
                await loop.sock_connect(each, ("127.0.0.1", port))
            opened.append(each)
        except OSError:  # refused, or nobody took it in time: as good as closed
            each.close()
    return opened


def _is_open(each: socket.socket) -> bool:
    try:
        while data := each.recv(4096):
            assert data
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


async def _beside(client: httpx.AsyncClient, server: Serving) -> tuple[float, set[int]]:
    """What others are answered meanwhile, on a connection that is open and on new ones."""
    took: list[float] = []
    statuses: set[int] = set()
    end = time.monotonic() + _BESIDE_S
    while time.monotonic() < end:
        began = time.monotonic()
        statuses.add((await client.get("/v1/incidents", params={"limit": 5})).status_code)
        took.append(time.monotonic() - began)
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as fresh:
            statuses.add((await fresh.get("/healthz")).status_code)
        took.append(time.monotonic() - began)
        await asyncio.sleep(0.05)
    return sorted(took)[int(len(took) * 0.99)], statuses


def _send_head(port: int) -> tuple[float, str]:
    """Send one endless header line until there is an answer. Returns the MiB sent by then, and its first line."""
    chunk, sent = b"x" * 65_536, 0
    with socket.create_connection(("127.0.0.1", port), timeout=15) as sending:
        sending.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ")
        try:
            while sent < _HEAD_MIB * 2**20 and not select.select([sending], [], [], 0.001)[0]:
                sent += sending.send(chunk)
            if sent >= _HEAD_MIB * 2**20:
                sending.sendall(b"\r\n\r\n")
            answer = sending.recv(4096).split(b"\r\n")[0].decode("latin-1")
        except OSError as error:
            answer = type(error).__name__
    return sent / 2**20, answer
