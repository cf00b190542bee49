"""`sihu migrate`, and the database that every other command works on."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from service.clock import DatabaseClock
from service.commands.serve import database_url
from service.rules.model import By
from service.settings import Settings
from service.store import migrate as migrations
from service.store.database import Database
from service.worlds import CurrentWorld

OPS = By("ops", "command-line")

T = TypeVar("T")


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the database of the settings."""

    async def run(url: str) -> T:
        database = Database(url, pool_size=2)
        try:
            return await work(database)
        finally:
            await database.close()

    with database_url(settings) as url:
        return asyncio.run(run(url))


async def now_and_world(database: Database) -> tuple[DatabaseClock, CurrentWorld]:
    """The time and the registry as the database has them."""
    clock, worlds = DatabaseClock(), CurrentWorld()
    await clock.synchronise(database)
    await worlds.reload(database)
    return clock, worlds


def migrate(settings: Settings, asked: argparse.Namespace) -> int:
    """`sihu migrate`: safe to run from several hosts at once. `--check`: do the migrations make what the tables
    says?"""

    async def work(database: Database) -> list[str]:
        await migrations.upgrade(database)
        return await migrations.drift(database) if asked.check else []

    drift = with_database(settings, work)
    for difference in drift:
        print(f"migrations and tables differ: {difference}", file=sys.stderr)
    if not drift:
        print("The database is at this version's tables.")
    return 1 if drift else 0
