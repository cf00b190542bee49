"""One page of a unit's queue. It is read by the two indexes that exist for queues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
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
from service.store.incidents.report_tables import report
from service.store.incidents.tables import incident
from service.store.ranges import holds

# these repeat the predicates of incident_queue_idx and incident_assisting_idx word for word, or the planner would not
# use the indexes
_OPEN = text("incident.state <> 'closed'")
_ASSISTED = text("incident.state <> 'closed' AND incident.assisting <> '{}'")

_UNIT: ColumnElement[str] = bindparam("unit", type_=Text)
_STATES: BindParameter[Any] = bindparam("states", expanding=True)
_Conditions = tuple[ColumnElement[bool] | TextClause, ...]


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


async def versions(
    connection: AsyncConnection, unit: str, states: Sequence[str], *, sight: Sight
) -> Sequence[tuple[UUID, int]]:
    """Return the id and the version of every incident that `page` finds on some page, by id."""
    found = await connection.execute(_versions(sight), {"unit": unit, "states": states})
    return [(row.id, row.version) for row in found]


@lru_cache(maxsize=64)
def _versions(sight: Sight) -> Select[Any]:
    parts = [
        select(incident.c.id, incident.c.version).join(report, report.c.id == incident.c.id).where(*which, seen(sight))
        for which in (_called(), _assisting())
    ]
    both = union_all(*parts).subquery("queue")
    return select(both).order_by(both.c.id)


def _called() -> _Conditions:
    return incident.c.unit == _UNIT, _OPEN, incident.c.state.in_(_STATES)


def _assisting() -> _Conditions:
    return holds(incident.c.assisting, _UNIT), _ASSISTED, incident.c.state.in_(_STATES)


# building this statement costs more than the server takes for it, and leaves a thousand objects to the collector
@lru_cache(maxsize=64)
def _statement(sight: Sight, goes_on: bool) -> Select[Any]:
    limit = bindparam("limit", type_=Integer)

    def part(which: _Conditions) -> Select[Any]:
        query = shown().where(*which, seen(sight))
        if goes_on:
            place = tuple_(bindparam("after_due_at", type_=incident.c.due_at.type), bindparam("after_id", type_=Uuid))
            query = query.where(tuple_(incident.c.due_at, incident.c.id) > place)
        return query.order_by(incident.c.due_at, incident.c.id).limit(limit)

    called, assisting = part(_called()).subquery("called"), part(_assisting()).subquery("assisted")
    both = union_all(select(called), select(assisting)).subquery("queue")
    return select(both).order_by(both.c.due_at, both.c.id).limit(limit)
