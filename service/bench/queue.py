"""Pages of `GET /v1/queues/{unit}`, unchanged (304) and changed (200), beside `/healthz` of the same process.

Each request for a changed page asks for a queue that has changed since it was last asked for, and no page is asked for
twice at the same moment, so that no answer is made of what was read for another.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from service.access.new_keys import NewKey
from service.bench import clocks, load, server
from service.bench.figures import comparison, print_progress
from service.bench.seeding import seed
from service.commands import sample
from service.rules.words import EventType, Role
from service.store.database import Database
from service.store.log import writing
from service.store.log.writing import Entry

_CLIENTS = 8
_STATES = tuple(
    f"calling{answered}{on_hold}{resolved}"
    for answered in ("", ",answered")
    for on_hold in ("", ",on_hold")
    for resolved in ("", ",resolved")
)
"""The states that a page may list beside the calling: each choice is a page of its own."""
_CHANGE_S = 0.25
"""The time between two changes of all queues. Going once round all pages takes longer."""
_REST_S = 0.5
_UNITS = text("SELECT DISTINCT unit FROM incident WHERE state = 'calling' ORDER BY unit")


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the server's microseconds per request: an unchanged and a changed page and `/healthz`, in turns."""
    now = await clocks.now(database)
    print_progress(f"making {arguments.open} open incidents")
    for start in range(0, arguments.open, 200_000):
        many = min(200_000, arguments.open - start)
        await seed(database, many, reported_at=now, due_at=now + timedelta(days=30), name=f"q{start}")
    units = await _units(database)
    keys = await server.keys(database, [NewKey(Role.UNIT, unit=unit) for unit in units])
    own = f"/v1/queues/{units[0]}"
    wires = {
        "healthz": [load.request("GET", "/healthz", {})],
        # the same unit comes again after all others, so that its pages are not read at the same time
        "changed": [
            load.request("GET", f"/v1/queues/{unit}?state={states}", key)
            for states in _STATES
            for unit, key in zip(units, keys, strict=True)
        ],
    }
    series: dict[str, list[float]] = {"unchanged": [], "healthz": [], "changed": []}
    with server.serving(database.url, "service.commands.parser", "serve") as port:
        for turn in range(2 * arguments.rounds):
            print_progress(f"round {turn + 1} of {2 * arguments.rounds}")
            tag, items = await _tag_and_items(port, own, keys[0])
            wires["unchanged"] = [load.request("GET", own, {**keys[0], "If-None-Match": tag})]
            for name in series:
                async with _changing(database, units if name == "changed" else ()):
                    series[name].append(await _cost_us(port, wires[name], arguments.seconds / 4, name))
    return {
        "unit": "microseconds of the server per request",
        "open": arguments.open,
        "items_of_a_page": items,
        "unchanged_against_healthz": comparison(series["unchanged"], series["healthz"]),
        "changed_against_healthz": comparison(series["changed"], series["healthz"]),
    }


async def _units(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(_UNITS)).scalars())


async def _tag_and_items(port: int, path: str, key: dict[str, str]) -> tuple[str, int]:
    """The tag of a queue that has come to rest after its last change, and how many items its page has."""
    tag = ""
    async with httpx.AsyncClient(headers=key) as client:
        while True:
            page = await client.get(f"http://127.0.0.1:{port}{path}")
            if page.headers["ETag"] == tag:
                return tag, len(page.json()["items"])
            tag = page.headers["ETag"]
            await asyncio.sleep(_REST_S)


async def _cost_us(port: int, wires: Sequence[bytes], seconds: float, name: str) -> float:
    sent = await asyncio.to_thread(load.send, port, wires, clients=_CLIENTS, seconds=seconds)
    if set(sent["statuses"]) != {"304" if name == "unchanged" else "200"}:
        raise RuntimeError(f"{name} answered {sent['statuses']}")
    return 1e6 / float(sent["per_second"])


@asynccontextmanager
async def _changing(database: Database, units: Sequence[str]) -> AsyncIterator[None]:
    """The queues of these units change again and again while the block lasts; without units, none does."""
    task = asyncio.create_task(_change(database, units))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if units and not task.cancelled():
            task.result()


async def _change(database: Database, units: Sequence[str]) -> None:
    while units:
        entry = Entry(EventType.REGISTRY_IMPORTED, await clocks.now(database), sample.CELL[:6], (), {})
        async with database.begin() as tx:
            await writing.append(tx, [entry], queues=[f"{unit}:calling" for unit in units])
        await asyncio.sleep(_CHANGE_S)
