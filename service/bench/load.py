"""A load generator that is not the bottleneck: prebuilt HTTP/1.1 requests, kept connections, a process of its own.

Run it as `python -m service.bench.load HOST PORT CLIENTS SECONDS PAUSE_S`, with the requests as lines of hex on
standard input. It prints JSON: how many requests were answered per second, how many with each status, and the latency.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import uvloop

from service.bench.figures import percentile


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return one request in the bytes that are sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def send(port: int, requests: Sequence[bytes], *, clients: int, seconds: float, pause_s: float = 0.0) -> dict[str, Any]:
    """Send `requests` in turn, again and again, from another process; each client pauses between two of its own.
    Returns rate, statuses and latencies."""
    numbers = (str(each) for each in (port, clients, seconds, pause_s))
    command = [sys.executable, "-m", "service.bench.load", "127.0.0.1", *numbers]
    lines = "\n".join(each.hex() for each in requests)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


LoadConnection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def exchange(connection: LoadConnection, wire: bytes) -> tuple[int, bytes, bytes]:
    """Send one request on a kept connection. Returns status, head and body of its answer."""
    reader, writer = connection
    writer.write(wire)
    head = await reader.readuntil(b"\r\n\r\n")
    length = header(head, b"content-length")
    return int(head[9:12]), head, await reader.readexactly(int(length)) if length else b""


def header(head: bytes, name: bytes) -> str:
    """Return the value of a header; empty when the head has none of this name."""
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.partition(b":")
        if found.lower() == name:
            return value.strip().decode()
    return ""


async def _run(
    host: str, port: int, clients: int, seconds: float, pause_s: float, requests: Sequence[bytes]
) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    latencies_s: list[float] = []
    turn = itertools.cycle(requests)
    start = time.perf_counter()
    work = (_client((host, port), turn, start + seconds, pause_s, statuses, latencies_s) for _ in range(clients))
    await asyncio.gather(*work)
    spent = time.perf_counter() - start
    return {
        "per_second": round(len(latencies_s) / spent, 1),
        "statuses": dict(statuses),
        "mean_ms": round(sum(latencies_s) / max(1, len(latencies_s)) * 1000, 2),
        "p50_ms": round(percentile(latencies_s, 0.5) * 1000, 2),
        "p99_ms": round(percentile(latencies_s, 0.99) * 1000, 2),
    }


async def _client(
    address: tuple[str, int],
    turn: Iterator[bytes],
    until: float,
    pause_s: float,
    statuses: Counter[str],
    latencies_s: list[float],
) -> None:
    connection = await asyncio.open_connection(*address)
    while (began := time.perf_counter()) < until:
        status, _, _ = await exchange(connection, next(turn))
        statuses[str(status)] += 1
        latencies_s.append(time.perf_counter() - began)
        if pause_s:
            await asyncio.sleep(pause_s)
    connection[1].close()


def _main() -> None:
    host, port, clients, seconds, pause_s = sys.argv[1:6]
    requests = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    print(json.dumps(uvloop.run(_run(host, int(port), int(clients), float(seconds), float(pause_s), requests))))


if __name__ == "__main__":
    _main()
