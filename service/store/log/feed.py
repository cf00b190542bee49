"""Reading the log: the feed in the order of positions, and the timeline of one incident.

A page reads the numbered batches from the cursor on, and takes those of their events that the filters and the reader's
sight let through. The work for a filter that matches little is bounded: a request looks at about `SCAN` positions, and
the page says how far it got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.sight import Sight
from service.rules.words import EventType
from service.store.log import numbering
from service.store.log.tables import event, log_batch
from service.store.ranges import within
from service.store.sight import seen_events

SCAN = 20_000
"""The number of positions after which a request stops looking, at the end of the batch that it has reached."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is read. `position` is None in a timeline, which also shows events that have no number yet."""

    batch_id: int
    ord: int
    position: int | None
    incident_id: UUID | None
    sequence: int | None
    type: EventType
    at: datetime
    data: Any


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """The sight of a reader, and the filters that narrow it: event types, the unit of the last call, and a code prefix
    of the area. An empty tuple or None filters nothing."""

    sight: Sight
    types: tuple[EventType, ...] = ()
    unit: str | None = None
    within_area: str | None = None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of the feed. All positions up to `scanned_to` were looked at; `more`: further events may follow."""

    events: tuple[StoredEvent, ...]
    scanned_to: int
    more: bool


async def read(connection: AsyncConnection, after: int, limit: int, filters: FeedFilter) -> FeedPage:
    """Return the next events after position `after`, in order. Call it in a `Database.read` block, since its statements
    need one snapshot."""
    end = await numbering.end(connection)
    if end <= after:
        return FeedPage((), after, False)
    stop = end if end - after <= SCAN else await _end_of_batch(connection, after + SCAN)
    events = tuple(StoredEvent(*row) for row in await connection.execute(_page(after, stop, limit, filters)))
    if len(events) == limit:
        last = events[-1].position or after
        return FeedPage(events, last, last < end)
    return FeedPage(events, stop, stop < end)


def _page(after: int, stop: int, limit: int, filters: FeedFilter) -> Select[Any]:
    # OFFSET 0 makes the planner look up the events of one batch after the other. Without it, the planner would answer a
    # filter that matches little by reading the whole table once into a hash
    position = (log_batch.c.last_position - log_batch.c.events + event.c.ord).label("position")
    here = (
        select(event.c.batch_id, event.c.ord, position, *_COLUMNS)
        .where(event.c.batch_id == log_batch.c.id, position > after, *_conditions(filters))
        .order_by(event.c.ord)
        .offset(literal_column("0"))
        .lateral("here")
    )
    return (
        select(here)
        .select_from(log_batch.join(here, true()))
        .where(log_batch.c.last_position > after, log_batch.c.last_position <= stop)
        .order_by(log_batch.c.last_position, here.c.ord)
        .limit(limit)
    )


async def _end_of_batch(connection: AsyncConnection, position: int) -> int:
    """Return the last position of the batch that holds `position`.

    A page ends with a batch, so that its end is a bound of the index. Otherwise a filter that matches nothing would
    read on through everything that came later.
    """
    query = select(func.min(log_batch.c.last_position)).where(log_batch.c.last_position >= position)
    found: int = (await connection.execute(query)).scalar_one()
    return found


_COLUMNS = (event.c.incident_id, event.c.sequence, event.c.type, event.c.at, event.c.data)


def _conditions(filters: FeedFilter) -> list[ColumnElement[bool]]:
    tests = [seen_events(filters.sight, incident_id=event.c.incident_id, area=event.c.area, audience=event.c.audience)]
    if filters.types:
        tests.append(event.c.type.in_(filters.types))
    if filters.unit is not None:
        tests.append(event.c.unit == filters.unit)
    if filters.within_area is not None:
        tests.append(within(event.c.area, filters.within_area))
    return tests


async def timeline(connection: AsyncConnection, incident_id: UUID) -> Sequence[StoredEvent]:
    """Return every event of one incident, oldest first, whether it is numbered yet or not."""
    query = select(event.c.batch_id, event.c.ord, *_COLUMNS).where(event.c.incident_id == incident_id)
    rows = await connection.execute(query.order_by(event.c.sequence))
    return [StoredEvent(row.batch_id, row.ord, None, *row[2:]) for row in rows]
