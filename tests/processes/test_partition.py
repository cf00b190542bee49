"""A process that vanishes from the network with locks in its hands holds nobody up for long."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from service.bench.seeding import seed
from service.store.database import Database
from tests.processes.running import command, serving
from tests.processes.servers import Switch, own_server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MANY = 20_000
_CLIMBED = "SELECT count(*) FROM call WHERE seq = 2"
_HELD = (
    "SELECT count(DISTINCT activity.pid) FROM pg_stat_activity AS activity JOIN pg_locks AS held USING (pid) "
    "WHERE activity.datname = current_database() AND activity.state = 'idle in transaction' "
    "AND held.mode = 'RowExclusiveLock' AND activity.state_change < clock_timestamp() - interval '0.3 s'"
)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    with tempfile.TemporaryDirectory(prefix="sihu-partition-") as folder:
        os.chmod(folder, 0o711)
        server = own_server(Path(folder) / "pg")
        assert command("migrate", url=server.url()).returncode == 0
        assert command("registry", "import", "service/registry/haizhu", url=server.url()).returncode == 0
        switch = Switch(server)
        yield switch
        switch.close()
        server.stop()


async def one(database: Database, question: str) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text(question))).scalar_one())


async def until(database: Database, question: str, least: int, *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await one(database, question) < least:
            await asyncio.sleep(0.02)


async def freeze_with_locks(database: Database, switch: Switch) -> None:
    """Cut the network at a moment at which the process behind the switch holds rows."""
    for _ in range(200):
        switch.freeze()
        await asyncio.sleep(0.4)
        if await one(database, _HELD):
            return
        switch.thaw()
        await asyncio.sleep(0.03)
    raise AssertionError("the sweep never held a row while the network was cut")


async def test_the_rows_of_a_vanished_engine_are_free_within_seconds(switch: Switch, tmp_path: Path) -> None:
    database = Database(switch.server.url())
    now = datetime.now(UTC)
    await seed(database, MANY, reported_at=now - timedelta(hours=5), due_at=now + timedelta(seconds=6))
    with serving(switch.url(), tmp_path / "a.log", "--engine", "only") as vanishing:
        vanishing.wait_until("/readyz", 200)
        await until(database, _CLIMBED, 500, seconds=60)
        await freeze_with_locks(database, switch)
        began = time.monotonic()
        with serving(switch.server.url(), tmp_path / "b.log", "--engine", "only") as other:
            other.wait_until("/healthz", 200)
            await until(database, _CLIMBED, MANY, seconds=60)
            unnumbered = "SELECT CASE WHEN EXISTS (SELECT FROM log_batch WHERE last_position IS NULL) THEN 0 ELSE 1 END"
            await until(database, unnumbered, 1, seconds=20)
            assert time.monotonic() - began < 25  # 30 s and the sweep, had the rows been held as long as imports may
            assert await one(database, _HELD) == 0
    assert await one(database, "SELECT count(*) FROM call") == 2 * MANY
    await database.close()
