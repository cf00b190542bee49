"""The figures of a month and the calls behind each of them, counted in SQL from `call` alone, as
`rules/figures/definition.py` defines them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import ratings
from service.rules.figures.definition import (
    PARTS,
    UNKNOWN_LINE,
    Grouping,
    Measure,
    Period,
    Tallies,
    Tally,
    summed,
)
from service.rules.figures.percentiles import spread
from service.rules.sight import Sight
from service.rules.words import STREET_DIGITS, Level
from service.store.figures.measures import APART, PREDICATES, SIMPLE, count_of, missed
from service.store.figures.order_statistics import gathered, overall, picked, sorted_within
from service.store.incidents.tables import call, incident
from service.store.metadata import Code, Time
from service.store.registry.tables import category
from service.store.sight import seen_calls

# --- which calls, and how they are grouped --------------------------------------------------------------------------


LineSpan = tuple[str, str, datetime | None, datetime | None]
"""The code of a category, its line of work, and the start and end of that assignment (None: no limit). The spans of one
code leave no gap."""


async def _lines(connection: AsyncConnection) -> list[LineSpan]:
    """Return the spans of all categories. They are read in a statement of their own: with a window function beside it,
    PostgreSQL would count the calls in one process only."""
    row = category.c
    nth = func.row_number().over(partition_by=row.code, order_by=row.valid_from)
    until = func.lead(row.valid_from).over(partition_by=row.code, order_by=row.valid_from)
    since = case((nth > 1, row.valid_from))
    return [tuple(each) for each in await connection.execute(select(row.code, row.line, since, until))]


@dataclass(frozen=True, slots=True)
class _Grouped:
    """A grouping in SQL: what to select from, the code of a call's group, and which calls it leaves out."""

    source: FromClause
    code: ColumnElement[Any]
    left_out: tuple[ColumnElement[bool], ...] = ()


async def _grouped(connection: AsyncConnection, grouping: Grouping) -> _Grouped:
    if grouping is Grouping.LINE:
        return _by_line(await _lines(connection))
    if grouping is Grouping.DEPARTMENT:
        return _Grouped(call, call.c.unit, (call.c.level == Level.DEPARTMENT,))
    if grouping is Grouping.STREET:
        return _Grouped(call, func.left(call.c.grid_code, STREET_DIGITS))
    return _Grouped(call, call.c.unit if grouping is Grouping.UNIT else call.c.level)


def _by_line(spans: Sequence[LineSpan]) -> _Grouped:
    kinds: tuple[Any, ...] = (Code, Code, Time, Time)
    columns: list[Any] = [cast([each[n] for each in spans], ARRAY(kind)) for n, kind in enumerate(kinds)]
    line = func.unnest(*columns).table_valued("code", "line", "since", "until", name="line").render_derived()
    began = or_(line.c.since.is_(None), line.c.since <= call.c.opened_at)
    lasted = or_(line.c.until.is_(None), call.c.opened_at < line.c.until)
    joined = call.outerjoin(line, and_(line.c.code == call.c.category, began, lasted))
    return _Grouped(joined, func.coalesce(line.c.line, UNKNOWN_LINE))


def _of_the_month(measure: Measure, period: Period, grouped: _Grouped, sight: Sight) -> list[ColumnElement[bool]]:
    seen = seen_calls(sight, unit=call.c.unit, grid_code=call.c.grid_code)
    opened_at = _counted(measure).c.opened_at
    return [opened_at >= period.start, opened_at < period.end, seen, *grouped.left_out]


def _counted(measure: Measure) -> FromClause:
    """Return the calls that a measure counts, by the name that they have in a query."""
    return missed if measure is Measure.ACCOUNTABLE else call


# --- the figures ----------------------------------------------------------------------------------------------------

