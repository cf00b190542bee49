"""What the log has of a month beside its calls: the digest of its seed, and its close. A check compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.figures.definition import Period
from service.rules.words import EventType
from service.store.log.tables import event, event_archive


class MonthRecord(NamedTuple):
    """An event about a month: when it was, and its data."""

    at: datetime
    data: Mapping[str, Any]


async def records(connection: AsyncConnection, period: Period, kind: EventType) -> Sequence[MonthRecord]:
    """Return the events of a type that are about a month, the oldest first. The archive of the log is read as well."""
    row = event.c
    shown = row.batch_id.name, row.ord.name, row.at.name, row.data.name
    of_kind = (
        # the few events without an incident are found by the index that begins with it
        select(*(each.c[name] for name in shown)).where(each.c.incident_id.is_(None), each.c.type == kind)
        for each in (event, event_archive)
    )
    ever = union_all(*of_kind).subquery("ever")
    about = ever.c.data["period"].as_string() == str(period)
    found = await connection.execute(select(ever.c.at, ever.c.data).where(about).order_by(ever.c.batch_id, ever.c.ord))
    return [MonthRecord._make(each) for each in found]
