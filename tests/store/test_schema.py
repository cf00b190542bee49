"""Every table: its place in the schema, and the rules that hold for all of them, read from a migrated database."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from service import store
from service.store import schema
from service.store.database import Database
from service.store.metadata import Code
from tests.store.catalog import described

pytestmark = pytest.mark.anyio

_STORE = Path(store.__file__).parent

GROWING = {"report", "incident", "call", "request"}
"""Tables with a row an incident, a call or a request. `event` has the whole code of its place in `area`, `log_batch` is
of one transaction, and everything else grows with the registry only."""

CODES = {
    *("district", "grid_code", "category", "line", "unit", "from_unit", "end_duty", "area", "community", "parent"),
    *("line_parent", "lead_unit", "code", "calendar"),
}
"""Columns that are codes by their names."""
NO_CODES = {"policy_code", "end_code"}
"""The code of a policy and the ground of a return: neither is compared as a prefix or ordered."""


def test_every_module_of_tables_is_in_the_schema() -> None:
    found = {
        importlib.import_module("service." + ".".join(path.relative_to(_STORE.parent).with_suffix("").parts))
        for path in _STORE.rglob("tables.py")
    }
    assert found == set(schema.MODULES)


async def test_tables_made_from_code_equal_the_migrated_ones(database: Database, blank_url: str) -> None:
    """`sihu migrate --check` compares no CHECK, no collation and no storage setting; the catalog holds them all."""
    made = Database(blank_url, pool_size=1)
    async with made.begin() as tx:
        await tx.run_sync(schema.metadata.create_all)
    in_code, migrated = await described(made), await described(database)
    await made.close()
    assert in_code == migrated


def test_every_table_that_grows_has_its_district() -> None:
    for name in GROWING:
        district = schema.metadata.tables[name].c.district
        assert not district.nullable
        assert district.type is Code


async def test_codes_are_compared_byte_by_byte(database: Database) -> None:
    columns = {
        name.split(" ", 1)[1]: definition
        for name, definition in (await described(database)).items()
        if name.startswith("column ")
    }
    codes = {name for name in columns if name.split(".")[1] in CODES}
    assert {name for name in codes if "COLLATE C" not in columns[name]} == set()
    others = {name.split(".")[1] for name, definition in columns.items() if "COLLATE C" not in definition}
    assert {name for name in others if name.endswith(("_code", "_unit"))} <= NO_CODES


async def test_every_time_has_its_zone(database: Database) -> None:
    times = [each for each in (await described(database)).values() if each.startswith("timestamp")]
    assert times
    assert all(each.startswith("timestamp with time zone") for each in times)


def test_every_constraint_has_a_name_of_its_own() -> None:
    named = [str(each.name) for table in schema.metadata.tables.values() for each in table.constraints]
    named += [str(each.name) for table in schema.metadata.tables.values() for each in table.indexes]
    assert len(named) == len(set(named))
    assert max(map(len, named)) <= 63, "PostgreSQL cuts longer names off"
