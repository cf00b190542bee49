"""The one module that opens connections, and the one that commits.

A use case is one `async with database.begin() as tx:` block. When the block ends, all of it is committed, before
anything is answered; when the block raises, none of it is. A client that hangs up cannot interrupt the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import orjson
from sqlalchemy import ExceptionContext, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from service.store.ends import BlockLimit, to_the_end
from service.store.outages import Lane, Outages, refusal_of
from service.store.sessions import Connector, Patience
from service.store.sqlstates import Failure, NoWritesError

Transaction = AsyncConnection
"""The transaction of a use case, which passes it to the functions of the store. Only the store sends SQL on it."""
StatementRefused = SQLAlchemyError
"""The database took the connection but refused a statement: a constraint, or a value that it cannot store."""

COMMAND = Patience(wait_s=10, lock_s=10, statement_s=30, idle_s=30)
"""How long a command waits, where nobody else does."""
_PATIENT = Patience(wait_s=2, lock_s=20, statement_s=60, idle_s=30, block_s=120)
_PATIENT_POOL = 2
_ASKING = (Lane.TAIL, Lane.PROBE)
"""The lanes that ask the database also while it is away, so that the others learn when it is back."""
_GRACE_S = 0.25
"""Seconds that a connection may take beyond the time for which the pool and the driver wait, so that their own words
come first."""
_MAX_GOODBYE_S = 1.0
_EPOCH = "sihu_epoch"
_TAKES_NO_WRITES = text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")


class Database:
    """A bounded pool of connections to one PostgreSQL database, which are the lane of one kind of users."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        patience: Patience = COMMAND,
        statement_timeout_ms: int | None = None,
        application: str = "sihu",
        lane: Lane = Lane.PEOPLE,
        outages: Outages | None = None,
    ) -> None:
        self.url = url
        self.lane = lane
        self.outages = Outages(logs=False) if outages is None else outages
        self._pool_size = pool_size
        self._patience = patience
        if statement_timeout_ms is not None:
            self._patience = replace(patience, statement_s=statement_timeout_ms / 1000)
        self._application = application
        self._longer: Database | None = None
        self._drivers: WeakSet[Any] = WeakSet()
        self._is_closed = False
        self.engine: AsyncEngine = create_async_engine(
            url,
            async_creator=Connector(url, self._patience, application),
            isolation_level="READ COMMITTED",  # the sweep and the sealer need it, whatever the server's default is
            pool_size=pool_size,
            max_overflow=0,  # otherwise SQLAlchemy opens and closes a connection for each request above
            pool_timeout=patience.wait_s,
            json_deserializer=orjson.loads,
            pool_pre_ping=False,  # costs a round trip for each request; a dead connection is dropped at use
        )
        event.listen(self.engine.sync_engine, "connect", self._opened)
        event.listen(self.engine.sync_engine, "checkout", self._taken)
        event.listen(self.engine.sync_engine, "checkin", self._given_back)
        event.listen(self.engine.sync_engine, "handle_error", _keep_the_others)

    @property
    def patient(self) -> Database:
        """Two connections apart, for requests that take longer than others may: imports, and figures of a month."""
        if self._longer is None:
            self._longer = type(self)(
                self.url,
                pool_size=_PATIENT_POOL,
                patience=_PATIENT,
                application=self._application,
                lane=Lane.PATIENT,
                outages=self.outages,
            )
        return self._longer

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a READ COMMITTED transaction. It is committed when the block ends, and rolled back when the block
        raises.

        Raises:
            Unavailable: the database cannot be reached, or is too busy.
        """
        async with self.connected() as connection:
            await connection.begin()
            yield connection
            await to_the_end(connection.commit())
        self.outages.served(self.lane, wrote=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read-only snapshot: every statement in the block sees the same state of the database.

        Raises:
            Unavailable: the database cannot be reached, or is too busy.
        """
        async with self.connected(reads=True) as connection:
            yield await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.outages.served(self.lane, wrote=False)

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for one statement that reads. A statement is a snapshot by itself, and a transaction around
        it would cost two more round trips.

        Raises:
            Unavailable: the database cannot be reached, or is too busy.
        """
        async with self.connected(reads=True) as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")
        self.outages.served(self.lane, wrote=False)

    def demand_reachable(self) -> None:
        """Raises `Unavailable` while the tail of the log finds that the database is away, without asking it."""
        if (away := self.outages.away) is not None and self.lane not in _ASKING:
            raise refusal_of(away)

    async def demand_writes(self) -> None:
        """Raises `Unavailable` when the server takes no writes, or does not answer."""
        async with self.begin() as tx:
            if (await tx.execute(_TAKES_NO_WRITES)).scalar_one():
                raise NoWritesError("this server takes no writes: it is a standby, or was set to read-only")

    async def ping(self) -> None:
        """Send the database a trivial query. Raises `Unavailable` when it does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    def cut(self) -> None:
        """Cut all connections at once. Whoever waits for an answer on one of them gets `Unavailable`."""
        for each in [each for each in self._drivers if not each.is_closed()]:
            each.terminate()
        if self._longer is not None:
            self._longer.cut()

    async def close(self) -> None:
        """Close all connections; one that is still in use, as soon as it is given back. A server that does not answer
        is not waited for."""
        self._is_closed = True
        closing = asyncio.create_task(self.engine.dispose())
        await asyncio.wait({closing}, timeout=_MAX_GOODBYE_S)
        if not closing.done():
            self.cut()  # ends the goodbye; to cancel it would be logged as a fault
        await closing
        if self._longer is not None:
            await self._longer.close()

    @asynccontextmanager
    async def connected(self, *, reads: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a connection for work that begins and ends transactions by itself, as migrations do. It is cut when the
        block takes longer than the users of this lane wait. `reads`: the block has promised to write nothing.

        Raises:
            Unavailable: the database cannot be reached, or is too busy.
        """
        self.demand_reachable()
        limit = BlockLimit(self._patience.block_s, reads=reads)
        try:
            connection = await self._take()
            try:
                limit.begin(connection)
                yield connection
            except Exception as error:
                if (fault := limit.fault_of(error)) is not None and fault.drops:
                    await limit.drop()
                raise
            finally:
                await to_the_end(limit.give_back(connection))
        except Exception as error:
            if (fault := limit.fault_of(error)) is None:
                raise
            if limit.is_cancelled:  # what a cancellation of ours breaks says nothing about the database
                raise asyncio.CancelledError from error
            fault = self._in_words(fault)
            self.outages.met(self.lane, fault)
            raise refusal_of(fault) from error
        finally:
            limit.end()

    async def _take(self) -> AsyncConnection:
        connection = self.engine.connect()
        async with asyncio.timeout(self._patience.wait_s + _GRACE_S):
            await connection.start()
        return connection

    def _opened(self, adapted: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        self._drivers.add(adapted.driver_connection)
        record.info[_EPOCH] = self.outages.epoch

    def _taken(self, adapted: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        """Replace a connection that may lead to a server that is gone, before it is used."""
        if record.info[_EPOCH] != self.outages.epoch:
            adapted.driver_connection.terminate()  # a goodbye could wait for a server that does not answer
            raise DisconnectionError

    def _given_back(self, adapted: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        """End a connection that comes back after the others were closed: nobody would ever take it again."""
        if self._is_closed and adapted is not None:
            adapted.driver_connection.terminate()

    def _in_words(self, fault: Failure) -> Failure:
        """The fault with a sentence, where SQLAlchemy has one of its own or the driver has none."""
        wait_s = self._patience.wait_s
        if fault.label == "pool":
            words = f"all {self._pool_size} connections for {self.lane} stayed in use for {wait_s:g} s"
            return fault._replace(sentence=words)
        if fault.sentence == TimeoutError.__name__:
            return fault._replace(sentence=f"no connection within {wait_s:g} s")
        return fault


def _keep_the_others(context: ExceptionContext) -> None:
    """One lost connection says nothing about the others of the pool; the epoch of the outages does."""
    context.invalidate_pool_on_disconnect = False
