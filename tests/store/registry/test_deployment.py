"""What there is one of per database, and the clock that is set by it."""

from __future__ import annotations

import pytest

from service.clock import DatabaseClock
from service.store.database import Database
from service.store.registry import deployment

pytestmark = pytest.mark.anyio


async def test_the_clock_lies_within_a_round_trip_of_the_databases(database: Database) -> None:
    database_clock = DatabaseClock()
    await database_clock.synchronise(database)
    async with database.read() as connection:
        await deployment.server_time(connection)  # the first statement also opens the transaction
        before = database_clock.now()
        server_time = await deployment.server_time(connection)
        after = database_clock.now()
    assert abs((before + (after - before) / 2 - server_time).total_seconds()) < 0.05


async def test_the_databases_time_runs_on_inside_a_transaction(database: Database) -> None:
    async with database.read() as connection:
        assert await deployment.server_time(connection) < await deployment.server_time(connection)


async def test_the_one_row_tells_the_secret_and_the_version_of_the_world(database: Database) -> None:
    async with database.read() as connection:
        assert len(await deployment.cursor_secret(connection)) >= 32
        assert await deployment.world_name(connection) == (1, None)
