"""The steps of migrations: what they lock, and what they leave when they are tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from service.store import migration_steps
from service.store.database import Database

pytestmark = pytest.mark.anyio


async def _migrate(database: Database, step: Callable[[Operations], None]) -> None:
    """Run one step as a migration runs it: in a transaction that the migration itself begins and ends."""

    def run(connection: Connection) -> None:
        context = MigrationContext.configure(connection)
        with context.begin_transaction(), Operations.context(context) as operations:
            step(operations)

    async with database.connected() as connection:
        await connection.run_sync(run)


async def _ask(database: Database, question: str) -> list[str]:
    async with database.read() as connection:
        return [str(each) for each in (await connection.execute(text(question))).scalars()]


async def test_a_lock_is_the_strongest_and_in_one_order(database: Database) -> None:
    seen: list[str] = []
    held = (
        "SELECT relation::regclass::text FROM pg_locks WHERE mode = 'AccessExclusiveLock' "
        "AND relation IN ('call'::regclass, 'incident'::regclass) AND pid = pg_backend_pid() ORDER BY 1"
    )

    def step(operations: Operations) -> None:
        migration_steps.lock(operations, "incident", "call")
        seen.extend(operations.get_bind().execute(text(held)).scalars())

    await _migrate(database, step)
    assert seen == ["call", "incident"]


async def test_an_index_is_built_beside_the_traffic(database: Database) -> None:
    """A transaction that has written the table is open. The index waits for it, and keeps nobody else waiting."""
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('line_name_idx')"

    def step(operations: Operations) -> None:
        migration_steps.build_index(operations, "line_name_idx", "line (name)")

    async with database.begin() as tx:
        await tx.execute(text("INSERT INTO line (code, name) VALUES ('a', 'A')"))
        building = asyncio.create_task(_migrate(database, step))
        while await _ask(database, valid) != ["False"]:
            await asyncio.sleep(0.01)
        async with database.begin() as other:
            await other.execute(text("SET LOCAL lock_timeout = '1s'"))
            await other.execute(text("INSERT INTO line (code, name) VALUES ('b', 'B')"))
        assert not building.done()
    await asyncio.wait_for(building, 30)
    assert await _ask(database, valid) == ["True"]


async def test_an_index_that_failed_is_built_anew(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("INSERT INTO line (code, name) VALUES ('a', 'A'), ('b', 'A')"))

    def step(operations: Operations) -> None:
        migration_steps.build_index(operations, "line_name_key", "line (name)", unique=True)

    with pytest.raises(Exception, match="could not create unique index"):
        await _migrate(database, step)
    async with database.begin() as tx:
        await tx.execute(text("UPDATE line SET name = code"))
    await _migrate(database, step)
    assert await _ask(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'line_name_key'::regclass") == [
        "True"
    ]


async def test_the_oldest_program_is_written_on_the_tables(database: Database) -> None:
    async with database.read() as connection:
        assert await connection.run_sync(migration_steps.oldest_program) is None
    await _migrate(database, lambda operations: migration_steps.contract(operations, "0012"))
    async with database.read() as connection:
        assert await connection.run_sync(migration_steps.oldest_program) == "0012"
