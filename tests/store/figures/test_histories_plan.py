"""A long log: the histories of a month cost what the month costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from service.rules.figures.definition import Period
from service.store.database import Database
from service.store.figures import histories
from tests.conftest import clone
from tests.store import plans

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MONTHS, EACH, EVENTS = 24, 2_000, 6
_LOG = """
    INSERT INTO log_batch (events, last_position, queues, reload)
    SELECT :events, g * :events, '{}', '{}' FROM generate_series(1, :many) g
"""
_EVENTS = """
    INSERT INTO event (batch_id, ord, incident_id, sequence, type, at, area, unit, audience, data)
    SELECT g, o, CAST('00000000-0000-7000-8000-' || lpad(to_hex(g), 12, '0') AS uuid), o,
           CASE o WHEN 2 THEN 'sihu.call.opened' ELSE 'sihu.incident.commented' END,
           CAST(:start AS timestamptz) + g * interval '30 days' / :each, '440105003001001', 'u', '{}',
           json_build_object('words', repeat('x', 300))
    FROM generate_series(1, :many) g, generate_series(1, :events) o ORDER BY g, o
"""


@pytest.fixture(scope="module")
def long_log(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["empty"]):
        asyncio.run(_fill(url))
        yield url


async def _fill(url: str) -> None:
    database = Database(url, pool_size=1)
    sizes = {"many": MONTHS * EACH, "events": EVENTS}
    async with database.begin() as tx:
        await tx.execute(text(_LOG), sizes)
        await tx.execute(text(_EVENTS), {**sizes, "each": EACH, "start": datetime(2024, 12, 1, tzinfo=UTC)})
    await plans.vacuum(database)
    await database.close()


async def test_a_month_reads_its_own_events_only(long_log: str) -> None:
    database, month = Database(long_log, pool_size=1), Period(2026, 3)
    found: list[int] = []
    async with database.engine.connect() as connection:

        async def read() -> None:
            found.extend([len(history) async for history in histories.histories(connection, month)])

        sent = await plans.statements(connection, read())
        plan = await plans.plan_of(connection, sent[0], analyze=True)
    await database.close()
    assert len(found) == pytest.approx(EACH, rel=0.1)
    assert set(found) == {EVENTS}
    assert "event_from_0_at_idx" in json.dumps(plan)
    assert plans.rows_looked_at(plan) < 3 * EACH * EVENTS
