"""How a block that uses a connection ends: by its time limit, by a cancellation, or in its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.sqlstates import Failure, Trouble, fault_of, unreached

_READ_ONLY = "25006"


class BlockLimit:
    """The end of the time that a transaction may take, at which its connection is cut. Whatever it waits for ends then,
    since a server that does not answer would not hear of a cancellation either."""

    def __init__(self, block_s: float | None, *, reads: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._block_s = block_s
        self._reads = reads
        self._began = self._loop.time()
        self._connection: AsyncConnection | None = None
        self._driver: Any = None
        self._handle: asyncio.TimerHandle | None = None
        self._passed = False
        self._task = asyncio.current_task()
        self._cancelled_before = self._cancellations()

    @property
    def is_cancelled(self) -> bool:
        """Whether the block was cancelled, by whoever does not want it any more or by a time limit around it. A time
        limit within the block that is over does not count."""
        return self._cancellations() > self._cancelled_before

    def _cancellations(self) -> int:
        return self._task.cancelling() if self._task is not None else 0

    def begin(self, connection: AsyncConnection) -> None:
        self._connection = connection
        sync = connection.sync_connection
        assert sync is not None
        self._driver = sync.connection.driver_connection
        if self._block_s is not None:
            self._handle = self._loop.call_at(self._began + self._block_s, self._cut)

    def _cut(self) -> None:
        self._passed = True
        self._driver.terminate()

    def fault_of(self, error: Exception) -> Failure | None:
        """What is wrong with the database when the block raises `error`; None when nothing is."""
        fault = fault_of(error) if self._connection is not None else unreached(error)
        if fault is None or (self._reads and fault.label == _READ_ONLY):  # the block has broken its own promise
            return None
        if not self._passed:
            return fault
        return Failure(Trouble.SILENT, True, "timeout", f"no answer within {self._block_s:g} s")

    async def drop(self) -> None:
        """Close the connection without a goodbye, so that nobody takes it again."""
        if self._connection is not None and not self._connection.closed:
            self._driver.terminate()
            await self._connection.invalidate()

    async def give_back(self, connection: AsyncConnection) -> None:
        """Give a connection back to its pool, or end it where that fails: the next one would find a transaction that
        is still open."""
        try:
            await connection.close()
        except Exception:
            await self.drop()
            raise

    def end(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish the commit even when the caller is cancelled, however often, then pass the cancellation on. A second
    cancellation is usual: of a part that stops, and then of whoever waited for its stop."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at, or asyncio would log a fault of a commit that nobody waits for any more
    raise cancelled
