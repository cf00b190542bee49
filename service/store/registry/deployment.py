"""The one row of `deployment`, which the migrations make, and what the server says of itself: its time, its version."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.registry.tables import deployment

# not now(), which stands still from the start of a transaction
_SERVER_TIME = select(func.clock_timestamp())
# the table has one row, so that these need no condition
_CURSOR_SECRET = select(deployment.c.cursor_secret)
_WORLD_VERSION = select(deployment.c.world_version)


async def server_time(connection: AsyncConnection) -> datetime:
    """The database's clock at this moment, not at the start of the transaction (aware, UTC)."""
    moment: datetime = (await connection.execute(_SERVER_TIME)).scalar_one()
    return moment.astimezone(UTC)


async def cursor_secret(connection: AsyncConnection) -> bytes:
    """The key that signs cursors. Every process has the same one, and a dump and restore keeps it."""
    secret: bytes = (await connection.execute(_CURSOR_SECRET)).scalar_one()
    return secret


async def world_version(connection: AsyncConnection) -> int:
    """The version of the world, which rises with every change of the registry, the policies or the calendars."""
    version: int = (await connection.execute(_WORLD_VERSION)).scalar_one()
    return version


async def server_version(connection: AsyncConnection) -> int:
    """The major version of the PostgreSQL server."""
    number = (await connection.execute(select(func.current_setting("server_version_num")))).scalar_one()
    return int(number) // 10_000
