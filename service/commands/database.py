"""`sihu migrate`, and what the other commands need from the database: a connection, the time and the registry."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from service import database_urls, postgres
from service.clock import DatabaseClock
from service.rules.model import By
from service.rules.world import World
from service.settings import Settings
from service.store import migrate as migrations
from service.store.database import Database
from service.store.registry import deployment
from service.worlds import CurrentWorld

OPS = By("ops", "command-line")
"""The actor that the log names when a command changes something."""

T = TypeVar("T")


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The URL of the database: DATABASE_URL, or that of the embedded server in SIHU_DATA_DIR, which runs as long as
    this block lasts."""
    with embedded_server(settings) as server:
        yield settings.database_url or (server.url() if server else "")


@contextmanager
def embedded_server(settings: Settings) -> Iterator[postgres.Server | None]:
    """The embedded server in SIHU_DATA_DIR, which runs as long as this block lasts; None with DATABASE_URL."""
    if settings.database_url is not None:
        yield None
        return
    server = postgres.start(settings.data_dir / "postgres", bin_dir=settings.pg_bin)
    try:
        yield server
    finally:
        server.stop()


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the database of the settings, which has the tables of this version, and return its result.

    Raises:
        WrongDatabase: the tables are missing, of another version, or another program's; `work` did not begin.
        Unavailable, EmbeddedError: the database cannot be reached, or cannot be started.
    """

    async def checked(database: Database) -> T:
        if advice := (await migrations.survey(database)).advice:
            raise migrations.WrongDatabase(advice)
        return await work(database)

    return with_any_database(settings, checked)


def with_any_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the database of the settings, whatever it holds, and return its result."""
    with database_url(settings) as url:
        return asyncio.run(on_database(url, work))


async def described(settings: Settings, database: Database) -> str:
    """Return which database this is, for a person: its version, and its folder or its host, never its password."""
    async with database.read() as connection:
        version = await deployment.server_version(connection)
    return f"PostgreSQL {version}, {place(settings)}"


def place(settings: Settings) -> str:
    """Return where the database of the settings is: the folder of the embedded server, or a host and a name."""
    if settings.database_url is None:
        return f"embedded in {settings.data_dir.resolve()}"
    return database_urls.place(settings.database_url)


async def on_database(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the database at `url` and return its result. The connections are closed at the end."""
    database = Database(url, pool_size=2)
    try:
        return await work(database)
    finally:
        await database.close()


async def current_time(database: Database) -> datetime:
    """The service's time, which is the database's."""
    clock = DatabaseClock()
    await clock.synchronise(database)
    return clock.now()


async def now_and_world(database: Database) -> tuple[datetime, World]:
    """The service's time, and the world (registry, policies and calendars) as it stands now."""
    worlds = CurrentWorld()
    await worlds.reload(database)
    return await current_time(database), worlds.world


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the option of `sihu migrate`."""
    parser.add_argument(
        "--check", action="store_true", help="also check whether the migrations make the tables that the code describes"
    )
    parser.set_defaults(command=migrate)


def migrate(settings: Settings, arguments: argparse.Namespace) -> int:
    """Bring the tables to this version. Several hosts may do so at the same time.

    With `--check`, exit code 1 when the migrations do not make the tables that the code describes, with one line on
    stderr for each difference.
    """

    async def work(database: Database) -> tuple[str, list[str]]:
        await migrations.upgrade(database, lambda line: print(f"sihu: {line}", file=sys.stderr))
        notice = (await migrations.survey(database)).notice
        return notice, await migrations.drift(database) if arguments.check and not notice else []

    notice, drift = with_any_database(settings, work)
    for difference in drift:
        print(f"migrations and tables differ: {difference}", file=sys.stderr)
    if not drift:
        print(f"Nothing to do: {notice}." if notice else "The database is at this version's tables.")
    return 1 if drift else 0
