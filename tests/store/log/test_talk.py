"""The comments and urges of a subject are counted by the log, and by an index of their own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.rules.words import EventType
from service.store.database import Database
from service.store.log import talk, writing
from service.store.log.writing import Entry

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


async def write(database: Database, kind: EventType, subject: str | None, minutes: int) -> None:
    async with database.begin() as tx:
        entry = Entry(kind, NOW + timedelta(minutes=minutes), "440105003001001", (), {}, subject=subject)
        await writing.append(tx, [entry])


async def test_only_talk_of_the_subject_and_of_the_time_counts(database: Database) -> None:
    for minutes in (0, 10, 20):
        await write(database, EventType.INCIDENT_COMMENTED, "worker", minutes)
    await write(database, EventType.INCIDENT_URGED, "worker", 30)
    await write(database, EventType.INCIDENT_COMMENTED, "colleague", 40)
    await write(database, EventType.INCIDENT_COMMENTED, None, 41)
    await write(database, EventType.CALL_ANSWERED, "worker", 42)
    async with database.begin() as tx:
        found = [await talk.newest(tx, "worker", place, NOW) for place in (1, 3, 4)]
    assert found == [NOW + timedelta(minutes=30), NOW + timedelta(minutes=10), None]


async def test_counting_reads_an_index_and_no_history(database: Database) -> None:
    await write(database, EventType.INCIDENT_COMMENTED, "worker", 0)
    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await tx.execute(
            text(
                "EXPLAIN SELECT at FROM event WHERE type IN ('sihu.incident.commented', 'sihu.incident.urged') "
                "AND subject = 'worker' AND at > now() ORDER BY at DESC OFFSET 59 LIMIT 1"
            )
        )
        assert "event_from_0_talk_idx" in "\n".join(plan.scalars())


async def test_one_subject_has_one_turn_at_a_time(database: Database) -> None:
    async with database.begin() as tx:
        await talk.lock(tx, "worker")
        async with database.begin() as other:
            await talk.lock(other, "colleague")
        waits = asyncio.create_task(_lock(database, "worker"))
        await asyncio.sleep(0.1)
        assert not waits.done()
    await waits


async def _lock(database: Database, subject: str) -> None:
    async with database.begin() as tx:
        await talk.lock(tx, subject)
