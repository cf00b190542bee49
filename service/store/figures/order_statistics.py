"""Exact percentiles of many durations, by group and of all groups together, from one reading of the rows.

Measured on a month of a million calls in 300 groups: percentile_cont sorts every row by its group first (1.3 s for
answers alone, and no two processes can share it), while arrays are gathered by all processes at once and sorted group
by group. The percentiles of all together need no sort of their own: the rank of a value is the sum of its ranks in
the sorted arrays, so the value at a rank is found by halving.
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
"""What `percentiles.spread` takes: the two neighbours of each percentile."""


def gathered(lengths: ColumnElement[Any]) -> ColumnElement[Any]:
    """An aggregate: the array of these lengths (microseconds) that are not null, in no order."""
    return func.array_agg(lengths, type_=_LONG).filter(lengths.is_not(None))


def sorted_within(lengths: ColumnElement[Any]) -> ColumnElement[Any]:
    """An array with its elements in order."""
    each = func.unnest(lengths).table_valued(column("length", BigInteger), name="each").render_derived()
    ordered = func.array_agg(each.c.length, type_=_LONG).aggregate_order_by(each.c.length)
    return select(ordered).select_from(each).scalar_subquery()


def picked(lengths: ColumnElement[Any]) -> ColumnElement[Any]:
    """The neighbours of each percentile in an ordered array; nulls when it is null."""
    many = func.cardinality(lengths, type_=BigInteger)
    return array([lengths[_rank(many, percent, up)] for percent, up in _PICKS])


def _rank(many: ColumnElement[Any], percent: Any, up: Any) -> ColumnElement[Any]:
    return func.least(many, 1 + (many - 1) * percent // 100 + up, type_=BigInteger)


def overall(groups: CTE, names: Sequence[str]) -> Sequence[ColumnElement[Any]]:
    """For each of these columns of ordered arrays, what `picked` gives, but of all groups together; nulls when there is
    no length at all. One search serves all columns, so that the arrays are gone through once a step."""
    wanted = [(groups.c[name], percent, up) for name in names for percent, up in _PICKS]
    ranks = [_rank(_sum(func.cardinality(each)), percent, up) for each, percent, up in wanted]
    start = select(
        literal(0).label("turn"),
        *(rank.label(f"rank_{n}") for n, rank in enumerate(ranks)),
        # fewer than `rank` values are as low as `low`, and at least as many as `high`
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
    step = halved.offset(0).subquery()  # a question of its own, or the ranks would be counted once for each use
    search = search.union_all(select(step.c.turn + 1, *_narrowed(step, len(wanted))))
    last = select(search).order_by(search.c.turn.desc()).limit(1).subquery("last")
    width = len(_PICKS)
    return [
        select(array([last.c[f"high_{n * width + place}"] for place in range(width)])).scalar_subquery()
        for n in range(len(names))
    ]


def _narrowed(step: Subquery, many: int) -> list[ColumnElement[Any]]:
    """The half in which each value lies. A span that is already as narrow as can be stays as it is."""
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
