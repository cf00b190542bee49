"""Pages of rows: whatever is written comes back as it was, for every kind of column that any table has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import bulk, schema
from service.store.database import Database
from service.store.metadata import Code, Time

pytestmark = pytest.mark.anyio

Page = dict[str, list[Any]]

_WORDS = ["", 'O\'Hare said "no" \\ yes', "广州市海珠区 🏙", "two\nlines\tand \x1f", "NULL", "{a,b}"]
KINDS: Mapping[str, tuple[Any, Sequence[Any]]] = {
    "words": (Text(), _WORDS),
    "code": (Code, ["440105003001001", "", "urban-0110"]),
    "small": (SmallInteger(), [0, -(2**15), 2**15 - 1]),
    "number": (Integer(), [0, -(2**31), 2**31 - 1]),
    "big": (BigInteger(), [0, -(2**63), 2**63 - 1]),
    "flag": (Boolean(), [True, False]),
    "moment": (Time, [datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)]),
    "day": (Date(), [date(2026, 2, 28), date(2028, 2, 29)]),
    "span": (Interval(), [timedelta(0), timedelta(days=400, microseconds=1), -timedelta(hours=3)]),
    "degrees": (Double(), [0.0, 113.317290123456789, -1e-300, 1e300]),
    "id": (Uuid(), [UUID(int=0), UUID("019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11")]),
    "digest": (LargeBinary(), [b"", b"\x00\xff\\'\""]),
    "document": (JSON(), [{}, [], "words", 0, False, {"名": [None, "\\", '"', 1.5, {"a": ""}]}]),
    "words_list": (ARRAY(Text), [[], [""], ["a", "b"], [*_WORDS, "a,b", " ", "\n"]]),
    "small_list": (ARRAY(SmallInteger), [[], [1, 1, 0, 0], [-1]]),
    "big_list": (ARRAY(BigInteger), [[], [2**63 - 1, 0], [-(2**63)]]),
}
"""Column of the throw-away table → its type, and values that are easily lost on the way."""

TABLE = Table(
    "kinds",
    MetaData(),
    Column("n", Integer, primary_key=True),
    *(Column(name, kind) for name, (kind, _) in KINDS.items()),
)
SIZES = (1, 7, 99, 100, 101)


@pytest.fixture
async def kinds(database: Database) -> Database:
    async with database.begin() as tx:
        await tx.run_sync(TABLE.metadata.create_all)
    return database


def varying(size: int) -> Page:
    """Every column goes through its values, null among them."""
    return {"n": list(range(size))} | {
        name: [(*values, None)[n % (len(values) + 1)] for n in range(size)] for name, (_, values) in KINDS.items()
    }


def uniform(size: int) -> Page:
    """Every column holds its last value in every row, which is the most difficult one."""
    return {"n": list(range(size))} | {name: [values[-1]] * size for name, (_, values) in KINDS.items()}


def empty(size: int) -> Page:
    """Every column but the key is null in every row."""
    return {"n": list(range(size))} | {name: [None] * size for name in KINDS}


PAGES = [pytest.param(make, size, id=f"{make.__name__}-{size}") for make in (varying, uniform, empty) for size in SIZES]


async def _stored(connection: AsyncConnection) -> Page:
    rows = [row._mapping for row in await connection.execute(select(TABLE).order_by(TABLE.c.n))]
    return {column.name: [row[column.name] for row in rows] for column in TABLE.columns}


def test_kinds_cover_every_column_of_the_schema() -> None:
    known = {repr(kind) for kind, _ in KINDS.values()}
    used = {repr(column.type) for table in schema.metadata.tables.values() for column in table.columns}
    assert used <= known


@pytest.mark.parametrize(("make", "size"), PAGES)
async def test_an_inserted_page_comes_back(kinds: Database, make: Any, size: int) -> None:
    async with kinds.begin() as tx:
        await bulk.insert_rows(tx, TABLE, make(size))
        assert await _stored(tx) == make(size)


@pytest.mark.parametrize(("make", "size"), PAGES)
async def test_an_upserted_page_replaces_what_was_there(kinds: Database, make: Any, size: int) -> None:
    """Half of the rows are there before, with values that the page must replace: by null, too."""
    before = uniform(size // 2 + 1)
    async with kinds.begin() as tx:
        await bulk.insert_rows(tx, TABLE, before)
        await bulk.upsert_rows(tx, TABLE, make(size))
        assert await _stored(tx) == make(size)


@pytest.mark.parametrize(("make", "size"), PAGES)
async def test_an_updated_page_comes_back(kinds: Database, make: Any, size: int) -> None:
    async with kinds.begin() as tx:
        await bulk.insert_rows(tx, TABLE, varying(size + 1))
        assert await bulk.update_rows(tx, TABLE, ("n",), make(size)) == size
        stored = await _stored(tx)
    assert {name: values[:size] for name, values in stored.items()} == make(size)
    assert {name: values[size] for name, values in stored.items()} == {n: v[size] for n, v in varying(size + 1).items()}


async def test_empty_pages_write_nothing(kinds: Database) -> None:
    async with kinds.begin() as tx:
        for page in ({}, varying(0)):
            await bulk.insert_rows(tx, TABLE, page)
            await bulk.upsert_rows(tx, TABLE, page)
            assert await bulk.update_rows(tx, TABLE, ("n",), page) == 0
        assert (await _stored(tx))["n"] == []


async def test_update_counts_the_rows_it_found(kinds: Database) -> None:
    async with kinds.begin() as tx:
        await bulk.insert_rows(tx, TABLE, varying(3))
        page: Page = {"n": [1, 2, 77], "words": ["one", "two", "nobody"]}
        assert await bulk.update_rows(tx, TABLE, ("n",), page, small=5) == 2
        stored = await _stored(tx)
    assert stored["words"] == [varying(3)["words"][0], "one", "two"]
    assert stored["small"] == [varying(3)["small"][0], 5, 5], "a constant goes to the rows found, and to no others"


async def test_update_by_two_keys_changes_one_row_each(kinds: Database) -> None:
    async with kinds.begin() as tx:
        await bulk.insert_rows(tx, TABLE, {"n": [1, 2, 3], "code": ["a", "b", "b"]})
        page: Page = {"code": ["b", "a"], "n": [3, 2], "words": ["changed", "nobody"]}
        assert await bulk.update_rows(tx, TABLE, ("n", "code"), page) == 1
        assert (await _stored(tx))["words"] == [None, None, "changed"]


async def test_a_refused_row_refuses_its_whole_page(kinds: Database) -> None:
    with pytest.raises(IntegrityError):
        async with kinds.begin() as tx:
            await bulk.insert_rows(tx, TABLE, {"n": [1, 2, 1]})
    async with kinds.read() as connection:
        assert (await _stored(connection))["n"] == []


@pytest.mark.parametrize("size", [2, 100])
async def test_a_column_nobody_fills_gets_its_default(kinds: Database, size: int) -> None:
    started = Table(
        "started",
        MetaData(),
        Column("n", Integer, primary_key=True),
        Column("times", SmallInteger, nullable=False, server_default=text("7")),
        Column("words", Text),
    )
    nothing = [None] * size
    async with kinds.begin() as tx:
        await tx.run_sync(started.metadata.create_all)
        await bulk.insert_rows(tx, started, {"n": range(size), "times": nothing, "words": nothing})
        assert set(await tx.execute(select(started.c.times, started.c.words))) == {(7, None)}


async def test_one_statement_inserts_into_several_tables(kinds: Database) -> None:
    """Columns of the same name in two tables keep their own values."""
    other = TABLE.to_metadata(MetaData(), name="other_kinds")
    pages = [(TABLE, varying(3)), (other, uniform(100))]
    async with kinds.begin() as tx:
        await tx.run_sync(other.metadata.create_all)
        shapes, parameters = zip(*(bulk.insertable(*each) for each in pages), strict=True)
        ctes = [bulk.inserting(each).cte(f"w{n}") for n, each in enumerate(shapes)]
        await tx.execute(select(text("1")).add_cte(*ctes), {**parameters[0], **parameters[1]})
        assert await _stored(tx) == varying(3)
        assert (await tx.execute(select(other.c.code).distinct())).scalars().all() == [uniform(1)["code"][0]]


@pytest.mark.parametrize(("size", "large"), [(1, False), (99, False), (100, True), (101, True)])
def test_a_page_is_large_from_a_hundred_rows(size: int, large: bool) -> None:
    """A small one goes as one document; in a large one, columns of equal values fold."""
    page: Page = {
        "n": [7] * size,
        "code": ["440105"] * size,
        "words_list": [["a", "b"]] * size,
        "small": list(range(size)),
    }
    shape, parameters = bulk.packed(TABLE, page, ("n",))
    if large:
        assert (shape.varying, shape.uniform) == (("n", "small"), ("code", "words_list"))
        assert (parameters["kinds_code"], parameters["kinds_words_list"]) == ("440105", '{"a","b"}')
        assert parameters["kinds_n"] == [7] * size, "a key is never folded"
    else:
        assert (set(shape.varying), shape.uniform) == (set(page), ())
        row = {"n": 7, "code": "440105", "words_list": ["a", "b"]}
        assert json.loads(parameters["kinds"]) == [{**row, "small": n} for n in range(size)]


@pytest.mark.parametrize(
    ("size", "words", "joined"),
    [
        (100, ["", "a", "两"], True),
        (100, ["a", "the separator \x1f itself"], False),
        (100, ["a", None], False),
    ],
)
def test_texts_go_as_one_when_they_can_be_split(size: int, words: list[str | None], joined: bool) -> None:
    texts = [words[n % len(words)] for n in range(size)]
    shape, parameters = bulk.packed(TABLE, {"n": list(range(size)), "words": texts}, ("n",))
    assert shape.joined == ({"words"} if joined else set())
    assert parameters["kinds_words"] == ("\x1f".join(map(str, texts)) if joined else texts)


@pytest.mark.parametrize("size", [1, 100])
def test_a_document_may_come_as_the_json_it_is(size: int) -> None:
    documents = [{"n": n, "id": UUID(int=n)} for n in range(size)]
    keys = list(range(size))
    ready = bulk.packed(TABLE, {"n": keys, "document": [bulk.json_bytes(each) for each in documents]}, ("n",))
    assert ready == bulk.packed(TABLE, {"n": keys, "document": documents}, ("n",))


def test_values_that_python_calls_equal_stay_apart() -> None:
    page: Page = {"n": list(range(100)), "document": [{"n": True}, *[{"n": 1}] * 99], "words": ["a", *["b"] * 99]}
    shape, _ = bulk.packed(TABLE, page, ("n",))
    assert shape.uniform == ()


async def test_rows_can_be_found_by_key_until_the_transaction_ends(kinds: Database) -> None:
    """By itself, the planner would read all rows, since a page has a twentieth of them."""
    question = (
        "EXPLAIN UPDATE kinds SET big = 1 FROM unnest(ARRAY(SELECT generate_series(1, 1000))) AS v(n) "
        "WHERE kinds.n = v.n"
    )

    async def plan(tx: AsyncConnection) -> str:
        return "\n".join((await tx.execute(text(question))).scalars())

    async with kinds.begin() as tx:
        await tx.execute(text("INSERT INTO kinds (n) SELECT generate_series(1, 20000)"))
        await tx.execute(text("ANALYZE kinds"))
        await bulk.find_by_key(tx)
        assert "Nested Loop" in await plan(tx)
        assert "kinds_pkey" in await plan(tx)
    async with kinds.begin() as tx:
        for limit in ("enable_hashjoin", "enable_mergejoin"):
            assert (await tx.execute(text(f"SHOW {limit}"))).scalar_one() == "on"


async def test_statements_do_not_multiply_with_page_sizes(kinds: Database) -> None:
    """One statement serves every small page of the same columns, and one every large page of the same shape."""
    caches = (bulk.inserting, bulk._upsert, bulk._update)
    async with kinds.begin() as tx:
        for made, sizes in ((1, (1, 2, 50, 99)), (1, (100, 101, 500))):
            before = [each.cache_info().currsize for each in caches]
            for size in sizes:
                page: Page = {
                    "n": list(range(size)),
                    "code": ["c"] * size,
                    "big": list(range(size)),
                    "flag": [True] * size,
                }
                await tx.execute(TABLE.delete())
                await bulk.insert_rows(tx, TABLE, page)
                await bulk.upsert_rows(tx, TABLE, page)
                await bulk.update_rows(tx, TABLE, ("n",), page)
            assert [each.cache_info().currsize for each in caches] == [size + made for size in before]


def test_pages_are_made_of_objects_and_of_rows() -> None:
    moments = [datetime(2026, 11, 23, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)]
    assert bulk.page_of({"y": "year", "m": "month"}, moments) == {"y": (2026, 2027), "m": (11, 1)}
    assert bulk.page_of({"y": "year", "m": "month"}, []) == {}
    assert bulk.columns_of([{"a": 1, "b": None}, {"a": 2, "b": 3}]) == {"a": [1, 2], "b": [None, 3]}
    assert bulk.columns_of([]) == {}
