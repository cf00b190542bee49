"""Durable `POST /v1/incidents` over real HTTP. A process of its own sends the load, and one server runs at a time."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from service.bench import load, server
from service.bench.figures import comparison, print_progress
from service.commands import sample
from service.store.database import Database

_KEYS_PER_CLIENT = 4
"""A subject may send 50 writes a second over time: so a client may send 200."""
_SERVERS = {
    "sihu": (("service.commands.parser", "serve"), "/v1/incidents"),
    "bare": (("service.bench.plain", "bare"), "/v1/bench/bare"),
    "orm": (("service.bench.plain", "orm"), "/v1/bench/orm"),
}


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure reports per second. One control has no database; the other has the ORM and a commit a request."""
    keys = await server.reporters(database, _KEYS_PER_CLIENT * arguments.clients)
    body = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积,气味大"}
    content = json.dumps(body, ensure_ascii=False).encode()
    rates: dict[str, list[float]] = {name: [] for name in _SERVERS}
    latest: dict[str, Any] = {}
    for turn in range(arguments.rounds):
        for name, (command, path) in _SERVERS.items():
            print_progress(f"round {turn + 1} of {arguments.rounds}: {name}")
            requests = [load.request("POST", path, headers, content) for headers in keys]
            with server.serving(database.url, *command) as port:
                await asyncio.to_thread(load.send, port, requests, clients=arguments.clients, seconds=1)
                figures = await asyncio.to_thread(
                    load.send, port, requests, clients=arguments.clients, seconds=arguments.seconds
                )
            if set(figures["statuses"]) != {"201"}:
                raise RuntimeError(f"{name} answered {figures['statuses']}")
            rates[name].append(figures["per_second"])
            latest[name] = figures
    return {
        "unit": "durable reports per second",
        "clients": arguments.clients,
        "against_no_database": comparison(rates["sihu"], rates["bare"]),
        "against_orm": comparison(rates["sihu"], rates["orm"]),
        "last_round": latest,
    }
