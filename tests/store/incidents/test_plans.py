"""The plans of everything on a hot path, kept: an index where it must be one, no work that grows with history."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from service.bench.seeding import seed
from service.queues.tags import DEFAULT_STATES
from service.rules.sight import EVERYTHING
from service.store.database import Database
from service.store.incidents import claiming, queue_pages
from service.store.log import feed, numbering
from service.store.log.feed import FeedFilter
from tests.conftest import clone
from tests.store import plans

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
MANY = 20_000


async def _plan(connection: AsyncConnection, run: Awaitable[object]) -> str:
    """The plan of the last statement that `run` sends on this connection, as JSON text."""
    sent = await plans.statements(connection, run)
    return json.dumps(await plans.plan_of(connection, sent[-1]))


@pytest.fixture(scope="module")
def busy_url(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["haizhu"]):
        asyncio.run(_fill(url))
        yield url


async def _fill(url: str) -> None:
    """Twenty thousand open incidents, five due; eighty thousand batches of history, a hundred not numbered yet."""
    database = Database(url, pool_size=2)
    await seed(database, MANY, reported_at=NOW, due_at=NOW + timedelta(days=3))
    await seed(database, 5, reported_at=NOW, due_at=NOW, name="due")
    history = """
        INSERT INTO log_batch (events, last_position, queues, reload)
        SELECT 2, CASE WHEN g <= 79900 THEN 2 * g + 100 END, ARRAY['u:calling'], '{}' FROM generate_series(1, 80000) g;
    """
    events = """
        INSERT INTO event (batch_id, ord, incident_id, sequence, type, at, area, audience, data)
        SELECT b.id, n, gen_random_uuid(), 1, 'x', :now, '440105003001001', '{}', '{}'
        FROM log_batch b, generate_series(1, 2) n WHERE b.queues = ARRAY['u:calling']
    """
    async with database.begin() as tx:
        await tx.execute(text(history))
        await tx.execute(text(events), {"now": NOW})
    await plans.vacuum(database)
    await database.close()


@pytest.fixture
async def busy(busy_url: str) -> AsyncIterator[Database]:
    database = Database(busy_url, pool_size=2)
    yield database
    await database.close()


async def test_claiming_what_is_due_reads_the_wake_index_in_order(busy: Database) -> None:
    async with busy.begin() as tx:
        plan = await _plan(tx, claiming.claim_due(tx, NOW, 500))
    assert "incident_wake_idx" in plan
    assert "Seq Scan" not in plan


async def test_the_next_deadline_is_one_look_at_the_wake_index(busy: Database) -> None:
    async with busy.begin() as tx:
        plan = await _plan(tx, claiming.next_wake(tx))
    assert "incident_wake_idx" in plan
    assert '"Sort"' not in plan


async def test_numbering_looks_at_the_unnumbered_tail_only(busy: Database) -> None:
    async with busy.begin() as tx:
        plan = await _plan(tx, numbering.seal(tx))
    assert "log_batch_from_0_position_key" in plan
    assert "Seq Scan" not in plan
    assert '"event"' not in plan


async def test_a_page_of_the_feed_starts_at_its_cursor(busy: Database) -> None:
    async with busy.begin() as tx:
        plan = await _plan(tx, feed.read(tx, 100_000, 50, FeedFilter(EVERYTHING)))
    assert "log_batch_from_0_position_key" in plan
    assert "event_from_0_pkey" in plan
    assert "Seq Scan" not in plan


async def test_a_queue_page_reads_the_queue_index_in_order(busy: Database) -> None:
    async with busy.begin() as tx:
        plan = await _plan(tx, queue_pages.page(tx, "440105003001", sorted(DEFAULT_STATES), None, 50, sight=EVERYTHING))
    assert "incident_queue_idx" in plan
    assert "Seq Scan" not in plan
