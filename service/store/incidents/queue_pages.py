"""One page of a unit's queue. It is read by the two indexes that exist for queues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    RowMapping,
    Select,
    Text,
    Uuid,
    bindparam,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import TextClause

from service.rules.sight import Sight
from service.store.incidents.lists import seen
from service.store.incidents.loading import shown
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
    looker: str | None = None,
) -> Sequence[RowMapping]:
    """Return the open incidents whose last call is on `unit` or in which `unit` assists, as far as `sight` grants them,
    and as the unit `looker` stands to them (`shown`): those after the place `after`, soonest first by
    `(due_at, id)`."""
    start = {} if after is None else {"after_due_at": after[0], "after_id": after[1]}
    parameters = {"unit": unit, "states": states, "limit": limit, "looker": looker, **start}
    found = await connection.execute(_statement(sight, after is not None), parameters)
    rows: Sequence[RowMapping] = found.mappings().all()
    return rows


# building this statement costs more than the server takes for it, and leaves a thousand objects to the collector
@lru_cache(maxsize=64)
def _statement(sight: Sight, goes_on: bool) -> Select[Any]:
    limit = bindparam("limit", type_=Integer)

    def part(*which: ColumnElement[bool] | TextClause) -> Select[Any]:
        query = shown().where(*which, incident.c.state.in_(bindparam("states", expanding=True)), seen(sight))
        if goes_on:
            place = tuple_(bindparam("after_due_at", type_=incident.c.due_at.type), bindparam("after_id", type_=Uuid))
            query = query.where(tuple_(incident.c.due_at, incident.c.id) > place)
        return query.order_by(incident.c.due_at, incident.c.id).limit(limit)

    called = part(incident.c.unit == bindparam("unit", type_=Text), _OPEN)
    assisting = part(holds(incident.c.assisting, bindparam("unit", type_=Text)), _ASSISTED)
    both = union_all(select(called.subquery("called")), select(assisting.subquery("assisted"))).subquery("queue")
    return select(both).order_by(both.c.due_at, both.c.id).limit(limit)
