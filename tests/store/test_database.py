"""One commit, one snapshot: what a block of `begin` or `read` promises, and which errors mean that it is down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.errors import Unavailable
from service.store.database import Database, StatementRefused

pytestmark = pytest.mark.anyio

_COUNT = text("SELECT count(*) FROM line")
_ADD = text("INSERT INTO line (code, name) VALUES (:code, '环卫')")


async def _lines(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(_COUNT)).scalar_one())


async def _sessions_in_transaction(database: Database) -> int:
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    query = text(f"SELECT count(*) {others} AND state LIKE 'idle in transaction%'")
    async with database.read() as connection:
        return int((await connection.execute(query)).scalar_one())


# --- down, or at fault ----------------------------------------------------------------------------------------------


async def _killed(database: Database) -> None:
    async with database.begin() as tx:
        pid = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        async with database.begin() as other:
            await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        await tx.execute(_COUNT)


async def _idle_too_long(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("SET idle_in_transaction_session_timeout = '20ms'"))
        await asyncio.sleep(0.2)
        await tx.execute(_COUNT)


async def _locked_out(database: Database) -> None:
    async with database.begin() as holder, database.begin() as tx:
        await holder.execute(text("LOCK TABLE line"))
        await tx.execute(text("SET LOCAL lock_timeout = '20ms'"))
        await tx.execute(_COUNT)


async def _nobody_listens(database: Database) -> None:
    await _ping(make_url(database.url).update_query_dict({"host": "/nowhere"}))


async def _no_such_database(database: Database) -> None:
    await _ping(make_url(database.url).set(database="nobody"))


async def _ping(url: URL) -> None:
    absent = Database(url.render_as_string(hide_password=False))
    try:
        await absent.ping()
    finally:
        await absent.close()


@pytest.mark.parametrize("provoke", [_killed, _idle_too_long, _locked_out, _nobody_listens, _no_such_database])
async def test_a_database_that_is_down_is_unavailable(
    database: Database, provoke: Callable[[Database], Awaitable[None]]
) -> None:
    with pytest.raises(Unavailable) as refusal:
        await provoke(database)
    assert refusal.value.cause
    assert await _lines(database) == 0, "the pool works on"


async def _run(database: Database, script: str, **parameters: object) -> None:
    async with database.begin() as tx:
        for statement in script.split("; "):
            await tx.execute(text(statement), parameters)


_TWICE = "INSERT INTO line VALUES ('a', ''); INSERT INTO line VALUES ('a', '')"


@pytest.mark.parametrize(("script", "kind"), [(_TWICE, IntegrityError), ("SELEKT 1", ProgrammingError)])
async def test_a_refused_statement_is_no_outage(database: Database, script: str, kind: type[Exception]) -> None:
    with pytest.raises(StatementRefused) as refusal:
        await _run(database, script)
    assert isinstance(refusal.value, kind)
    assert await _lines(database) == 0


@pytest.mark.parametrize("value", [2**40, "\ud800", b"bytes"])
async def test_a_value_the_driver_cannot_send_is_no_outage(database: Database, value: object) -> None:
    kind = "int" if isinstance(value, int) else "text"
    with pytest.raises(StatementRefused):
        await _run(database, f"SELECT CAST(:value AS {kind})", value=value)


async def test_an_exhausted_pool_is_unavailable(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Database(database_url, pool_size=1)
    monkeypatch.setattr(small.engine.sync_engine.pool, "_timeout", 0.05)
    async with small.begin():
        with pytest.raises(Unavailable):
            await small.ping()
    await small.close()


# --- the one commit -------------------------------------------------------------------------------------------------


async def test_a_block_is_committed_when_it_ends(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(_ADD, {"code": "a"})
        assert await _lines(database) == 0
    assert await _lines(database) == 1


async def _changes_its_mind(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(_ADD, {"code": "a"})
        raise KeyError


@pytest.mark.clause("ASVS 2.3.3", "ASVS 16.5.3")
async def test_an_error_in_the_block_rolls_it_back(database: Database) -> None:
    with pytest.raises(KeyError):
        await _changes_its_mind(database)
    assert await _lines(database) == 0
    assert await _sessions_in_transaction(database) == 0


async def test_what_is_given_back_after_the_end_is_closed(database_url: str) -> None:
    database = Database(database_url, pool_size=2)
    async with database.begin() as tx:
        await tx.execute(_ADD, {"code": "a"})
        driver = (await tx.get_raw_connection()).driver_connection
        assert driver is not None
        await database.close()
        assert not driver.is_closed(), "what is in use is finished"
    assert driver.is_closed()
    again = Database(database_url, pool_size=1)
    assert await _lines(again) == 1
    await again.close()


async def test_a_transaction_is_read_committed(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(_COUNT)
        async with database.begin() as other:
            await other.execute(_ADD, {"code": "a"})
        assert (await tx.execute(_COUNT)).scalar_one() == 1


async def _waits_between_statements(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(_ADD, {"code": "a"})
        await asyncio.sleep(30)


async def _waits_in_a_statement(database: Database) -> None:
    await _run(database, "INSERT INTO line VALUES ('a', ''); SELECT pg_sleep(30)")


_WAITING = "(state LIKE 'idle in transaction%' AND query LIKE 'INSERT%') OR wait_event = 'PgSleep'"


@pytest.mark.parametrize("work", [_waits_between_statements, _waits_in_a_statement])
async def test_a_cancelled_caller_leaves_nothing_half_done(
    database: Database, work: Callable[[Database], Awaitable[None]]
) -> None:
    """What comes before a commit is rolled back. A commit under way is finished: tests/store/test_ends.py."""
    task = asyncio.ensure_future(work(database))
    async with asyncio.timeout(30), database.glance() as connection:
        here = "FROM pg_stat_activity WHERE datname = current_database()"
        while not (await connection.execute(text(f"SELECT count(*) {here} AND ({_WAITING})"))).scalar_one():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _lines(database) == 0
    assert await _sessions_in_transaction(database) == 0


# --- one snapshot ---------------------------------------------------------------------------------------------------


async def test_a_read_block_is_one_snapshot(database: Database) -> None:
    async with database.read() as connection:
        assert (await connection.execute(_COUNT)).scalar_one() == 0
        async with database.begin() as tx:
            await tx.execute(_ADD, {"code": "a"})
        assert (await connection.execute(_COUNT)).scalar_one() == 0
    assert await _lines(database) == 1


@pytest.mark.clause("ASVS 3.5.3")
async def test_a_read_block_refuses_to_write(database: Database) -> None:
    with pytest.raises(DBAPIError) as refusal:
        async with database.read() as connection:
            await connection.execute(_ADD, {"code": "a"})
    assert getattr(refusal.value.orig, "sqlstate", None) == "25006"


async def test_a_connection_that_has_read_may_write_again(database_url: str) -> None:
    """The pool's only connection serves both kinds of block, one after the other."""
    small = Database(database_url, pool_size=1)
    assert await _lines(small) == 0
    async with small.begin() as tx:
        await tx.execute(_ADD, {"code": "a"})
        assert await _settings(tx) == ("read committed", "off", "30s", "10s", "30s", "UTC", "off")
    assert await _lines(small) == 1
    await small.close()


async def _settings(connection: AsyncConnection) -> tuple[str, ...]:
    names = (
        *("transaction_isolation", "transaction_read_only", "statement_timeout", "lock_timeout"),
        *("idle_in_transaction_session_timeout", "timezone", "jit"),
    )
    row = await connection.execute(text("SELECT " + ", ".join(f"current_setting('{name}')" for name in names)))
    return tuple(row.one())


async def test_a_glance_opens_no_transaction(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    try:
        async with database.glance() as connection:
            first, second = [(await connection.execute(text("SELECT now()"))).scalar_one() for _ in range(2)]
            assert first < second
        async with database.begin() as tx:  # the same connection has transactions again
            await tx.execute(_ADD, {"code": "a"})
            await tx.rollback()
            await tx.begin()
        assert await _lines(database) == 0
    finally:
        await database.close()
