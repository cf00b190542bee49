"""Whole pages of rows in one statement: `INSERT … SELECT … FROM unnest(arrays)` and `UPDATE … FROM unnest(arrays)`.

One array per column, so a page of 500 rows is one round trip and one plan, and each statement's text is constant.
Arrays inside a row (an audience) cannot be unnested: they travel as one string and are split by the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import ARRAY, JSON, ColumnElement, Table, Text, bindparam, cast, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Insert, Update
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

_SEPARATOR = "\x1f"  # the unit separator: no code and no subject may hold a control character


Columns = Mapping[str, Sequence[Any]]
"""A page by columns: name → one value a row."""


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """A page by columns from rows that all have the same ones."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


async def insert_rows(tx: AsyncConnection, table: Table, page: Columns) -> None:
    """Insert a page. Columns that no row fills are left out: an array of nulls costs as much to send as any other.

    Raises:
        IntegrityError: the database refuses one of them, and so the page as a whole.
    """
    page = filled(page)
    if page:
        await tx.execute(_insert(table, tuple(page)), arrays(table, page))


async def update_rows(
    tx: AsyncConnection, table: Table, keys: tuple[str, ...], page: Columns, **constants: object
) -> int:
    """Update a page by the columns `keys`; `constants` are the same in every row. Returns how many rows were found."""
    if not page or not page[keys[0]]:
        return 0
    statement = _update(table, keys, tuple(page), tuple(constants.items()))
    return (await tx.execute(statement, arrays(table, page))).rowcount


def filled(page: Columns) -> Columns:
    """The columns that some row fills."""
    return {name: values for name, values in page.items() if any(value is not None for value in values)}


def arrays(table: Table, page: Columns) -> dict[str, Sequence[Any]]:
    """The bind parameters: one list a column, JSON and inner arrays as text."""
    return {f"p_{name}": _encoded(table.c[name].type, values) for name, values in page.items()}


def _encoded(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    if isinstance(kind, JSON):
        return [None if value is None else to_json(value).decode() for value in values]
    if isinstance(kind, ARRAY):
        return [_SEPARATOR.join(map(str, value)) for value in values]
    return values


def source(table: Table, names: tuple[str, ...]) -> tuple[TableValuedAlias, list[ColumnElement[Any]]]:
    """`unnest(…) AS v(…)` for these columns of a table, and the expressions that turn each back into its type."""
    binds = [bindparam(f"p_{name}", type_=ARRAY(_wire(table, name))) for name in names]
    values = func.unnest(*binds).table_valued(*names, name="v").render_derived()
    return values, [_decoded(table, name, values.c[name]) for name in names]


def _wire(table: Table, name: str) -> Any:
    kind = table.c[name].type
    return Text() if isinstance(kind, JSON | ARRAY | Text) else kind


def _decoded(table: Table, name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    kind = table.c[name].type
    if isinstance(kind, JSON):
        return cast(value, kind)
    if isinstance(kind, ARRAY):
        return cast(func.string_to_array(value, _SEPARATOR), kind)
    return value


@cache
def _insert(table: Table, names: tuple[str, ...]) -> Insert:
    values, columns = source(table, names)
    return insert(table).from_select(list(names), select(*columns).select_from(values))


@cache
def _update(
    table: Table, keys: tuple[str, ...], names: tuple[str, ...], constants: tuple[tuple[str, object], ...]
) -> Update:
    values, columns = source(table, names)
    changes = {name: column for name, column in zip(names, columns, strict=True) if name not in keys}
    changes |= {name: literal(constant) for name, constant in constants}
    statement = update(table).values(changes)
    for key in keys:
        statement = statement.where(table.c[key] == values.c[key])
    return statement
