"""The words that people wrote about incidents: one list of all places where they stand, and their erasure.

What is counted, such as outcomes, times, scores and verdicts, is no text and stays. What the rules themselves say, such
as why another unit was called, stays as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    Delete,
    Integer,
    LargeBinary,
    Table,
    Text,
    Update,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.model import CLOCK
from service.rules.words import EventType
from service.store import locks
from service.store.access.tables import contact
from service.store.incidents.report_tables import report
from service.store.incidents.tables import call, incident, request
from service.store.locks import DistrictLock
from service.store.log.tables import event, event_archive, event_text

_IDS = bindparam("ids", type_=ARRAY(Uuid))


def _without(column: ColumnElement[Any], *names: str) -> ColumnElement[Any]:
    """Return a JSON object with null in the place of these texts; a column without one stays null."""
    return cast(cast(column, JSONB).op("||")(cast(dict.fromkeys(names), JSONB)), JSON)


def _each_without(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Return a JSON array of objects with null in the place of this text in each."""
    each = func.json_array_elements(column).table_valued("value", name="each")
    return select(func.json_agg(_without(each.c.value, name))).select_from(each).scalar_subquery()


def _of_report() -> Update:
    # short words can be found by trying from the hash of the body that held them, and from that of the event as long as
    # there is its salt, so these go as well
    texts = update(report).where(report.c.id == any_(_IDS), report.c.description.is_not(None))
    return texts.values(description=None, body_hash=b"", salt=None)


def _of_event_texts() -> Update:
    """The words that lie beside the log, with their salts. Who acted stays."""
    texts = update(event_text).where(event_text.c.incident_id == any_(_IDS), event_text.c.note.is_not(None))
    return texts.values(note=None, salt=b"")


def _of_calls() -> Update:
    columns = call.c
    words = (columns.reason, columns.result, columns.end_reason, columns.answer, columns.parts_done, columns.appeal)
    texts = update(call).where(columns.incident_id == any_(_IDS), or_(*(each.is_not(None) for each in words)))
    return texts.values(
        reason=None,
        result=None,
        end_reason=None,
        answer=_without(columns.answer, "measure", "contact"),
        parts_done=_each_without(columns.parts_done, "comment"),
        appeal=_without(columns.appeal, "reason", "decided_reason"),
    )


def _of_events(events: Table) -> Update:
    """The words in the data of events from before, as long as they were not moved beside the log, and the hashes of
    the bodies of all acts: from such a hash short words can be found by trying."""
    has_words = and_(
        events.c.data.op("->>")("note").is_not(None),
        events.c.data.op("->")("by").op("->>")("kind") != CLOCK.kind,
        events.c.type != EventType.CALL_UNROUTED.value,
    )
    texts = update(events).where(
        events.c.incident_id == any_(_IDS), or_(has_words, func.octet_length(events.c.body_hash) > 0)
    )
    data = case((has_words, _without(events.c.data, "note")), else_=events.c.data)
    return texts.values(data=data, body_hash=case((events.c.body_hash.is_not(None), literal(b"", LargeBinary()))))


PLACES: tuple[Update | Delete, ...] = (
    _of_report(),
    delete(contact).where(contact.c.incident_id == any_(_IDS)),
    _of_calls(),
    update(request).where(request.c.incident_id == any_(_IDS)).values(reason=None, decided_reason=None),
    _of_event_texts(),
    _of_events(event),
    _of_events(event_archive),
)
"""Every place where words of people about an incident stand, as the statement that erases them there. Whoever adds such
a place adds it here."""


async def erase(tx: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
    """Erase all texts and the contacts of incidents, whose locks the caller holds."""
    await tx.execute(locks.shared(DistrictLock.TEXTS))
    for statement in PLACES:
        await tx.execute(statement, {"ids": list(ids)})
    erased = update(incident).where(incident.c.id == any_(_IDS)).values(erased_at=now, has_texts=False)
    await tx.execute(erased, {"ids": list(ids)})


class ClosePlace(NamedTuple):
    """A place in the order in which incidents were closed."""

    closed_at: datetime
    id: UUID


# word for word the predicate of incident_texts_idx, or the planner would not use it
_CLOSED_WITH_TEXTS = text("incident.state = 'closed' AND incident.has_texts")
_ORDER = (incident.c.closed_at, incident.c.id)
_CLAIM = (
    select(*_ORDER)
    .where(_CLOSED_WITH_TEXTS, incident.c.closed_at <= bindparam("before", type_=incident.c.closed_at.type))
    .order_by(*_ORDER)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(key_share=True, skip_locked=True)
)
_CLAIM_AFTER = _CLAIM.where(
    tuple_(*_ORDER) > tuple_(*(bindparam(f"after_{each.name}", type_=each.type) for each in _ORDER))
)


async def claim(
    tx: AsyncConnection, before: datetime, limit: int, after: ClosePlace | None = None
) -> Sequence[ClosePlace]:
    """Lock the next incidents that were closed before a moment and still have texts, those that were closed first. Rows
    that somebody else has locked are passed over. The cost does not grow with what was erased, or is not due."""
    values: dict[str, Any] = {"before": before, "most": limit}
    if after is not None:
        values |= {"after_closed_at": after.closed_at, "after_id": after.id}
    rows = await tx.execute(_CLAIM if after is None else _CLAIM_AFTER, values)
    return [ClosePlace(*row) for row in rows]


class Named(NamedTuple):
    """An incident by its id and number. `has_texts`: it has some, or a contact, that were not erased."""

    id: UUID
    number: str
    has_texts: bool


_NAMED = select(incident.c.id, incident.c.number, incident.c.has_texts).where(
    or_(incident.c.number == any_(bindparam("numbers", type_=ARRAY(Text))), incident.c.id == any_(_IDS))
)


async def named(connection: AsyncConnection, numbers: Sequence[str], ids: Sequence[UUID]) -> Sequence[Named]:
    """Return those of the incidents with these numbers or ids that exist. A number is looked for in all incidents."""
    rows = await connection.execute(_NAMED, {"numbers": list(numbers), "ids": list(ids)})
    return [Named(*row) for row in rows]
