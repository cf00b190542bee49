"""The tail numbers, tells everybody, and survives whatever happens to the database."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from service import metrics
from service.clock import VirtualClock
from service.feed.tail import GATHER_S, POLL_S, Tail
from service.queues.tags import QueueTags
from service.rules.words import EventType, State
from service.store.database import Database
from service.store.log import writing
from service.store.log.tables import event
from service.store.log.writing import Committed, Entry
from tests.store.log.batches import lose

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
CALLING = frozenset({State.CALLING})


class Node:
    """One process's tail."""

    def __init__(self, database: Database) -> None:
        self.queues = QueueTags()
        self.metrics = metrics.new()
        self.tail = Tail(database, self.queues, self.metrics, VirtualClock(NOW))


@pytest.fixture
async def nodes(database: Database) -> AsyncIterator[tuple[Node, Node]]:
    pair = Node(database), Node(database)
    for node in pair:
        await node.tail.load()
        node.tail.start()
    yield pair
    for node in pair:
        await node.tail.stop()


async def write(database: Database, *, queue: str = "u:calling", wake_at: datetime | None = None) -> Committed:
    async with database.begin() as tx:
        return await writing.append(
            tx, [Entry(EventType.INCIDENT_COMMENTED, NOW, "440105", (), {})], queues=[queue], wake_at=wake_at
        )


