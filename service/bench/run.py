"""The command `sihu bench`: run the named measurement on a database of its own, print its JSON, and compare it with
what is promised."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import uvloop
from sqlalchemy import text

from service.bench import (
    appraisal,
    batch,
    databases,
    drain,
    history,
    ingest,
    lateness,
    promises,
    queue,
    waiters,
)
from service.settings import Settings
from service.store.database import Database
from service.store.registry import deployment

Measurement = Callable[[Database, argparse.Namespace], Awaitable[dict[str, Any]]]

MEASURES: dict[str, tuple[Measurement, str]] = {
    "ingest": (ingest.measure, "durable reports over HTTP, beside no database and beside the plain way"),
    "batch": (batch.measure, "reports in batches of 500, beside the same clients that send them one by one"),
    "drain": (drain.measure, "everything due at once, missed or to be closed, beside one bare SQL statement"),
    "lateness": (lateness.measure, "a steady stream of deadlines and reports: how late the clock fires"),
    "queue": (queue.measure, "a queue that changed and one that did not, beside /healthz"),
    "waiters": (waiters.measure, "reports while many wait on the feed and on queues, beside while nobody waits"),
    "appraisal": (appraisal.measure, "the figures of a month, beside a bare count of its calls"),
    "history": (history.measure, "every operation with many closed incidents, beside with 10,000 of them"),
}
_SETTINGS_SHOWN = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the names of the measurements and the options that set their sizes."""
    parser.add_argument("what", choices=[*MEASURES, "all"], help="the measurement")
    parser.add_argument(
        "--open", type=int, default=1_000_000, help="open incidents (drain, queue; history: at most 20,000)"
    )
    parser.add_argument("--due", type=int, default=50_000, help="due at once (drain; history: at most 5,000)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each measurement and its control; default 3")
    parser.add_argument(
        "--seconds", type=float, default=10, help="length of one turn (ingest, batch, lateness, queue, waiters)"
    )
    parser.add_argument("--clients", type=int, default=64, help="connections of the load (ingest, batch); default 64")
    parser.add_argument(
        "--waiters", type=int, default=500, help="on the feed, as many on a queue (waiters); default 500"
    )
    parser.add_argument("--rate", type=int, default=200, help="deadlines a second (lateness); default 200")
    parser.add_argument("--beside", type=int, default=100_000, help="open beside them (lateness); default 100,000")
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls a month (appraisal); default 1,000,000")
    parser.add_argument(
        "--history", type=int, default=2_000_000, help="closed incidents of two years (history); default 2,000,000"
    )
    parser.set_defaults(command=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run each measurement on a fresh database, so that none warms or bloats another's tables, and print its JSON. The
    exit code is 1 when a figure falls short of what is promised; stderr says which and by how much."""
    names = list(MEASURES) if arguments.what == "all" else [arguments.what]
    shortfalls: list[str] = []
    for name in names:
        figures = _figures(settings, name, arguments)
        print(json.dumps({"bench": name, **figures}, indent=2), flush=True)
        shortfalls += promises.shortfalls(name, figures)
    promised = sum(len(promises.of_bench(name)) for name in names)
    print(_verdict(promised, shortfalls), file=sys.stderr, flush=True)
    return 1 if shortfalls else 0


def _figures(settings: Settings, name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of a measurement. One that fails has none, and the others go on."""
    with databases.fresh(settings) as url:
        try:
            return uvloop.run(figures_of(url, MEASURES[name][0], arguments))
        except Exception as error:
            traceback.print_exc()
            return {"failed": f"{type(error).__name__}: {error}"}


def _verdict(promised: int, shortfalls: Sequence[str]) -> str:
    """What is said at the end: one line for each figure that falls short, and how many kept their bound."""
    kept = f"bench: {promised - len(shortfalls)} of {promised} promised figures are kept"
    return "\n".join([*(f"bench: short: {each}" for each in shortfalls), kept])


async def figures_of(url: str, measure: Measurement, arguments: argparse.Namespace) -> dict[str, Any]:
    """Prepare an empty database, and return the figures of `measure` with the machine's data."""
    async with databases.prepared(url) as database:
        figures = await measure(database, arguments)
        return {**figures, "machine": await _machine(database)}


async def _machine(database: Database) -> dict[str, Any]:
    """Return a description of the machine and its PostgreSQL.

    `load` is the number of runnable processes over the last minute, those of the bench included. If it is well above
    `cpus`, other programs used the machine as well.
    """
    async with database.read() as connection:
        version = await deployment.server_version(connection)
        rows = await connection.execute(text("SELECT name, current_setting(name) FROM pg_settings"))
        settings = {name: value for name, value in rows if name in _SETTINGS_SHOWN}
    return {"cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "postgresql": version, "settings": settings}
