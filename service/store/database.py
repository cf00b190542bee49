"""The one module that opens connections, and the one that commits.

A use case is one `async with database.begin() as tx:` block. When the block ends, all of it is committed, before
anything is answered; when the block raises, none of it is. A client that hangs up cannot interrupt the commit.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.rules.errors import Unavailable
from service.rules.sentences import Sentence

Transaction = AsyncConnection
"""The transaction of a use case, which passes it to the functions of the store. Only the store sends SQL on it."""
StatementRefused = SQLAlchemyError
"""The database took the connection but refused a statement: a constraint, a timeout, a deadlock."""

_DOWN = (
    OSError,
    InterfaceError,
    OperationalError,
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    TimeoutError,
    PoolTimeoutError,  # not a TimeoutError of Python; every connection of the pool stayed in use
)
_DOWN_SQLSTATES = ("08", "57P", "53", "3D", "28", "55P03")
"""The first characters of SQLSTATEs that are not the statement's fault, so that the same statement may succeed later:
connection lost, server shutting down, out of connections or disk, no such database, login refused, or a lock that
another transaction kept too long."""

_CLASS_BEFORE = re.compile(r"<class '[\w.]+'>: ")


def is_down(error: BaseException) -> bool:
    """Whether an error means "the database cannot serve this now" rather than "this statement is wrong"."""
    if isinstance(error, DBAPIError) and not isinstance(error, InterfaceError | OperationalError):
        if error.connection_invalidated:
            return True
        state = getattr(error.orig, "sqlstate", None) or ""
        return state.startswith(_DOWN_SQLSTATES)
    return isinstance(error, _DOWN)


class Database:
    """A bounded pool of connections to one PostgreSQL database."""

    def __init__(
        self, url: str, *, pool_size: int = 10, statement_timeout_ms: int = 30_000, application: str = "sihu"
    ) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            url,
            isolation_level="READ COMMITTED",  # the sweep and the sealer need it, whatever the server's default is
            pool_size=pool_size,
            max_overflow=0,  # otherwise SQLAlchemy opens and closes a connection for each request above
            pool_timeout=10,
            json_deserializer=orjson.loads,
            pool_pre_ping=False,  # costs a round trip for each request; a dead connection is dropped at use
            connect_args={
                "timeout": 5,
                "command_timeout": statement_timeout_ms / 1000 + 5,
                "server_settings": {
                    "application_name": application,
                    "statement_timeout": str(statement_timeout_ms),
                    "lock_timeout": "10000",
                    "idle_in_transaction_session_timeout": "30000",
                    "timezone": "UTC",
                    "jit": "off",
                },
            },
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a READ COMMITTED transaction. It is committed when the block ends, and rolled back when the block
        raises.

        Raises:
            Unavailable: the database cannot be reached, or is too busy.
        """
        try:
            async with self.engine.connect() as connection:
                await connection.begin()
                yield connection
                await _to_the_end(connection.commit())
        except Exception as error:
            if is_down(error):
                raise _unavailable(error) from error
            raise

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for work that begins and ends transactions by itself, as migrations do.

        Raises:
            Unavailable: the database cannot be reached, or is too busy.
        """
        try:
            async with self.engine.connect() as connection:
                yield connection
        except Exception as error:
            if is_down(error):
                raise _unavailable(error) from error
            raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read-only snapshot: every statement in the block sees the same state of the database.

        Raises:
            Unavailable: the database cannot be reached, or is too busy.
        """
        try:
            async with self.engine.connect() as connection:
                connection = await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                yield connection
        except Exception as error:
            if is_down(error):
                raise _unavailable(error) from error
            raise

    async def ping(self) -> None:
        """Send the database a trivial query. Raises `Unavailable` when it does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish the commit even when the caller is cancelled, then pass the cancellation on."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def cause_of(error: BaseException) -> str:
    """Return the database's own sentence in an error, in one line without the names of classes."""
    cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    lines = _CLASS_BEFORE.sub("", cause.strip()).splitlines()
    return lines[0] if lines else type(error).__name__


def _unavailable(error: BaseException) -> Unavailable:
    return Unavailable(
        Sentence(
            "The database cannot be reached, or is busy. "
            "Send the same request again, with its Idempotency-Key: it is not done twice."
        ),
        cause=cause_of(error),
    )
