"""How the open incidents stand: counted from what is open, never from history."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.bench.seeding import seed
from service.rules.errors import Unavailable
from service.store.database import Database
from service.store.incidents import standing
from service.store.incidents.standing import LevelStanding

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
_CLOSE = text(
    "UPDATE incident SET state = 'closed', due_at = NULL, due_kind = NULL, wake_at = NULL, closed_at = updated_at, "
    "closed_as = 'void' WHERE number LIKE 'old-%'"
)


async def fill(database: Database) -> None:
    await seed(database, 3, reported_at=NOW, due_at=NOW + 2 * HOUR)
    await seed(database, 1, reported_at=NOW, due_at=NOW - HOUR, name="late")
    await seed(database, 2, reported_at=NOW, due_at=NOW + HOUR, name="higher")
    await seed(database, 2000, reported_at=NOW, due_at=NOW - 9 * HOUR, name="old")
    async with database.begin() as tx:
        await tx.execute(text("UPDATE incident SET level = 3 WHERE number LIKE 'higher-%'"))
        await tx.execute(_CLOSE)
        await tx.execute(text("ANALYZE incident"))


async def test_open_incidents_and_the_oldest_deadline_by_level(haizhu: Database) -> None:
    await fill(haizhu)
    async with haizhu.read() as connection:
        found = await standing.by_level(connection, 5000)
    assert found == {1: LevelStanding(4, NOW - HOUR), 3: LevelStanding(2, NOW + HOUR)}


async def test_nothing_open_has_no_standing(haizhu: Database) -> None:
    async with haizhu.read() as connection:
        assert await standing.by_level(connection, 5000) == {}


async def test_history_costs_nothing(haizhu: Database) -> None:
    await fill(haizhu)
    async with haizhu.read() as connection:
        await standing.by_level(connection, 5000)  # which makes the settings of this transaction
        statement = standing._OPEN.compile(connection.engine, compile_kwargs={"literal_binds": True})
        found = (await connection.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"))).scalar_one()
    plan = found if isinstance(found, str) else json.dumps(found)
    assert "Seq Scan" not in plan
    assert re.search("incident_(queue|open)_idx", plan)


async def _sleep_after(database: Database, timeout_ms: int) -> None:
    async with database.read() as connection:
        await standing.by_level(connection, timeout_ms)
        await connection.execute(text("SELECT pg_sleep(5)"))


async def test_the_limits_are_those_of_one_transaction(haizhu: Database) -> None:
    with pytest.raises((DBAPIError, Unavailable)):
        await _sleep_after(haizhu, 50)
    async with haizhu.read() as connection:
        assert (await connection.execute(text("SHOW enable_seqscan"))).scalar_one() == "on"
