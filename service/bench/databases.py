"""The databases of a measurement: each is new, and holds the sample registry."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvloop
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from service import postgres
from service.bench import clocks
from service.commands import sample
from service.commands.database import current_time, on_database
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.settings import Settings
from service.store import migrate
from service.store.database import Database

_SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
"""The settings of the embedded server, as small servers usually have them. Commits are durable."""
_STATEMENT_MS = 3_600_000


@contextmanager
def fresh(settings: Settings) -> Iterator[str]:
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


@asynccontextmanager
async def prepared(url: str) -> AsyncIterator[Database]:
    """An empty database, migrated, with the sample and with policies whose clock is known."""
    database = Database(url, pool_size=12, statement_timeout_ms=_STATEMENT_MS)
    try:
        await migrate.upgrade(database)
        now = await current_time(database)
        bundle, by = read_folder(sample.SAMPLE), By("ops", "bench")
        bundle |= {"policy.yaml": clocks.CONTINUOUS, "calendar.csv": clocks.days()}
        await importing.import_bundle(database, bundle, now, by, dry_run=False)
        await clocks.draft_working(database, await current_time(database))
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def beside(database: Database) -> AsyncIterator[Database]:
    """Another prepared database on the same server, which is dropped at the end of the block."""
    here = make_url(database.url)
    name = f"{here.database}_beside"
    await _execute_alone(database.url, f'CREATE DATABASE "{name}"')
    try:
        async with prepared(here.set(database=name).render_as_string(hide_password=False)) as other:
            yield other
    finally:
        await _execute_alone(database.url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def statements(database: Database, *texts: str) -> None:
    """Execute statements that need to be outside of a transaction, such as VACUUM, one after the other."""
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for each in texts:
            await connection.exec_driver_sql(each)


async def _execute_alone(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
