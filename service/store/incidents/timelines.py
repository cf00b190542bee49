"""The timeline of one incident: all its events, with the words that lie beside the log, and with who acted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Row, Select, Table, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.texts import Words
from service.rules.words import EventType
from service.store.incidents.report_tables import report
from service.store.log.feed import StoredEvent
from service.store.log.tables import event, event_archive, event_text, log_batch, log_batch_archive


async def timeline(
    connection: AsyncConnection, incident_id: UUID, *, after: int = 0, limit: int
) -> Sequence[StoredEvent]:
    """Return at most `limit` events of one incident whose sequence is greater than `after`, oldest first, whether they
    are numbered yet or not, and whether the feed still keeps them or not. Call it in a `Database.read` block."""
    values = {"incident": incident_id, "after": after, "most": limit}
    found = await _story(connection, _KEPT_STORY, values)
    if found and found[0].sequence == after + 1:
        return found
    # what is older is in the archive. It is read after the log, which this transaction thereby keeps from moving there
    return [*await _story(connection, _ARCHIVED_STORY, values), *found][:limit]


def in_report(incident_id: ColumnElement[Any], event_type: ColumnElement[Any], sequence: ColumnElement[Any]) -> Any:
    """Return the condition for the report in which the text of an event lies: `texts.is_of_report` for the database."""
    is_opened = (event_type == EventType.CALL_OPENED) & (sequence <= 3)
    return (report.c.id == incident_id) & ((event_type == EventType.INCIDENT_REPORTED) | is_opened)


async def _story(connection: AsyncConnection, query: Select[Any], values: dict[str, Any]) -> list[StoredEvent]:
    return [_event(row) for row in await connection.execute(query, values)]


def _event(row: Row[Any]) -> StoredEvent:
    what = row.type, row.at, row.data, row.mark, Words(row.note, row.subject)
    return StoredEvent(row.batch_id, row.ord, None, row.incident_id, row.sequence, *what)


def _story_in(events: Table, batches: Table) -> Select[Any]:
    columns = (events.c[name] for name in ("batch_id", "ord", "incident_id", "sequence", "type", "at", "data"))
    beside = (event_text.c.incident_id == events.c.incident_id) & (event_text.c.sequence == events.c.sequence)
    subject = func.coalesce(event_text.c.subject, report.c.subject).label("subject")
    return (
        select(*columns, batches.c.mark, event_text.c.note, subject)
        .outerjoin(batches, batches.c.id == events.c.batch_id)
        .outerjoin(event_text, beside)
        .outerjoin(report, in_report(events.c.incident_id, events.c.type, events.c.sequence))
        .where(events.c.incident_id == bindparam("incident"), events.c.sequence > bindparam("after", type_=Integer))
        .order_by(events.c.sequence)
        .limit(bindparam("most", type_=Integer))
    )


_KEPT_STORY, _ARCHIVED_STORY = _story_in(event, log_batch), _story_in(event_archive, log_batch_archive)
