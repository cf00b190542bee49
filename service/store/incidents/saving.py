"""Saving decisions: the one place where incidents, calls, requests and events are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, Select, Table, Uuid, any_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.decisions import AnyDecision
from service.rules.model import CLOCK
from service.store import bulk
from service.store.bulk import ColumnPage
from service.store.counting import Counts
from service.store.incidents import call_rows, incident_rows
from service.store.incidents.tables import call, incident, incident_number, request
from service.store.log import event_rows, event_texts, writing
from service.store.log.event_texts import ReportText
from service.store.log.tables import event, event_archive, event_text

NUMBER_BLOCK = 100
"""How many incident numbers a process takes at a time. The sequence has this number as its INCREMENT."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who sent an action, and its Idempotency-Key if it has one, which is unique per incident and subject. They are
    stored on the first event of the action."""

    subject: str
    key: str | None = None
    body_hash: bytes | None = None


async def lock(tx: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Lock the rows of these incidents until the transaction ends, always in the order of their ids.

    So a person and the clock cannot both change an incident, and no two transactions can wait for each other: all take
    their row locks in the same order, and before they write.
    """
    fence = select(incident.c.id).where(incident.c.id.in_(ids)).order_by(incident.c.id)
    await tx.execute(fence.with_for_update(key_share=True))


async def number_block(connection: AsyncConnection) -> int:
    """Take the next `NUMBER_BLOCK` incident numbers for the caller, and return the first of them."""
    return (await connection.execute(select(incident_number.next_value()))).scalar_one()


async def save(
    tx: AsyncConnection,
    decisions: Sequence[AnyDecision],
    *,
    stamps: Mapping[UUID, Stamp] | None = None,
    reported: Mapping[UUID, ReportText] | None = None,
    beside: Sequence[bulk.NewRows] = (),
    counts: Counts | None = None,
) -> writing.Committed | None:
    """Write the incidents, calls, requests and events of these decisions: one statement for each kind of change, and
    one for all that is new. The caller holds the locks of the incidents. `reported` are the texts of new reports, by
    incident. `beside` are new rows of other tables, and `counts` are added to those that are stored. Returns None when
    there is no event to write, since the clock only has to look again later.

    Raises:
        IntegrityError: the database refused one of the decisions, and with it all of them.
    """
    new = [each.after for each in decisions if each.before is None]
    changed = [each for each in decisions if each.before is not None]
    opened = [(each.after, each.opened) for each in decisions if each.opened]
    if changed:
        page, words = incident_rows.changed_incidents(changed), {"has_texts": True} if _has_words(changed) else {}
        await bulk.update_rows(tx, incident, ("id",), page, faults=0, **words)
    if any(each.changed for each in decisions):
        await bulk.update_rows(tx, call, ("incident_id", "seq"), call_rows.changed_calls(decisions))
    if any(each.request for each in decisions):
        await bulk.upsert_rows(tx, request, incident_rows.changed_requests(decisions))
    events = [event for each in decisions for event in each.events]
    if not events:
        return None
    hashes, texts = event_texts.text_page(events, reported or {})
    rows = event_rows.event_page(events) | {"text_sha256": hashes} | (_stamped(decisions, stamps) if stamps else {})
    inserted = [*beside, *([(event_text, texts)] if texts else [])]
    if new:
        inserted.append((incident, incident_rows.new_incidents(new)))
    if opened:  # the calls before them have ended by now, for an incident has one open call
        inserted.append((call, call_rows.opened_calls(opened)))
    wakes = [each.after.wake_at for each in decisions if each.after.wake_at]
    nearest, queues = min(wakes, default=None), _queues(decisions)
    return await writing.append_page(tx, rows, queues=queues, wake_at=nearest, beside=inserted, counts=counts)


def _has_words(decisions: Sequence[AnyDecision]) -> bool:
    """Return whether somebody has written something, which is to be erased one day: perhaps once more."""
    return any(event.note is not None and event.by is not CLOCK for each in decisions for event in each.events)


def _stamped(decisions: Sequence[AnyDecision], stamps: Mapping[UUID, Stamp]) -> ColumnPage:
    """Return the columns of `event` that say who sent an action. Only its first event has them."""
    found: list[Stamp | None] = []
    for each in decisions:
        found += [stamps.get(each.after.id) if event is each.events[0] else None for event in each.events]
    return {
        "subject": [stamp and stamp.subject for stamp in found],
        "idempotency_key": [stamp and stamp.key for stamp in found],
        "body_hash": [stamp and stamp.body_hash for stamp in found],
    }


def _queues(decisions: Sequence[AnyDecision]) -> set[str]:
    """Return every queue, as 'unit:state', whose content changes. Comments and urges change none."""
    touched = set()
    for before, after, *_ in decisions:
        if before is None or before.version != after.version:
            for shown in (before, after) if before else (after,):
                touched.add((shown.unit, shown.state))
                if shown.assisting:
                    touched.update((unit, shown.state) for unit in shown.assisting)
    return {f"{unit}:{state}" for unit, state in touched}


async def stamped_hash(tx: AsyncConnection, ids: Sequence[UUID], subject: str, key: str) -> bytes | None:
    """Return the body hash of the action that this subject already sent to one of these incidents under this key, or
    None.

    The caller holds the lock of the incident, so this look is the last word: the constraint holds within a stretch of
    the log only. An incident whose first event is still kept has none in the archive.
    """
    values = {"incidents": list(ids), "subject": subject, "key": key}
    body_hash, whole = (await tx.execute(_STAMPED, values)).one()
    if body_hash is None and whole < len(ids):
        body_hash = (await tx.execute(_STAMPED_IN_ARCHIVE, values)).scalar_one_or_none()
    return cast("bytes | None", body_hash)


def _stamped_in(events: Table) -> Select[Any]:
    query = select(events.c.body_hash).where(
        events.c.incident_id == any_(_IDS),
        events.c.subject == bindparam("subject"),
        events.c.idempotency_key == bindparam("key"),
    )
    return query.limit(1)


_IDS = bindparam("incidents", type_=ARRAY(Uuid))
_FIRST = select(func.count()).where(event.c.incident_id == any_(_IDS), event.c.sequence == 1)
_STAMPED = select(_stamped_in(event).scalar_subquery(), _FIRST.scalar_subquery())
_STAMPED_IN_ARCHIVE = _stamped_in(event_archive)
