"""Claiming due incidents: the engine locks a page of them and loads as much of each call as a deadline needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Row, Select, bindparam, func, select, tuple_, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import UserDefinedType

from service.rules.model import DueIncident, Request
from service.store import bulk
from service.store.incidents.call_rows import DUE_COLUMNS, due_call_of
from service.store.incidents.incident_rows import INCIDENT_COLUMNS, incident_of
from service.store.incidents.loading import WIDTH, requests_of
from service.store.incidents.tables import call, incident


class WakePlace(NamedTuple):
    """A place in the order in which incidents wake up."""

    wake_at: datetime
    id: UUID

    @classmethod
    def at(cls, wake_at: datetime) -> WakePlace:
        """The place before all incidents that wake up at this moment."""
        return cls(wake_at, UUID(int=0))

    def just_before(self) -> WakePlace:
        """The place before the incident that is here, and after all that wake up before it."""
        return WakePlace(self.wake_at, UUID(int=max(0, self.id.int - 1)))


FIRST = WakePlace.at(datetime.min.replace(tzinfo=UTC))
"""The place before all incidents."""


async def claim_due(tx: AsyncConnection, now: datetime, limit: int, after: WakePlace = FIRST) -> list[DueIncident]:
    """Lock and load the next page of incidents after a place whose `wake_at` has come, oldest first.

    Rows that another engine has locked are passed over, so any number of engines share the work and none waits.
    """
    await bulk.find_by_key(tx)  # for the claim itself, and for all that is saved of it
    parameters = {"now": now, "limit": limit, **after._asdict()}
    return await _due(tx, (await tx.execute(_PAGE, parameters)).all())


class UnreadableRowError(Exception):
    """A row among those that were claimed holds what this program does not know, such as another word for a state."""


async def _due(tx: AsyncConnection, rows: Sequence[Row[Any]]) -> list[DueIncident]:
    """Return the incidents of these rows. Few incidents have requests, so a second statement loads those.

    Raises:
        UnreadableRowError: one of the rows is no incident that this program can read.
    """
    with_requests = [row[0] for row in rows if row[-1]]
    try:
        requests = await requests_of(tx, with_requests) if with_requests else {}
        return [_incident_of(list(row), requests.get(row[0], ())) for row in rows]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise UnreadableRowError(f"{type(error).__name__}: {error}") from error


def _incident_of(values: list[Any], requests: tuple[Request, ...]) -> DueIncident:
    return incident_of(values[:WIDTH], due_call_of(values[WIDTH:-1]), None, requests)


class _DriverValue(UserDefinedType[Any]):
    """A column type that leaves the driver's values as they are; SQLAlchemy's ARRAY would copy each list."""

    cache_ok = True


_INCIDENT = [
    type_coerce(column, _DriverValue()).label(column.name) if isinstance(column.type, ARRAY) else column
    for column in INCIDENT_COLUMNS
]


_ORDER = (incident.c.wake_at, incident.c.id)
_IS_AFTER = tuple_(*_ORDER) > tuple_(*(bindparam(column.name, type_=column.type) for column in _ORDER))


_DUE = (
    select(*_INCIDENT, incident.c.requests, incident.c.seq.label("last_seq"))
    .where(incident.c.wake_at <= bindparam("now", type_=incident.c.wake_at.type))
    .with_for_update(key_share=True, skip_locked=True)
)


def _with_call(due: Select[Any]) -> Select[Any]:
    """The locked incidents with their last calls. They are locked first, so that no call is read of an incident that is
    passed over."""
    locked = due.cte("due")
    fields = [locked.c[column.name] for column in INCIDENT_COLUMNS]
    joined = (call.c.incident_id == locked.c.id) & (call.c.seq == locked.c.last_seq)
    rows = select(*fields, *DUE_COLUMNS, locked.c.requests).join(call, joined)
    return rows.order_by(locked.c.wake_at, locked.c.id)


# made once: to put together so many columns takes longer than to send the statement
_PAGE = _with_call(_DUE.where(_IS_AFTER).order_by(*_ORDER).limit(bindparam("limit", type_=Integer)))
_ONE = _with_call(_DUE.where(incident.c.id == bindparam("id", type_=incident.c.id.type)))


async def claim_one(tx: AsyncConnection, incident_id: UUID, now: datetime) -> DueIncident | None:
    """Lock and load one incident by itself, after the page that held it failed as a whole. Return None when another
    engine has locked it or when it is no longer due."""
    rows = (await tx.execute(_ONE, {"now": now, "id": incident_id})).all()
    return next(iter(await _due(tx, rows)), None)


async def due_ids(connection: AsyncConnection, now: datetime, limit: int, after: WakePlace = FIRST) -> list[UUID]:
    """Return the ids of the incidents that `claim_due` would take next, without locking or loading them."""
    ids = select(incident.c.id).where(incident.c.wake_at <= now, _IS_AFTER).order_by(*_ORDER).limit(limit)
    return list((await connection.execute(ids, after._asdict())).scalars())


async def nearest(connection: AsyncConnection, after: WakePlace = FIRST) -> WakePlace | None:
    """Return where the first incident after a place is; None when nothing there is open.

    The index is a queue: what was taken from its front stays there as litter until a vacuum comes. Who knows a place
    before which nobody waits does not walk over that.
    """
    found = (await connection.execute(_NEAREST, after._asdict())).one_or_none()
    return None if found is None else WakePlace(*found)


async def next_wake(connection: AsyncConnection, after: WakePlace = FIRST) -> datetime | None:
    """Return when the engine must look next: the nearest `wake_at` after a place, even one in the past; None when
    nothing there is open."""
    found = await nearest(connection, after)
    return None if found is None else found.wake_at


_NEAREST = select(*_ORDER).where(incident.c.wake_at.is_not(None), _IS_AFTER).order_by(*_ORDER).limit(1)


async def back_off(
    tx: AsyncConnection, incident_id: UUID, now: datetime, first_delay: timedelta, max_delay: timedelta
) -> None:
    """Put off an incident that is due and cannot be swept, by `first_delay`, doubled with every fault in a row, at most
    `max_delay`. Its deadline does not move, so everybody sees that it is overdue. One on which somebody has acted in
    the meantime is not due any more, and stays as it is."""
    delay = func.least(first_delay * func.power(2, func.least(incident.c.faults, 20)), max_delay)
    waiting = update(incident).where(incident.c.id == incident_id, incident.c.wake_at <= now)
    await tx.execute(waiting.values(wake_at=now + delay, faults=incident.c.faults + 1))


class PutAside(NamedTuple):
    """The incidents that could not be swept and wait for another try: how many there are, and the oldest deadline among
    them (None: there are none)."""

    incidents: int
    oldest_due_at: datetime | None


# the index `incident_put_aside_idx` has these rows alone
_IS_PUT_ASIDE = incident.c.faults > 0


async def put_aside(connection: AsyncConnection) -> PutAside:
    """Return how many incidents are put aside. The cost grows with those alone."""
    found = select(func.count(), func.min(incident.c.due_at)).where(_IS_PUT_ASIDE)
    return PutAside(*(await connection.execute(found)).one())


async def put_aside_numbers(connection: AsyncConnection, limit: int) -> list[tuple[str, datetime]]:
    """Return the numbers of at most `limit` incidents that are put aside, those that are due first, and when each is
    tried again."""
    found = select(incident.c.number, incident.c.wake_at).where(_IS_PUT_ASIDE, incident.c.wake_at.is_not(None))
    return [
        (row.number, row.wake_at) for row in await connection.execute(found.order_by(incident.c.due_at).limit(limit))
    ]
