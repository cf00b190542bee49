"""The figures of a month and the calls behind each of them, counted in SQL from `call` alone, as
`rules/figures/definition.py` defines them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, RowMapping, Select, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import ratings
from service.rules.figures.definition import Grouping, Measure, Period, Tallies, Tally, summed
from service.rules.figures.percentiles import spread
from service.rules.sight import Sight
from service.store.figures import groups
from service.store.figures.groups import GroupedCalls
from service.store.figures.measures import (
    APART,
    OF_UNUSUAL,
    PREDICATES,
    SCORED_OF,
    SIMPLE,
    UNUSUAL,
    left_out_of,
    whole_of,
)
from service.store.figures.order_statistics import gathered, overall, picked, sorted_within
from service.store.figures.tables import COUNTED
from service.store.incidents.tables import call, incident

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
    grouped = await groups.grouped(connection, grouping)
    found = (await connection.execute(_figures(period, grouped, sight))).mappings().all()
    unusual = {row["code"]: row for row in (await connection.execute(_unusual(period, grouped, sight))).mappings()}
    apart = {each: await _counted_apart(connection, each, period, grouped, sight) for each in APART}
    rows = [
        {
            **_with_unusual(each, unusual.get(each["code"], _NOTHING)),
            **{name: counts.pop(each["code"], 0) for name, counts in apart.items()},
        }
        for each in found
    ]
    # a unit may be accountable for calls of others in a month in which it was not called itself
    rows += [{**_NOTHING, "code": code, Measure.ACCOUNTABLE: n} for code, n in apart[Measure.ACCOUNTABLE].items()]
    return tallied(rows)


def tallied(rows: Sequence[Mapping[Any, Any]]) -> Tallies:
    """Return the figures of rows, one for each group, that have its sums and, from `with_spreads`, its percentiles."""
    by_code = {str(row["code"]): _tally(row, row["answer_picks"], row["resolve_picks"]) for row in rows}
    everything = {name: sum(row[name] or 0 for row in rows) for name in ADDED_UP}
    spreads = (rows[0].get("answer_overall", ()), rows[0].get("resolve_overall", ())) if rows else ((), ())
    return Tallies(by_code, _tally(everything, *spreads))


async def set_up(connection: AsyncConnection, more: Mapping[str, str] | None = None) -> None:
    """Give this transaction the settings of PostgreSQL under which figures are counted, and `more` of them."""
    settings = {**_SETTINGS, **(more or {})}
    await connection.execute(select(*(func.set_config(name, value, True) for name, value in settings.items())))


_REPORTER_HUNDREDTHS = func.coalesce(call.c.outcome_mean, call.c.outcome_rating * ratings.HUNDREDTHS)
SUMMED: Sequence[ColumnElement[Any]] = (
    func.sum(call.c.rating).filter(PREDICATES[Measure.STREET_RATED]).label("street_stars"),
    func.sum(_REPORTER_HUNDREDTHS).filter(PREDICATES[Measure.REPORTER_RATED]).label("reporter_hundredths"),
    func.sum(call.c.held_s).label("held_s"),
    gathered(call.c.answer_us).label("answers"),
    gathered(call.c.resolve_us).label("resolutions"),
)
"""The aggregates of calls that are no counts: stars, seconds on hold, and the durations."""
SUMS = ("street_stars", "reporter_hundredths", "held_s")
ADDED_UP = (*SIMPLE, *APART, *SUMS)
"""What is added up over the calls of a group: the simple measures, and the sums of what else has no parts."""
_NOTHING: Mapping[str, Any] = {**dict.fromkeys(ADDED_UP, 0), "answer_picks": (), "resolve_picks": ()}


async def _counted_apart(
    connection: AsyncConnection, measure: Measure, period: Period, grouped: GroupedCalls, sight: Sight
) -> dict[Any, int]:
    """Return the counts of a measure that needs other calls of the incident, by the codes of groups. It reads only the
    few calls that can count, by an index of their own."""
    counted = select(grouped.code.label("code"), func.count().label("n")).select_from(
        groups.source_of(measure, grouped)
    )
    month = groups.of_the_month(measure, period, grouped, sight)
    rows = await connection.execute(counted.where(*month, PREDICATES[measure]).group_by(grouped.code))
    return {row.code: row.n for row in rows}


def _unusual(period: Period, grouped: GroupedCalls, sight: Sight) -> Select[Any]:
    """The counts that need only the calls of `UNUSUAL`, which an index of their own finds: looked for among all calls
    of a month, they would cost a tenth of the whole."""
    counted = select(
        grouped.code.label("code"),
        *(whole_of(measure).label(measure) for measure in OF_UNUSUAL),
        *(left_out_of(measure).label(measure) for measure in SCORED_OF),
    )
    month = groups.of_the_month(Measure.CALLS, period, grouped, sight)
    return counted.select_from(grouped.source).where(*month, UNUSUAL).group_by(grouped.code)


def _with_unusual(figures: Mapping[Any, Any], unusual: Mapping[Any, Any]) -> dict[Any, Any]:
    """The counts of one group, of both statements."""
    scored = {measure: figures[measure] - unusual[measure] for measure in SCORED_OF}
    return {**figures, **scored, **{measure: unusual[measure] for measure in OF_UNUSUAL}}


def _figures(period: Period, grouped: GroupedCalls, sight: Sight) -> Select[Any]:
    counted = (
        select(
            grouped.code.label("code"),
            *(whole_of(measure).label(measure) for measure in SIMPLE if measure not in OF_UNUSUAL),
            *SUMMED,
        )
        .select_from(grouped.source)
        .where(*groups.of_the_month(Measure.CALLS, period, grouped, sight))
        .group_by(grouped.code)
        .subquery("counted")
    )
    kept = [each for each in counted.c if each.name not in ("answers", "resolutions")]
    in_order = select(
        *kept,
        sorted_within(counted.c.answers).label("answers"),
        sorted_within(counted.c.resolutions).label("resolutions"),
    )
    return with_spreads(in_order.cte("in_order"))


def with_spreads(in_order: CTE) -> Select[Any]:
    """Return the query of rows by groups, in the order of codes, with what lies around each percentile instead of the
    durations. `in_order` has the durations of each group in order, as `answers` and `resolutions`."""
    answers, resolutions = overall(in_order, ("answers", "resolutions"))
    return select(
        *(each for each in in_order.c if each.name not in ("answers", "resolutions")),
        picked(in_order.c.answers).label("answer_picks"),
        picked(in_order.c.resolutions).label("resolve_picks"),
        answers.label("answer_overall"),
        resolutions.label("resolve_overall"),
    ).order_by(in_order.c.code)


def _tally(row: Mapping[Any, Any], answers: Sequence[int], resolutions: Sequence[int]) -> Tally:
    counts = summed({measure: row[measure] for measure in COUNTED})
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


def place_of(row: Mapping[Any, Any]) -> CallPlace:
    """Return the place of a listed call, after which a next page begins."""
    return row["opened_at"], row["incident_id"], row["seq"]


async def page(
    connection: AsyncConnection, wanted: CallFilter, sight: Sight, after: CallPlace | None, limit: int
) -> Sequence[RowMapping]:
    """Return one page of the calls that a figure counts, each with the number of its incident: those after the place
    `after`, oldest first by `(opened_at, incident_id, seq)`."""
    await set_up(connection)
    grouped = await groups.grouped(connection, wanted.grouping)
    counted = groups.counted(wanted.measure)
    place = counted.c.opened_at, counted.c.incident_id, counted.c.seq
    query = select(*(counted.c[name] for name in SHOWN)).select_from(groups.source_of(wanted.measure, grouped))
    query = query.where(*groups.of_the_month(wanted.measure, wanted.period, grouped, sight), PREDICATES[wanted.measure])
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
