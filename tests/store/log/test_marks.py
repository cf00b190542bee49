"""A place in the log is found again, or known to be lost: it never stands for other events."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, text

from service.store.database import Database
from service.store.log import marks
from service.store.log.marks import BEGINNING, LogPlace, LostPlaceError
from service.store.log.tables import log_batch
from tests.store.log.batches import comments, lose, seal, write

pytestmark = pytest.mark.anyio

OTHER = "f" * 16


async def _end_after(database: Database, place: LogPlace) -> LogPlace:
    async with database.read() as connection:
        return await marks.end_after(connection, place)


async def _is_kept(database: Database, place: LogPlace) -> bool | None:
    """None when the log holds the place."""
    try:
        await _end_after(database, place)
    except LostPlaceError as error:
        return error.kept
    return None


async def test_an_empty_log_holds_its_beginning_alone(database: Database) -> None:
    assert await _end_after(database, BEGINNING) == BEGINNING
    assert await _is_kept(database, LogPlace(1)) is True


async def test_every_position_of_a_batch_has_its_mark(database: Database) -> None:
    first, second = await write(database, comments(2)), await write(database, comments(3, 3))
    await seal(database)
    end = LogPlace(5, marks.short(second.mark))
    assert await _end_after(database, BEGINNING) == end
    for position, batch in ((1, first), (2, first), (3, second), (5, second)):
        place = LogPlace(position, marks.short(batch.mark))
        assert await _end_after(database, place) == end
        assert await _end_after(database, LogPlace(position)) == end, "a mark that is not known is not compared"
        assert await _is_kept(database, LogPlace(position, OTHER)) is True
        async with database.read() as connection:
            assert await marks.at(connection, position) == place
    assert await _is_kept(database, LogPlace(6)) is True


async def test_a_position_given_again_is_another_place(database: Database) -> None:
    await write(database, comments(2))
    await seal(database)
    place = await _end_after(database, BEGINNING)
    await lose(database, 0)
    await write(database, comments(3))
    await seal(database)
    assert await _is_kept(database, place) is True


async def test_batches_from_before_have_an_empty_mark(database: Database) -> None:
    await write(database)
    async with database.begin() as tx:
        await tx.execute(text("UPDATE log_batch SET mark = NULL"))
    await seal(database)
    assert await _end_after(database, LogPlace(1, "")) == LogPlace(1, "")
    assert await _is_kept(database, LogPlace(1, OTHER)) is True


async def test_what_follows_a_place_has_to_be_kept(database: Database) -> None:
    """The oldest batches are gone: a reader at their end goes on, one inside them cannot."""
    for first in (1, 3, 5):
        await write(database, comments(2, first))
    await seal(database)
    async with database.begin() as tx:
        await tx.execute(delete(log_batch).where(log_batch.c.last_position <= 4))
    assert await _is_kept(database, LogPlace(3, OTHER)) is False
    assert await _is_kept(database, LogPlace(4, OTHER)) is None
    assert await _is_kept(database, BEGINNING) is None


async def test_the_newest_places_are_in_order(database: Database) -> None:
    for first in (1, 3, 5):
        await write(database, comments(2, first))
    await seal(database)
    async with database.read() as connection:
        everything = await marks.newest(connection, 10)
        assert [place.position for place in everything] == [0, 2, 4, 6]
        assert await marks.newest(connection, 2) == everything[2:]
    await lose(database, 4)
    await write(database, comments(2, 5))
    await seal(database)
    async with database.read() as connection:
        assert await marks.last_common(connection, everything) == everything[2]
        assert await marks.last_common(connection, everything[3:]) is None
        assert await marks.last_common(connection, []) is None
