"""`POST /v1/incidents/batch` of 500 reports over real HTTP, beside the same clients that send their reports one by one.

What counts is what was stored: the reports are counted in the database before and after each turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from sqlalchemy import text

from service.bench import load, server
from service.bench.figures import comparison, print_progress
from service.commands import sample
from service.store.database import Database

ITEMS = 500
_MAX_CLIENTS = 8
"""More batches at once are more reports than may wait at once to be stored."""
_KEYS = 256
"""A subject may send 500 writes within 10 s, and it is no matter here whether a batch counts as one or as 500: no key
comes again within that time, unless more than 12,000 reports a second are stored."""
_REPORT = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积,气味大"}
_COUNT = text("SELECT count(*) FROM report")


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure reports per second, in turns: in batches, one by one over as many clients, and over all `--clients`."""
    keys = await server.reporters(database, _KEYS)
    few = min(_MAX_CLIENTS, arguments.clients)
    batches = [load.request("POST", "/v1/incidents/batch", key, _json({"items": [_REPORT] * ITEMS})) for key in keys]
    single = [load.request("POST", "/v1/incidents", key, _json(_REPORT)) for key in keys]
    kinds = {"batches": (batches, few, ITEMS), "single": (single, few, 1), "many": (single, arguments.clients, 1)}
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    with server.serving(database.url, "service.commands.parser", "serve") as port:
        for turn in range(arguments.rounds):
            print_progress(f"round {turn + 1} of {arguments.rounds}")
            for name, (wires, clients, items) in kinds.items():
                await _stored(database, port, wires, clients, 1.0, items)
                rates[name].append(await _stored(database, port, wires, clients, arguments.seconds, items))
    return {
        "unit": "durable reports per second",
        "items": ITEMS,
        "clients": few,
        "many_clients": arguments.clients,
        "against_single": comparison(rates["batches"], rates["single"]),
        "against_single_of_many_clients": comparison(rates["batches"], rates["many"]),
    }


def _json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


async def _stored(database: Database, port: int, wires: list[bytes], clients: int, seconds: float, items: int) -> float:
    """Send for some time, and return how many reports were stored in a second. The next time begins where this one
    ended, so that no key comes too soon.

    Raises:
        RuntimeError: not all reports that were sent were stored.
    """
    before = await _count(database)
    sent = await asyncio.to_thread(load.send, port, wires, clients=clients, seconds=seconds)
    answered, stored = sum(sent["statuses"].values()), await _count(database) - before
    if stored != answered * items:
        raise RuntimeError(f"{answered} requests of {items} reports stored {stored}, and answered {sent['statuses']}")
    wires[:] = wires[answered % len(wires) :] + wires[: answered % len(wires)]
    return float(sent["per_second"]) * items


async def _count(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(_COUNT)).scalar_one())
