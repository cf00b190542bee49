"""A log as an older version wrote it: with the words of each act, and with who acted, in the data of its event."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, delete, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.words import EventType
from service.store.incidents.report_tables import report
from service.store.log.tables import event, event_archive, event_text, words_moved

LOGS = (event, event_archive)


async def make_old(tx: AsyncConnection, after_batch: int = 0) -> int:
    """Write every event of an incident past a batch as the older version did, and forget what lies beside it. Returns
    how many events there are."""
    people = {row.id: row.subject for row in await tx.execute(select(report.c.id, report.c.subject))}
    beside = {(row.incident_id, row.sequence): row for row in await tx.execute(select(event_text))}
    count = 0
    for table in LOGS:
        of_incident = table.c.incident_id.is_not(None) & (table.c.batch_id > after_batch)
        for row in (await tx.execute(select(table).where(of_incident))).all():
            key = row.incident_id, row.sequence
            said = beside.get(key)
            subject = said.subject if said else people.get(row.incident_id) if row.text_sha256 else None
            old = _old_data(row.type, row.data, said.note if said else None, subject)
            place = (table.c.batch_id == row.batch_id) & (table.c.ord == row.ord)
            await tx.execute(update(table).where(place).values(data=old, text_sha256=None))
            await tx.execute(delete(event_text).where(tuple_(event_text.c.incident_id, event_text.c.sequence) == key))
            await tx.execute(update(report).where(report.c.id == row.incident_id).values(salt=None))
            count += 1
    if not after_batch:
        await tx.execute(update(words_moved).values(up_to=0))
    return count


def _old_data(event_type: str, data: dict[str, Any], note: str | None, subject: str | None) -> dict[str, Any]:
    by = {**data["by"], **({"subject": subject} if subject is not None else {})}
    old = {**data, "by": by, "note": note}
    if event_type == EventType.CALL_WARNED:
        old["note"] = str(old.pop("mark"))
    return old


async def old_left(connection: AsyncConnection) -> int:
    """How many events have words or a person in their data still."""
    return sum([await _old_in(connection, table) for table in LOGS])


async def _old_in(connection: AsyncConnection, table: Table) -> int:
    query = text(
        f"SELECT count(*) FROM {table.name} WHERE incident_id IS NOT NULL"
        " AND (data -> 'note' IS NOT NULL OR data -> 'by' -> 'subject' IS NOT NULL)"
    )
    return int((await connection.execute(query)).scalar_one())
