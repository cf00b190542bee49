"""What history costs: each operation on a database with many closed incidents, beside one that has 10,000 of them.

Both databases are on one server and have the same open incidents. A real service runs on each, and a request is sent to
one and then to the other, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from service.bench import clocks, databases, drain, history_seeding, litter, load, promises, server
from service.bench.figures import comparison, print_progress
from service.bench.operations import Keys, Operation, keys_of, operations
from service.bench.seeding import seed
from service.store.database import Database
from service.store.incidents import claiming

SMALL = 10_000
OPEN = 20_000
DUE = 5_000
SAMPLES = 40
"""The requests of each operation in a round, unless they take longer than `_MAX_S` seconds together."""
_MAX_S = 4.0
_MIN_SAMPLES = 3
_AGES = 10
"""The open incidents were reported on so many days of the last three weeks."""
_SERVE = ("service.commands.parser", "serve")


class Side(NamedTuple):
    """One of the two databases, and the headers of those who ask it."""

    database: Database
    keys: Keys


class Series(NamedTuple):
    """The milliseconds of one operation, a median for each round; the items of its last answer; and what was answered
    where it failed."""

    small: list[float]
    big: list[float]
    items: list[int]
    failures: list[str]


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the milliseconds of each operation on both databases, and then what dead rows cost the engine."""
    async with databases.beside(database) as other:
        small = await _side(other, min(SMALL, arguments.history), arguments)
        big = await _side(database, arguments.history, arguments)
        found: dict[str, Series] = defaultdict(lambda: Series([], [], [], []))
        for turn in range(arguments.rounds):
            print_progress(f"round {turn + 1} of {arguments.rounds}")
            await _round(small, big, found, f"due{turn}", min(DUE, arguments.due))
    print_progress("dead rows")
    shown = {name: _shown(name, series) for name, series in found.items()}
    of_a_department = found["list_open_of_a_department"]
    return {
        "unit": "milliseconds",
        "closed_incidents": {"small": min(SMALL, arguments.history), "big": arguments.history},
        "open_incidents": min(OPEN, arguments.open),
        "operations": shown,
        "open_of_a_department_against_get": _compared(of_a_department, of_a_department.big, found["get_incident"].big),
        "probe_after_dead_rows": await litter.measure(database),
    }


async def _side(database: Database, closed: int, arguments: argparse.Namespace) -> Side:
    print_progress(f"making {closed:,} closed incidents")
    now = await clocks.now(database)
    await history_seeding.seed(database, closed, now)
    many = min(OPEN, arguments.open) // _AGES
    for age in range(_AGES):
        at = now - timedelta(hours=2, days=2 * age)
        await seed(database, many, reported_at=at, due_at=now + timedelta(days=30), name=f"o{age}")
    await databases.statements(database, "VACUUM ANALYZE incident, report, call", "CHECKPOINT")
    return Side(database, await keys_of(database))


async def _round(small: Side, big: Side, found: dict[str, Series], name: str, due: int) -> None:
    async def drained_ms(database: Database) -> float:
        now = await clocks.now(database)
        await seed(database, due, reported_at=now - clocks.ANSWER, due_at=now, name=name)
        return 1000 * await drain.sweep_and_number(database)

    await _compare_requests(small, big, found)
    for operation, take in {"start": _start_ms, "next_wake": _next_wake_ms, "drain": drained_ms}.items():
        print_progress(operation)
        found[operation].small.append(await take(small.database))
        found[operation].big.append(await take(big.database))


async def _start_ms(database: Database) -> float:
    """From the start of the process until it is ready."""
    start = time.perf_counter()
    with server.serving(database.url, *_SERVE):
        return 1000 * (time.perf_counter() - start)


async def _next_wake_ms(database: Database) -> float:
    """The engine's look for the nearest deadline."""
    taken = []
    async with database.read() as connection:
        for _ in range(SAMPLES):
            start = time.perf_counter()
            await claiming.next_wake(connection)
            taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


async def _compare_requests(small: Side, big: Side, found: dict[str, Series]) -> None:
    with (
        server.serving(small.database.url, *_SERVE) as small_port,
        server.serving(big.database.url, *_SERVE) as big_port,
    ):
        few = await operations(small.database, small_port, small.keys, SAMPLES + 1)
        many = await operations(big.database, big_port, big.keys, SAMPLES + 1)
        for one, other in zip(few, many, strict=True):
            print_progress(one.name)
            series = found[one.name]
            in_small, in_big = _Client(small_port, one), _Client(big_port, other)
            try:
                await _ask_in_turns(in_small, in_big)
            except UnansweredError as error:
                series.failures.append(str(error))
                continue
            series.small.append(statistics.median(in_small.taken_ms))
            series.big.append(statistics.median(in_big.taken_ms))
            series.items[:] = [*in_small.items(), *in_big.items()]


class UnansweredError(Exception):
    """A request was not answered as it should be, for instance since the database did not do it in time."""


class _Client:
    """Sends the requests of one operation one after the other, and notes how long each takes."""

    def __init__(self, port: int, operation: Operation) -> None:
        self.port = port
        self._operation = operation
        self._wires = itertools.cycle(operation.wires)
        self._body = b""
        self.taken_ms: list[float] = []

    async def ask(self, connection: load.LoadConnection) -> None:
        """Send the next request. Raises `UnansweredError`."""
        start = time.perf_counter()
        status, _, self._body = await load.exchange(connection, next(self._wires))
        self.taken_ms.append(1000 * (time.perf_counter() - start))
        if status != self._operation.status:
            raise UnansweredError(f"{status} {self._body.decode()[:300]}")

    def items(self) -> list[int]:
        """How many items the last answer had, if it was a page."""
        return [len(json.loads(self._body)["items"])] if self._body.startswith(b'{"items"') else []


async def _ask_in_turns(*clients: _Client) -> None:
    async with AsyncExitStack() as opened:
        connections = [await opened.enter_async_context(_connected(client.port)) for client in clients]
        for client, connection in zip(clients, connections, strict=True):
            await client.ask(connection)  # a first time to warm up
            client.taken_ms.clear()
        until = time.perf_counter() + len(clients) * _MAX_S
        for turn in range(SAMPLES):
            if turn >= _MIN_SAMPLES and time.perf_counter() > until:
                break
            for client, connection in zip(clients, connections, strict=True):
                await client.ask(connection)


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[load.LoadConnection]:
    connection = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield connection
    finally:
        connection[1].close()
        await connection[1].wait_closed()


def _compared(series: Series, figures: list[float], control: list[float]) -> dict[str, Any]:
    """The comparison of two series; without it, what was answered where the operation failed."""
    return {"failed": series.failures[0]} if series.failures else {**comparison(figures, control)}


def _shown(name: str, series: Series) -> dict[str, Any]:
    ratios = _compared(series, series.big, series.small)
    promised = promises.of("history", f"operations/{name}/ratio")
    items = {f"items_{side}": many for side, many in zip(("small", "big"), series.items, strict=False)}
    short = {"small": "control_median", "big": "median", "ratio": "ratio", "failed": "failed"}
    return {
        **{new: ratios[old] for new, old in short.items() if old in ratios},
        "promise": None if promised is None else promised.demand,
        **items,
    }
