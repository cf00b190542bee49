"""Changing the registry row by row: rows end, begin, are corrected, or are taken back before they begin."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.store.database import Database
from service.store.incidents.tables import incident
from service.store.registry import rows
from service.store.registry.tables import unit
from tests.store.registry.dated import LATER, LATEST, row_of
from tests.store.rows import CLOSED, NOW, UNIT, good, store

pytestmark = pytest.mark.anyio


async def _newest(database: Database, name: str) -> dict[str, dict[str, Any]]:
    async with database.read() as connection:
        return {code: dict(row) for code, row in (await rows.newest(connection, name)).items()}


@pytest.mark.parametrize("name", rows.DATED)
async def test_added_rows_come_back_by_their_code(database: Database, name: str) -> None:
    added = [row_of(name, "u1"), row_of(name, "u2", valid_to=LATER)]
    async with database.begin() as tx:
        await rows.add_rows(tx, name, added)
        await rows.add_rows(tx, name, [])
    assert await _newest(database, name) == {row["code"]: row for row in added}


@pytest.mark.parametrize("name", rows.DATED)
async def test_the_newest_row_of_a_code_counts(database: Database, name: str) -> None:
    changed = row_of(name, "u1", valid_from=LATER, **{"basis" if name == "duties" else "name": "changed"})
    async with database.begin() as tx:
        await rows.add_rows(tx, name, [row_of(name, "u1")])
        await rows.change_rows(tx, name, [{"code": "u1", "valid_from": NOW, "valid_to": LATER}])
        await rows.add_rows(tx, name, [changed])
        await rows.change_rows(tx, name, [])
        older = select(rows.DATED[name]).where(rows.DATED[name].c.valid_from == NOW)
        assert dict((await tx.execute(older)).one()._mapping) == row_of(name, "u1", valid_to=LATER)
    assert await _newest(database, name) == {"u1": changed}


async def test_a_correction_sets_its_columns_and_no_others(database: Database) -> None:
    async with database.begin() as tx:
        await rows.add_rows(tx, "units", [row_of("units", "u1"), row_of("units", "u2")])
        await rows.change_rows(tx, "units", [{"code": "u2", "valid_from": NOW, "level": None, "covers": ["x"]}])
    found = await _newest(database, "units")
    assert found == {"u1": row_of("units", "u1"), "u2": row_of("units", "u2", level=None, covers=["x"])}


async def test_only_what_has_not_begun_is_taken_back(database: Database) -> None:
    async with database.begin() as tx:
        current = [row_of("units", code, valid_to=LATER) for code in ("u1", "u2")]
        planned = [
            row_of("units", code, valid_from=start, valid_to=LATEST) for code, start in (("u1", LATER), ("u2", LATER))
        ]
        await rows.add_rows(tx, "units", [*current, *planned])
        await rows.take_back(tx, "units", "u1", after=LATER)
        assert len((await tx.execute(select(unit))).all()) == 4, "a row that begins at that very moment stays"
        await rows.take_back(tx, "units", "u1", after=NOW)
    assert await _newest(database, "units") == {"u1": current[0], "u2": planned[1]}


async def test_lines_are_added_and_renamed(database: Database) -> None:
    async with database.begin() as tx:
        await rows.set_lines(tx, {"urban": "环卫", "party": "党建"}, {})
        await rows.set_lines(tx, {"water": "水务"}, {"urban": "市容", "nobody": "?"})
        await rows.set_lines(tx, {}, {})
        assert await rows.line_names(tx) == {"urban": "市容", "party": "党建", "water": "水务"}


async def test_open_incidents_are_counted_by_their_last_call(database: Database) -> None:
    open_ones = [good(incident), good(incident, unit="u2", assisting=[UNIT]), good(incident, unit="u3")]
    await store(database, incident, *open_ones, good(incident, **CLOSED))
    async with database.read() as connection:
        assert await rows.open_incidents_of(connection, [UNIT]) == 1
        assert await rows.open_incidents_of(connection, [UNIT, "u2", "nobody"]) == 2
        assert await rows.open_incidents_of(connection, []) == 0
