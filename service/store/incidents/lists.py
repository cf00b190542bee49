"""Lists of incidents, newest first: a page looks at a stretch of one index, and says where the next page goes on.

Which index depends on what is asked for. What is open is read from `incident`, by the partial indexes of open ones, and
what changed today by the index of changes; everything else walks `report`, whose indexes cost nothing at an escalation.
What was drawn for a spot check has an index of its own. So the work for a page grows with what is open, was changed or
was drawn, never with history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Integer, RowMapping, Select, bindparam, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.sight import OfWorkers, OwnOnly, Sight
from service.rules.words import State
from service.store.incidents import stretches
from service.store.incidents.loading import shown
from service.store.incidents.report_tables import report
from service.store.incidents.stretches import ListPlace, Stretch
from service.store.incidents.tables import incident
from service.store.ranges import within
from service.store.sight import SEEN_BY, seen_incidents

MAX_CANDIDATES = 200
_SOME_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_MOMENTS = ("overdue_at", "not_overdue_at", "reported_after", "reported_before", "updated_after")
MAX_CHANGES = timedelta(days=1)
"""What changed within so long before now is read whole, by the index of changes; a longer while is walked through."""


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """The incidents to list; None and () leave nothing out. `area` is a code prefix. For times, after <= t < before.
    `with_workers`: those of the reporter's workers as well. `is_recent`: `updated_after` lies at most `MAX_CHANGES`
    back. `waits`: a request waits for `approver`, a unit, or None for ops, who also decide what waits for one of the
    units that have `ended`."""

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
    with_workers: bool = False
    reported_after: datetime | None = None
    reported_before: datetime | None = None
    updated_after: datetime | None = None
    is_recent: bool = False
    waits: bool = False
    approver: str | None = None
    drawn: bool | None = None
    ended: tuple[str, ...] = ()


class IncidentPage(NamedTuple):
    """One page of rows of `incident` joined with `report`, and the place after which the next one goes on; None: this
    is the last page. A page may hold few rows or none, and be followed by others."""

    rows: Sequence[RowMapping]
    next_place: ListPlace | None


async def page(
    connection: AsyncConnection,
    filters: IncidentFilter,
    sight: Sight,
    after: ListPlace | None,
    limit: int,
    *,
    looker: str | None = None,
) -> IncidentPage:
    """Return one page: those incidents after the place `after`, newest first by `(reported_at, id)`, as the unit
    `looker` stands to them (`shown`). Call it in a `Database.read` block, since its statements need one snapshot."""
    shape, moments = _without_moments(filters)
    query, stretch = _statements(shape, sight, after is not None)
    values = {**moments, **stretches.start_at(after), "limit": limit + 1, "looker": looker}
    rows: Sequence[RowMapping] = (await connection.execute(query, values)).mappings().all()
    end = None
    if stretch.end is not None and (stretch.overshoots or len(rows) <= limit):
        last = (await connection.execute(stretch.end, values)).one_or_none()
        end = None if last is None else (last.reported_at, last.id)
        rows = rows if end is None else [row for row in rows if _place(row) >= end]
    return IncidentPage(rows[:limit], _place(rows[limit - 1]) if len(rows) > limit else end)


def _place(row: RowMapping) -> ListPlace:
    return row["reported_at"], row["id"]


def _without_moments(filters: IncidentFilter) -> tuple[IncidentFilter, dict[str, datetime]]:
    """The filters with the same moment in place of each that they name, and the moments by their names: so lists that
    differ in their moments alone are one statement."""
    moments = {name: moment for name in _MOMENTS if (moment := getattr(filters, name)) is not None}
    return replace(filters, **dict.fromkeys(moments, _SOME_MOMENT)), moments  # type: ignore[arg-type]


# building a statement takes longer than the rows, and leaves a thousand objects to the collector; whoever asks very
# often asks for the same list
@lru_cache(maxsize=64)
def _statements(filters: IncidentFilter, sight: Sight, goes_on: bool) -> tuple[Select[Any], Stretch]:
    """The query of a page, and the stretch that it looks at.

    Conditions on columns that the stretch has come first. Then each incident that is left is looked up by itself
    (OFFSET 0 sees to that), so that a page never costs more than its stretch.
    """
    stretch = _stretch(filters, sight, goes_on)
    rows = stretch.rows.c
    columns = {**dict(report.c.items()), **dict(incident.c.items()), **dict(rows.items())}
    tests = list(_tests(filters, sight, columns))
    at_once = [test for names, test in tests if names <= {*rows.keys()}]
    looked_up = [test for names, test in tests if not names <= {*rows.keys()}]
    here = shown().where(incident.c.id == rows.id, *looked_up).offset(stretches.ZERO).lateral("here")
    query = select(here).select_from(stretch.rows.join(here, true())).where(*at_once)
    query = query.order_by(rows.reported_at.desc(), rows.id.desc()).limit(bindparam("limit", type_=Integer))
    return query, stretch


def _stretch(filters: IncidentFilter, sight: Sight, goes_on: bool) -> Stretch:
    if filters.waits:
        return stretches.waiting_for(filters.approver, filters.ended, goes_on=goes_on)
    if filters.drawn:
        reported = [test for _, test in _reported(filters, incident.c.reported_at)]
        return stretches.drawn_ones(reported, goes_on=goes_on)
    is_open = filters.overdue_at is not None or (bool(filters.states) and State.CLOSED not in filters.states)
    if is_open and filters.unit is not None:
        return stretches.open_of_unit(filters.unit, goes_on=goes_on)
    if filters.updated_after is not None and filters.is_recent:
        return stretches.changed(incident.c.updated_at >= _moment("updated_after"), goes_on=goes_on)
    if is_open:
        return stretches.open_ones(sight, goes_on=goes_on)
    reported = [test for _, test in _reported(filters, report.c.reported_at)]
    if filters.reporter is not None and filters.with_workers:
        return stretches.of_workers(filters.reporter, reported, goes_on=goes_on)
    return stretches.newest(filters.reporter, filters.area, reported, goes_on=goes_on)


Test = tuple[set[str], ColumnElement[bool]]
"""A condition, and the names of the columns that it compares."""


def _tests(filters: IncidentFilter, sight: Sight, columns: Mapping[str, ColumnElement[Any]]) -> Iterator[Test]:
    yield from _named(filters, columns)
    if filters.drawn is not None:
        yield {"drawn"}, columns["drawn"].is_(filters.drawn)
    if filters.states:
        yield {"state"}, columns["state"].in_(filters.states)
    if filters.area is not None:
        yield {"grid_code"}, within(columns["grid_code"], filters.area)
    if filters.category is not None:
        yield {"category"}, columns["category"].startswith(filters.category, autoescape=True)
    yield from _reported(filters, columns["reported_at"])
    due_at = columns["due_at"]
    if filters.overdue_at is not None:
        yield {"due_at"}, due_at < _moment("overdue_at")
    if filters.not_overdue_at is not None:
        yield {"due_at"}, or_(due_at.is_(None), due_at >= _moment("not_overdue_at"))
    if filters.updated_after is not None:
        yield {"updated_at"}, columns["updated_at"] >= _moment("updated_after")
    yield set(SEEN_BY), seen_incidents(sight, columns)


def _named(filters: IncidentFilter, columns: Mapping[str, ColumnElement[Any]]) -> Iterator[Test]:
    for name in ("level", "unit", "line", "urgency", "kind"):
        if (value := getattr(filters, name)) is not None:
            yield {name}, columns[name] == value
    if own := _own(filters):
        yield {"reporter"}, seen_incidents(own, columns)


def _own(filters: IncidentFilter) -> Sight:
    """What is a reporter's own; nothing where the list does not ask for that."""
    if filters.reporter is None:
        return ()
    return (OwnOnly(filters.reporter), *([OfWorkers(filters.reporter)] if filters.with_workers else []))


