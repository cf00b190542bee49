"""Whole pages of rows in one statement: `INSERT … SELECT … FROM unnest(arrays)` and `UPDATE … FROM unnest(arrays)`.

Each column is sent as one array, so a page of 500 rows is one round trip and one plan. In a large page, a column that
has the same value in every row is sent as that one value. JSON values and arrays inside a row (such as an audience)
cannot be unnested: each is sent as text, which the server casts to the column's type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import ARRAY, JSON, ColumnElement, Table, Text, bindparam, cast, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Insert, Update
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

_MIN_FOLDED_ROWS = 100
"""The number of rows from which on a page sends a column of equal values as one value."""

PageColumns = Mapping[str, Sequence[Any]]
"""A page of rows, stored by columns: the name of a column, and its values in the order of the rows."""
ColumnPage = dict[str, Sequence[Any]]
"""A page of rows, stored by columns, to which columns can still be added."""


def page_of(attributes: Mapping[str, str], rows: Sequence[Any]) -> ColumnPage:
    """Return a page from the attributes of objects. `attributes` names the attribute of each column, at least two."""
    get = attrgetter(*attributes.values())
    return dict(zip(attributes, zip(*map(get, rows), strict=True), strict=True)) if rows else {}


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return a page from rows that all have the same columns."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


@dataclass(frozen=True, slots=True)
class PageShape:
    """The columns of a table that a statement writes. A `varying` column has one value for each row, a `uniform` one
    has one value for all rows."""

    table: Table
    varying: tuple[str, ...]
    uniform: tuple[str, ...]

    def source(self) -> TableValuedAlias:
        """Return the table expression `unnest(…) AS v(…)`, which has one row for each row of the page."""
        binds = [bindparam(f"p_{name}", type_=ARRAY(self._wire(name))) for name in self.varying]
        return func.unnest(*binds).table_valued(*self.varying, name="v").render_derived()

    def values(self, source: TableValuedAlias) -> dict[str, ColumnElement[Any]]:
        """Return, for each column, the expression that turns the value as it was sent into the column's type."""
        varying = {name: source.c[name] for name in self.varying}
        uniform = {name: bindparam(f"p_{name}", type_=self._wire(name)) for name in self.uniform}
        return {name: self._decoded(name, value) for name, value in {**varying, **uniform}.items()}

    def _wire(self, name: str) -> Any:
        kind = self.table.c[name].type
        return Text() if isinstance(kind, JSON | ARRAY | Text) else kind

    def _decoded(self, name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
        kind = self.table.c[name].type
        return cast(value, kind) if name in self.uniform or isinstance(kind, JSON | ARRAY) else value


def packed(table: Table, page: PageColumns, keys: tuple[str, ...]) -> tuple[PageShape, dict[str, Any]]:
    """Return the shape of a page and its bind parameters. The columns `keys` always count as varying.

    In a small page every column is varying, so that all small pages of the same columns share one statement and its
    plan.
    """
    fold = len(page[keys[0]]) >= _MIN_FOLDED_ROWS
    sent = {name: _encoded(table.c[name].type, values) for name, values in page.items()}
    # values are compared in the form in which they are sent: in Python, 1 equals True, also inside JSON
    uniform = [n for n, values in sent.items() if fold and n not in keys and values.count(values[0]) == len(values)]
    shape = PageShape(table, tuple(name for name in page if name not in uniform), tuple(uniform))
    return shape, {f"p_{name}": values[0] if name in uniform else values for name, values in sent.items()}


async def insert_rows(tx: AsyncConnection, table: Table, page: PageColumns) -> None:
    """Insert a page. A column without any value is left out, since an array of nulls costs as much to send as any
    other, and the table's default fills it.

    Raises:
        IntegrityError: the database refuses one row, and with it the whole page.
    """
    page = filled(page)
    if page:
        key = table.primary_key.columns[0].name
        shape, parameters = packed(table, page, (key,))
        await tx.execute(_insert(shape), parameters)


async def upsert_rows(tx: AsyncConnection, table: Table, page: PageColumns) -> None:
    """Insert a page. Where the primary key exists, all other columns of the page are written, nulls included."""
    keys = tuple(column.name for column in table.primary_key.columns)
    if page and page[keys[0]]:
        shape, parameters = packed(table, page, keys)
        await tx.execute(_upsert(shape, keys), parameters)


async def update_rows(
    tx: AsyncConnection, table: Table, keys: tuple[str, ...], page: PageColumns, **constants: object
) -> int:
    """Update the rows that have the values of the columns `keys`. Returns how many rows were found.

    The values `constants` are written to every row. They are part of the statement, so they must not vary between
    calls.
    """
    if not page or not page[keys[0]]:
        return 0
    shape, parameters = packed(table, page, keys)
    return (await tx.execute(_update(shape, keys, tuple(constants.items())), parameters)).rowcount


def filled(page: PageColumns) -> PageColumns:
    """Return the page without the columns that have no value in any row."""
    return {name: values for name, values in page.items() if any(value is not None for value in values)}


def _encoded(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    if isinstance(kind, JSON):
        return [None if value is None else _json(value) for value in values]
    if isinstance(kind, ARRAY):
        return [None if value is None else _array(kind, value) for value in values]
    return values


def _array(kind: ARRAY[Any], elements: Sequence[Any]) -> str:
    """Return an array as PostgreSQL's literal, every element in quotes: `{"a","b"}`. An element is never null."""
    words = elements if isinstance(kind.item_type, Text) else [str(element) for element in elements]
    if not words:
        return "{}"
    text = "\n".join(words)
    if '"' in text or "\\" in text:
        words = [word.replace("\\", r"\\").replace('"', r"\"") for word in words]
    return '{"' + '","'.join(words) + '"}'


def _json(value: object) -> str:
    # the driver returns a subclass of UUID, which orjson passes to `default`
    return orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z).decode()


@cache
def _insert(shape: PageShape) -> Insert:
    source = shape.source()
    rows = select(*shape.values(source).values()).select_from(source)
    return insert(shape.table).from_select(list(shape.values(source)), rows)


@cache
def _upsert(shape: PageShape, keys: tuple[str, ...]) -> Insert:
    source = shape.source()
    rows = select(*shape.values(source).values()).select_from(source)
    written = upsert(shape.table).from_select(list(shape.values(source)), rows)
    changes = {name: written.excluded[name] for name in (*shape.varying, *shape.uniform) if name not in keys}
    return written.on_conflict_do_update(index_elements=list(keys), set_=changes)


@cache
def _update(shape: PageShape, keys: tuple[str, ...], constants: tuple[tuple[str, object], ...]) -> Update:
    source = shape.source()
    changes: dict[str, Any] = {name: value for name, value in shape.values(source).items() if name not in keys}
    changes |= {name: literal(constant) for name, constant in constants}
    statement = update(shape.table).values(changes)
    for key in keys:
        statement = statement.where(shape.table.c[key] == source.c[key])
    return statement
