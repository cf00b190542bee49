"""Lists of incidents, newest first. They walk the indexes of `report`, which cost nothing at an escalation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, RowMapping, Select, Uuid, bindparam, or_, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.sight import Sight
from service.store.incidents.loading import joined
from service.store.incidents.tables import incident, report
from service.store.ranges import within
from service.store.sight import seen_incidents

MAX_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """The incidents to list; None and () leave nothing out. `area` is a code prefix. For times, after <= t < before."""

    states: tuple[str, ...] = ()
    level: int | None = None
    unit: str | None = None
    area: str | None = None
    category: str | None = None
    line: str | None = None
    urgency: str | None = None
    kind: str | None = None
    overdue_at: datetime | None = None
    not_overdue_at: datetime | None = None
    reporter: str | None = None
    reported_after: datetime | None = None
    reported_before: datetime | None = None
    updated_after: datetime | None = None


async def page(
    connection: AsyncConnection,
    filters: IncidentFilter,
    sight: Sight,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Return one page of rows of `incident` joined with `report`: those after the place `after`, newest first by
    `(reported_at, id)`."""
    start = {} if after is None else {"after_reported_at": after[0], "after_id": after[1]}
    found = await connection.execute(_statement(filters, sight, after is not None), {"limit": limit, **start})
    rows: Sequence[RowMapping] = found.mappings().all()
    return rows


# building this statement takes longer than the rows, and leaves a thousand objects to the collector; whoever asks very
# often asks for the same list
@lru_cache(maxsize=64)
def _statement(filters: IncidentFilter, sight: Sight, goes_on: bool) -> Select[Any]:
    query = joined().where(*_conditions(filters)).where(seen(sight))
    if goes_on:
        place = tuple_(
            bindparam("after_reported_at", type_=report.c.reported_at.type), bindparam("after_id", type_=Uuid)
        )
        query = query.where(tuple_(report.c.reported_at, report.c.id) < place)
    order = query.order_by(report.c.reported_at.desc(), report.c.id.desc())
    return order.limit(bindparam("limit", type_=Integer))


async def open_ones(
    connection: AsyncConnection, cells: Sequence[str], line: str, since: datetime, until: datetime, sight: Sight
) -> Sequence[RowMapping]:
    """Return the open incidents of a line of work that were reported in these cells from `since` to `until`, each with
    its point (WGS-84 degrees). Only the newest `MAX_CANDIDATES` are returned."""
    query = (
        joined()
        .add_columns(report.c.lat, report.c.lon)
        .where(
            report.c.grid_code.in_(cells),
            report.c.reported_at.between(since, until),
            report.c.line == line,
            incident.c.state != "closed",
            seen(sight),
        )
    )
    query = query.order_by(report.c.reported_at.desc(), report.c.id.desc()).limit(MAX_CANDIDATES)
    rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
    return rows


def _conditions(filters: IncidentFilter) -> list[ColumnElement[bool]]:
    equal = {
        incident.c.level: filters.level,
        incident.c.unit: filters.unit,
        report.c.line: filters.line,
        report.c.urgency: filters.urgency,
        report.c.kind: filters.kind,
        report.c.reporter: filters.reporter,
    }
    tests = [column == value for column, value in equal.items() if value is not None]
    if filters.states:
        tests.append(incident.c.state.in_(filters.states))
    if filters.area is not None:
        tests.append(within(report.c.grid_code, filters.area))
    if filters.category is not None:
        tests.append(report.c.category.startswith(filters.category, autoescape=True))
    return tests + _time_conditions(filters)


def _time_conditions(filters: IncidentFilter) -> list[ColumnElement[bool]]:
    tests: list[ColumnElement[bool]] = []
    if filters.overdue_at is not None:
        tests.append(incident.c.due_at < filters.overdue_at)
    if filters.not_overdue_at is not None:
        tests.append(or_(incident.c.due_at.is_(None), incident.c.due_at >= filters.not_overdue_at))
    if filters.reported_after is not None:
        tests.append(report.c.reported_at >= filters.reported_after)
    if filters.reported_before is not None:
        tests.append(report.c.reported_at < filters.reported_before)
    if filters.updated_after is not None:
        tests.append(incident.c.updated_at >= filters.updated_after)
    return tests


def seen(sight: Sight) -> ColumnElement[bool]:
    """Return the condition that a sight puts on rows of `joined()`."""
    return seen_incidents(sight, grid_code=report.c.grid_code, audience=incident.c.audience, reporter=report.c.reporter)
