"""A load generator that is not the bottleneck: prebuilt HTTP/1.1 requests, kept connections, a process of its own.

Run it as `python -m service.bench.load HOST PORT CLIENTS SECONDS`, with the requests as lines of hex on standard input.
It prints JSON: how many requests were answered per second, how many with each status, and percentiles of the latency.
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


def send(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> dict[str, Any]:
    """Send `requests` in turn, again and again, from another process. Returns rate, statuses and latencies."""
    command = [sys.executable, "-m", "service.bench.load", "127.0.0.1", str(port), str(clients), str(seconds)]
    lines = "\n".join(each.hex() for each in requests)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


async def _run(host: str, port: int, clients: int, seconds: float, requests: Sequence[bytes]) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    latencies_s: list[float] = []
    turn = itertools.cycle(requests)
    start = time.perf_counter()
    work = (_client(host, port, turn, start + seconds, statuses, latencies_s) for _ in range(clients))
    await asyncio.gather(*work)
    spent = time.perf_counter() - start
    return {
        "per_second": round(len(latencies_s) / spent, 1),
        "statuses": dict(statuses),
        "p50_ms": round(percentile(latencies_s, 0.5) * 1000, 2),
        "p99_ms": round(percentile(latencies_s, 0.99) * 1000, 2),
    }


async def _client(
    host: str, port: int, turn: Iterator[bytes], until: float, statuses: Counter[str], latencies_s: list[float]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while (began := time.perf_counter()) < until:
        writer.write(next(turn))
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if length.strip():
            await reader.readexactly(int(length))
        statuses[head[9:12].decode()] += 1
        latencies_s.append(time.perf_counter() - began)
    writer.close()


def _main() -> None:
    host, port, clients, seconds = sys.argv[1:5]
    requests = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    print(json.dumps(uvloop.run(_run(host, int(port), int(clients), float(seconds), requests))))


if __name__ == "__main__":
    _main()
