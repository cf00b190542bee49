"""A process that vanishes from the network with locks in its hands holds nobody up for long."""

from __future__ import annotations

import asyncio
import os
import tempfile
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
_HOLDERS = (
    "SELECT DISTINCT activity.pid FROM pg_stat_activity AS activity JOIN pg_locks AS held USING (pid) "
    "WHERE activity.datname = current_database() AND activity.state = 'idle in transaction' "
    "AND held.mode = 'RowExclusiveLock' AND activity.state_change < clock_timestamp() - interval '0.3 s'"
)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    with tempfile.TemporaryDirectory(prefix="sihu-partition-") as folder:
        os.chmod(folder, 0o711)
        host = ".".join(map(str, (127, *(os.getpid() + 1).to_bytes(3, "big"))))  # other runs have others
        server = own_server(Path(folder) / "pg", listen_addresses=host)
        assert command("migrate", url=server.url()).returncode == 0
        assert command("registry", "import", "service/registry/haizhu", url=server.url()).returncode == 0
        switch = Switch(server, host)
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


async def holders(database: Database) -> set[int]:
    async with database.read() as connection:
        return set((await connection.execute(text(_HOLDERS))).scalars())


async def until_gone(database: Database, sessions: set[int], *, seconds: float) -> None:
    """Wait for the end of sessions that held rows; those of a busy engine may look the same."""
    async with asyncio.timeout(seconds), database.glance() as connection:
        living = text("SELECT pid FROM pg_stat_activity")
        while sessions & set((await connection.execute(living)).scalars()):
            await asyncio.sleep(0.02)


async def freeze_with_locks(database: Database, switch: Switch) -> set[int]:
    """Cut the network at a moment at which the process behind the switch holds rows. Returns the sessions that hold
    them."""
    for _ in range(200):
        switch.freeze()
        await asyncio.sleep(0.4)
        if found := await holders(database):
            return found
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
        sessions = await freeze_with_locks(database, switch)
        with serving(switch.server.url(), tmp_path / "b.log", "--engine", "only") as other:
            await until_gone(database, sessions, seconds=25)  # 30 s, were they held as long as imports may
            # how fast the other engine starts and sweeps is not the question
            other.wait_until("/healthz", 200, seconds=120)
            await until(database, _CLIMBED, MANY, seconds=200)
            unnumbered = "SELECT CASE WHEN EXISTS (SELECT FROM log_batch WHERE last_position IS NULL) THEN 0 ELSE 1 END"
            await until(database, unnumbered, 1, seconds=60)
    assert await one(database, "SELECT count(*) FROM call") == 2 * MANY
    await database.close()
