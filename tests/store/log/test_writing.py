"""What a transaction writes to the log is there as it was given, once and as a whole, when the transaction commits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from service.rules.words import EventType
from service.store.database import Database
from service.store.log import writing
from service.store.log.tables import event, log_batch
from service.store.log.writing import Committed, Entry
from tests.store.log.batches import CELL, INCIDENT, NOW, comment, comments, write

pytestmark = pytest.mark.anyio

FULL = Entry(
    EventType.INCIDENT_REPORTED,
    NOW + timedelta(microseconds=1),
    CELL,
    ("440105003001", "dept-urban-management", '@网格员 "甲"\\'),
    {"incident": {"id": INCIDENT, "due_at": NOW}, "note": "O'Hare\n", "facts": [1, None, True]},
    INCIDENT,
    1,
    "440105003001",
    "worker",
    "key-1",
    b"\x00\xff",
)
BARE = comment()


async def _stored(database: Database) -> list[Entry]:
    columns = [event.c[name] for name in Entry._fields]
    async with database.read() as connection:
        rows = await connection.execute(select(*columns).order_by(event.c.batch_id, event.c.ord))
        return [Entry(*row)._replace(type=EventType(row.type), audience=tuple(row.audience)) for row in rows]


async def test_every_field_of_an_entry_is_stored(database: Database) -> None:
    await write(database, [FULL, BARE])
    in_json = {"incident": {"id": str(INCIDENT), "due_at": "2026-11-23T01:00:00Z"}, "note": "O'Hare\n"}
    assert await _stored(database) == [FULL._replace(data={**in_json, "facts": [1, None, True]}), BARE]


@pytest.mark.parametrize("count", [1, 99, 100, 101])
async def test_events_keep_their_order_in_the_batch(database: Database, count: int) -> None:
    """From a hundred events on, what all of them share travels once."""
    written = await write(database, comments(count))
    assert await _stored(database) == comments(count)
    async with database.read() as connection:
        places = list((await connection.execute(select(event.c.ord).order_by(event.c.sequence))).scalars())
        batch = (await connection.execute(select(log_batch))).one()
    assert places == list(range(1, count + 1))
    assert (batch.id, batch.events, batch.last_position) == (written.batch_id, count, None)


async def test_a_batch_announces_queues_wake_and_reload(database: Database) -> None:
    wake = NOW + timedelta(hours=1)
    written = await write(database, queues={"u:calling", "a:closed"}, wake_at=wake, reload=("world", "keys"))
    assert written == Committed(written.batch_id, written.mark, ("a:closed", "u:calling"), wake, ("keys", "world"))
    async with database.read() as connection:
        row = (await connection.execute(select(log_batch))).one()
    assert Committed(row.id, row.mark, tuple(row.queues), row.wake_at, tuple(row.reload)) == written


async def test_a_batch_announces_nothing_by_itself(database: Database) -> None:
    written = await write(database)
    assert written == Committed(written.batch_id, written.mark, (), None, ())


async def _write_and_fail(database: Database) -> None:
    async with database.begin() as tx:
        await writing.append(tx, comments(3))
        raise KeyError


@pytest.mark.clause("GB/T 22239 8.1.4.3 d")
async def test_a_transaction_that_fails_leaves_no_event(database: Database) -> None:
    with pytest.raises(KeyError):
        await _write_and_fail(database)
    later = await write(database)
    async with database.read() as connection:
        assert list((await connection.execute(select(log_batch.c.id))).scalars()) == [later.batch_id]
        assert (await connection.execute(select(func.count()).select_from(event))).scalar_one() == 1


@pytest.mark.parametrize(
    ("second", "refused"),
    [
        (FULL._replace(sequence=2), "event_from_0_idempotency_key"),
        (FULL._replace(idempotency_key="key-2"), "event_from_0_incident_id_sequence_key"),
        (FULL._replace(sequence=2, idempotency_key="key-2"), None),
        (FULL._replace(sequence=2, subject="colleague"), None),
        (FULL._replace(sequence=2, idempotency_key=None), None),
    ],
)
async def test_a_key_or_a_sequence_is_taken_once(database: Database, second: Entry, refused: str | None) -> None:
    await write(database, [FULL])
    if refused is None:
        await write(database, [second])
    else:
        with pytest.raises(IntegrityError, match=refused):
            await write(database, [second])
