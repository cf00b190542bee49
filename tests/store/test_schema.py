"""The schema holds every table, the migrations make the same ones, and each that grows has its district."""

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


def test_every_module_of_tables_is_in_the_schema() -> None:
    found = {
        importlib.import_module("service." + ".".join(path.relative_to(_STORE.parent).with_suffix("").parts))
        for path in _STORE.rglob("*tables.py")
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
