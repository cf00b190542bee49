"""Counts that are kept in rows: a transaction adds its own to what is stored, and learns which sums are large, in one
statement.

The rows are locked until the commit, so the sums hold what every other transaction has counted before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, Integer, Table, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql import Select

from service.store import bulk
from service.store.bulk import PageColumns, PageShape

CountedRow = Sequence[Any]
"""A row as it stands once it was counted up, in the order of the table's columns. Days and times are text."""


@dataclass(frozen=True, slots=True)
class Counts:
    """A page of counts to be added. It has every column of its table: the columns beside the primary key are counts,
    and its rows are locked in its order. `above` has a number for each count: rows in which one is passed come back."""

    table: Table
    page: PageColumns
    above: Mapping[str, int]

    def parameters(self) -> dict[str, Any]:
        """The bind parameters of `counting_up` and `large_sums`."""
        shape = PageShape(self.table, (), small=True)
        limits = {_limit(self.table, name): most for name, most in self.above.items()}
        return {shape.parameter(): bulk.document(self.table, self.page), **limits}


def _limit(table: Table, name: str) -> str:
    return f"{table.name}_above_{name}"


# a page of any size is sent as one document: it has a row for each subject, not for each report
def counting_up(table: Table) -> CTE:
    """Return the expression that adds a page of counts to those that are stored, and has the rows as they are then."""
    keys = [column.name for column in table.primary_key]
    shape = PageShape(table, tuple(column.name for column in table.columns), small=True)
    source = shape.source()
    rows = select(*shape.values(source).values()).select_from(source)
    written = upsert(table).from_select(list(shape.varying), rows)
    sums = {name: table.c[name] + written.excluded[name] for name in shape.varying if name not in keys}
    return written.on_conflict_do_update(index_elements=keys, set_=sums).returning(*table.columns).cte("counted")


def large_sums(table: Table, counted: CTE) -> Any:
    """Return the expression for those rows of `counting_up` that pass a limit, as one JSON document: a list of
    `CountedRow`, or null."""
    names = [column.name for column in table.columns if not column.primary_key]
    passed = [counted.c[name] > bindparam(_limit(table, name), type_=Integer) for name in names]
    found = select(func.json_agg(func.json_build_array(*counted.c))).select_from(counted)
    return found.where(or_(*passed)).scalar_subquery()


@lru_cache(maxsize=8)
def alone(table: Table) -> Select[Any]:
    """Return the statement that only counts up, and returns `large_sums`."""
    return select(large_sums(table, counting_up(table)))