_SETTINGS = {
    "work_mem": "64MB",  # every duration stays in memory, 8 bytes each
    "max_parallel_workers_per_gather": "4",
    "parallel_setup_cost": "0",
    "plan_cache_mode": "force_custom_plan",  # plans for this very month; one plan for all months is a third slower
    "enable_seqscan": "off",  # indexes find the month and later calls; never read the whole table
}


async def tallies(connection: AsyncConnection, period: Period, grouping: Grouping, sight: Sight) -> Tallies:
    """Return the figures of every group of a month, and of all groups together. Call it in a `Database.read` block."""
    await set_up(connection)
    grouped = await _grouped(connection, grouping)
    found = (await connection.execute(_figures(period, grouped, sight))).mappings().all()
    apart = {each: await _counted_apart(connection, each, period, grouped, sight) for each in APART}
    rows = [{**each, **{name: counts.pop(each["code"], 0) for name, counts in apart.items()}} for each in found]
    # a unit may be accountable for calls of others in a month in which it was not called itself
    rows += [{**_NOTHING, "code": code, Measure.ACCOUNTABLE: n} for code, n in apart[Measure.ACCOUNTABLE].items()]
    groups = {str(row["code"]): _tally(row, row["answer_picks"], row["resolve_picks"]) for row in rows}
    everything = {name: sum(row[name] or 0 for row in rows) for name in _ADDED_UP}
    spreads = (found[0]["answer_overall"], found[0]["resolve_overall"]) if found else ((), ())
    return Tallies(groups, _tally(everything, *spreads))


async def set_up(connection: AsyncConnection, more: Mapping[str, str] | None = None) -> None:
    """Give this transaction the settings of PostgreSQL under which figures are counted, and `more` of them."""
    settings = {**_SETTINGS, **(more or {})}
    await connection.execute(select(*(func.set_config(name, value, True) for name, value in settings.items())))


_REPORTER_HUNDREDTHS = func.coalesce(call.c.outcome_mean, call.c.outcome_rating * ratings.HUNDREDTHS)
_ADDED_UP = (*SIMPLE, *APART, "street_stars", "reporter_hundredths", "held_s")
_NOTHING: Mapping[str, Any] = {**dict.fromkeys(_ADDED_UP, 0), "answer_picks": (), "resolve_picks": ()}


async def _counted_apart(
    connection: AsyncConnection, measure: Measure, period: Period, grouped: _Grouped, sight: Sight
) -> dict[Any, int]:
    """Return the counts of a measure that needs other calls of the incident, by the codes of groups. It reads only the
    few calls that can count, by an index of their own."""
    counted = select(grouped.code.label("code"), func.count().label("n")).select_from(_source(measure, grouped))
    month = _of_the_month(measure, period, grouped, sight)
    rows = await connection.execute(counted.where(*month, PREDICATES[measure]).group_by(grouped.code))
    return {row.code: row.n for row in rows}


def _source(measure: Measure, grouped: _Grouped) -> FromClause:
    """Return what the calls of a measure are selected from: accountable ones through those that were missed."""
    if measure is not Measure.ACCOUNTABLE:
        return grouped.source
    accountable = (missed.c.incident_id == call.c.incident_id) & (missed.c.accountable_seq == call.c.seq)
    return grouped.source.join(missed, accountable)


def _figures(period: Period, grouped: _Grouped, sight: Sight) -> Select[Any]:
    counted = (
        select(
            grouped.code.label("code"),
            *(count_of(measure).label(measure) for measure in SIMPLE),
            func.sum(call.c.rating).filter(PREDICATES[Measure.STREET_RATED]).label("street_stars"),
            func.sum(_REPORTER_HUNDREDTHS).filter(PREDICATES[Measure.REPORTER_RATED]).label("reporter_hundredths"),
            func.sum(call.c.held_s).label("held_s"),
            gathered(call.c.answer_us).label("answers"),
            gathered(call.c.resolve_us).label("resolutions"),
        )
        .select_from(grouped.source)
        .where(*_of_the_month(Measure.CALLS, period, grouped, sight))
        .group_by(grouped.code)
        .subquery("counted")
    )
    kept = [each for each in counted.c if each.name not in ("answers", "resolutions")]
    in_order = select(
        *kept,
        sorted_within(counted.c.answers).label("answers"),
        sorted_within(counted.c.resolutions).label("resolutions"),
    ).cte("in_order")
    answers, resolutions = overall(in_order, ("answers", "resolutions"))
    return select(
        *(in_order.c[each.name] for each in kept),
        picked(in_order.c.answers).label("answer_picks"),
        picked(in_order.c.resolutions).label("resolve_picks"),
        answers.label("answer_overall"),
        resolutions.label("resolve_overall"),
    ).order_by(in_order.c.code)


