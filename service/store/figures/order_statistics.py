"""Exact percentiles of many durations, for each group and for all groups together, from one reading of the rows.

The reason is a measurement with a month of a million calls in 300 groups. `percentile_cont` sorts all rows by group
first, which takes 1.3 s for the answers alone and cannot be shared between processes. Arrays, however, are collected by
all processes at once and sorted group by group. The percentiles of all groups together need no further sort: the rank
of a value is the sum of its ranks in the sorted arrays, so a binary search finds the value at a given rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Subquery,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import array

from service.rules.figures.percentiles import PERCENTS

_LONG = ARRAY(BigInteger)
_PICKS = [(percent, up) for percent in PERCENTS for up in (0, 1)]
"""The values that `percentiles.spread` takes: for each percentile, the two values between which it lies."""


def gathered(lengths: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an aggregate: the unordered array of these durations (microseconds) without the nulls."""
    return func.array_agg(lengths, type_=_LONG).filter(lengths.is_not(None))


def sorted_within(lengths: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an array with its elements in ascending order."""
    each = func.unnest(lengths).table_valued(column("length", BigInteger), name="each").render_derived()
    ordered = func.array_agg(each.c.length, type_=_LONG).aggregate_order_by(each.c.length)
    return select(ordered).select_from(each).scalar_subquery()


def picked(lengths: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the two values around each percentile of a sorted array; each is null when the array is null."""
    many = func.cardinality(lengths, type_=BigInteger)
    return array([lengths[_rank(many, percent, up)] for percent, up in _PICKS])


def _rank(many: ColumnElement[Any], percent: Any, up: Any) -> ColumnElement[Any]:
    return func.least(many, 1 + (many - 1) * percent // 100 + up, type_=BigInteger)


def overall(groups: CTE, names: Sequence[str]) -> Sequence[ColumnElement[Any]]:
    """Return, for each of these columns of sorted arrays, what `picked` returns, but over all groups together. The
    values are null when no group has a duration. One search serves all columns, so each step reads the arrays once."""
    wanted = [(groups.c[name], percent, up) for name in names for percent, up in _PICKS]
    ranks = [_rank(_sum(func.cardinality(each)), percent, up) for each, percent, up in wanted]
    start = select(
        literal(0).label("turn"),
        *(rank.label(f"rank_{n}") for n, rank in enumerate(ranks)),
        # the search keeps this true: fewer than `rank` values are <= `low`, and at least `rank` values are <= `high`
        *((func.min(each[1]) - 1).label(f"low_{n}") for n, (each, _, _) in enumerate(wanted)),
        *(func.max(each[func.cardinality(each)]).label(f"high_{n}") for n, (each, _, _) in enumerate(wanted)),
    )
    search = start.cte("search", recursive=True)
    spans = [(search.c[f"low_{n}"], search.c[f"high_{n}"]) for n, _ in enumerate(wanted)]
    middles = [(low + high) // 2 for low, high in spans]
    counts = [_sum(func.width_bucket(middle, each)) for middle, (each, _, _) in zip(middles, wanted, strict=True)]
    below = select(array(counts)).correlate(search).scalar_subquery()
    halved = select(search, array(middles).label("middles"), below.label("below"))
    halved = halved.where(or_(*(high - low > 1 for low, high in spans)))
    step = halved.offset(0).subquery()  # OFFSET 0: or PostgreSQL would count the ranks at each use
    search = search.union_all(select(step.c.turn + 1, *_narrowed(step, len(wanted))))
    last = select(search).order_by(search.c.turn.desc()).limit(1).subquery("last")
    width = len(_PICKS)
    return [
        select(array([last.c[f"high_{n * width + place}"] for place in range(width)])).scalar_subquery()
        for n in range(len(names))
    ]


def _narrowed(step: Subquery, many: int) -> list[ColumnElement[Any]]:
    """Return the half of each span in which the value lies. A span that cannot become narrower stays as it is."""
    places = range(many)
    middles, enough = (
        [step.c.middles[n + 1] for n in places],
        [step.c.below[n + 1] >= step.c[f"rank_{n}"] for n in places],
    )
    return [
        *(step.c[f"rank_{n}"] for n in places),
        *(case((enough[n], step.c[f"low_{n}"]), else_=middles[n]) for n in places),
        *(case((enough[n], middles[n]), else_=step.c[f"high_{n}"]) for n in places),
    ]


def _sum(each: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.sum(each), BigInteger)
