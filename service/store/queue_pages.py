"""One page of a unit's queue, by the index that exists for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.incidents import joined
from service.store.tables import incident

_OPEN = text("incident.state <> 'closed'")  # word for word the predicate of incident_queue_idx


async def page(
    connection: AsyncConnection, unit: str, states: Sequence[str], after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[RowMapping]:
    """Open incidents whose last call is on `unit`, soonest `(due_at, id)` first, strictly past `after`."""
    query = joined().where(incident.c.unit == unit, _OPEN, incident.c.state.in_(states))
    if after is not None:
        query = query.where(tuple_(incident.c.due_at, incident.c.id) > tuple_(*after))
    query = query.order_by(incident.c.due_at, incident.c.id).limit(limit)
    rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
    return rows