def _reported(filters: IncidentFilter, reported_at: ColumnElement[Any]) -> Iterator[Test]:
    if filters.reported_after is not None:
        yield {"reported_at"}, reported_at >= _moment("reported_after")
    if filters.reported_before is not None:
        yield {"reported_at"}, reported_at < _moment("reported_before")


def _moment(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=report.c.reported_at.type)


async def open_ones(
    connection: AsyncConnection,
    cells: Sequence[str],
    line: str,
    since: datetime,
    until: datetime,
    sight: Sight,
    *,
    looker: str | None = None,
) -> Sequence[RowMapping]:
    """Return the open incidents of a line of work that were reported in these cells from `since` to `until`, as the
    unit `looker` stands to them (`shown`). Only the newest `MAX_CANDIDATES` are returned."""
    query = shown().where(
        report.c.grid_code.in_(cells),
        report.c.reported_at.between(since, until),
        report.c.line == line,
        incident.c.state != "closed",
        seen(sight),
    )
    query = query.order_by(report.c.reported_at.desc(), report.c.id.desc()).limit(MAX_CANDIDATES)
    rows: Sequence[RowMapping] = (await connection.execute(query, {"looker": looker})).mappings().all()
    return rows


def seen(sight: Sight) -> ColumnElement[bool]:
    """Return the condition that a sight puts on rows of `shown()`."""
    return seen_incidents(sight, {**dict(incident.c.items()), **dict(report.c.items())})
