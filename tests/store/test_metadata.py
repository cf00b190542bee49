"""What all tables share, read from a migrated database: the types of codes and times, and the names of constraints."""

from __future__ import annotations

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, MetaData, Table, UniqueConstraint

from service.store import schema
from service.store.database import Database
from service.store.metadata import Code, metadata
from tests.store.catalog import described

pytestmark = pytest.mark.anyio

CODES = {
    *("district", "grid_code", "category", "line", "unit", "from_unit", "end_duty", "area", "community", "parent"),
    *("line_parent", "lead_unit", "code", "calendar"),
}
"""Columns that are codes by their names."""
NO_CODES = {"policy_code", "end_code"}
"""The code of a policy and the ground of a return: neither is compared as a prefix or ordered."""


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


def test_names_follow_from_tables_and_columns() -> None:
    made = MetaData(naming_convention=metadata.naming_convention)
    Table("other", made, Column("code", Code, primary_key=True))
    table = Table(
        "t",
        made,
        Column("a", Code, ForeignKey("other.code"), primary_key=True),
        Column("b", Code),
        UniqueConstraint("a", "b"),
        CheckConstraint("a <> b", name="differ"),
        Index(None, "b"),
    )
    assert {str(each.name) for each in table.constraints} == {"t_pkey", "t_a_fkey", "t_a_b_key", "t_differ"}
    assert {str(each.name) for each in table.indexes} == {"t_b_idx"}
