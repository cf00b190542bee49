"""`sihu bench`: pick a measurement, give it a database of its own, print its JSON."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from service import postgres
from service.bench import appraisal, clocks, drain, ingest, lateness, poll
from service.clock import DatabaseClock
from service.commands import sample as demo
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from service.store.registry import deployment

Measure = Callable[[Database, argparse.Namespace], Awaitable[dict[str, Any]]]

_MEASURES: dict[str, tuple[Measure, str]] = {
    "ingest": (ingest.measure, "durable reports over HTTP, beside no database and beside the plain way"),
    "drain": (drain.measure, "everything due at once, beside one bare SQL statement"),
    "lateness": (lateness.measure, "a steady stream of deadlines and reports: how late the clock fires"),
    "poll": (poll.measure, "a queue that did not change, beside /healthz"),
    "appraisal": (appraisal.measure, "the figures of a month, beside a bare count of its calls"),
}
_SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
"""A small server's usual settings; commits are durable."""
_TOLD = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "checkpoint_timeout")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands and their sizes."""
    parser.add_argument("what", choices=[*_MEASURES, "all"])
    parser.add_argument("--open", type=int, default=1_000_000, help="open incidents (drain, poll); default 1,000,000")
    parser.add_argument("--due", type=int, default=50_000, help="due at once (drain); default 50,000")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each measurement and its control; default 3")
    parser.add_argument("--seconds", type=float, default=10, help="length of one turn (ingest, lateness, poll)")
    parser.add_argument("--clients", type=int, default=64, help="connections of the load (ingest); default 64")
    parser.add_argument("--rate", type=int, default=200, help="deadlines a second (lateness); default 200")
    parser.add_argument("--beside", type=int, default=100_000, help="open beside them (lateness); default 100,000")
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls a month (appraisal); default 1,000,000")
    parser.set_defaults(command=run)


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Each measurement on a fresh database, so that none warms or bloats another's."""
    names = list(_MEASURES) if asked.what == "all" else [asked.what]
    for name in names:
        with _fresh_database(settings) as url:
            figures = uvloop.run(measured(url, _MEASURES[name][0], asked))
        print(json.dumps({"bench": name, **figures}, indent=2), flush=True)
    return 0


@contextmanager
def _fresh_database(settings: Settings) -> Iterator[str]:
    """On a server of its own; with DATABASE_URL a new database on that server, and never the one it names: the drain
    empties tables."""
    if settings.database_url is not None:
        given, name = make_url(settings.database_url), f"sihu_bench_{os.getpid()}"
        uvloop.run(_alone(settings.database_url, f'CREATE DATABASE "{name}"'))
        try:
            yield given.set(database=name).render_as_string(hide_password=False)
        finally:
            uvloop.run(_alone(settings.database_url, f'DROP DATABASE "{name}" WITH (FORCE)'))
        return
    with tempfile.TemporaryDirectory(prefix="sihu-bench-") as folder:
        server = postgres.start(Path(folder) / "pg", bin_dir=settings.pg_bin, settings=_SERVER)
        try:
            yield server.url()
        finally:
            server.stop()


async def _alone(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def measured(url: str, measure: Measure, asked: argparse.Namespace) -> dict[str, Any]:
    """What `measure` finds on this empty database, once it is migrated and holds the sample; and where it found it."""
    database = Database(url, pool_size=12, statement_timeout_ms=3_600_000)
    try:
        await migrate.upgrade(database)
        clock = DatabaseClock()
        await clock.synchronise(database)
        sample, by = read_folder(demo.SAMPLE), By("ops", "bench")
        sample |= {"policy.yaml": clocks.CONTINUOUS, "calendar.csv": clocks.days()}
        await importing.import_bundle(database, sample, clock.now(), by, dry_run=False)
        await clocks.draft_working(database, clock.now())
        figures = await measure(database, asked)
        machine = await _machine(database)
    finally:
        await database.close()
    return {**figures, "machine": machine}


async def _machine(database: Database) -> dict[str, Any]:
    """`load`: runnable processes over the last minute, ours included; well past `cpus`, somebody else ran too."""
    async with database.read() as connection:
        version = await deployment.server_version(connection)
        rows = await connection.execute(text("SELECT name, current_setting(name) FROM pg_settings"))
        settings = {name: value for name, value in rows if name in _TOLD}
    return {"cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "postgresql": version, "settings": settings}
