"""The stretch of rows that a page of a list looks at, newest first, and the index that gives it.

Most stretches are walks: they end after `SCAN` rows, and the next page goes on there. What is open of one unit, what
waits for a decision, or was changed in a short while, is looked at whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    Table,
    Uuid,
    bindparam,
    literal,
    literal_column,
    select,
    text,
    true,
    tuple_,
    union,
    union_all,
)

from service.rules.sight import Everywhere, Heard, Member, OfWorkers, OwnOnly, Sight, Within
from service.rules.words import CELL_DIGITS, COMMUNITY_DIGITS, STREET_DIGITS
from service.store.incidents.report_tables import report
from service.store.incidents.tables import BEYOND_ITS_CELL, incident, request
from service.store.ranges import overlaps
from service.store.sight import EMPLOYER, OF_A_WORKER

SCAN = 20_000
"""The number of rows after which a page stops looking."""

ListPlace = tuple[datetime, UUID]
"""Where a row stands in a list: by `(reported_at, id)`."""

# word for word the predicate of the partial indexes, or the planner would not use them
IS_OPEN = text("incident.state <> 'closed'")
_DRAWN = text("incident.drawn")
_OF_A_WORKER = text(OF_A_WORKER)
_BEYOND = text(f"incident.state <> 'closed' AND {BEYOND_ITS_CELL}")

ZERO: Any = literal_column("0")
"""An OFFSET of 0 makes the planner run a lateral query for one row after the other."""
_OF_REPORT = ("id", "reported_at", "grid_code", "category", "line", "kind", "reporter")
"""Without the urgency, which a merge may raise: that of the incident counts."""
_OF_INCIDENT = (
    *("id", "reported_at", "grid_code", "category", "kind", "urgency", "reporter"),
    *("state", "level", "unit", "due_at", "updated_at", "audience", "drawn", "confidential"),
)
_AFTER: Any = tuple_(bindparam("after_reported_at", type_=report.c.reported_at.type), bindparam("after_id", type_=Uuid))


class Walk(NamedTuple):
    """The newest rows of a table that meet the conditions, which are those that one index serves: `SCAN` of them, after
    the place at which the page begins."""

    table: Table
    conditions: tuple[ClauseElement, ...]
    goes_on: bool

    def rows(self) -> Select[Any]:
        """The rows, newest first."""
        return self._newest_first().limit(_unforeseen(SCAN))

    def end(self) -> Select[Any]:
        """The place of the last row; no row when the walk comes to the end of all there is."""
        return self._newest_first("reported_at", "id").offset(_unforeseen(SCAN - 1)).limit(1)

    def _newest_first(self, *names: str) -> Select[Any]:
        return _newest_first(_rows_of(self.table, *self.conditions, goes_on=self.goes_on, names=names), self.table)


class Stretch(NamedTuple):
    """What a page looks at: rows, newest first, with the columns by which they can be filtered without another look-up.

    `end` finds how far they are known, and no row when that is the end of all there is; None: they are all there is.
    `overshoots`: rows that come from elsewhere than the walk may lie beyond its end.
    """

    rows: Subquery
    end: Select[Any] | None = None
    overshoots: bool = False


def newest(reporter: str | None, area: str | None, times: Sequence[ColumnElement[bool]], *, goes_on: bool) -> Stretch:
    """All incidents there ever were, or those of one reporter or of one cell. `times` says when they were reported."""
    conditions = [*times]
    if reporter is not None:
        conditions.append(report.c.reporter == reporter)
    elif area is not None and len(area) == CELL_DIGITS:
        conditions.append(report.c.grid_code == area)
    return _walked(Walk(report, tuple(conditions), goes_on))


def of_workers(employer: str, times: Sequence[ColumnElement[bool]], *, goes_on: bool) -> Stretch:
    """All incidents that a subject or one of its workers reported: two walks, of which the newest rows count. `times`
    says when they were reported."""
    employer_of: ColumnElement[str] = literal_column(EMPLOYER)
    walks = [
        Walk(report, (*times, report.c.reporter == employer), goes_on),
        Walk(report, (*times, _OF_A_WORKER, employer_of == employer), goes_on),
    ]
    both = union_all(*(select(walk.rows().subquery()) for walk in walks)).subquery("both")
    rows = _newest_first(select(both), both)
    ends = _newest_first(select(both.c.reported_at, both.c.id), both)
    end = ends.offset(_unforeseen(SCAN - 1)).limit(1)
    return Stretch(rows.limit(_unforeseen(SCAN)).subquery("stretch"), end)


def changed(moment: ColumnElement[bool], *, goes_on: bool) -> Stretch:
    """All incidents that meet a condition on `updated_at`, which leaves a short while: nothing else bounds them."""
    return _whole(_rows_of(incident, moment, goes_on=goes_on))


def open_of_unit(unit: str, *, goes_on: bool) -> Stretch:
    """The open incidents whose last call is on a unit."""
    return _whole(_rows_of(incident, IS_OPEN, incident.c.unit == unit, goes_on=goes_on))


def waiting_for(approver: str | None, ended: tuple[str, ...], *, goes_on: bool) -> Stretch:
    """The incidents with a request that waits for a unit, or for ops alone (None), or for one of the units that have
    ended. There are as many as wait."""
    theirs = request.c.approver == approver
    if ended:
        theirs |= request.c.approver.in_(ended)
    waiting = select(request.c.incident_id).where(request.c.outcome.is_(None), theirs)
    return _whole(_rows_of(incident, incident.c.id.in_(waiting), goes_on=goes_on))


def drawn_ones(times: Sequence[ColumnElement[bool]], *, goes_on: bool) -> Stretch:
    """The incidents that were drawn for a spot check when they closed. `times` says when they were reported."""
    return _walked(Walk(incident, (_DRAWN, *times), goes_on))


def open_ones(sight: Sight, *, goes_on: bool) -> Stretch:
    """The open incidents. For a unit that has no area, those of its own: it may see few, which need not lie close
    together."""
    tokens = [token for case in sight if isinstance(case, Heard) for token in case.tokens]
    if any(isinstance(case, Everywhere | Within | OfWorkers | Member) for case in sight) or any(
        map(_is_of_cells, tokens)
    ):
        return _walked(Walk(incident, (IS_OPEN,), goes_on))
    subjects = [case.subject for case in sight if isinstance(case, OwnOnly)]
    walk = Walk(report, (report.c.reporter.in_(subjects),), goes_on)
    reported = walk.rows().subquery("reported")
    # OFFSET 0 makes the planner look up one incident after the other, instead of reading all that are open
    one = select(*_columns_of(incident)).where(incident.c.id == reported.c.id, IS_OPEN).offset(ZERO).lateral("one")
    heard = _rows_of(incident, _BEYOND, overlaps(incident.c.audience, tokens), goes_on=goes_on)
    both = union(heard, select(one).select_from(reported.join(one, true()))).subquery("own")
    return Stretch(_newest_first(select(both), both).subquery("stretch"), walk.end(), overshoots=True)


def start_at(after: ListPlace | None) -> dict[str, Any]:
    """The parameters of a page that goes on after a place."""
    return {} if after is None else {"after_reported_at": after[0], "after_id": after[1]}


def _unforeseen(number: int) -> Any:
    """A number that the planner does not know. So it expects to stop early, and reads an index in order; otherwise it
    would rather read and sort all that is open before the first row."""
    return select(literal(number, Integer)).scalar_subquery()


def _walked(walk: Walk) -> Stretch:
    return Stretch(walk.rows().subquery("stretch"), walk.end())


def _whole(rows: Select[Any]) -> Stretch:
    return Stretch(_newest_first(rows, incident).subquery("stretch"))


def _rows_of(table: Table, *conditions: ClauseElement, goes_on: bool, names: Sequence[str] = ()) -> Select[Any]:
    columns = [table.c[name] for name in names] or _columns_of(table)
    query = select(*columns).where(*conditions)  # type: ignore[arg-type]  # the words of a partial index are text
    return query.where(tuple_(table.c.reported_at, table.c.id) < _AFTER) if goes_on else query


def _columns_of(table: Table) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in (_OF_REPORT if table is report else _OF_INCIDENT)]


def _newest_first(query: Select[Any], rows: FromClause) -> Select[Any]:
    return query.order_by(rows.c.reported_at.desc(), rows.c.id.desc())


def _is_of_cells(token: str) -> bool:
    """Whether a token names a street or a community, whose incidents are not told apart by their audience."""
    return token.isdigit() and len(token) in (STREET_DIGITS, COMMUNITY_DIGITS)
