"""Whoever cancels a block, once or twice, gets a cancellation: no outage, and no connection that is half used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.errors import Unavailable
from service.store.database import Database
from service.store.ends import BlockLimit
from service.store.outages import Outages
from service.store.sqlstates import Trouble

pytestmark = pytest.mark.anyio

LOCK = 4711
_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
_ADD = text("INSERT INTO line VALUES ('a', '')")


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Database]:
    """A database of one connection, so that the next block has the one that was given back."""
    small = Database(database_url, pool_size=1, outages=Outages())
    yield small
    await small.close()


async def hold_commits_up(database: Database) -> None:
    """A commit of a new line waits, from now on, for a lock that a test can hold."""
    async with database.begin() as tx:
        body = f"BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END"
        await tx.execute(text(f"CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"))
        made = "CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON line DEFERRABLE INITIALLY DEFERRED"
        await tx.execute(text(f"{made} FOR EACH ROW EXECUTE FUNCTION hold()"))


async def until_somebody_waits(connection: AsyncConnection) -> None:
    async with asyncio.timeout(30):
        while not (await connection.execute(_WAITING)).scalar_one():
            await asyncio.sleep(0.01)


async def lines(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM line"))).scalar_one())


async def adds(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(_ADD)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_commit_is_finished_however_often_cancelled(small: Database, database: Database, times: int) -> None:
    await hold_commits_up(database)
    async with database.begin() as holder:
        await holder.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        adding = asyncio.create_task(adds(small))
        await until_somebody_waits(holder)
        for _ in range(times):
            adding.cancel()
            await asyncio.wait({adding}, timeout=0.01)
        assert not adding.done(), "it waits for its commit"
    async with asyncio.timeout(30):
        await asyncio.wait({adding})
    assert adding.cancelled()
    assert not small.outages.counts
    assert await lines(small) == 1


async def _meets_an_error(database: Database, interrupt: Callable[[], object]) -> None:
    """What a driver may make of a cancellation: an error of its own."""
    async with database.begin() as tx:
        driver = (await tx.get_raw_connection()).driver_connection
        assert driver is not None
        interrupt()
        try:
            await asyncio.Event().wait()
        finally:
            driver.terminate()
            await tx.execute(_ADD)


async def test_an_error_made_by_a_cancellation_is_no_outage(small: Database) -> None:
    broken = asyncio.create_task(_meets_an_error(small, lambda: broken.cancel()))
    await asyncio.wait({broken}, timeout=30)
    assert broken.cancelled()
    assert not small.outages.counts
    assert await lines(small) == 0


async def test_the_same_under_a_time_limit_is_a_timeout(small: Database) -> None:
    """A time limit works by a cancellation, which it has to find again to know that it was the one."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            await _meets_an_error(small, lambda: limit.reschedule(0))
    assert not small.outages.counts
    assert await lines(small) == 0


async def test_a_time_limit_that_is_over_hides_no_outage(small: Database) -> None:
    async def meets_an_error_later() -> None:
        async with small.begin() as tx:
            driver = (await tx.get_raw_connection()).driver_connection
            assert driver is not None
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()
            driver.terminate()
            await tx.execute(_ADD)

    with pytest.raises(Unavailable):
        await meets_an_error_later()
    assert small.outages.counts[Trouble.AWAY] == 1


async def test_a_connection_that_cannot_be_given_back_ends(small: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: AsyncConnection) -> None:
        raise RuntimeError("another operation is in progress")

    connection = await small.engine.connect()
    driver = (await connection.get_raw_connection()).driver_connection
    limit = BlockLimit(None, reads=False)
    limit.begin(connection)
    monkeypatch.setattr(AsyncConnection, "close", fails)
    with pytest.raises(RuntimeError):
        await limit.give_back(connection)
    monkeypatch.undo()
    assert driver is not None and driver.is_closed()
    assert await lines(small) == 0
