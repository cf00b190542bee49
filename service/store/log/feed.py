"""Reading the log: the feed, in the order of positions.

A page reads the numbered batches from the cursor on, and takes those of their events that the filters and the reader's
sight let through. The work for a filter that matches little is bounded: a request looks at about `SCAN` positions, and
the page says how far it got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, bindparam, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.sight import Sight, sees_event
from service.rules.texts import WORDLESS, Words
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
    `mark` is that of its batch; None in a batch from before batches had marks. `words` are read for a timeline alone:
    what lies beside the log. An event from before may have its words in `data` still."""

    batch_id: int
    ord: int
    position: int | None
    incident_id: UUID | None
    sequence: int | None
    type: EventType
    at: datetime
    data: Any
    mark: UUID | None = None
    words: Words = WORDLESS

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


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One numbered event with the columns by which readers are told apart, for a process that filters in memory."""

    stored: StoredEvent
    position: int
    area: str
    unit: str | None
    audience: Sequence[str]

    @property
    def place(self) -> LogPlace:
        """Where the event stands in the log."""
        return LogPlace(self.position, marks.short(self.stored.mark))


def lets_through(filters: FeedFilter, new: NewEvent) -> bool:
    """Whether the filters and the sight let an event through: the same in memory as `_conditions` to the database."""
    if filters.types and new.stored.type not in filters.types:
        return False
    if filters.unit is not None and new.unit != filters.unit:
        return False
    if filters.within_area is not None and not new.area.startswith(filters.within_area):
        return False
    of_incident = new.stored.incident_id is not None
    return sees_event(filters.sight, of_incident=of_incident, area=new.area, audience=new.audience)


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
    parameters = {"after": after, "until": stop.position, "limit": limit}
    rows = await connection.execute(_page(filters), parameters)
    events = tuple(StoredEvent(*row) for row in rows)
    if len(events) == limit:
        last = events[-1]
        stop = LogPlace(last.position or after, marks.short(last.mark))
    return FeedPage(events, stop.position, stop.position < end.position, stop.mark)


async def between(connection: AsyncConnection, after: LogPlace, until: int) -> list[NewEvent]:
    """Return all numbered events past the place `after` and up to `until`, which is the end of a batch, in order. Call
    it in a `Database.read` block.

    Raises:
        LostPlaceError: the log was taken back, so that the place is not there any more.
    """
    await marks.end_after(connection, after)
    rows = await connection.execute(_between(), {"after": after.position, "until": until})
    return [NewEvent(StoredEvent(*row[:-3]), row.position, *row[-3:]) for row in rows]


@cache  # the tail moves many times a second, and a statement costs more to build than to run
def _between() -> Select[Any]:
    return _stretch(_COLUMNS + _READERS, ())


@lru_cache(maxsize=64)
def _page(filters: FeedFilter) -> Select[Any]:
    return _stretch(_COLUMNS, _conditions(filters)).limit(bindparam("limit", type_=Integer))


def _stretch(columns: Sequence[ColumnElement[Any]], conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return the query of the events past the position `after` and up to `until`, which are its parameters."""
    after, until = (bindparam(name, type_=BigInteger) for name in ("after", "until"))
    # OFFSET 0 makes the planner look up the events of one batch after the other. Without it, the planner would answer a
    # filter that matches little by reading the whole table once into a hash
    position = (log_batch.c.last_position - log_batch.c.events + event.c.ord).label("position")
    here = (
        select(event.c.batch_id, event.c.ord, position, *columns)
        .where(event.c.batch_id == log_batch.c.id, position > after, *conditions)
        .order_by(event.c.ord)
        .offset(literal_column("0"))
        .lateral("here")
    )
    return (
        select(here)
        .select_from(log_batch.join(here, true()))
        .where(log_batch.c.last_position > after, log_batch.c.last_position <= until)
        .order_by(log_batch.c.last_position, here.c.ord)
    )


async def _end_of_batch(connection: AsyncConnection, position: int) -> LogPlace:
    """Return the end of the batch that holds `position`.

    A page ends with a batch, so that its end is a bound of the index. Otherwise a filter that matches nothing would
    read on through everything that came later.
    """
    query = select(log_batch.c.last_position, log_batch.c.mark).where(log_batch.c.last_position >= position)
    found = (await connection.execute(query.order_by(log_batch.c.last_position).limit(1))).one()
    return LogPlace(found.last_position, marks.short(found.mark))


_COLUMNS = (event.c.incident_id, event.c.sequence, event.c.type, event.c.at, event.c.data, log_batch.c.mark)
_READERS = (event.c.area, event.c.unit, event.c.audience)
"""The columns by which readers are told apart, in the order of `NewEvent`."""


def _conditions(filters: FeedFilter) -> list[ColumnElement[bool]]:
    tests = [seen_events(filters.sight, incident_id=event.c.incident_id, area=event.c.area, audience=event.c.audience)]
    if filters.types:
        tests.append(event.c.type.in_(filters.types))
    if filters.unit is not None:
        tests.append(event.c.unit == filters.unit)
    if filters.within_area is not None:
        tests.append(within(event.c.area, filters.within_area))
    return tests
