"""Which calls belong to a month, and the groups that they are counted in, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, FromClause, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.figures.definition import UNKNOWN_LINE, Grouping, Measure, Period
from service.rules.sight import Sight
from service.rules.words import STREET_DIGITS, Level
from service.store.figures.measures import missed
from service.store.incidents.tables import call
from service.store.metadata import Code, Time
from service.store.registry.tables import category
from service.store.sight import seen_calls

LineSpan = tuple[str, str, datetime | None, datetime | None]
"""The code of a category, its line of work, and the start and end of that assignment (None: no limit). The spans of one
code leave no gap."""


async def lines(connection: AsyncConnection) -> list[LineSpan]:
    """Return the spans of all categories. They are read in a statement of their own: with a window function beside it,
    PostgreSQL would count the calls in one process only."""
    row = category.c
    nth = func.row_number().over(partition_by=row.code, order_by=row.valid_from)
    until = func.lead(row.valid_from).over(partition_by=row.code, order_by=row.valid_from)
    since = case((nth > 1, row.valid_from))
    return [tuple(each) for each in await connection.execute(select(row.code, row.line, since, until))]


@dataclass(frozen=True, slots=True)
class GroupedCalls:
    """A grouping in SQL: what to select from, the code of a call's group, and which calls it leaves out."""

    source: FromClause
    code: ColumnElement[Any]
    left_out: tuple[ColumnElement[bool], ...] = ()


async def grouped(connection: AsyncConnection, grouping: Grouping) -> GroupedCalls:
    """Return a grouping, with the lines of work as the registry has them now."""
    if grouping is Grouping.LINE:
        return by_line(await lines(connection))
    if grouping is Grouping.DEPARTMENT:
        return GroupedCalls(call, call.c.unit, (call.c.level == Level.DEPARTMENT,))
    if grouping is Grouping.STREET:
        return GroupedCalls(call, func.left(call.c.grid_code, STREET_DIGITS))
    return GroupedCalls(call, call.c.unit if grouping is Grouping.UNIT else call.c.level)


def by_line(spans: Sequence[LineSpan]) -> GroupedCalls:
    """Return the grouping by lines of work. `spans` are those of `lines`."""
    kinds: tuple[Any, ...] = (Code, Code, Time, Time)
    columns: list[Any] = [cast([each[n] for each in spans], ARRAY(kind)) for n, kind in enumerate(kinds)]
    line = func.unnest(*columns).table_valued("code", "line", "since", "until", name="line").render_derived()
    began = or_(line.c.since.is_(None), line.c.since <= call.c.opened_at)
    lasted = or_(line.c.until.is_(None), call.c.opened_at < line.c.until)
    joined = call.outerjoin(line, and_(line.c.code == call.c.category, began, lasted))
    return GroupedCalls(joined, func.coalesce(line.c.line, UNKNOWN_LINE))


def of_the_month(measure: Measure, period: Period, grouped: GroupedCalls, sight: Sight) -> list[ColumnElement[bool]]:
    """Return the conditions on the calls of a month that a measure may count under a sight."""
    seen = seen_calls(sight, unit=call.c.unit, grid_code=call.c.grid_code)
    opened_at = counted(measure).c.opened_at
    return [opened_at >= period.start, opened_at < period.end, seen, *grouped.left_out]


def counted(measure: Measure) -> FromClause:
    """Return the calls that a measure counts, by the name that they have in a query."""
    return missed if measure is Measure.ACCOUNTABLE else call


def source_of(measure: Measure, grouped: GroupedCalls) -> FromClause:
    """Return what the calls of a measure are selected from: accountable ones through those that were missed."""
    if measure is not Measure.ACCOUNTABLE:
        return grouped.source
    accountable = (missed.c.incident_id == call.c.incident_id) & (missed.c.accountable_seq == call.c.seq)
    return grouped.source.join(missed, accountable)
