"""A database at an older revision, for the tests of what a migration makes of what was there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alembic import command
from sqlalchemy import Connection

from service.store import migrate
from service.store.database import Database


@asynccontextmanager
async def at_revision(url: str, revision: str) -> AsyncIterator[Database]:
    """The database of this URL, with the tables of `revision`."""

    def run(connection: Connection) -> None:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    database = Database(url, pool_size=4)
    async with database.begin() as tx:
        await tx.run_sync(run)
    yield database
    await database.close()
