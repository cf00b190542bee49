"""The stretches of the log: `log_batch` and `event` lie in partitions by ranges of batch ids, divided at the same ids.
A stretch is made long before the first batch comes to it, and goes to the archive when the feed does not keep it.

Nobody waits for either. To make a stretch takes locks that hinder no reader and no writer. To archive one takes the two
tables for itself, for an instant, and gives up after `_LOCK_MS` where it does not get them. It is one transaction, so
that a stretch is in the log or in the archive at every moment, whatever happens in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.log.tables import event, event_archive, log_batch, log_batch_archive

STRETCH = 10_000_000
"""The number of batch ids in a stretch: a month at one report a second, and for most districts all their years."""
PARTITION = re.compile(r"^(event|log_batch)_from_[0-9]+$")
"""The names of partitions: each says at which batch id it begins."""
_LOCK_MS = 40
"""How long others may queue up behind one who wants a table for itself."""
_LOCK_TAKEN, _DEADLOCK = "55P03", "40P01"


class LogStretch(NamedTuple):
    """The batch ids from `first` on, up to `stop`, which is not in it any more."""

    first: int
    stop: int


class LogRoom(NamedTuple):
    """The stretches of the log, oldest first, the archived ones apart, and the last batch id that was given out."""

    kept: tuple[LogStretch, ...]
    archived: tuple[LogStretch, ...]
    last: int

    @property
    def stop(self) -> int:
        """The batch id from which on there is no stretch."""
        return max((each.stop for each in (*self.kept, *self.archived)), default=0)

    @property
    def batches(self) -> int:
        """How many batches can still be written."""
        return max(0, self.stop - 1 - self.last)

    @property
    def past(self) -> tuple[LogStretch, ...]:
        """The kept stretches whose batch ids are all given out."""
        return tuple(each for each in self.kept if each.stop <= self.last)


async def room(connection: AsyncConnection) -> LogRoom:
    """Return the stretches, and how far they are filled."""
    last = (await connection.execute(_LAST)).scalar_one() or 0  # null: no batch was written yet
    return LogRoom(await _bounds(connection, log_batch), await _bounds(connection, log_batch_archive), last)


async def make_ahead(tx: AsyncConnection, size: int = STRETCH) -> bool:
    """Make the stretches that are lacking: beyond the last batch there is to be room for a whole stretch.

    Returns False when somebody else is making them at this moment.
    """
    if (await room(tx)).batches >= size:
        return True
    try:
        async with tx.begin_nested():
            await tx.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MS}"))
            await tx.execute(_TURN)
            found = await room(tx)
            for first in range(found.stop, found.last + size + 1, size):
                for table in _DIVIDED:
                    await _make(tx, table, LogStretch(first, first + size))
    except DBAPIError as error:
        if _gave_way(error):
            return False
        raise
    return True


async def has_expired(connection: AsyncConnection, stretch: LogStretch, before: datetime) -> bool:
    """Whether a stretch that has passed can go to the archive: its newest event is older than `before`, and all its
    batches have their numbers. A batch that comes after it has one, too, since the next numbers are counted from it."""
    values = {"first": stretch.first, "stop": stretch.stop, "before": before}
    found: bool = (await connection.execute(_EXPIRED, values)).scalar_one()
    return found


async def archive(connection: AsyncConnection, stretch: LogStretch) -> bool:
    """Move a stretch from the log to its archive, which changes only what the catalogue says of it. The feed does not
    have it any longer, and the timelines of its incidents stay as they are. The connection is in no transaction.

    Returns False when somebody uses one of the tables for longer than anybody may be kept waiting. A stretch that
    somebody else has archived in the meantime is done.
    """
    alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        # one statement: between two of them, others would wait for this process, too
        await alone.execute(
            text(_ARCHIVING.format(first=stretch.first, moves=" ".join(_moves(stretch)), lock_ms=_LOCK_MS))
        )
    except DBAPIError as error:
        if _gave_way(error):
            return False
        raise
    return True


class _Divided(NamedTuple):
    """A table in stretches. `key` is its column with the batch id; `unique` are the unique indexes of each partition,
    which a partitioned table cannot have without the batch id: the end of the name, and what is indexed."""

    table: Table
    archive: Table
    key: str
    unique: Mapping[str, str]

    def partition(self, stretch: LogStretch) -> str:
        return f"{self.table.name}_from_{stretch.first}"


_DIVIDED = (
    _Divided(
        event,
        event_archive,
        "batch_id",
        {
            "incident_id_sequence_key": "(incident_id, sequence)",
            "idempotency_key": "(incident_id, subject, idempotency_key) WHERE idempotency_key IS NOT NULL",
        },
    ),
    _Divided(log_batch, log_batch_archive, "id", {"position_key": "(last_position)"}),
)


async def _make(tx: AsyncConnection, table: _Divided, stretch: LogStretch) -> None:
    """Make a table, and attach it then. PARTITION OF would want the parent for itself."""
    name, parent, key = table.partition(stretch), table.table.name, table.key
    options = (await tx.execute(_OPTIONS, {"parent": parent})).scalar_one_or_none()
    await tx.execute(
        text(f"CREATE TABLE {name} (LIKE {parent} INCLUDING ALL){f' WITH ({options})' if options else ''}")
    )
    for end, indexed in table.unique.items():
        await tx.execute(text(f"CREATE UNIQUE INDEX {name}_{end} ON {name} {indexed}"))
    # whoever attaches it later, to the archive above all, need not read it, since this proves what it holds
    within = f"{key} >= {stretch.first} AND {key} < {stretch.stop}"
    await tx.execute(text(f"ALTER TABLE {name} ADD CONSTRAINT {name}_stretch CHECK ({within})"))
    await tx.execute(text(f"ALTER TABLE {parent} ATTACH PARTITION {name} {_values(stretch)}"))


def _moves(stretch: LogStretch) -> Iterator[str]:
    for table in _DIVIDED:
        name = table.partition(stretch)
        yield f"ALTER TABLE {table.table.name} DETACH PARTITION {name};"
        yield f"ALTER TABLE {table.archive.name} ATTACH PARTITION {name} {_values(stretch)};"


def _values(stretch: LogStretch) -> str:
    return f"FOR VALUES FROM ({stretch.first}) TO ({stretch.stop})"


def _gave_way(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in (_LOCK_TAKEN, _DEADLOCK)


async def _bounds(connection: AsyncConnection, parent: Table) -> tuple[LogStretch, ...]:
    rows = (await connection.execute(_BOUNDS, {"parent": parent.name})).scalars()
    return tuple(sorted(LogStretch(*map(int, _NUMBER.findall(each))) for each in rows))


# this lock conflicts with itself, and with nobody who reads or writes: it decides whose turn it is
_TURN = text("LOCK TABLE ONLY log_batch IN SHARE UPDATE EXCLUSIVE MODE NOWAIT")
_ARCHIVING = """
DO $archive$ BEGIN
    PERFORM set_config('lock_timeout', '{lock_ms}', true);
    PERFORM set_config('synchronous_commit', 'off', true);  -- others wait until this is committed
    LOCK TABLE ONLY log_batch IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
    IF NOT EXISTS (
        SELECT FROM pg_inherits WHERE inhparent = to_regclass('event') AND inhrelid = to_regclass('event_from_{first}')
    ) THEN
        RETURN;
    END IF;
    LOCK TABLE ONLY event IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE ONLY log_batch IN ACCESS EXCLUSIVE MODE;
    {moves}
END $archive$
"""
_LAST: Any = select(
    func.greatest(
        select(func.max(log_batch.c.id)).scalar_subquery(),
        func.pg_sequence_last_value(text("pg_get_serial_sequence('log_batch', 'id')::regclass")),
    )
)
_EXPIRED = text(
    """
    SELECT coalesce((
        SELECT at < :before FROM event WHERE batch_id >= :first AND batch_id < :stop
        ORDER BY batch_id DESC, ord DESC LIMIT 1
    ), true)
    AND NOT EXISTS (SELECT FROM log_batch WHERE last_position IS NULL AND id >= :first AND id < :stop)
    AND EXISTS (SELECT FROM log_batch WHERE last_position IS NOT NULL AND id >= :stop)
    """
)
# by the name that the search path finds: another schema of the database may have a log of its own
_BOUNDS = text(
    """
    SELECT pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass(:parent)
    """
)
_NUMBER = re.compile(r"'(\d+)'")
# a partition takes no storage settings from its table: the newest one says which
_OPTIONS = text(
    """
    SELECT array_to_string(reloptions, ', ') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass(:parent) ORDER BY pg_class.oid DESC LIMIT 1
    """
)
