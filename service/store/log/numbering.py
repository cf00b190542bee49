"""Numbering the log: committed batches get their positions, and readers of the log read the numbered batches.

Whole batches are numbered in the order of their ids, and `last_position` is the running count of events. So positions
have no gaps, and an event never appears before one that was already read. Numbering neither reads nor changes an event
row: `writing` writes it once, and `feed` computes its position.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import locks
from service.store.locks import DistrictLock
from service.store.log.marks import LogPlace, LostPlaceError, short
from service.store.log.tables import event, log_batch, queue_mark

SEAL_LIMIT = 2_000
"""The most batches that one transaction numbers."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One numbered batch, with everything that the tail needs to wake all readers, so that it reads no event."""

    id: int
    mark: UUID | None
    last_position: int
    queues: tuple[str, ...]
    wake_at: datetime | None
    reload: tuple[str, ...]

    @property
    def place(self) -> LogPlace:
        return LogPlace(self.last_position, short(self.mark))


class OtherServerError(Exception):
    """The database is on another server than before, or the server was started again."""


def _sealing() -> Any:
    tail = (
        select(log_batch.c.id, func.sum(log_batch.c.events).over(order_by=log_batch.c.id).label("counted"))
        .where(log_batch.c.last_position.is_(None))
        .order_by(log_batch.c.id)
        .limit(SEAL_LIMIT)
        .cte("tail")
    )
    end = select(func.coalesce(func.max(log_batch.c.last_position), 0)).scalar_subquery()
    sealed = (
        update(log_batch)
        .where(log_batch.c.id == tail.c.id)
        .values(last_position=end + tail.c.counted)
        .returning(log_batch.c.last_position, log_batch.c.queues)
        .cte("sealed")
    )
    keys = func.unnest(sealed.c.queues).table_valued("key", name="keys").render_derived()
    unit, state = func.split_part(keys.c.key, ":", 1), func.split_part(keys.c.key, ":", 2)
    queues = sealed.join(keys, literal(True))
    touched = select(unit, state, func.max(sealed.c.last_position)).select_from(queues).group_by(unit, state)
    marks = upsert(queue_mark).from_select(["unit", "state", "position"], touched.order_by(unit, state))
    marks = marks.on_conflict_do_update(index_elements=["unit", "state"], set_={"position": marks.excluded.position})
    return select(func.count()).select_from(sealed).add_cte(marks.cte("marks"))


# one statement writes positions and queue marks, so that no reader can see one without the other
_SEAL = _sealing()
# the lock is tried, not waited for, and in a statement of its own: so the snapshot of `_SEAL`, taken after it, contains
# what the process before this one has numbered
_TRY_LOCK = select(locks.tried(DistrictLock.SEAL), func.pg_postmaster_start_time())


async def seal(tx: AsyncConnection, server_started: datetime | None = None) -> int | None:
    """Number the batches that are committed and not numbered yet, oldest first, at most `SEAL_LIMIT` of them.

    Returns how many batches were numbered, or None when another process is numbering at this moment.

    Raises:
        OtherServerError: the server was not started at `server_started`. Nothing is numbered before somebody has looked
            at where its history begins (`histories`).
    """
    has_lock, started = (await tx.execute(_TRY_LOCK)).one()
    if server_started not in (None, started):
        raise OtherServerError
    if not has_lock:
        return None
    count: int = (await tx.execute(_SEAL)).scalar_one()
    return count


async def sealed_since(connection: AsyncConnection, place: LogPlace, limit: int = SEAL_LIMIT) -> list[Sealed]:
    """Return the numbered batches after the one that ends at `place`, in order, at most `limit` of them.

    Raises:
        LostPlaceError: no batch ends there, or another one does: the log was taken back.
    """
    # the batch at the place is read along: to ask for it alone would be another round trip on each round of the tail
    rows = await connection.execute(_SEALED, {"since": place.position, "most": limit + 1})
    found = [
        Sealed(row.id, row.mark, row.last_position, tuple(row.queues), row.wake_at, tuple(row.reload)) for row in rows
    ]
    if place.position == 0:
        return found[:limit]
    if not found or found[0].place != place:
        raise LostPlaceError(place)
    return found[1:]


_SEALED = (
    select(
        log_batch.c.id,
        log_batch.c.mark,
        log_batch.c.last_position,
        log_batch.c.queues,
        log_batch.c.wake_at,
        log_batch.c.reload,
    )
    .where(log_batch.c.last_position >= bindparam("since", type_=log_batch.c.last_position.type))
    .order_by(log_batch.c.last_position)
    .limit(bindparam("most", type_=Integer))
)


async def newest_time(connection: AsyncConnection) -> datetime | None:
    """Return the time of the last event, which is the newest time in the database; None when there is no event."""
    last = select(event.c.at).order_by(event.c.batch_id.desc(), event.c.ord.desc()).limit(1)
    return (await connection.execute(last)).scalar_one_or_none()


_QUEUE_MARKS = select(queue_mark, log_batch.c.mark).select_from(
    queue_mark.outerjoin(log_batch, log_batch.c.last_position == queue_mark.c.position)
)


async def queue_marks(connection: AsyncConnection) -> dict[tuple[str, str], LogPlace]:
    """Return the place of the last change of each queue, by (unit, state)."""
    rows = await connection.execute(_QUEUE_MARKS)
    return {(row.unit, row.state): LogPlace(row.position, short(row.mark)) for row in rows}
