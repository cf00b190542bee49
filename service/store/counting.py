"""Counts that are kept in rows: a transaction adds its own to what is stored, and learns the sums, in one statement.

The rows are locked until the commit, so the sums hold what every other transaction has counted before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, Table, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql import Select

from service.store import bulk
from service.store.bulk import NewRows, PageShape

CountedRow = Sequence[Any]
"""A row as it stands once it was counted up, in the order of the table's columns. Days and times are text."""


def parameters(counts: NewRows) -> dict[str, str]:
    """Return the bind parameters of `counting_up`. The page has every column of its table: the columns beside the
    primary key are the counts. Its rows are locked in its order."""
    table, page = counts
    return {PageShape(table, (), small=True).parameter(): bulk.document(table, page)}


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


def sums_of(counted: CTE) -> Any:
    """Return the expression for all rows of `counting_up`, as one JSON document: a list of `CountedRow`."""
    return select(func.json_agg(func.json_build_array(*counted.c))).select_from(counted).scalar_subquery()


@lru_cache(maxsize=8)
def alone(table: Table) -> Select[Any]:
    """Return the statement that only counts up."""
    return select(sums_of(counting_up(table)))