async def test_a_commit_is_seen_by_both_processes_within_250_ms(database: Database, nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    committed = await write(database)
    here.tail.tell(committed)
    assert POLL_S + GATHER_S <= 0.25 / 2  # what a process waits for by itself; a busy machine adds to it
    assert await there.tail.wait_past(0, 30)
    assert here.queues.tag("u", CALLING) == f'W/"1-{committed.mark.hex[:16]}"'
    assert here.tail.position == there.tail.position == 1
    assert here.queues.tag("u", CALLING) == there.queues.tag("u", CALLING)


async def test_a_commit_whose_process_died_is_numbered_by_another(database: Database, nodes: tuple[Node, Node]) -> None:
    await write(database)
    assert await nodes[0].tail.wait_past(0, 1) and await nodes[1].tail.wait_past(0, 1)


async def test_a_commit_is_told_before_it_is_numbered(database: Database) -> None:
    node = Node(database)
    before = node.queues.tag("u", CALLING)
    woken: list[datetime] = []
    node.tail.on_wake(woken.append)
    node.tail.tell(await write(database, wake_at=NOW))
    assert node.queues.tag("u", CALLING) != before
    assert woken == [NOW]
    assert node.tail.lag_s > 0


async def test_what_is_told_after_it_was_read_back_leaves_no_mark(database: Database, nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    committed = await write(database)
    assert await here.tail.wait_past(0, 1) and await there.tail.wait_past(0, 1)
    here.tail.tell(committed)
    assert here.queues.tag("u", CALLING) == there.queues.tag("u", CALLING)
    assert here.tail.lag_s == 0


async def test_settled_waits_for_a_batch_that_a_later_one_overtook(database: Database) -> None:
    node = Node(database)
    await node.tail.load()
    async with database.begin() as slow:
        early = await writing.append(slow, [Entry(EventType.INCIDENT_COMMENTED, NOW, "440105", (), {})])
        late = await write(database)
        node.tail.tell(late)
        await node.tail._round()
        assert await node.tail.settled(0)
    assert early.batch_id < late.batch_id
    node.tail.tell(early)
    assert not await node.tail.settled(0)
    node.tail.start()
    assert await node.tail.settled()
    await node.tail.stop()


async def test_the_lag_is_that_of_the_oldest_and_not_of_the_load(database: Database, nodes: tuple[Node, Node]) -> None:
    here, told = nodes[0], []
    for _ in range(150):
        committed = await write(database)
        told.append(time.monotonic())
        here.tail.tell(committed)
        lag, waiting = here.tail.lag_s, told[here.tail.position :]
        assert lag <= (time.monotonic() - waiting[0] if waiting else 0)  # none when it was read back already


async def test_everybody_reads_anew_until_it_succeeds(
    database: Database, nodes: tuple[Node, Node], caplog: pytest.LogCaptureFixture
) -> None:
    tried, done = 0, asyncio.Event()

    async def reload() -> None:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise RuntimeError("not this time")
        done.set()

    nodes[1].tail.on_reload("keys", reload)
    async with database.begin() as tx:
        await writing.append(tx, [Entry(EventType.KEY_REVOKED, NOW, "440105", (), {})], reload=["keys"])
    async with asyncio.timeout(5):
        await done.wait()
    assert [record.message for record in caplog.records] == ["the tail of the log failed"]


async def test_a_start_numbers_what_a_dead_process_left(database: Database) -> None:
    committed = await write(database)
    node = Node(database)
    await node.tail.load()
    assert node.tail.position == 1
    assert node.queues.tag("u", CALLING) == f'W/"1-{committed.mark.hex[:16]}"'


async def _restored(database: Database) -> list[Any]:
    async with database.read() as connection:
        found = select(event.c.data).where(event.c.type == EventType.LOG_RESTORED)
        return list((await connection.execute(found)).scalars())


async def test_a_database_that_went_back_is_followed_from_where_it_is(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(database)
    for _ in range(3):
        node.tail.tell(await write(database))
    await node.tail.load()
    old = node.queues.tag("u", CALLING)
    lost = await write(database)
    await lose(database, 1)
    node.tail.tell(lost)
    before = node.tail.history
    await node.tail._round()
    await node.tail._round()
    assert await _restored(database) == [{"end": 1, "lost": 2, "by": {"kind": "clock"}}]
    assert node.tail.position == 1 + 1
    assert node.tail.lag_s == 0
    assert node.tail.history != before
    assert {record.__dict__["event"] for record in caplog.records} == {"log_back", "log_restored", "commits_lost"}
    node.tail.tell(await write(database))
    await node.tail._round()
    assert node.tail.position == 3
    assert node.queues.tag("u", CALLING) != old


async def test_a_loss_is_announced_once_by_all(database: Database, nodes: tuple[Node, Node]) -> None:
    """Both have read what is lost, and a third one comes later."""
    for node in nodes:
        node.tail.tell(await write(database))
    assert await nodes[0].tail.wait_past(1, 5) and await nodes[1].tail.wait_past(1, 5)
    await lose(database, 1)
    async with asyncio.timeout(5):
        while not all(node.tail.renewals for node in nodes):
            await asyncio.sleep(0.01)
    late = Node(database)
    await late.tail.load()
    assert await _restored(database) == [{"end": 1, "lost": 1, "by": {"kind": "clock"}}]
    assert len({node.tail.history for node in (*nodes, late)}) == 1


async def test_a_loss_that_a_process_has_numbered_over_is_noticed(database: Database) -> None:
    """The log has grown past what this process has read: the position is there again, with another batch."""
    node, other = Node(database), Node(database)
    for _ in range(3):
        await write(database)
    await node.tail.load()
    await lose(database, 2)
    for _ in range(4):
        await write(database)
    await other.tail.load()
    assert other.tail.position == 6
    await node.tail._round()
    await node.tail._round()
    assert await _restored(database) == [{"end": 2, "lost": 1, "by": {"kind": "clock"}}]
    assert node.tail.position == 7


async def test_stopping_is_quick_and_leaves_no_connection(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    node = Node(database)
    await node.tail.load()
    node.tail.start()
    node.tail.tell(await write(database))
    async with asyncio.timeout(10):
        await node.tail.stop()
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert not [each for each in caplog.records if each.name.startswith("service.") and each.levelno >= logging.ERROR]


async def test_a_fault_is_counted_and_an_absence_is_not(database: Database) -> None:
    node = Node(database)
    await node.tail.load()
    async with database.begin() as tx:
        await tx.execute(text("ALTER TABLE log_batch ALTER COLUMN queues DROP DEFAULT"))
        await tx.execute(text("ALTER TABLE log_batch ALTER COLUMN queues TYPE text USING ''"))
    await node.tail._round()
    nowhere = Node(Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere"))
    await nowhere.tail._round()
    counted = [
        each.metrics.registry.get_sample_value("sihu_faults_total", {"where": "tail"}) for each in (node, nowhere)
    ]
    assert counted == [1, None]
