"""What the log has of a month: its own events, in their order, wherever the log lies; found by an index."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.rules.figures.definition import Period
from service.rules.words import EventType
from service.store.database import Database
from service.store.figures import records, seeds
from service.store.figures.records import MonthRecord
from tests.store import plans
from tests.store.log.batches import archive_oldest

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
NOVEMBER, DECEMBER, JANUARY = Period(2026, 11), Period(2026, 12), Period(2027, 1)
SEEDED = EventType.APPRAISAL_SEEDED


async def _seed(database: Database) -> None:
    async with database.begin() as tx:
        assert await seeds.make_ahead(tx, NOW) is not None


async def _records(database: Database, period: Period, kind: EventType = SEEDED) -> list[MonthRecord]:
    async with database.read() as connection:
        return [*await records.records(connection, period, kind)]


async def test_a_month_has_its_own_records(haizhu: Database) -> None:
    await _seed(haizhu)
    async with haizhu.read() as connection:
        known = await seeds.seeds_of(connection, [NOVEMBER, DECEMBER])
    for period in (NOVEMBER, DECEMBER):
        (record,) = await _records(haizhu, period)
        assert (record.at, record.data["digest"]) == (NOW, known[period].digest)
    assert await _records(haizhu, JANUARY) == []
    assert await _records(haizhu, NOVEMBER, EventType.APPRAISAL_CLOSED) == []


async def test_the_archive_is_read_too(haizhu: Database) -> None:
    await _seed(haizhu)
    before = await _records(haizhu, NOVEMBER)
    await archive_oldest(haizhu)
    assert await _records(haizhu, NOVEMBER) == before != []


async def test_events_of_incidents_are_not_looked_at(haizhu: Database) -> None:
    async with haizhu.read() as connection:
        (sent,) = await plans.statements(connection, records.records(connection, NOVEMBER, SEEDED))
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # which a small log would be read by
        plan = await plans.plan_of(connection, sent)
    found = [node["Index Cond"] for node in plans.nodes(plan) if "Index Cond" in node]
    assert found and set(found) == {"(incident_id IS NULL)"}
    assert not [node for node in plans.nodes(plan) if node["Node Type"] == "Seq Scan"]
