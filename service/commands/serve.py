"""Running a server: which database, which clock, and a clean end on Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from service import clock as clocks
from service import postgres
from service.commands import sample
from service.main import create_app
from service.settings import Settings
from service.store import migrate
from service.store.database import Database

_DRAIN_S = 10
"""How long open requests may still take after a stop was asked for."""


def serve(settings: Settings, asked: argparse.Namespace) -> int:
    """`sihu serve`. The embedded database, or the demo's, is migrated first; another one is left to `sihu migrate`."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("apscheduler", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with database_url(settings) as url:
        chosen = settings.model_copy(update={"database_url": url})
        if settings.database_url is None or asked.demo:
            asyncio.run(_migrated(url))
        if asked.demo:
            asyncio.run(sample.prepare(chosen))
        settle_memory()
        app = create_app(chosen, clocks.of(settings.virtual_clock))
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_DRAIN_S,
            loop="uvloop",
            http="httptools",
        )
        uvicorn.Server(config).run()
    return 0


def settle_memory() -> None:
    """A sweep makes and drops objects by the hundred thousand, none in a circle: a collector that looks every 700 of
    them takes a third of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The database to use: DATABASE_URL, or an embedded one in SIHU_DATA_DIR for as long as this block lasts."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    server = postgres.start(settings.data_dir / "postgres", bin_dir=settings.pg_bin)
    try:
        yield server.url()
    finally:
        server.stop()


async def _migrated(url: str) -> None:
    database = Database(url, pool_size=2)
    try:
        await migrate.upgrade(database)
    finally:
        await database.close()
