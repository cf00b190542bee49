"""Writing to the log: each transaction writes one row of `log_batch`, and its events beside it.

A transaction writes its batch row after it has locked the incidents that it changes. Of two transactions that change
one incident, the later one therefore has the larger id. Positions are given after the commit (`numbering`), and readers
follow positions (`feed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Table, Text, bindparam, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.words import EventType
from service.store import bulk, counting
from service.store.counting import CountedRow, Counts
from service.store.log.tables import event, log_batch


class Entry(NamedTuple):
    """One event to be stored. `audience`: the units that may see it then, and '@subject' for the reporter."""

    type: EventType
    at: datetime
    area: str
    audience: tuple[str, ...]
    data: Mapping[str, Any]
    incident_id: UUID | None = None
    sequence: int | None = None
    unit: str | None = None
    subject: str | None = None
    idempotency_key: str | None = None
    body_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """The batch that one transaction wrote to the log. This process passes it to its tail after the commit. `mark` is
    the batch's own for ever, while an id may be given again after a loss. `counted` are the rows that the transaction
    has counted up and that pass a limit."""

    batch_id: int
    mark: UUID
    queues: tuple[str, ...]
    wake_at: datetime | None
    reload: tuple[str, ...]
    counted: Sequence[CountedRow] = ()


# one statement for all of it, since each further round trip would keep the row locks longer
@lru_cache(maxsize=bulk.MAX_STATEMENTS)
def _append(counts: Table | None, shape: bulk.PageShape, *beside: bulk.PageShape) -> Any:
    source = shape.source()
    batch = (
        insert(log_batch)
        .values(
            events=bindparam("b_events"),
            queues=bindparam("b_queues", type_=ARRAY(Text)),
            wake_at=bindparam("b_wake_at", type_=log_batch.c.wake_at.type),
            reload=bindparam("b_reload", type_=ARRAY(Text)),
        )
        .returning(log_batch.c.id, log_batch.c.mark)
        .cte("batch")
    )
    values = shape.values(source)
    rows = select(batch.c.id, *values.values()).select_from(batch.join(source, literal(True)))
    written = insert(event).from_select(["batch_id", *values], rows).cte("written")
    others = [bulk.inserting(each).cte(f"{each.table.name}_written") for each in beside]
    # what is selected is written first, and the rest at the end: so the rows of counts are locked before any other
    sums = [] if counts is None else [counting.large_sums(counts, counting.counting_up(counts)).label("counted")]
    return select(batch.c.id, batch.c.mark, *sums).add_cte(written, *others)


async def append(
    tx: AsyncConnection,
    entries: Sequence[Entry],
    *,
    queues: Iterable[str] = (),
    wake_at: datetime | None = None,
    reload: Iterable[str] = (),
) -> Committed:
    """Write the events of this transaction, at least one, as `append_page` does."""
    page = dict(zip(Entry._fields, zip(*entries, strict=True), strict=True))
    return await append_page(tx, page, queues=queues, wake_at=wake_at, reload=reload)


async def append_page(
    tx: AsyncConnection,
    page: bulk.PageColumns,
    *,
    queues: Iterable[str] = (),
    wake_at: datetime | None = None,
    reload: Iterable[str] = (),
    beside: Sequence[bulk.NewRows] = (),
    counts: Counts | None = None,
) -> Committed:
    """Write the events of this transaction in one round trip: at least one, by columns with the names of `Entry`.

    The caller holds the locks of the incidents. `queues` names every queue whose content changes, as 'unit:state'.
    `wake_at` is the nearest deadline that the transaction sets. `reload` names what every process must read again
    (world, keys). `beside` are rows of other tables, at most one page of each, which the same statement inserts. A
    large page goes by itself: its shape depends on what is in it, and a statement of several would hardly ever come
    again. `counts` are added to the counts that are stored, always before a row of another table is written.

    Raises:
        IntegrityError: the database refuses one row, and with it all of them.
    """
    events = len(page["type"])
    touched, reloads = tuple(sorted(queues)), tuple(sorted(reload))
    parameters: dict[str, Any] = {
        "b_events": events,
        "b_queues": list(touched),
        "b_wake_at": wake_at,
        "b_reload": list(reloads),
    }
    shape, rows = bulk.insertable(event, {"ord": range(1, events + 1), **page})
    others = [bulk.insertable(*each) for each in beside]
    counted = await _write_large(tx, others, counts)
    counts = counts if counted is None else None
    small = [each for each in others if each[0].small]
    for more in (rows, *(each for _, each in small), counts.parameters() if counts else {}):
        parameters |= more
    statement = _append(counts.table if counts else None, shape, *(each for each, _ in small))
    batch = (await tx.execute(statement, parameters)).one()
    return Committed(batch.id, batch.mark, touched, wake_at, reloads, (batch.counted if counts else counted) or ())


async def _write_large(
    tx: AsyncConnection, pages: Sequence[tuple[bulk.PageShape, dict[str, Any]]], counts: Counts | None
) -> Sequence[CountedRow] | None:
    """Insert the large ones of these pages, and before them the counts. Returns the rows that pass a limit then; None:
    no page is large, and nothing was written."""
    large = [each for each in pages if not each[0].small]
    if not large:
        return None
    counted: Sequence[CountedRow] = ()
    if counts:
        counted = (await tx.execute(counting.alone(counts.table), counts.parameters())).scalar_one() or ()
    for shape, rows in large:
        await tx.execute(bulk.inserting(shape), rows)
    return counted
