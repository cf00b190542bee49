"""The database as people's requests use it: each request goes there on its subject's share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.store.database import Database, Transaction
from service.web import shares


class PeopleDatabase(Database):
    """A `Database` in which a request first waits for its turn (`shares.at_database`), and only then for a connection:
    whoever waits for a turn keeps nobody else from a connection."""

    @asynccontextmanager
    async def connected(self, *, reads: bool = False) -> AsyncIterator[Transaction]:
        """A connection, as `Database.connected` opens it. Raises `TooMany` when the request's turn does not come."""
        async with shares.at_database(), super().connected(reads=reads) as connection:
            yield connection