def _tally(row: Mapping[Any, Any], answers: Sequence[int], resolutions: Sequence[int]) -> Tally:
    counts = summed({measure: row[measure] for measure in Measure if measure not in PARTS})
    return Tally(
        counts,
        int(row["street_stars"] or 0),
        Fraction(int(row["reporter_hundredths"] or 0), ratings.HUNDREDTHS),
        spread(counts[Measure.ANSWERED], answers),
        spread(counts[Measure.RESOLVED], resolutions),
        int(row["held_s"] or 0),
    )


# --- the calls behind a figure --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallFilter:
    """The figure whose calls are listed. When `group` is None, it is the figure of all groups together."""

    period: Period
    grouping: Grouping
    group: str | None
    measure: Measure


CallPlace = tuple[datetime, UUID, int]
SHOWN = (
    *("incident_id", "seq", "level", "unit", "cause", "outcome", "opened_at", "answer_by", "answered_at"),
    *("resolve_by", "ended_at", "late_s", "exempt", "rating", "outcome_rating", "answer_us", "resolve_us"),
    *("credit", "box_used", "late_exit", "withdrawn_late", "self_reported", "own_report", "accountable"),
    *("accountable_seq", "held_s", "extended", "end_code", "outcome_mean"),
)


async def page(
    connection: AsyncConnection, wanted: CallFilter, sight: Sight, after: CallPlace | None, limit: int
) -> Sequence[RowMapping]:
    """Return one page of the calls that a figure counts, each with the number of its incident: those after the place
    `after`, oldest first by `(opened_at, incident_id, seq)`."""
    await set_up(connection)
    grouped = await _grouped(connection, wanted.grouping)
    counted = _counted(wanted.measure)
    place = counted.c.opened_at, counted.c.incident_id, counted.c.seq
    query = select(*(counted.c[name] for name in SHOWN)).select_from(_source(wanted.measure, grouped))
    query = query.where(*_of_the_month(wanted.measure, wanted.period, grouped, sight), PREDICATES[wanted.measure])
    if wanted.group is not None:
        query = query.where(_is(grouped.code, wanted))
    return await one_page(connection, query, place, after, limit)


async def one_page(
    connection: AsyncConnection,
    query: Select[Any],
    place: tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]],
    after: CallPlace | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Return one page of the calls that a query selects with their columns `SHOWN`, each with the number of its
    incident: those after the place `after`, in the order of `place`, which are the columns of a place."""
    if after is not None:
        # the row comparison implies the first condition, which is the one that the index on `opened_at` can use
        query = query.where(place[0] >= after[0], tuple_(*place) > tuple_(*after))
    found = query.order_by(*place).limit(limit).subquery("found")
    numbered = select(found, incident.c.number).join(incident, incident.c.id == found.c.incident_id)
    ordered = numbered.order_by(found.c.opened_at, found.c.incident_id, found.c.seq)
    rows: Sequence[RowMapping] = (await connection.execute(ordered)).mappings().all()
    return rows


def _is(code: ColumnElement[Any], wanted: CallFilter) -> ColumnElement[bool]:
    if wanted.grouping is not Grouping.LEVEL:
        return code == wanted.group
    level = wanted.group or ""
    return code == int(level) if level in "1234" else ~true()
