"""Whole pages of rows in one statement: `INSERT … SELECT … FROM page` and `UPDATE … FROM page`.

A small page is sent as one JSON document, since each further parameter of a statement costs this process more than the
values of a few rows. In a large page, each column is sent as one array, which costs the server less. There, a column
that has the same value in every row is sent as that one value, and a column of short texts as one text, which the
server splits: the driver takes ten times as long for an array of texts. JSON values and arrays inside a row (such as an
audience) cannot be unnested: each is sent as text, which the server casts to the column's type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Insert, Update
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

_MIN_LARGE_ROWS = 100
"""The number of rows from which on a page is a large one."""
MAX_STATEMENTS = 512
"""How many statements of one kind are kept: the shape of a large page depends on what is in it."""
_SEPARATOR = "\x1f"
"""The character between the texts of a column that is sent as one text. A column that holds it is sent as an array."""

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
    has one value for all rows. Those of the varying columns that are `joined` are sent as one text. All columns of a
    `small` page are varying, so that all small pages of the same columns share one statement and its plan."""

    table: Table
    varying: tuple[str, ...]
    uniform: tuple[str, ...] = ()
    joined: frozenset[str] = frozenset()
    small: bool = False

    def source(self) -> TableValuedAlias:
        """Return the table expression `… AS v(…)`, which has one row for each row of the page."""
        if self.small:
            typed = [column(name, self.table.c[name].type) for name in self.varying]
            rows = func.json_to_recordset(bindparam(self.parameter(), type_=Text()).cast(JSON()))
            return rows.table_valued(*typed, name="v").render_derived(with_types=True)
        arrays = [self._array(name) for name in self.varying]
        return func.unnest(*arrays).table_valued(*self.varying, name="v").render_derived()

    def parameter(self, name: str = "") -> str:
        """Return the name of the parameter for a column, or for the whole of a small page. It names the table as well,
        so that a statement can write pages of several tables."""
        return f"{self.table.name}_{name}" if name else self.table.name

    def _array(self, name: str) -> ColumnElement[Any]:
        if name in self.joined:
            return func.string_to_array(bindparam(self.parameter(name), type_=Text()), _SEPARATOR)
        return bindparam(self.parameter(name), type_=ARRAY(self._wire(name)))

    def values(self, source: TableValuedAlias) -> dict[str, ColumnElement[Any]]:
        """Return, for each column, the expression that turns the value as it was sent into the column's type."""
        varying = {name: source.c[name] for name in self.varying}
        uniform = {name: bindparam(self.parameter(name), type_=self._wire(name)) for name in self.uniform}
        return {name: self._decoded(name, value) for name, value in {**varying, **uniform}.items()}

    def _wire(self, name: str) -> Any:
        kind = self.table.c[name].type
        return Text() if isinstance(kind, JSON | ARRAY | Text) else kind

    def _decoded(self, name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
        if self.small:
            return value
        kind = self.table.c[name].type
        return cast(value, kind) if name in self.uniform or isinstance(kind, JSON | ARRAY) else value


def packed(table: Table, page: PageColumns, keys: tuple[str, ...]) -> tuple[PageShape, dict[str, Any]]:
    """Return the shape of a page and its bind parameters. The columns `keys` always count as varying."""
    if len(page[keys[0]]) < _MIN_LARGE_ROWS:
        shape = PageShape(table, tuple(page), small=True)
        return shape, {shape.parameter(): document(table, page)}
    sent = {name: _encoded(table.c[name].type, values) for name, values in page.items()}
    # values are compared in the form in which they are sent: in Python, 1 equals True, also inside JSON
    uniform = {name: values[0] for name, values in sent.items() if name not in keys and _is_uniform(values)}
    varying = {name: values for name, values in sent.items() if name not in uniform}
    joined = {name: text for name, values in varying.items() if (text := _joined(table.c[name].type, values))}
    shape = PageShape(table, tuple(varying), tuple(uniform), frozenset(joined))
    return shape, {shape.parameter(name): value for name, value in {**varying, **uniform, **joined}.items()}


def document(table: Table, page: PageColumns) -> str:
    """Return a page as one JSON document, a list of rows."""
    columns = [_in_document(table.c[name].type, values) for name, values in page.items()]
    names = tuple(page)
    return json_bytes([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]).decode()


def _in_document(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column in forms that JSON has, and that the server reads as values of this type."""
    if isinstance(kind, JSON):  # a document may have been written as JSON before
        return [orjson.Fragment(value) if isinstance(value, bytes) else value for value in values]
    if isinstance(kind, LargeBinary):
        return [None if value is None else f"\\x{value.hex()}" for value in values]
    return values


NewRows = tuple[Table, PageColumns]
"""A page of rows that are to be inserted into a table."""


async def insert_rows(tx: AsyncConnection, table: Table, page: PageColumns) -> None:
    """Insert a page.

    Raises:
        IntegrityError: the database refuses one row, and with it the whole page.
    """
    if any(page.values()):
        shape, parameters = insertable(table, page)
        await tx.execute(inserting(shape), parameters)


def insertable(table: Table, page: PageColumns) -> tuple[PageShape, dict[str, Any]]:
    """Return the shape of a page that is to be inserted, and its bind parameters. A column without any value is left
    out where the table has a default for it. In a large page it is always left out, since an array of nulls costs as
    much to send as any other."""
    key = next(column.name for column in table.primary_key if column.name in page)
    large = len(page[key]) >= _MIN_LARGE_ROWS
    sent = {
        name: values
        for name, values in page.items()
        if any(value is not None for value in values) or not (large or table.c[name].server_default)
    }
    return packed(table, sent, (key,))


async def upsert_rows(tx: AsyncConnection, table: Table, page: PageColumns) -> None:
    """Insert a page. Where the primary key exists, all other columns of the page are written, nulls included."""
    keys = tuple(column.name for column in table.primary_key.columns)
    if page and page[keys[0]]:
        shape, parameters = packed(table, page, keys)
        await tx.execute(_upsert(shape, keys), parameters)


async def find_by_key(tx: AsyncConnection) -> None:
    """Have the claim and `update_rows` find rows by their keys until the transaction ends, as is best for a large page.

    The planner takes a page of 500 rows for many: beside it, it would read a table of 100,000 rows as a whole.
    """
    await tx.execute(_BY_KEY)


_BY_KEY = select(func.set_config("enable_hashjoin", "off", True), func.set_config("enable_mergejoin", "off", True))


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


def _is_uniform(values: Sequence[Any]) -> bool:
    # where values differ at all, the first and the last nearly always do
    return bool(values[0] == values[-1] and values.count(values[0]) == len(values))


def _joined(kind: TypeEngine[Any], values: Sequence[Any]) -> str | None:
    """Return texts as one text; None where the server could not split it into the same texts. Documents are so long
    that the server takes longer to split them than the driver to send them."""
    if not isinstance(kind, Text | ARRAY) or None in values:
        return None
    text = _SEPARATOR.join(values)
    return text if text.count(_SEPARATOR) == len(values) - 1 else None


def _encoded(kind: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    if isinstance(kind, JSON):
        return [None if value is None else _json_text(value) for value in values]
    if isinstance(kind, ARRAY):
        array = _text_array if isinstance(kind.item_type, Text) else _number_array
        return [None if value is None else array(tuple(value)) for value in values]
    return values


def _text_array(words: tuple[str, ...]) -> str:
    """Return an array as PostgreSQL's literal, every element in quotes: `{"a","b"}`. An element is never null."""
    if not words:
        return "{}"
    array = '{"' + '","'.join(words) + '"}'
    if array.count('"') > 2 * len(words) or "\\" in array:
        return _text_array_escaped(words)
    return array


def _text_array_escaped(words: tuple[str, ...]) -> str:
    escaped = (word.replace("\\", r"\\").replace('"', r"\"") for word in words)
    return '{"' + '","'.join(escaped) + '"}'


@lru_cache(maxsize=4096)  # a page has few different ones, such as how often each level was called
def _number_array(numbers: tuple[int, ...]) -> str:
    return _text_array(tuple(map(str, numbers)))


def json_bytes(document: object) -> bytes:
    """Return a document as JSON. A page may hold it in place of the document, which then need not live as long."""
    # the driver returns a subclass of UUID, which orjson passes to `default`
    return orjson.dumps(document, default=_text_of, option=orjson.OPT_UTC_Z)


def _text_of(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds}.{value.microseconds:06} seconds"
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _json_text(document: object) -> str:
    return (document if isinstance(document, bytes) else json_bytes(document)).decode()


@lru_cache(maxsize=MAX_STATEMENTS)
def inserting(shape: PageShape) -> Insert:
    """Return the statement that inserts pages of this shape."""
    source = shape.source()
    rows = select(*shape.values(source).values()).select_from(source)
    return insert(shape.table).from_select(list(shape.values(source)), rows)


@lru_cache(maxsize=MAX_STATEMENTS)
def _upsert(shape: PageShape, keys: tuple[str, ...]) -> Insert:
    source = shape.source()
    rows = select(*shape.values(source).values()).select_from(source)
    written = upsert(shape.table).from_select(list(shape.values(source)), rows)
    changes = {name: written.excluded[name] for name in (*shape.varying, *shape.uniform) if name not in keys}
    return written.on_conflict_do_update(index_elements=list(keys), set_=changes)


@lru_cache(maxsize=MAX_STATEMENTS)
def _update(shape: PageShape, keys: tuple[str, ...], constants: tuple[tuple[str, object], ...]) -> Update:
    source = shape.source()
    changes: dict[str, Any] = {name: value for name, value in shape.values(source).items() if name not in keys}
    changes |= {name: literal(constant) for name, constant in constants}
    statement = update(shape.table).values(changes)
    for key in keys:
        statement = statement.where(shape.table.c[key] == source.c[key])
    return statement
