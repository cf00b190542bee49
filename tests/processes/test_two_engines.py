"""Two engines in two processes on one database, and one of them dies in mid-batch."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from service.bench.seeding import seed
from service.store.database import Database
from tests.processes.running import serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MANY = 20_000


async def _one(database: Database, question: str) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text(question))).scalar_one())


async def _until(database: Database, question: str, least: int) -> None:
    async with asyncio.timeout(90):
        while await _one(database, question) < least:
            await asyncio.sleep(0.02)


@pytest.mark.clause("GB/T 22239 8.1.4.9 c")
async def test_each_incident_is_called_once_though_an_engine_is_killed_in_mid_batch(
    haizhu: Database, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    await seed(haizhu, MANY, reported_at=now - timedelta(hours=5), due_at=now + timedelta(seconds=8))
    climbed = "SELECT count(*) FROM call WHERE seq = 2"
    with (
        serving(haizhu.url, tmp_path / "a.log", "--engine", "only") as one,
        serving(haizhu.url, tmp_path / "b.log", "--engine", "only") as other,
    ):
        one.wait_until("/readyz", 200)
        other.wait_until("/readyz", 200)
        await _until(haizhu, climbed, 1_000)
        one.process.send_signal(signal.SIGKILL)
        assert await _one(haizhu, climbed) < MANY, "the kill came too late to mean anything"
        await _until(haizhu, climbed, MANY)
        await _until(haizhu, "SELECT count(*) FROM log_batch WHERE last_position IS NOT NULL", 1)
        await _until(
            haizhu, "SELECT CASE WHEN EXISTS (SELECT FROM log_batch WHERE last_position IS NULL) THEN 0 ELSE 1 END", 1
        )

    assert await _one(haizhu, "SELECT count(*) FROM call") == 2 * MANY
    assert await _one(haizhu, "SELECT count(*) FROM call WHERE outcome = 'no_answer' AND late_s >= 0") == MANY
    assert await _one(haizhu, "SELECT count(*) FROM call WHERE outcome IS NULL AND seq = 2 AND level = 2") == MANY
    assert await _one(haizhu, "SELECT count(*) FROM incident WHERE level = 2 AND version = 2 AND sequence = 2") == MANY
    assert await _one(haizhu, "SELECT count(*) FROM event WHERE incident_id IS NOT NULL") == 2 * MANY
    assert await _one(haizhu, "SELECT count(DISTINCT incident_id) FROM event WHERE type = 'sihu.call.missed'") == MANY
    seeded = "FROM event WHERE type = 'sihu.appraisal.seeded'"
    assert await _one(haizhu, f"SELECT count(DISTINCT data->>'period') {seeded}") >= 2
    assert await _one(haizhu, f"SELECT count(*) - count(DISTINCT data->>'period') {seeded}") == 0, "one of them each"
    positions = "SELECT max(last_position) - sum(events) FROM log_batch"
    assert await _one(haizhu, positions) == 0
