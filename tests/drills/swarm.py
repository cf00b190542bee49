"""Thousands of connections from a process of their own: `python -m tests.drills.swarm`, with orders on standard input.

Raw sockets, since a client library would be slower than what it attacks. Each client sends its request again as soon as
it is answered; where it is turned away, it waits as long as it is asked to, and longer each time. Prints `open` once
all have sent their first request, and at the end what was answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

_MAX_PAUSE_S = 25.0


@dataclass
class Orders:
    """What the swarm is: where it goes, for how long, and for each client its key and its path."""

    port: int
    seconds: float
    clients: list[tuple[str, str]]
    spread_s: float = 2.0
    """The seconds over which the clients arrive."""
    pause_s: float = 0.0
    """The pause of a client between an answer and its next request."""
    source: str = "127.0.0.2"
    """The address that they come from."""


@dataclass
class Answers:
    """What the swarm was answered."""

    statuses: dict[str, int] = field(default_factory=dict)
    slowest_s: dict[str, float] = field(default_factory=dict)
    broken: int = 0
    """Connections that ended, or could not be made."""

    def note(self, status: str, seconds: float) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.slowest_s[status] = round(max(seconds, self.slowest_s.get(status, 0.0)), 3)


class _Client:
    def __init__(self, orders: Orders, answers: Answers, key: str, path: str) -> None:
        self._orders = orders
        self._answers = answers
        self._key = key
        self._path = path
        self._tag = ""
        self._after = "now"
        self._refusals = 0

    async def live(self, until: float) -> None:
        await asyncio.sleep(random.uniform(0, self._orders.spread_s))
        while time.monotonic() < until:
            try:
                await self._connected(until)
            except (OSError, asyncio.IncompleteReadError):
                self._answers.broken += 1
                await asyncio.sleep(self._pause_s(1.0))

    async def _connected(self, until: float) -> None:
        source = (self._orders.source, 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._orders.port, local_addr=source)
        try:
            while time.monotonic() < until:
                writer.write(self._request())
                await asyncio.sleep(await self._answer(reader))
        finally:
            writer.transport.abort()

    def _request(self) -> bytes:
        lines = [
            f"GET {self._path.replace('{after}', self._after)} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {self._key}",
        ]
        return "\r\n".join([*lines, *([f"If-None-Match: {self._tag}"] if self._tag else []), "", ""]).encode()

    async def _answer(self, reader: asyncio.StreamReader) -> float:
        """Take one answer. Returns the pause before the next request."""
        began = time.monotonic()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, headers = head[9:12], {}
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0"))) if status != "304" else b""
        self._answers.note(status, time.monotonic() - began)
        if status not in ("200", "304"):
            return self._pause_s(float(headers.get("retry-after", "1")))
        self._refusals = 0
        self._tag = headers.get("etag", "")
        if "{after}" in self._path:
            self._after = str(json.loads(body)["next_cursor"])
        return self._orders.pause_s

    def _pause_s(self, wanted_s: float) -> float:
        self._refusals += 1
        pause_s = max(wanted_s, 1.0) * 2.0 ** min(self._refusals - 1, 8)
        return min(_MAX_PAUSE_S, pause_s) * random.uniform(1.0, 1.5)


async def _swarm(orders: Orders) -> Answers:
    answers = Answers()
    until = time.monotonic() + orders.seconds
    clients = [asyncio.create_task(_Client(orders, answers, key, path).live(until)) for key, path in orders.clients]
    await asyncio.sleep(orders.spread_s)
    print("open", flush=True)
    await asyncio.wait(clients, timeout=orders.seconds - orders.spread_s)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return answers


class Swarm:
    """A swarm in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, orders: Orders) -> Swarm:
        """Send it out. Returns once all clients have sent their first request."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.drills.swarm", stdin=pipe, stdout=pipe, limit=2**20
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(asdict(orders)).encode() + b"\n")
        await process.stdin.drain()
        assert await process.stdout.readline() == b"open\n"
        return cls(process)

    async def answers(self) -> dict[str, Any]:
        """Wait until it is over."""
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        await self._process.wait()
        return answer

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


def _main() -> None:
    orders = Orders(**json.loads(sys.stdin.readline()))
    print(json.dumps(asdict(uvloop.run(_swarm(orders)))), flush=True)


if __name__ == "__main__":
    _main()
