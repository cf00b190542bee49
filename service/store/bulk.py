"""Whole pages of rows in one statement: `INSERT … SELECT … FROM unnest(arrays)` and `UPDATE … FROM unnest(arrays)`.

One array per column, so a page of 500 rows is one round trip and one plan. In a large page, a column that holds the
same
value in every row travels as that one value. Arrays inside a row (an audience) cannot be unnested: they travel as one
string and are split by the server.
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

_SEPARATOR = "\x1f"  # the unit separator: no code and no subject may hold a control character
_WORTH_FOLDING = 100
"""Rows from which on a page's uniform columns travel once."""

PageColumns = Mapping[str, Sequence[Any]]
"""A page by columns: name → one value a row."""
ColumnPage = dict[str, Sequence[Any]]
"""The same while it is put together."""


def page_of(attributes: Mapping[str, str], rows: Sequence[Any]) -> ColumnPage:
    """A page from the attributes of objects: column → attribute, two at least."""
    get = attrgetter(*attributes.values())
    return dict(zip(attributes, zip(*map(get, rows), strict=True), strict=True)) if rows else {}


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """A page by columns from rows that all have the same ones."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


@dataclass(frozen=True, slots=True)
class PageShape:
    """Which columns of a table a statement writes: one value a row, or one for all."""

    table: Table
    varying: tuple[str, ...]
    uniform: tuple[str, ...]

    def source(self) -> TableValuedAlias:
        """`unnest(…) AS v(…)`: as many rows as the page has."""
        binds = [bindparam(f"p_{name}", type_=ARRAY(self._wire(name))) for name in self.varying]
        return func.unnest(*binds).table_valued(*self.varying, name="v").render_derived()

    def values(self, source: TableValuedAlias) -> dict[str, ColumnElement[Any]]:
        """Column → the expression that turns what travelled back into the column's type."""
        one = {name: bindparam(f"p_{name}", type_=self._wire(name)) for name in self.uniform}
        many = {name: source.c[name] for name in self.varying}
        return {name: self._decoded(name, value) for name, value in {**many, **one}.items()}

    def _wire(self, name: str) -> Any:
        kind = self.table.c[name].type
        return Text() if isinstance(kind, JSON | ARRAY | Text) else kind

    def _decoded(self, name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
        kind = self.table.c[name].type
        if isinstance(kind, JSON):
            return cast(value, kind)
        if isinstance(kind, ARRAY):
            return cast(func.string_to_array(value, _SEPARATOR), kind)
        return cast(value, kind) if name in self.uniform else value


def packed(table: Table, page: PageColumns, keys: tuple[str, ...]) -> tuple[PageShape, dict[str, Any]]:
    """The shape of a page and its bind parameters. `keys` always vary.

    Small pages all have one shape: folding them would make a statement of each, and plans are worth keeping.
    """
    fold = len(page[keys[0]]) >= _WORTH_FOLDING
    same = [n for n, values in page.items() if fold and n not in keys and values.count(values[0]) == len(values)]
    shape = PageShape(table, tuple(name for name in page if name not in same), tuple(same))
    parameters = {f"p_{name}": _encoded(table.c[name].type, page[name]) for name in shape.varying}
    parameters |= {f"p_{name}": _encoded(table.c[name].type, page[name][:1])[0] for name in shape.uniform}
    return shape, parameters


async def insert_rows(tx: AsyncConnection, table: Table, page: PageColumns) -> None:
    """Insert a page. Columns that no row fills are left out: an array of nulls costs as much to send as any other.

    Raises:
        IntegrityError: the database refuses one of them, and so the page as a whole.
    """
    page = filled(page)
    if page:
        key = table.primary_key.columns[0].name
        shape, parameters = packed(table, page, (key,))
        await tx.execute(_insert(shape), parameters)


async def upsert_rows(tx: AsyncConnection, table: Table, page: PageColumns) -> None:
    """Insert a page, or where the key is there already set all other columns."""
    keys = tuple(column.name for column in table.primary_key.columns)
    shape, parameters = packed(table, filled(page), keys)
    await tx.execute(_upsert(shape, keys), parameters)


async def update_rows(
    tx: AsyncConnection, table: Table, keys: tuple[str, ...], page: PageColumns, **constants: object
) -> int:
    """Update a page by the columns `keys`; `constants` are the same in every row. Returns how many rows were found."""
    if not page or not page[keys[0]]:
        return 0
    shape, parameters = packed(table, page, keys)
    return (await tx.execute(_update(shape, keys, tuple(constants.items())), parameters)).rowcount


def filled(page: PageColumns) -> PageColumns:
    """The columns that some row fills."""
    return {name: values for name, values in page.items() if any(value is not None for value in values)}


def _encoded(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    if isinstance(kind, JSON):
        return [None if value is None else _json(value) for value in values]
    if isinstance(kind, ARRAY):
        return [_SEPARATOR.join(map(str, value)) for value in values]
    return values


def _json(value: object) -> str:
    # the driver's UUIDs are a subclass that orjson does not take for one
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
