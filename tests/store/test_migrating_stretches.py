"""From 0012 to now: the log that was there becomes the first stretch of the new one, and nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from service.rules.sight import EVERYTHING
from service.store import migrate
from service.store.database import Database
from service.store.incidents import timelines
from service.store.log import feed, histories, marks, numbering, stretches, writing
from service.store.log.feed import FeedFilter
from service.store.log.histories import Memory
from service.store.log.stretches import STRETCH
from service.store.log.writing import Entry
from tests.store.log.batches import INCIDENT, NOW, comments, seal, write
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

ALL = FeedFilter(EVERYTHING)
_OF_EVENT = (
    "batch_id, ord, incident_id, sequence, type, at, area, unit, audience, data, subject, idempotency_key, body_hash"
)
"""The columns of `event` at that revision."""


@pytest.fixture
async def old(blank_url: str) -> AsyncIterator[Database]:
    """A log as 0012 has it: five batches of which three have their numbers, and a counter that has skipped one."""
    async with at_revision(blank_url, "0012") as database:
        for first in (1, 3, 5):
            await write(database, comments(2, first), queues={"u:calling"})
        await seal(database)
        async with database.begin() as tx:
            await histories.look(tx, NOW, Memory(frozenset()))
        for first in (7, 8):
            await write(database, comments(1, first))
        with pytest.raises(ZeroDivisionError):
            await _change_ones_mind(database)
        yield database


async def _change_ones_mind(database: Database) -> None:
    async with database.begin() as tx:
        await writing.append(tx, comments(1, 9))
        raise ZeroDivisionError


async def _everything(database: Database) -> list[Any]:
    """What readers see: the feed from the start and from a cursor, marks, queues, and all columns of the rows."""
    async with database.read() as connection:
        return [
            await feed.read(connection, 0, 100, ALL),
            await feed.read(connection, 2, 100, ALL, (await marks.at(connection, 2)).mark),
            await marks.newest(connection, 100),
            await numbering.queue_marks(connection),
            await numbering.newest_time(connection),
            [tuple(row) for row in await connection.execute(text("SELECT * FROM log_batch ORDER BY id"))],
            [str(row) for row in await connection.execute(text(f"SELECT {_OF_EVENT} FROM event ORDER BY 1, 2"))],
        ]


async def test_nothing_of_the_log_is_changed(old: Database) -> None:
    before = await _everything(old)
    await migrate.upgrade(old)
    assert await _everything(old) == before
    async with old.read() as connection:
        found = await stretches.room(connection)
        assert len(await timelines.timeline(connection, INCIDENT, limit=100)) == 8
    assert found.kept == (stretches.LogStretch(0, 2 * STRETCH),)


async def test_the_log_goes_on_where_it_was(old: Database) -> None:
    await migrate.upgrade(old)
    assert (await write(old, comments(1, 9))).batch_id == 7, "the sixth was taken back"
    assert await seal(old) == 3
    async with old.read() as connection:
        page = await feed.read(connection, 5, 100, ALL)
    assert [each.position for each in page.events] == [6, 7, 8, 9]


async def test_the_new_tables_pass_for_no_copy(old: Database) -> None:
    await migrate.upgrade(old)
    async with old.begin() as tx:
        found = await histories.look(tx, NOW, Memory(frozenset()))
    assert [each.announced for each in found.histories] == [False]
    assert not found.is_lost


async def test_others_keep_their_rights(old: Database) -> None:
    role = "sihu_writer_of_a_test"
    async with old.begin() as tx:
        for statement in (
            f"DROP ROLE IF EXISTS {role}",
            f"CREATE ROLE {role}",
            f"GRANT SELECT, INSERT ON event, log_batch TO {role}",
        ):
            await tx.execute(text(statement))
    await migrate.upgrade(old)
    try:
        async with old.begin() as tx:
            await tx.execute(text(f"SET LOCAL ROLE {role}"))
            await writing.append(tx, comments(1, 9))
            counted = [await tx.execute(text(f"SELECT count(*) FROM {name}")) for name in ("event", "event_archive")]
            assert [each.scalar_one() for each in counted] == [9, 0]
    finally:
        async with old.begin() as tx:
            await tx.execute(text(f"DROP OWNED BY {role}"))
            await tx.execute(text(f"DROP ROLE {role}"))


async def test_a_log_of_many_stretches_becomes_one(old: Database) -> None:
    """The rows that are there say how large the first stretch has to be."""
    async with old.begin() as tx:
        await tx.execute(
            text("SELECT setval(pg_get_serial_sequence('log_batch', 'id'), :given)"), {"given": 3 * STRETCH + 5}
        )
    await write(old, comments(1, 9))
    await migrate.upgrade(old)
    async with old.read() as connection:
        assert (await stretches.room(connection)).kept == (stretches.LogStretch(0, 5 * STRETCH),)
    assert (await write(old, comments(1, 10))).batch_id == 3 * STRETCH + 7


async def test_writers_go_on_through_the_upgrade(old: Database) -> None:
    """Prepared statements of before meet the new tables, as those of an older program do."""
    stop = asyncio.Event()
    writer = asyncio.create_task(_write_on(old, stop))
    await migrate.upgrade(old)
    await asyncio.sleep(0)
    stop.set()
    written = await writer
    while await seal(old):
        pass
    async with old.read() as connection:
        page = await feed.read(connection, 0, 10_000, ALL)
    assert [each.position for each in page.events] == list(range(1, 8 + written + 1))


async def _write_on(database: Database, stop: asyncio.Event) -> int:
    count = 0
    while not stop.is_set():
        await write(database, [Entry(*comments(1)[0][:5])])
        await seal(database)
        count += 1
    return count
