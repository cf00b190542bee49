"""The time of a report while many wait on the feed and on queues, beside its time while nobody waits.

Everybody who waits is woken by every report: the readers of the feed filter nothing, and the readers of queues wait on
the queue of the unit that the reports call. They come again as soon as they are answered.
Run as `python -m service.bench.waiters PORT FEED QUEUES`, with a key a line on standard input, it is those who wait: a
process of its own, which ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvloop

from service.access.new_keys import NewKey
from service.bench import load, server
from service.bench.figures import comparison, print_progress
from service.commands import sample
from service.rules.words import Role
from service.store.database import Database

SUBJECTS = 80
_WAIT_S = 25
_REPORTERS = 4
_PAUSE_S = 0.2
"""The pause of each reporter between two reports: together they send some 15 a second, as a district does at most."""
_QUEUE = f"/v1/queues/{sample.COMMUNITY}"
_START_S = 0.003
_UP_S = 60


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the milliseconds of a report, in turns without and with those who wait."""
    keys = await server.keys(
        database,
        [NewKey(Role.UNIT, unit=sample.COMMUNITY, subject=f"waiter-{number}") for number in range(SUBJECTS)],
    )
    series: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    requests = [_report(headers) for headers in await server.reporters(database, _REPORTERS)]
    with server.serving(database.url, "service.commands.parser", "serve") as port:
        await _reported(port, requests, 1)
        for turn in range(arguments.rounds):
            print_progress(f"round {turn + 1} of {arguments.rounds}")
            series["without"].append(await _reported(port, requests, arguments.seconds))
            async with _waiting(port, keys, arguments.waiters):
                series["with"].append(await _reported(port, requests, arguments.seconds))
    return {
        "unit": "milliseconds of a report",
        "waiting_on_the_feed": arguments.waiters,
        "waiting_on_queues": arguments.waiters,
        "subjects": SUBJECTS,
        **{
            f"{name}_with_waiters_against_without": comparison(
                [each[f"{name}_ms"] for each in series["with"]], [each[f"{name}_ms"] for each in series["without"]]
            )
            for name in ("mean", "p50", "p99")
        },
    }


def _report(headers: dict[str, str]) -> bytes:
    body = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积"}
    return load.request("POST", "/v1/incidents", headers, json.dumps(body, ensure_ascii=False).encode())


async def _reported(port: int, requests: Sequence[bytes], seconds: float) -> dict[str, Any]:
    sent = await asyncio.to_thread(load.send, port, requests, clients=_REPORTERS, seconds=seconds, pause_s=_PAUSE_S)
    if set(sent["statuses"]) != {"201"}:
        raise RuntimeError(f"the reports were answered {sent['statuses']}")
    return sent


@asynccontextmanager
async def _waiting(port: int, keys: Sequence[dict[str, str]], many: int) -> AsyncIterator[None]:
    """`many` readers of the feed and as many of a queue wait while the block lasts."""
    command = [sys.executable, "-m", "service.bench.waiters", str(port), str(many), str(many)]
    waiters = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    assert waiters.stdin is not None
    try:
        waiters.stdin.writelines([*(f"{key['Authorization']}\n".encode() for key in keys), b"\n"])
        await _held(port, 2 * many)
        yield
    finally:
        waiters.stdin.close()
        if await waiters.wait() != 0:
            raise RuntimeError("those who wait were not answered as they should be: see above")
    await _held(port, 0)


async def _held(port: int, many: int) -> None:
    """Wait until so many requests are held."""
    async with asyncio.timeout(_UP_S), httpx.AsyncClient() as client:
        while True:
            page = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            [now] = [line.split()[1] for line in page.splitlines() if line.startswith("sihu_held_requests ")]
            if float(now) == many:
                return
            await asyncio.sleep(0.1)


async def _wait_until_the_end(port: int, feed: int, queues: int, keys: Sequence[str]) -> None:
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, end.set)
    waits = [_feed_reader(port, keys[number % len(keys)]) for number in range(feed)]
    waits += [_queue_reader(port, keys[number % len(keys)]) for number in range(queues)]
    tasks = []
    for each in waits:  # little by little: connections that have not shown a key yet are bounded for each address
        tasks.append(asyncio.create_task(each))
        await asyncio.sleep(_START_S)
    await asyncio.wait([*tasks, asyncio.create_task(end.wait())], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()


async def _feed_reader(port: int, key: str) -> None:
    connection, after = await asyncio.open_connection("127.0.0.1", port), "now"
    while True:
        wire = load.request("GET", f"/v1/events?wait={_WAIT_S}&after={after}", {"Authorization": key})
        status, _, body = await load.exchange(connection, wire)
        if not await _was_refused(status):
            after = json.loads(body)["next_cursor"]


async def _queue_reader(port: int, key: str) -> None:
    connection, path, tag = await asyncio.open_connection("127.0.0.1", port), _QUEUE, ""
    while True:
        wire = load.request("GET", path, {"Authorization": key, "If-None-Match": tag})
        status, head, _ = await load.exchange(connection, wire)
        if not await _was_refused(status):
            tag, path = load.header(head, b"etag"), f"{_QUEUE}?wait={_WAIT_S}"


async def _was_refused(status: int) -> bool:
    """Whether the service was too busy. Then the reader pauses, as it should."""
    if status in (429, 503):
        await asyncio.sleep(1)
        return True
    if status not in (200, 304):
        raise RuntimeError(f"a reader was answered {status}")
    return False


def _main() -> None:
    port, feed, queues = (int(each) for each in sys.argv[1:4])
    keys = list(iter(lambda: sys.stdin.readline().strip(), ""))
    uvloop.run(_wait_until_the_end(port, feed, queues, keys))


if __name__ == "__main__":
    _main()
