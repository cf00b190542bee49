"""Moving the words of events from before out of the log: they lay in `data`, and lie beside it now.

The work goes through the log once, in the order of positions, a stretch of bounded size at a time; how far it has come
is stored. So it can be broken off anywhere, and programs of an older version may go on writing as they did: what they
write gets later positions. What was looked at is never looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Integer,
    Row,
    Select,
    Table,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import texts
from service.store import bulk, locks
from service.store.incidents.report_tables import report
from service.store.incidents.timelines import in_report
from service.store.locks import DistrictLock
from service.store.log import event_texts
from service.store.log.event_texts import ReportText
from service.store.log.feed import SCAN
from service.store.log.tables import (
    event,
    event_archive,
    event_text,
    log_batch,
    log_batch_archive,
    words_moved,
)

PAGE = 500
"""The most events that one transaction moves the words of."""


class Moved(NamedTuple):
    """What one step has done: how many events were written anew, up to which position none has words in its data, and
    where the log ended."""

    events: int
    up_to: int
    end: int


async def progress(connection: AsyncConnection) -> Moved:
    """Return how far the work has come, which does nothing."""
    return Moved(0, *(await connection.execute(_PROGRESS)).one())


async def step(tx: AsyncConnection, page: int = PAGE) -> Moved | None:
    """Move the words of the next events beside the log, at most `page`, and store how far that is. Returns None when
    another process is doing it at this moment."""
    up_to = (await tx.execute(_TURN)).scalar_one_or_none()
    if up_to is None:
        return None
    await tx.execute(locks.taken(DistrictLock.TEXTS))
    # a stretch that went to the archive in between would be in neither of the two
    await tx.execute(_STAY)
    await bulk.find_by_key(tx)
    end = (await tx.execute(_PROGRESS)).one().end
    for events, batches in _LOGS:
        until = (await tx.execute(_until(batches), {"after": up_to, "far": up_to + SCAN})).scalar_one()
        if until is not None:
            rows = (await tx.execute(old_events(events, batches), {"after": up_to, "until": until, "most": page})).all()
            await _move(tx, events, rows)
            reached = rows[-1].position if len(rows) == page else until
            await tx.execute(update(words_moved).values(up_to=reached))
            return Moved(len(rows), reached, end)
    return Moved(0, up_to, end)


async def _move(tx: AsyncConnection, events: Table, rows: Sequence[Row[Any]]) -> None:
    """Write these events without words, and their words beside them."""
    thin: list[Mapping[str, Any]] = []
    beside: list[Mapping[str, Any]] = []
    salts: dict[UUID, bytes] = {}
    for row in rows:
        data, words = texts.parted(row.type, row.data)
        found = None
        if words != texts.WORDLESS:
            found = event_texts.hashed(words, row.type, row.sequence, _report_text(row, salts))
            if found.beside is not None:
                beside.append(event_texts.row(row.incident_id, row.sequence, found.beside, found.salt))
        place = {"batch_id": row.batch_id, "ord": row.ord}
        thin.append({**place, "data": bulk.json_bytes(data), "text_sha256": found and found.sha256})
    await bulk.update_rows(tx, events, ("batch_id", "ord"), bulk.columns_of(thin))
    await bulk.insert_rows(tx, event_text, bulk.columns_of(beside))
    await bulk.update_rows(tx, report, ("id",), {"id": list(salts), "salt": list(salts.values())})


def _report_text(row: Row[Any], salts: dict[UUID, bytes]) -> ReportText | None:
    """Return what the report has of the text of an event; None: nothing. A salt that is made for it is put into
    `salts`."""
    if row.description is None:
        return None
    salt = row.salt or salts.setdefault(row.incident_id, event_texts.new_salt())
    found = texts.of_report(
        description=row.description,
        location=row.location,
        occurred_at=row.occurred_at,
        source=(row.source_system, row.source_ref) if row.source_system else None,
    )
    return ReportText(found, row.sender, salt)


def _until(batches: Table) -> Select[Any]:
    """The end of the batch that holds the position `far`, else the last end of all; null where nothing is past
    `after`."""
    last = batches.c.last_position
    past = select(last).where(last > bindparam("after", type_=BigInteger))
    there = past.where(last >= bindparam("far", type_=BigInteger)).order_by(last).limit(1)
    newest = past.order_by(last.desc()).limit(1)
    return select(func.coalesce(there.scalar_subquery(), newest.scalar_subquery()))


def old_events(events: Table, batches: Table) -> Select[Any]:
    """Return the query of the events of incidents that have words in their data, in order, each with its report if its
    text lies there. Its parameters: they are past the position `after`, up to `until`, and at most `most`."""
    data = events.c.data
    position = (batches.c.last_position - batches.c.events + events.c.ord).label("position")
    names = ("batch_id", "ord", "incident_id", "sequence", "type", "data")
    here = (
        select(position, *(events.c[name] for name in names))
        .where(
            events.c.batch_id == batches.c.id,
            position > bindparam("after", type_=BigInteger),
            events.c.incident_id.is_not(None),
            events.c.text_sha256.is_(None),
            or_(data["note"].is_not(None), data["by"]["subject"].is_not(None)),
        )
        .order_by(events.c.ord)
        .offset(literal_column("0"))  # batch after batch, as the feed reads them
        .lateral("here")
    )
    lies_there = in_report(here.c.incident_id, here.c.type, here.c.sequence)
    reported = ("description", "location", "occurred_at", "source_system", "source_ref", "salt")
    return (
        select(here, *(report.c[name] for name in reported), report.c.subject.label("sender"))
        .select_from(batches.join(here, true()).outerjoin(report, lies_there))
        .where(
            batches.c.last_position > bindparam("after", type_=BigInteger),
            batches.c.last_position <= bindparam("until", type_=BigInteger),
        )
        .order_by(batches.c.last_position, here.c.ord)
        .limit(bindparam("most", type_=Integer))
    )


_LOGS = ((event_archive, log_batch_archive), (event, log_batch))
"""Where events lie: the oldest first."""
_TURN = select(words_moved.c.up_to).with_for_update(skip_locked=True)
_STAY = text("LOCK TABLE ONLY event, ONLY log_batch IN ACCESS SHARE MODE")
_PROGRESS = select(
    words_moved.c.up_to,
    func.coalesce(select(func.max(log_batch.c.last_position)).scalar_subquery(), words_moved.c.up_to).label("end"),
)
