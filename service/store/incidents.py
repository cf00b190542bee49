"""Incidents and their calls: load with a lock, claim what is due, save what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, func, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import UserDefinedType

from service.rules.model import Call, Decision, Incident, Request
from service.store import bulk, call_rows, event_rows, incident_rows, log
from service.store.call_rows import CALL_COLUMNS, DUE_COLUMNS, call_of, due_call_of
from service.store.incident_rows import INCIDENT_COLUMNS, incident_of, request_of
from service.store.tables import call, event, incident, incident_number, report, request

NUMBER_BLOCK = 100
"""How many incident numbers one turn of the sequence hands to a process (its INCREMENT)."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The Idempotency-Key an action came with: kept on its first event, unique per incident and subject."""

    subject: str
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """One incident with everything a view of it needs. `row` joins `incident` and `report`."""

    incident: Incident
    row: Mapping[Any, Any]
    calls: tuple[Call, ...]


async def lock(tx: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Hold the rows of these incidents until the transaction ends, always in the same order: a click and the clock
    cannot both move one, no two can wait for each other, and nothing waits for a row lock after it has written."""
    fence = select(incident.c.id).where(incident.c.id.in_(ids)).order_by(incident.c.id)
    await tx.execute(fence.with_for_update(key_share=True))


async def load(connection: AsyncConnection, incident_id: UUID) -> Loaded | None:
    """The incident with its calls, or None."""
    row = (await connection.execute(joined().where(incident.c.id == incident_id))).one_or_none()
    if row is None:
        return None
    found = select(*CALL_COLUMNS).where(call.c.incident_id == incident_id).order_by(call.c.seq)
    calls = tuple(call_of(each) for each in await connection.execute(found))
    asked = (await _requests(connection, [incident_id])).get(incident_id, ()) if row.requests else ()
    return Loaded(incident_of(row[:_WIDTH], calls[-1], asked, calls[:-1]), row._mapping, calls)


_SAID = (
    *("line", "description", "location", "location_mismatch", "attachments", "source_system", "source_ref"),
    "occurred_at",
)


def joined() -> Select[Any]:
    """`incident` with the columns of `report` that its view needs: the row that `shown/row.py` shows."""
    said = (report.c[name] for name in _SAID)
    return select(*INCIDENT_COLUMNS, incident.c.requests, *said).join(report, report.c.id == incident.c.id)


async def claim_due(tx: AsyncConnection, now: datetime, limit: int) -> list[Incident]:
    """Lock and load the next page of incidents whose `wake_at` has come, oldest first.

    Rows another engine holds are passed over: any number of them share the work, and none waits for another.
    """
    page = _claim(now).order_by(incident.c.wake_at, incident.c.id).limit(limit)
    return await _due(tx, (await tx.execute(page)).all())


_WIDTH = len(INCIDENT_COLUMNS)


async def _due(tx: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Incident]:
    """The incidents of these rows; few have requests, so theirs are asked for apart."""
    asking = [row[0] for row in rows if row[-1]]
    asked = await _requests(tx, asking) if asking else {}
    return [incident_of(row[:_WIDTH], due_call_of(row[_WIDTH:-1]), asked.get(row[0], ())) for row in rows]


async def _requests(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, tuple[Request, ...]]:
    """Incident → everything its called units asked for, in order."""
    wanted = select(request).where(request.c.incident_id.in_(ids)).order_by(request.c.incident_id, request.c.n)
    found: dict[UUID, tuple[Request, ...]] = {}
    for row in await connection.execute(wanted):
        found[row.incident_id] = (*found.get(row.incident_id, ()), request_of(row))
    return found


class _AsTheDriverHasIt(UserDefinedType[Any]):
    """Arrays come from the driver as lists; SQLAlchemy would go through each of them once more."""

    cache_ok = True


_INCIDENT = [
    type_coerce(column, _AsTheDriverHasIt()).label(column.name) if isinstance(column.type, ARRAY) else column
    for column in INCIDENT_COLUMNS
]


def _claim(now: datetime) -> Select[Any]:
    return (
        select(*_INCIDENT, *DUE_COLUMNS, incident.c.requests)
        .join(call, (call.c.incident_id == incident.c.id) & (call.c.seq == incident.c.seq))
        .where(incident.c.wake_at <= now)
        .with_for_update(of=incident, key_share=True, skip_locked=True)
    )


async def claim_one(tx: AsyncConnection, incident_id: UUID, now: datetime) -> Incident | None:
    """One of a page that failed as a whole, alone; None when another engine has it or it is no longer due."""
    rows = (await tx.execute(_claim(now).where(incident.c.id == incident_id))).all()
    return next(iter(await _due(tx, rows)), None)


async def due_ids(connection: AsyncConnection, now: datetime, limit: int) -> list[UUID]:
    """The ids `claim_due` would look at next, without loading or locking them."""
    ids = select(incident.c.id).where(incident.c.wake_at <= now).order_by(incident.c.wake_at, incident.c.id)
    return list((await connection.execute(ids.limit(limit))).scalars())


async def next_wake(connection: AsyncConnection) -> datetime | None:
    """When the engine must look next: the nearest `wake_at`, past ones included."""
    nearest = select(incident.c.wake_at).where(incident.c.wake_at.is_not(None)).order_by(incident.c.wake_at).limit(1)
    return (await connection.execute(nearest)).scalar_one_or_none()


async def back_off(tx: AsyncConnection, incident_id: UUID, now: datetime, first: timedelta, longest: timedelta) -> None:
    """Put an incident that cannot be swept aside: `first`, doubled with every fault in a row, at most `longest`.
    Its deadline stays as it is, so it stays overdue for everybody to see."""
    delay = func.least(first * func.power(2, func.least(incident.c.faults, 20)), longest)
    aside = update(incident).where(incident.c.id == incident_id, incident.c.wake_at.is_not(None))
    await tx.execute(aside.values(wake_at=now + delay, faults=incident.c.faults + 1))


async def number_block(connection: AsyncConnection) -> int:
    """The first of `NUMBER_BLOCK` incident numbers that now belong to the caller."""
    return (await connection.execute(select(incident_number.next_value()))).scalar_one()


async def save(
    tx: AsyncConnection, decisions: Sequence[Decision], *, stamps: Mapping[UUID, Stamp] | None = None
) -> log.Committed | None:
    """Write what was decided, a page at a time: incidents, calls, requests, events. The caller holds the incidents'
    locks. None when there is nothing to tell: the clock only has to look again later.

    Raises:
        IntegrityError: the database refused one of them; nothing of the page is written.
    """
    born = [each.after for each in decisions if each.before is None]
    moved = [each for each in decisions if each.before is not None]
    ended = [each for each in decisions if each.changes_a_call]
    opened = [(each.after, each.opened) for each in decisions if each.opened]
    if born:
        await bulk.insert_rows(tx, incident, incident_rows.new_incidents(born))
    if moved:
        await bulk.update_rows(tx, incident, ("id",), incident_rows.moved_incidents(moved), faults=0)
    if ended:
        await bulk.update_rows(tx, call, ("incident_id", "seq"), call_rows.changed_calls(ended))
    if opened:
        await bulk.insert_rows(tx, call, call_rows.opened_calls(opened))
    if asked := [each for each in decisions if each.request]:
        await bulk.upsert_rows(tx, request, incident_rows.asked_requests(asked))
    entries = [entry for each in decisions for entry in _entries(each, stamps or {})]
    wakes = [each.after.wake_at for each in decisions if each.after.wake_at]
    if not entries:
        return None
    return await log.append(tx, entries, queues=_queues(decisions), wake_at=min(wakes, default=None))


def _entries(decision: Decision, stamps: Mapping[UUID, Stamp]) -> list[log.Entry]:
    entries = [event_rows.event_entry(event) for event in decision.events]
    stamp = stamps.get(decision.after.id)
    if stamp and entries:
        entries[0] = entries[0]._replace(subject=stamp.subject, idempotency_key=stamp.key, body_hash=stamp.body_hash)
    return entries


def _queues(decisions: Sequence[Decision]) -> set[str]:
    """Every 'unit:state' whose queue shows something else afterwards; a comment or an urge changes none."""
    touched = set()
    for before, after, *_ in decisions:
        if before is None or before.version != after.version:
            for shown in (before, after) if before else (after,):
                touched.add(f"{shown.unit}:{shown.state}")
                if shown.assisting:
                    touched.update(f"{unit}:{shown.state}" for unit in shown.assisting)
    return touched


async def stamped_hash(tx: AsyncConnection, incident_id: UUID, subject: str, key: str) -> bytes | None:
    """The body hash of the action that this subject already sent to this incident under this key, or None."""
    found = select(event.c.body_hash).where(
        event.c.incident_id == incident_id, event.c.subject == subject, event.c.idempotency_key == key
    )
    return (await tx.execute(found)).scalar_one_or_none()
