"""Durable `POST /v1/incidents` over real HTTP, from a load process, one server process at a time."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from service.access.keys import NewKey
from service.bench import load, server
from service.bench.figures import compared, told
from service.commands import sample
from service.rules.words import Role
from service.store.database import Database

_SERVERS = {
    "sihu": (("service.commands.parser", "serve"), "/v1/incidents"),
    "bare": (("service.bench.plain", "bare"), "/v1/bench/bare"),
    "orm": (("service.bench.plain", "orm"), "/v1/bench/orm"),
}


async def measure(database: Database, asked: argparse.Namespace) -> dict[str, Any]:
    """Reports a second; control (a): no database, control (b): ORM add and commit per request."""
    headers = await server.key(database, NewKey(Role.REPORTER, area=sample.STREET, subject="bench"))
    body = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积,气味大"}
    content = json.dumps(body, ensure_ascii=False).encode()
    rates: dict[str, list[float]] = {name: [] for name in _SERVERS}
    latest: dict[str, Any] = {}
    for turn in range(asked.rounds):
        for name, (command, path) in _SERVERS.items():
            told(f"round {turn + 1} of {asked.rounds}: {name}")
            requests = [load.request("POST", path, headers, content)]
            with server.serving(database.url, *command) as port:
                await asyncio.to_thread(load.send, port, requests, clients=asked.clients, seconds=1)
                figures = await asyncio.to_thread(
                    load.send, port, requests, clients=asked.clients, seconds=asked.seconds
                )
            if set(figures["statuses"]) != {"201"}:
                raise RuntimeError(f"{name} answered {figures['statuses']}")
            rates[name].append(figures["per_second"])
            latest[name] = figures
    return {
        "unit": "durable reports per second",
        "clients": asked.clients,
        "against_no_database": compared(rates["sihu"], rates["bare"]),
        "against_orm": compared(rates["sihu"], rates["orm"]),
        "last_round": latest,
    }
