"""Polls of `GET /v1/queues/{unit}`, unchanged (304) and changed (200), beside `/healthz` of the same process."""

from __future__ import annotations

import argparse
import asyncio
from datetime import timedelta
from typing import Any

import httpx

from service.access.keys import NewKey
from service.bench import clocks, load, server
from service.bench.figures import comparison, print_progress
from service.bench.seeding import seed
from service.commands import sample
from service.rules.words import Role
from service.store.database import Database


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the server's microseconds per request: an unchanged and a changed poll and `/healthz`, in turns."""
    now = await clocks.now(database)
    print_progress(f"making {arguments.open} open incidents")
    for start in range(0, arguments.open, 200_000):
        many = min(200_000, arguments.open - start)
        await seed(database, many, reported_at=now, due_at=now + timedelta(days=30), name=f"p{start}")
    headers = await server.key(database, NewKey(Role.UNIT, unit=sample.COMMUNITY))
    path = f"/v1/queues/{sample.COMMUNITY}"
    with server.serving(database.url, "service.commands.parser", "serve") as port:
        async with httpx.AsyncClient(headers=headers) as client:
            tag = (await client.get(f"http://127.0.0.1:{port}{path}")).headers["ETag"]
        kinds = {
            "unchanged": load.request("GET", path, {**headers, "If-None-Match": tag}),
            "healthz": load.request("GET", "/healthz", {}),
            "changed": load.request("GET", path, headers),
        }
        series: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(2 * arguments.rounds):
            print_progress(f"round {turn + 1} of {2 * arguments.rounds}")
            for name, wire in kinds.items():
                got = await asyncio.to_thread(load.send, port, [wire], clients=8, seconds=arguments.seconds / 4)
                expected = "304" if name == "unchanged" else "200"
                if set(got["statuses"]) != {expected}:
                    raise RuntimeError(f"{name} answered {got['statuses']}")
                series[name].append(1e6 / got["per_second"])
    return {
        "unit": "microseconds of the server per request",
        "open": arguments.open,
        "unchanged_against_healthz": comparison(series["unchanged"], series["healthz"]),
        "changed_against_healthz": comparison(series["changed"], series["healthz"]),
    }
