"""`sihu bench`: pick a measurement, give it a database of its own, print its JSON."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from service import demo
from service.bench import drain, ingest, lateness, poll
from service.clock import DatabaseClock
from service.registry import bundle, importing
from service.rules.model import By
from service.settings import Settings
from service.store import deployment, embedded, migrate
from service.store.database import Database

Measure = Callable[[Database, argparse.Namespace], Awaitable[dict[str, Any]]]

_MEASURES: dict[str, tuple[Measure, str]] = {
    "ingest": (ingest.measure, "durable reports over HTTP, beside no database and beside the plain way"),
    "drain": (drain.measure, "everything due at once, beside one bare SQL statement"),
    "lateness": (lateness.measure, "a steady stream of deadlines and reports: how late the clock fires"),
    "poll": (poll.measure, "a queue that did not change, beside /healthz"),
}
_SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
"""A small server's usual settings; commits are durable."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands and their sizes."""
    parser.add_argument("what", choices=[*_MEASURES, "all"])
    parser.add_argument("--open", type=int, default=1_000_000, help="open incidents (drain, poll); default 1,000,000")
    parser.add_argument("--due", type=int, default=50_000, help="due at once (drain); default 50,000")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each measurement and its control; default 3")
    parser.add_argument("--seconds", type=float, default=10, help="length of one turn (ingest, lateness, poll)")
    parser.add_argument("--clients", type=int, default=64, help="connections of the load (ingest); default 64")
    parser.add_argument("--rate", type=int, default=200, help="deadlines a second (lateness); default 200")
    parser.set_defaults(command=run)


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Each measurement on a fresh server, so that none warms or bloats another's."""
    names = list(_MEASURES) if asked.what == "all" else [asked.what]
    for name in names:
        with tempfile.TemporaryDirectory(prefix="sihu-bench-") as folder:
            server = embedded.start(Path(folder) / "pg", bin_dir=settings.pg_bin, settings=_SERVER)
            try:
                figures = uvloop.run(_measure(server.url(), _MEASURES[name][0], asked))
            finally:
                server.stop()
        print(json.dumps({"bench": name, **figures}, indent=2), flush=True)
    return 0


async def _measure(url: str, measure: Measure, asked: argparse.Namespace) -> dict[str, Any]:
    database = Database(url, pool_size=12, statement_timeout_ms=3_600_000)
    try:
        await migrate.upgrade(database)
        clock = DatabaseClock()
        await clock.synchronise(database)
        sample, by = bundle.read_directory(demo.SAMPLE), By("ops", "bench")
        await importing.import_bundle(database, sample, clock.now(), by, dry_run=False)
        async with database.read() as connection:
            version = await deployment.server_version(connection)
        figures = await measure(database, asked)
    finally:
        await database.close()
    return {**figures, "machine": {"cpus": os.cpu_count(), "postgresql": version}}
