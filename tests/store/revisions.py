"""A database at an older revision, for the tests of what a migration makes of what was there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.store import migrate
from service.store.database import Database


@asynccontextmanager
async def at_revision(url: str, revision: str) -> AsyncIterator[Database]:
    """The database of this URL, with the tables of `revision`."""

    database = Database(url, pool_size=4)
    await migrate.bring_to(database, revision)
    yield database
    await database.close()
