"""The one row of `deployment`, which the migrations make, and the time and version of the PostgreSQL server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.registry.tables import deployment

# now() would give the time at which the transaction started
_SERVER_TIME = select(func.clock_timestamp())
# these queries need no condition, since the table has one row
_CURSOR_SECRET = select(deployment.c.cursor_secret)
_WORLD_NAME = select(deployment.c.world_version, deployment.c.world_mark)


class WorldName(NamedTuple):
    """What tells one world from all others: the version alone may come again after a restore. A world from before
    there were marks has none."""

    version: int
    mark: UUID | None = None


async def server_time(connection: AsyncConnection) -> datetime:
    """Return the time of the database's clock now, not at the start of the transaction (with time zone, UTC)."""
    moment: datetime = (await connection.execute(_SERVER_TIME)).scalar_one()
    return moment.astimezone(UTC)


async def cursor_secret(connection: AsyncConnection) -> bytes:
    """Return the secret that signs cursors. All processes have the same one, and it survives a dump and restore."""
    secret: bytes = (await connection.execute(_CURSOR_SECRET)).scalar_one()
    return secret


async def world_name(connection: AsyncConnection) -> WorldName:
    """Return the name of the world. Its version rises with every change of the registry, the policies or the calendars,
    and its mark is another one then."""
    return WorldName(*(await connection.execute(_WORLD_NAME)).one())


async def server_version(connection: AsyncConnection) -> int:
    """Return the major version of the PostgreSQL server."""
    number = (await connection.execute(select(func.current_setting("server_version_num")))).scalar_one()
    return int(number) // 10_000
