"""Numbering: which batches get a position and in which order, what it marks, and who may number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.store.database import Database
from service.store.log import marks, numbering, writing
from service.store.log.marks import LogPlace, LostPlaceError
from service.store.log.numbering import OtherServerError, Sealed
from tests.store.log.batches import NOW, comment, comments, seal, write

pytestmark = pytest.mark.anyio


async def _sealed(database: Database, after: int = 0, limit: int = 100) -> list[Sealed]:
    async with database.read() as connection:
        return await numbering.sealed_since(connection, await marks.at(connection, after), limit)


async def _end(database: Database) -> int:
    async with database.read() as connection:
        return (await marks.end(connection)).position


async def _marks(database: Database) -> dict[tuple[str, str], int]:
    async with database.read() as connection:
        return {queue: place.position for queue, place in (await numbering.queue_marks(connection)).items()}


async def test_an_empty_log_has_no_end_and_no_time(database: Database) -> None:
    assert await seal(database) == 0
    assert await _end(database) == 0
    async with database.read() as connection:
        assert await numbering.newest_time(connection) is None
        assert await numbering.queue_marks(connection) == {}
    assert await _sealed(database) == []


async def test_positions_count_the_events(database: Database) -> None:
    batches = [await write(database, comments(size, first)) for size, first in ((2, 1), (1, 3), (4, 4))]
    assert await _end(database) == 0, "what is committed has no position before it is numbered"
    assert await seal(database) == 3
    assert [(each.id, each.last_position) for each in await _sealed(database)] == [
        (batch.batch_id, position) for batch, position in zip(batches, (2, 3, 7), strict=True)
    ]
    await write(database)
    assert await seal(database) == 1
    assert await _end(database) == 8


async def test_a_turn_numbers_the_oldest_batches_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "SEAL_LIMIT", 2)
    monkeypatch.setattr(numbering, "_SEAL", numbering._sealing())
    ids = [(await write(database)).batch_id for _ in range(5)]
    assert [await seal(database) for _ in range(4)] == [2, 2, 1, 0]
    assert [(each.id, each.last_position) for each in await _sealed(database)] == list(
        zip(ids, range(1, 6), strict=True)
    )


async def test_only_one_process_numbers_at_a_time(database: Database) -> None:
    await write(database)
    async with database.begin() as tx:
        assert await numbering.seal(tx) == 1
        assert await seal(database) is None
    await write(database)
    assert await seal(database) == 1


async def test_a_turn_that_fails_numbers_nothing(database: Database) -> None:
    await write(database, queues=["u:calling"])
    async with database.engine.connect() as connection:
        assert await numbering.seal(connection) == 1
        await connection.rollback()
    assert await _sealed(database) == []
    assert await seal(database) == 1


async def test_a_late_commit_is_numbered_after_what_was_read(database: Database) -> None:
    async with database.begin() as slow:
        first = await writing.append(slow, [comment()], queues=["u:calling"])
        second = await write(database, queues=["u:calling"])
        assert await seal(database) == 1
    assert await seal(database) == 1
    assert [each.id for each in await _sealed(database)] == [second.batch_id, first.batch_id]
    assert await _marks(database) == {("u", "calling"): 2}


async def test_queue_marks_keep_the_last_change(database: Database) -> None:
    await write(database, comments(2), queues=["u:calling", "u:answered", "v:calling"])
    await write(database, queues=["u:calling"])
    await seal(database)
    assert await _marks(database) == {("u", "calling"): 3, ("u", "answered"): 2, ("v", "calling"): 2}
    await write(database, queues=["v:calling"])
    await seal(database)
    assert (await _marks(database))["v", "calling"] == 4


async def test_numbered_batches_are_read_in_pages(database: Database) -> None:
    wake = NOW + timedelta(hours=1)
    first = await write(database, comments(3), queues=["b:calling", "a:calling"], wake_at=wake, reload=("keys",))
    rest = [(await write(database)).batch_id for _ in range(3)]
    await seal(database)
    queues = ("a:calling", "b:calling")
    assert await _sealed(database, 0, 1) == [Sealed(first.batch_id, first.mark, 3, queues, wake, ("keys",))]
    assert [each.id for each in await _sealed(database, 3, 2)] == rest[:2]
    assert [each.id for each in await _sealed(database, 5)] == rest[2:]
    assert await _sealed(database, 6) == []


async def test_newest_time_is_of_the_last_event_written(database: Database) -> None:
    """The order of writing decides, and not the times: those of a virtual clock may lie anywhere."""
    await write(database, [comment(at=NOW + timedelta(days=9))])
    await write(database, [comment(at=NOW + timedelta(days=8)), comment(at=NOW + timedelta(days=1))])
    async with database.read() as connection:
        assert await numbering.newest_time(connection) == NOW + timedelta(days=1)


async def test_a_batch_that_is_not_there_any_more_is_missed(database: Database) -> None:
    """The log ends before it, has another one there, or none that ends there."""
    first = await write(database, comments(3))
    await seal(database)
    async with database.read() as connection:
        there = await marks.end(connection)
        assert there == LogPlace(3, first.mark.hex[:16])
        assert await numbering.sealed_since(connection, there) == []
        for lost in (LogPlace(4, there.mark), LogPlace(3, "f" * 16), LogPlace(2, there.mark)):
            with pytest.raises(LostPlaceError):
                await numbering.sealed_since(connection, lost)


async def test_nothing_is_numbered_on_another_server(database: Database) -> None:
    await write(database)
    async with database.begin() as tx:
        started = (await tx.execute(select(func.pg_postmaster_start_time()))).scalar_one()
        with pytest.raises(OtherServerError):
            await numbering.seal(tx, started - timedelta(seconds=1))
        assert await numbering.seal(tx, started) == 1
