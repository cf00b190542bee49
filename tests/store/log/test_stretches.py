"""The stretches of the log: made ahead without hindering anybody, archived as a whole, and read as one log."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.errors import Unavailable
from service.rules.sight import EVERYTHING
from service.store.database import Database
from service.store.incidents import timelines
from service.store.log import feed, numbering, stretches, writing
from service.store.log.feed import FeedFilter, StoredEvent
from service.store.log.marks import LostPlaceError
from service.store.log.stretches import STRETCH, LogRoom, LogStretch
from service.store.log.writing import Entry
from service.store.sqlstates import Trouble
from tests.store.log.batches import INCIDENT, NOW, archive_oldest, comment, comments, seal, skip_to, write

pytestmark = pytest.mark.anyio

BORDER = 2 * STRETCH
FIRST = LogStretch(0, BORDER)
ALL = FeedFilter(EVERYTHING)
SMALL = 200


async def _room(database: Database) -> LogRoom:
    async with database.read() as connection:
        return await stretches.room(connection)


async def _make(database: Database, size: int = STRETCH) -> bool:
    async with database.begin() as tx:
        return await stretches.make_ahead(tx, size)


async def _feed(database: Database, after: int = 0) -> list[StoredEvent]:
    async with database.read() as connection:
        return list((await feed.read(connection, after, 1_000, ALL)).events)


async def _timeline(database: Database, incident: UUID = INCIDENT, after: int = 0, limit: int = 100) -> list[str]:
    async with database.read() as connection:
        return [each.name for each in await timelines.timeline(connection, incident, after=after, limit=limit)]


async def _expired(database: Database, stretch: LogStretch = FIRST, before: datetime = NOW + timedelta(days=1)) -> bool:
    async with database.read() as connection:
        return await stretches.has_expired(connection, stretch, before)


async def _divided(database: Database, *, numbered: bool = True) -> None:
    """An incident with three events in the first stretch and three in the second."""
    await skip_to(database, BORDER - 3)
    await _make(database)
    for first in (1, 2, 3, 4, 5, 6):
        await write(database, comments(1, first))
        if first == 3:
            await skip_to(database, BORDER + 7)
    if numbered:
        await seal(database)


# --- making ---------------------------------------------------------------------------------------------------------


async def test_a_small_district_has_one_stretch_for_ever(database: Database) -> None:
    await write(database)
    assert await _make(database)
    assert await _room(database) == ((FIRST,), (), 1)
    await skip_to(database, STRETCH)
    assert await _make(database)
    assert (await _room(database)).kept == (FIRST,)


async def test_a_whole_empty_stretch_lies_beyond_the_present(database: Database) -> None:
    await skip_to(database, STRETCH + 1)
    assert (await _room(database)).batches < STRETCH
    assert await _make(database)
    assert await _make(database)
    found = await _room(database)
    assert found.kept == (FIRST, LogStretch(BORDER, BORDER + STRETCH))
    assert found.batches >= STRETCH


async def test_a_new_stretch_is_like_the_first(database: Database) -> None:
    async with database.begin() as tx:
        for table in ("event", "log_batch"):
            await tx.execute(text(f"ALTER TABLE {table}_from_0 SET (autovacuum_vacuum_threshold = 4711)"))
    await skip_to(database, BORDER - 1)
    await _make(database)
    for table in ("event", "log_batch"):
        assert await _described(database, f"{table}_from_{BORDER}") == await _described(database, f"{table}_from_0")


_DESCRIBED = """
SELECT attname, concat(format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation)
FROM pg_attribute WHERE attrelid = to_regclass(:name) AND attnum > 0
UNION ALL SELECT 'check', pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = to_regclass(:name) AND contype = 'c' AND conname NOT LIKE '%_stretch'
UNION ALL SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass(:name)
UNION ALL SELECT 'options', reloptions::text FROM pg_class WHERE oid = to_regclass(:name)
"""


async def _described(database: Database, name: str) -> set[tuple[str, str]]:
    """Columns, checks, indexes and storage of a table, without the names of indexes and of the table."""
    async with database.read() as connection:
        rows = (await connection.execute(text(_DESCRIBED.replace("::", r"\:\:")), {"name": name})).all()
    return {(kind, re.sub(r"INDEX \S+ ON \S+", "INDEX", said or "")) for kind, said in rows}


async def test_writers_and_readers_hinder_no_making(database: Database) -> None:
    """Everybody is in the middle of a transaction, and the maker holds nothing that they wait for."""
    await skip_to(database, BORDER - 5)
    async with database.begin() as writer, database.read() as reader:
        await writer.execute(text("INSERT INTO log_batch (events, queues, reload) VALUES (1, '{}', '{}')"))
        await reader.execute(text("SELECT count(*) FROM event JOIN log_batch ON id = batch_id"))
        async with database.begin() as maker:
            assert await stretches.make_ahead(maker)
            strong = await _strong_locks(maker)
            async with database.begin() as other:
                await other.execute(text("SET LOCAL lock_timeout = '1s'"))
                await other.execute(text("INSERT INTO log_batch (events, queues, reload) VALUES (1, '{}', '{}')"))
    assert strong == {f"event_from_{BORDER}", f"log_batch_from_{BORDER}"}


async def _strong_locks(connection: AsyncConnection) -> set[str]:
    held = """
        SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE pid = pg_backend_pid() AND mode = 'AccessExclusiveLock' AND relkind IN ('r', 'p')
        AND relname NOT LIKE 'pg%'
    """
    return set((await connection.execute(text(held))).scalars())


async def test_two_makers_make_one_stretch(database: Database) -> None:
    await skip_to(database, BORDER - 1)
    async with database.begin() as first:
        assert await stretches.make_ahead(first)
        assert not await _make(database), "it is somebody else's turn"
    assert await _make(database)
    assert len((await _room(database)).kept) == 2


async def test_a_maker_who_dies_leaves_nothing(database: Database) -> None:
    await skip_to(database, BORDER - 1)
    with pytest.raises(ZeroDivisionError):
        await _die(database)
    assert (await _room(database)).kept == (FIRST,)
    assert await _make(database)


async def _die(database: Database) -> None:
    async with database.begin() as tx:
        await stretches.make_ahead(tx)
        raise ZeroDivisionError


async def test_without_room_the_log_is_full(database: Database) -> None:
    await skip_to(database, BORDER)
    with pytest.raises(Unavailable) as refusal:
        await write(database)
    assert refusal.value.trouble == Trouble.FULL
    assert (await _room(database)).batches == 0
    assert await _make(database)
    await write(database)
    assert (await _room(database)).last > BORDER


async def test_another_schema_has_a_log_of_its_own(database: Database) -> None:
    async with database.begin() as tx:
        for statement in (
            "CREATE SCHEMA neighbour",
            "CREATE TABLE neighbour.log_batch (id bigint) PARTITION BY RANGE (id)",
            "CREATE TABLE neighbour.log_batch_from_0 PARTITION OF neighbour.log_batch FOR VALUES FROM (0) TO (9)",
        ):
            await tx.execute(text(statement))
    assert (await _room(database)).kept == (FIRST,)


# --- one log --------------------------------------------------------------------------------------------------------


async def test_positions_and_timelines_go_over_a_border(database: Database) -> None:
    await _divided(database)
    found = await _feed(database)
    assert [each.position for each in found] == [1, 2, 3, 4, 5, 6]
    assert [each.sequence for each in found] == [1, 2, 3, 4, 5, 6]
    assert {each.batch_id >= BORDER for each in found} == {True, False}
    assert await _timeline(database) == [each.name for each in found]


async def test_an_archived_stretch_is_out_of_the_feed_only(database: Database) -> None:
    await _divided(database)
    before, names = await _feed(database), await _timeline(database)
    archived = await archive_oldest(database)
    assert await _room(database) == ((LogStretch(BORDER, BORDER + STRETCH),), (archived,), BORDER + 9)
    assert await _feed(database) == [each for each in before if each.batch_id >= BORDER]
    assert await _timeline(database) == names
    for after in range(6):
        assert await _timeline(database, after=after, limit=2) == names[after : after + 2]


async def test_two_archivers_archive_it_once(database: Database) -> None:
    """Both have seen the same log. The second one comes while the first is at work, and again when it is done."""
    await _divided(database)
    (oldest, *_), others = (await _room(database)).past, database.engine
    async with database.begin() as first:
        await first.execute(text("LOCK TABLE ONLY log_batch IN SHARE UPDATE EXCLUSIVE MODE"))
        async with others.connect() as connection:
            assert not await stretches.archive(connection, oldest)
    for _ in range(2):
        async with others.connect() as connection:
            assert await stretches.archive(connection, oldest)
    assert (await _room(database)).archived == (oldest,)


async def test_a_cursor_into_the_archive_is_too_old(database: Database) -> None:
    await _divided(database)
    await archive_oldest(database)
    for position, kept in ((1, False), (2, False), (3, True), (4, True)):
        async with database.read() as connection:
            if kept:
                assert len((await feed.read(connection, position, 9, ALL)).events) == 6 - position
                continue
            with pytest.raises(LostPlaceError) as lost:
                await feed.read(connection, position, 9, ALL)
        assert not lost.value.kept


async def test_the_numbers_go_on_after_an_archiving(database: Database) -> None:
    await _divided(database)
    await archive_oldest(database)
    await write(database, comments(1, 7))
    await seal(database)
    assert (await _feed(database))[-1].position == 7
    async with database.read() as connection:
        assert await numbering.newest_time(connection) == NOW


async def test_an_incident_that_is_wholly_archived_has_its_timeline(database: Database) -> None:
    other = UUID(int=7)
    await write(database, [comment(incident_id=other, sequence=n) for n in (1, 2)])
    await _divided(database)
    names = await _timeline(database, other)
    await archive_oldest(database)
    assert len(names) == 2
    assert await _timeline(database, other) == names
    assert await _timeline(database, UUID(int=8)) == []


# --- archiving ------------------------------------------------------------------------------------------------------


async def test_what_is_young_stays(database: Database) -> None:
    await _divided(database)
    assert not await _expired(database, before=NOW)
    assert await _expired(database, before=NOW + timedelta(microseconds=1))


async def test_what_has_no_number_stays(database: Database) -> None:
    await _divided(database, numbered=False)
    assert not await _expired(database)


async def test_what_the_next_number_is_counted_from_stays(database: Database) -> None:
    """All of the first stretch is numbered, and nothing of the second."""
    await _divided(database)
    async with database.begin() as tx:
        await tx.execute(text("UPDATE log_batch SET last_position = NULL WHERE id >= :border"), {"border": BORDER})
    assert not await _expired(database)


@pytest.mark.parametrize("table", ["event", "log_batch"])
async def test_archiving_gives_way_and_changes_nothing(database: Database, table: str) -> None:
    await _divided(database)
    async with database.read() as reader:
        await reader.execute(text(f"SELECT count(*) FROM {table}"))
        async with database.connected() as connection:
            assert not await stretches.archive(connection, FIRST)
        async with database.begin() as writer:
            await writer.execute(text("SET LOCAL lock_timeout = '1s'"))
            await writer.execute(text("INSERT INTO log_batch (events, queues, reload) VALUES (1, '{}', '{}')"))
    assert (await _room(database)).archived == ()
    assert await archive_oldest(database) == FIRST


async def test_an_archiving_that_fails_halfway_changes_nothing(database: Database) -> None:
    await _divided(database)
    async with database.begin() as tx:
        await tx.execute(text("ALTER TABLE log_batch_archive ADD COLUMN strange int"))
    before = await _feed(database)
    with pytest.raises(Exception, match="strange"):
        await archive_oldest(database)
    assert (await _room(database)).archived == ()
    assert await _feed(database) == before


async def test_the_archive_proves_its_rows_without_reading_them(database: Database) -> None:
    """A bound that no CHECK implied would have to be checked row by row, while everybody waits."""
    await skip_to(database, BORDER - 1)
    await _make(database)
    query = """
        SELECT conrelid\\:\\:regclass\\:\\:text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conname LIKE '%_stretch' AND convalidated ORDER BY 1
    """
    async with database.read() as connection:
        found: dict[str, Any] = dict((await connection.execute(text(query))).all())
    assert set(found) == {f"{table}_from_{first}" for table in ("event", "log_batch") for first in (0, BORDER)}
    assert f">= {BORDER}" in found[f"event_from_{BORDER}"] and f"< {BORDER + STRETCH}" in found[f"event_from_{BORDER}"]


@pytest.mark.slow
async def test_nobody_waits_while_stretches_come_and_go(database: Database) -> None:
    """Small stretches are made and archived all the time, and no statement of a writer waits long for a lock."""
    await skip_to(database, BORDER - 200)
    await _make(database, SMALL)
    incidents = [UUID(int=n) for n in range(1, 5)]
    stop = asyncio.Event()
    writers = [asyncio.create_task(_write_on(database, each, stop)) for each in incidents]
    try:
        while len((await _room(database)).archived) < 4:
            await asyncio.sleep(0.01)
            await _make(database, SMALL)
            await seal(database)
            for stretch in (await _room(database)).past:
                if not await _expired(database, stretch):
                    break
                async with database.connected() as connection:
                    await stretches.archive(connection, stretch)
    finally:
        stop.set()
        written = await asyncio.gather(*writers)
    for incident, count in zip(incidents, written, strict=True):
        assert len(set(await _timeline(database, incident, limit=10_000))) == count > 0
    await seal(database)
    kept = await _feed(database)
    assert [each.position for each in kept] == list(range(sum(written) - len(kept) + 1, sum(written) + 1))


async def _write_on(database: Database, incident: UUID, stop: asyncio.Event) -> int:
    """Write events of an incident, one after the other; how many."""
    sequence = 0
    while not stop.is_set():
        async with database.begin() as tx:
            await tx.execute(text("SET LOCAL lock_timeout = '500ms'"))
            await writing.append(tx, comments_of(incident, sequence + 1))
        sequence += 1
    return sequence


def comments_of(incident: UUID, sequence: int) -> list[Entry]:
    return [comment(incident_id=incident, sequence=sequence)]
