"""Short ways to write to the log and to number it, each a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text

from service.rules.words import EventType
from service.store.database import Database
from service.store.log import numbering, stretches, writing
from service.store.log.stretches import LogStretch
from service.store.log.tables import event, log_batch, queue_mark
from service.store.log.writing import Committed, Entry

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
CELL = "440105003001001"
INCIDENT = UUID("019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11")


def comment(**fields: Any) -> Entry:
    """A comment in the district; `fields` replace those of the entry."""
    return Entry(EventType.INCIDENT_COMMENTED, NOW, CELL[:6], (), {})._replace(**fields)


def comments(count: int, first: int = 1) -> list[Entry]:
    """Events of one incident, from its `first` on."""
    return [comment(incident_id=INCIDENT, sequence=n, data={"n": n}) for n in range(first, first + count)]


async def write(database: Database, entries: Iterable[Entry] | None = None, **options: Any) -> Committed:
    """One committed batch: of one comment, unless there are `entries`."""
    async with database.begin() as tx:
        return await writing.append(tx, [comment()] if entries is None else list(entries), **options)


async def lose(database: Database, position: int) -> None:
    """Take the log back to this position, the end of a batch, as a standby would that lacks what came later."""
    async with database.begin() as tx:
        kept = select(log_batch.c.id).where(log_batch.c.last_position <= position)
        await tx.execute(delete(event).where(event.c.batch_id.not_in(kept)))
        await tx.execute(delete(log_batch).where(log_batch.c.id.not_in(kept)))
        await tx.execute(delete(queue_mark).where(queue_mark.c.position > position))


async def seal(database: Database) -> int | None:
    """One turn of numbering."""
    async with database.begin() as tx:
        return await numbering.seal(tx)


async def skip_to(database: Database, batch_id: int) -> None:
    """Let the next batch have this id, as if all before had been written."""
    async with database.begin() as tx:
        await tx.execute(
            text("SELECT setval(pg_get_serial_sequence('log_batch', 'id'), :given)"), {"given": batch_id - 1}
        )


async def archive_oldest(database: Database) -> LogStretch:
    """Move the oldest stretch of the log to the archive, and return it."""
    async with database.read() as connection:
        oldest = (await stretches.room(connection)).kept[0]
    async with asyncio.timeout(10), database.connected() as connection:
        while not await stretches.archive(connection, oldest):
            await asyncio.sleep(0.01)  # somebody was in the way
    return oldest
