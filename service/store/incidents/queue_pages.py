"""One page of a unit's queue. It is read by the two indexes that exist for queues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, select, text, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import TextClause

from service.rules.sight import Sight
from service.store.incidents.lists import seen
from service.store.incidents.loading import joined
from service.store.incidents.tables import incident
from service.store.ranges import holds

# these repeat the predicates of incident_queue_idx and incident_assisting_idx word for word, or the planner would not
# use the indexes
_OPEN = text("incident.state <> 'closed'")
_ASSISTED = text("incident.state <> 'closed' AND incident.assisting <> '{}'")


async def page(
    connection: AsyncConnection,
    unit: str,
    states: Sequence[str],
    after: tuple[datetime, UUID] | None,
    limit: int,
    *,
    sight: Sight,
) -> Sequence[RowMapping]:
    """Return the open incidents whose last call is on `unit` or in which `unit` assists, as far as `sight` grants them:
    those after the place `after`, soonest first by `(due_at, id)`."""

    def part(*which: ColumnElement[bool] | TextClause) -> Select[Any]:
        query = joined().where(*which, incident.c.state.in_(states), seen(sight))
        if after is not None:
            query = query.where(tuple_(incident.c.due_at, incident.c.id) > tuple_(*after))
        return query.order_by(incident.c.due_at, incident.c.id).limit(limit)

    called, assisting = part(incident.c.unit == unit, _OPEN), part(holds(incident.c.assisting, unit), _ASSISTED)
    both = union_all(select(called.subquery("called")), select(assisting.subquery("assisted"))).subquery("queue")
    query = select(both).order_by(both.c.due_at, both.c.id).limit(limit)
    rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
    return rows
