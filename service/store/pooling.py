"""Whether a pooler between the service and PostgreSQL keeps each connection on one session of the server.

In transaction mode, PgBouncer gives every transaction another session. The limits that a connection sets for its
session would then be lost or met by others, and so would its prepared statements.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.errors import Unavailable
from service.store.database import Database
from service.store.sqlstates import Trouble

ADVICE = (
    "a pooler in transaction mode stands before this database, and sihu needs a session for each of its connections: "
    "set pool_mode = session for it in PgBouncer, or name the server itself in DATABASE_URL"
)
_SESSION = select(func.pg_backend_pid())


async def shares_sessions(database: Database) -> bool:
    """Whether two connections ever get one session, or one connection two. Needs two connections of the pool.

    Raises:
        Unavailable: the database cannot be reached.
    """
    try:
        async with database.connected() as one, database.connected() as other:
            first = await _session_of(one)
            # a pooler that gives out what was used last gives it to the second; one that takes turns gives the first
            # a new one, while the second keeps its own
            second = (await other.execute(_SESSION)).scalar_one()
            return second == first or await _session_of(one) != first
    except Unavailable as error:
        if error.trouble == Trouble.CHANGED or "pooling mode" in error.cause:
            return True
        raise


async def _session_of(connection: AsyncConnection) -> int:
    async with connection.begin():
        session: int = (await connection.execute(_SESSION)).scalar_one()
    return session
