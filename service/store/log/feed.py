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

from sqlalchemy import ColumnElement, Select, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.sight import Sight
from service.rules.words import EventType
from service.store.log import marks
from service.store.log.marks import LogPlace
from service.store.log.tables import event, log_batch
from service.store.ranges import within
from service.store.sight import seen_events

SCAN = 20_000
"""The number of positions after which a request stops looking, at the end of the batch that it has reached."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is read. `position` is None in a timeline, which also shows events that have no number yet.
    `mark` is that of its batch; None in a batch from before batches had marks."""

    batch_id: int
    ord: int
    position: int | None
    incident_id: UUID | None
    sequence: int | None
    type: EventType
    at: datetime
    data: Any
    mark: UUID | None = None

    @property
    def name(self) -> str:
        """The id of the event, which no other event ever gets. An id that was counted came a second time after a loss;
        events from before batches had marks keep theirs."""
        return f"{self.batch_id if self.mark is None else self.mark}-{self.ord}"


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
    """A page of the feed. All positions up to `scanned_to` were looked at; `mark` is that of the batch there. `more`:
    further events may follow."""

    events: tuple[StoredEvent, ...]
    scanned_to: int
    more: bool
    mark: str | None = None


async def read(
    connection: AsyncConnection, after: int, limit: int, filters: FeedFilter, mark: str | None = None
) -> FeedPage:
    """Return the next events after position `after`, in order. `mark`: of the batch that the reader has found there.
    Call it in a `Database.read` block, since its statements need one snapshot.

    Raises:
        LostPlaceError: the log was taken back, so that the reader's place is not there any more, or what follows it is
            too old to be kept.
    """
    end = await marks.end_after(connection, LogPlace(after, mark))
    if end.position <= after:
        return FeedPage((), after, False, end.mark)
    stop = end if end.position - after <= SCAN else await _end_of_batch(connection, after + SCAN)
    rows = await connection.execute(_page(after, stop.position, limit, filters))
    events = tuple(StoredEvent(*row) for row in rows)
    if len(events) == limit:
        last = events[-1]
        stop = LogPlace(last.position or after, marks.short(last.mark))
    return FeedPage(events, stop.position, stop.position < end.position, stop.mark)


def _page(after: int, stop: int, limit: int, filters: FeedFilter) -> Select[Any]:
    # OFFSET 0 makes the planner look up the events of one batch after the other. Without it, the planner would answer a
    # filter that matches little by reading the whole table once into a hash
    position = (log_batch.c.last_position - log_batch.c.events + event.c.ord).label("position")
    here = (
        select(event.c.batch_id, event.c.ord, position, *_COLUMNS, log_batch.c.mark)
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


async def _end_of_batch(connection: AsyncConnection, position: int) -> LogPlace:
    """Return the end of the batch that holds `position`.

    A page ends with a batch, so that its end is a bound of the index. Otherwise a filter that matches nothing would
    read on through everything that came later.
    """
    query = select(log_batch.c.last_position, log_batch.c.mark).where(log_batch.c.last_position >= position)
    found = (await connection.execute(query.order_by(log_batch.c.last_position).limit(1))).one()
    return LogPlace(found.last_position, marks.short(found.mark))


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
    query = (
        select(event.c.batch_id, event.c.ord, *_COLUMNS, log_batch.c.mark)
        .outerjoin(log_batch, log_batch.c.id == event.c.batch_id)
        .where(event.c.incident_id == incident_id)
    )
    rows = await connection.execute(query.order_by(event.c.sequence))
    return [StoredEvent(row.batch_id, row.ord, None, *row[2:]) for row in rows]
