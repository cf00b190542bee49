"""The command `sihu bench`: run the named measurement on a database of its own and print its JSON."""

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
from service.bench import appraisal, clocks, drain, ingest, lateness, poll, waiters
from service.commands import sample
from service.commands.database import current_time, on_database
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from service.store.registry import deployment

Measurement = Callable[[Database, argparse.Namespace], Awaitable[dict[str, Any]]]

_MEASURES: dict[str, tuple[Measurement, str]] = {
    "ingest": (ingest.measure, "durable reports over HTTP, beside no database and beside the plain way"),
    "drain": (drain.measure, "everything due at once, beside one bare SQL statement"),
    "lateness": (lateness.measure, "a steady stream of deadlines and reports: how late the clock fires"),
    "poll": (poll.measure, "a queue that did not change, beside /healthz"),
    "waiters": (waiters.measure, "reports while many wait on the feed and on queues, beside while nobody waits"),
    "appraisal": (appraisal.measure, "the figures of a month, beside a bare count of its calls"),
}
_SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
"""The settings of the embedded server, as small servers usually have them. Commits are durable."""
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
    parser.add_argument("what", choices=[*_MEASURES, "all"], help="the measurement")
    parser.add_argument("--open", type=int, default=1_000_000, help="open incidents (drain, poll); default 1,000,000")
    parser.add_argument("--due", type=int, default=50_000, help="due at once (drain); default 50,000")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each measurement and its control; default 3")
    parser.add_argument(
        "--seconds", type=float, default=10, help="length of one turn (ingest, lateness, poll, waiters)"
    )
    parser.add_argument("--clients", type=int, default=64, help="connections of the load (ingest); default 64")
    parser.add_argument(
        "--waiters", type=int, default=500, help="on the feed, as many on a queue (waiters); default 500"
    )
    parser.add_argument("--rate", type=int, default=200, help="deadlines a second (lateness); default 200")
    parser.add_argument("--beside", type=int, default=100_000, help="open beside them (lateness); default 100,000")
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls a month (appraisal); default 1,000,000")
    parser.set_defaults(command=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run each measurement on a fresh database, so that none warms or bloats another's tables; print its JSON."""
    names = list(_MEASURES) if arguments.what == "all" else [arguments.what]
    for name in names:
        with _fresh_database(settings) as url:
            figures = uvloop.run(figures_of(url, _MEASURES[name][0], arguments))
        print(json.dumps({"bench": name, **figures}, indent=2), flush=True)
    return 0


@contextmanager
def _fresh_database(settings: Settings) -> Iterator[str]:
    """Yield the URL of an empty database, and drop the database afterwards. It is on a server of its own, or on the
    server of DATABASE_URL.

    The database that DATABASE_URL names is never used, since the measurement `drain` empties tables.
    """
    if settings.database_url is not None:
        uvloop.run(on_database(settings.database_url, Database.ping))
        given, name = make_url(settings.database_url), f"sihu_bench_{os.getpid()}"
        uvloop.run(_execute_alone(settings.database_url, f'CREATE DATABASE "{name}"'))
        try:
            yield given.set(database=name).render_as_string(hide_password=False)
        finally:
            uvloop.run(_execute_alone(settings.database_url, f'DROP DATABASE "{name}" WITH (FORCE)'))
        return
    with (
        tempfile.TemporaryDirectory(prefix="sihu-bench-") as folder,
        postgres.running(Path(folder) / "pg", bin_dir=settings.pg_bin, settings=_SERVER) as url,
    ):
        yield url


async def _execute_alone(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def figures_of(url: str, measure: Measurement, arguments: argparse.Namespace) -> dict[str, Any]:
    """Migrate an empty database, import the sample, and return the figures of `measure` with the machine's data."""
    database = Database(url, pool_size=12, statement_timeout_ms=3_600_000)
    try:
        await migrate.upgrade(database)
        now = await current_time(database)
        bundle, by = read_folder(sample.SAMPLE), By("ops", "bench")
        bundle |= {"policy.yaml": clocks.CONTINUOUS, "calendar.csv": clocks.days()}
        await importing.import_bundle(database, bundle, now, by, dry_run=False)
        await clocks.draft_working(database, await current_time(database))
        figures = await measure(database, arguments)
        machine = await _machine(database)
    finally:
        await database.close()
    return {**figures, "machine": machine}


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
