"""Where the log was taken back: what a look finds, what it stores, and what it announces once for all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select, text

from service.rules.words import EventType
from service.store.database import Database
from service.store.log import histories, marks
from service.store.log.histories import History, HistoryLook, Memory
from service.store.log.marks import LogPlace
from service.store.log.tables import event
from tests.store.log.batches import CELL, NOW, comment, lose, seal, write

pytestmark = pytest.mark.anyio

NOTHING = Memory(frozenset())


async def _look(database: Database, memory: Memory = NOTHING) -> HistoryLook:
    async with database.begin() as tx:
        return await histories.look(tx, NOW, memory)


async def _announced(database: Database) -> list[tuple[object, object]]:
    """The end and the loss that each event says."""
    async with database.read() as connection:
        said = select(event.c.data).where(event.c.type == EventType.LOG_RESTORED).order_by(event.c.batch_id)
        return [(data["end"], data["lost"]) for data in (await connection.execute(said)).scalars()]


async def _write(database: Database, count: int) -> Sequence[LogPlace]:
    """That many batches of one event: the places of all that there are now."""
    for _ in range(count):
        await write(database)
    await seal(database)
    async with database.read() as connection:
        return await marks.newest(connection, 1_000)


async def _move(database: Database, server: str) -> None:
    """Make the last look one at another server."""
    async with database.begin() as tx:
        await tx.execute(text("UPDATE log_history SET server = :server"), {"server": server})


@pytest.fixture
async def known(database: Database) -> Memory:
    """What a process remembers of a log of three events."""
    places = await _write(database, 3)
    look = await _look(database)
    return Memory(frozenset(each.mark for each in look.histories), places)


async def test_the_first_look_begins_a_history_silently(database: Database) -> None:
    [first] = (await _look(database)).histories
    assert (first.begins_after, first.announced) == (0, False)
    look = await _look(database)
    assert look.histories == (first,), "the same tables are the same history"
    assert (look.is_lost, look.committed) == (False, None)
    assert await _announced(database) == []


async def test_a_timeline_begins_a_history_and_is_no_loss_yet(database: Database, known: Memory) -> None:
    """A standby that had everything was promoted."""
    [first] = (await _look(database)).histories
    await _move(database, first.server.partition("@")[0] + "@00000000")
    look = await _look(database, known)
    assert [each.begins_after for each in look.histories] == [0, 3]
    assert look.histories[1].server == first.server and look.histories[1].mark != first.mark
    assert not look.is_lost and await _announced(database) == []
    assert (await _look(database, known)).histories == look.histories


async def test_a_restored_dump_is_announced_by_itself(database: Database) -> None:
    await _write(database, 3)
    await _look(database)
    await _move(database, "1/2/3@00000001")
    look = await _look(database)
    assert [(each.begins_after, each.announced) for each in look.histories] == [(0, False), (3, True)]
    assert look.committed is not None and look.committed.reload == histories.RELOADS
    assert await _announced(database) == [(3, None)]


async def test_a_promotion_that_lost_something_is_announced(database: Database, known: Memory) -> None:
    [first] = (await _look(database)).histories
    await _move(database, first.server.partition("@")[0] + "@00000000")
    await lose(database, 1)
    look = await _look(database)  # a process that had read nothing of it looks first
    assert [each.begins_after for each in look.histories] == [0, 1]
    assert await _announced(database) == []
    assert (await _look(database, known)).is_lost
    assert (await _look(database, known)).is_lost, "another process says so as well"
    assert await _announced(database) == [(1, 2)]


async def test_a_loss_that_leaves_no_trace_is_found_by_memory(database: Database, known: Memory) -> None:
    """A volume is put back under the same server, and others have written and numbered since."""
    await lose(database, 2)
    await _write(database, 5)
    look = await _look(database, known)
    assert look.is_lost and [each.begins_after for each in look.histories] == [0, 2]
    assert (await _look(database, known)).histories == look.histories
    assert await _announced(database) == [(2, 1)]


async def test_a_loss_beyond_all_memory_has_no_end(database: Database, known: Memory) -> None:
    await lose(database, 1)
    await _write(database, 1)
    look = await _look(database, Memory(known.histories, known.places[-1:]))
    assert [each.begins_after for each in look.histories] == [0, None]
    assert await _announced(database) == [(None, None)]


async def test_a_reader_proves_a_loss_once(database: Database, known: Memory) -> None:
    [history] = known.histories
    proof = Memory(known.histories, lost_in=history)
    look = await _look(database, proof)
    assert [(each.begins_after, each.announced) for each in look.histories] == [(0, False), (None, True)]
    assert (await _look(database, proof)).histories == look.histories
    assert (await _look(database, Memory(known.histories, lost_in="elsewhere"))).histories == look.histories
    assert await _announced(database) == [(None, None)]


async def test_a_history_that_was_lost_itself_is_no_excuse(database: Database, known: Memory) -> None:
    """The process knows a history that the log has lost as well: it begins another one."""
    await lose(database, 1)
    look = await _look(database, Memory(known.histories | {"0" * 16}, known.places))
    assert [each.begins_after for each in look.histories] == [0, 1]


async def test_the_announcement_is_in_the_district(database: Database) -> None:
    await write(database, [comment(area=CELL)])
    await seal(database)
    await _look(database)
    await _move(database, "1/2/3@00000001")
    await _look(database)
    async with database.read() as connection:
        found = select(event.c.area, event.c.audience, event.c.incident_id).where(
            event.c.type == EventType.LOG_RESTORED
        )
        assert (await connection.execute(found)).one() == (CELL[:6], [], None)


async def test_a_server_that_hides_its_name_has_its_tables(database: Database) -> None:
    """On a server that somebody else runs, a role may have no right to these functions."""
    async with database.begin() as tx:
        await tx.execute(text("CREATE ROLE limited_reader"))
        try:
            for function in ("pg_control_system()", "pg_walfile_name(pg_lsn)"):
                await tx.execute(text(f"REVOKE EXECUTE ON FUNCTION {function} FROM public"))
            await tx.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO limited_reader"))
            await tx.execute(text("SET LOCAL ROLE limited_reader"))
            look = await histories.look(tx, NOW, NOTHING)
            assert [history.server[0] + history.server[-1] for history in look.histories] == ["/@"]
        finally:
            await tx.rollback()


def test_a_history_is_compared_by_its_copy() -> None:
    assert histories._copy_of(History("m", "1/2/3@00000001", 0, False).server) == "1/2/3"
