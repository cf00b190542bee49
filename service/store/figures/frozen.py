"""The frozen figures of closed months.

They are frozen once, in one statement, as one snapshot counts them, and added up whenever somebody reads them: by any
grouping and for any sight, as `tallies` counts those of open months.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    LargeBinary,
    Select,
    Text,
    and_,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.figures.definition import Grouping, Measure, Period, Tallies
from service.rules.sight import EVERYTHING, Sight
from service.rules.words import COMMUNITY_DIGITS, STREET_DIGITS, Level
from service.store.figures import groups
from service.store.figures.groups import GroupedCalls
from service.store.figures.measures import APART, PREDICATES, SIMPLE, count_of
from service.store.figures.order_statistics import gathered, sorted_within
from service.store.figures.tables import COUNTED, appraisal_frozen
from service.store.figures.tallies import ADDED_UP, SUMMED, SUMS, set_up, tallied, with_spreads
from service.store.incidents.tables import call
from service.store.sight import seen_calls

_KEY = ("unit", "level", "community", "line")
_ROW = appraisal_frozen.c


# --- freezing ---------------------------------------------------------------------------------------------------------


async def freeze(tx: AsyncConnection, period: Period) -> str:
    """Write the figures of a month as they are now, and return the digest of what was written. A row of
    `appraisal_month` exists, and the month was not frozen before."""
    await set_up(tx)
    await tx.execute(_freezing(period, groups.by_line(await groups.lines(tx))))
    return await digest(tx, period)


def _freezing(period: Period, lines: GroupedCalls) -> Insert:
    """The statement that writes all rows. A unit may be accountable for calls of others where it has none of its own in
    the month, so both sides may lack a row."""
    counted, missed = _counted(period, lines).subquery("counted"), _accountable(period, lines).subquery("for_others")
    same = and_(*(counted.c[name] == missed.c[name] for name in _KEY))
    rows = select(
        literal(str(period)).label("period"),
        *(func.coalesce(counted.c[name], missed.c[name]).label(name) for name in _KEY),
        *(func.coalesce(_one_of(each.value, counted, missed), 0).label(each.value) for each in COUNTED),
        *(func.coalesce(counted.c[name], 0).label(name) for name in SUMS),
        counted.c.answers,
        counted.c.resolutions,
    ).select_from(counted.outerjoin(missed, same, full=True))
    return insert(appraisal_frozen).from_select(list(rows.selected_columns.keys()), rows)


def _one_of(name: str, counted: Any, missed: Any) -> ColumnElement[Any]:
    found: ColumnElement[Any] = (missed if name == Measure.ACCOUNTABLE else counted).c[name]
    return found


def _counted(period: Period, lines: GroupedCalls) -> Select[Any]:
    """The counts of every measure that a call has by itself, or through a later call of the incident."""
    few, row = [each for each in APART if each is not Measure.ACCOUNTABLE], _row(lines)
    return (
        select(
            *row,
            *(count_of(measure).label(measure.value) for measure in SIMPLE),
            *(func.count().filter(PREDICATES[measure]).label(measure.value) for measure in few),
            *SUMMED,
        )
        .select_from(lines.source)
        .where(*groups.of_the_month(Measure.CALLS, period, lines, EVERYTHING))
        .group_by(*row)
    )


def _accountable(period: Period, lines: GroupedCalls) -> Select[Any]:
    """The missed calls for which others are accountable, where the accountable call belongs."""
    measure, row = Measure.ACCOUNTABLE, _row(lines)
    month = groups.of_the_month(measure, period, lines, EVERYTHING)
    counted = select(*row, func.count().label(measure.value)).select_from(groups.source_of(measure, lines))
    return counted.where(*month, PREDICATES[measure]).group_by(*row)


def _row(lines: GroupedCalls) -> list[ColumnElement[Any]]:
    """The row to which a call belongs, by its key. PostgreSQL knows that a query groups by what it selects only if both
    are one and the same expression."""
    columns = (call.c.unit, call.c.level, func.left(call.c.grid_code, COMMUNITY_DIGITS), lines.code)
    return [each.label(name) for name, each in zip(_KEY, columns, strict=True)]


# --- reading ----------------------------------------------------------------------------------------------------------


async def tallies(connection: AsyncConnection, period: Period, grouping: Grouping, sight: Sight) -> Tallies:
    """Return the frozen figures of every group of a closed month, and of all groups together."""
    await set_up(connection)
    code, month = _group_of(grouping), _of_the_month(period, grouping, sight)
    sums = select(code.label("code"), *(func.sum(_ROW[name]).label(name) for name in ADDED_UP))
    summed = sums.where(*month).group_by(code).subquery("summed")
    answers, resolutions = (_durations(name, code, month).subquery(f"{name}_of") for name in ("answers", "resolutions"))
    in_order = select(
        *summed.c,
        sorted_within(answers.c.lengths).label("answers"),
        sorted_within(resolutions.c.lengths).label("resolutions"),
    )
    joined = summed.outerjoin(answers, answers.c.code == summed.c.code)
    joined = joined.outerjoin(resolutions, resolutions.c.code == summed.c.code)
    rows = await connection.execute(with_spreads(in_order.select_from(joined).cte("in_order")))
    return tallied(rows.mappings().all())


def _group_of(grouping: Grouping) -> ColumnElement[Any]:
    if grouping is Grouping.STREET:
        return func.left(_ROW.community, STREET_DIGITS)
    return _ROW[{Grouping.LINE: "line", Grouping.LEVEL: "level"}.get(grouping, "unit")]


def _of_the_month(period: Period, grouping: Grouping, sight: Sight) -> list[ColumnElement[bool]]:
    month = [_ROW.period == str(period), seen_calls(sight, unit=_ROW.unit, grid_code=_ROW.community)]
    return [*month, _ROW.level == Level.DEPARTMENT] if grouping is Grouping.DEPARTMENT else month


def _durations(name: str, code: ColumnElement[Any], month: list[ColumnElement[bool]]) -> Select[Any]:
    """The durations of each group that has any."""
    each = func.unnest(_ROW[name]).table_valued(column("length", BigInteger), name="each").render_derived()
    lengths = gathered(each.c.length).label("lengths")
    rows = select(code.label("code"), lengths).select_from(appraisal_frozen.join(each, true()))
    return rows.where(*month).group_by(code)


async def totals(connection: AsyncConnection, period: Period) -> tuple[int, int]:
    """Return how many calls of a closed month were counted, and how many of them were pending."""
    sums = [func.coalesce(func.sum(_ROW[each.value]), 0) for each in (Measure.CALLS, Measure.PENDING)]
    found = (await connection.execute(select(*sums).where(_ROW.period == str(period)))).one()
    return found[0], found[1]


# --- checking ---------------------------------------------------------------------------------------------------------


async def digest(connection: AsyncConnection, period: Period) -> str:
    """Return the SHA-256 of the frozen rows of a month, in hexadecimal: that of the SHA-256 of each row, in the order
    of their keys. A row is its JSON as PostgreSQL writes `jsonb`, without nulls, so that columns that come later change
    nothing."""
    row = func.jsonb_strip_nulls(func.to_jsonb(appraisal_frozen.table_valued()))
    of_row = func.sha256(func.convert_to(cast(row, Text), "UTF8"), type_=LargeBinary)
    keys = [_ROW[name] for name in _KEY]
    nothing = literal(b"", LargeBinary)
    whole = func.string_agg(of_row, nothing, type_=LargeBinary).aggregate_order_by(*keys)
    hexadecimal = func.encode(func.sha256(func.coalesce(whole, nothing)), "hex")
    found: str = (await connection.execute(select(hexadecimal).where(_ROW.period == str(period)))).scalar_one()
    return found
