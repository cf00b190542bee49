"""Loading one incident: whole, in order, with everything its view needs."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.rules.words import Arrow
from service.store.database import Database
from service.store.incidents import loading
from tests.rules.builders import CELL, act, later
from tests.store.incidents.rows import done, load, numbered, raised, save

pytestmark = pytest.mark.anyio


async def test_an_unknown_incident_is_none(database: Database) -> None:
    await save(database, numbered(1))
    async with database.read() as connection:
        assert await loading.load(connection, UUID(int=2)) is None


async def test_an_incident_has_its_own_calls_in_order(database: Database) -> None:
    incident = await raised(database, 3)
    await save(database, numbered(2))
    async with database.read() as connection:
        loaded = await loading.load(connection, incident.id)
    assert loaded is not None
    assert loaded.incident == incident
    assert [call.seq for call in loaded.calls] == [1, 2, 3, 4]
    assert loaded.calls == (*loaded.incident.earlier, loaded.incident.call)


async def test_many_incidents_are_loaded_as_each_alone(database: Database) -> None:
    """With their calls and requests; an unknown one is left out."""
    incident = await raised(database, 3)
    await save(database, numbered(2), numbered(3))
    await save(database, act(numbered(2).after, "community", Arrow.EXTEND))
    ids = [incident.id, UUID(int=2), UUID(int=3), UUID(int=9)]
    async with database.read() as connection:
        alone = {each: await loading.load(connection, each) for each in ids}
        assert await loading.load_all(connection, ids) == {each: found for each, found in alone.items() if found}
        assert await loading.load_all(connection, []) == {}


async def test_the_row_joins_the_report(database: Database) -> None:
    await save(database, numbered(1))
    async with database.read() as connection:
        loaded = await loading.load(connection, UUID(int=1))
    assert loaded is not None
    wanted = ("number", "grid_code", "description", "line", "source_ref", "attachments")
    assert [loaded.row[name] for name in wanted] == ["2026-000001", CELL, "A broken lamp", "urban", None, None]


async def test_requests_come_in_order_and_by_incident(database: Database) -> None:
    incident = await raised(database, 1)
    await save(database, numbered(2), numbered(3))
    await save(database, act(numbered(2).after, "community", Arrow.EXTEND))
    for who, arrow in (("street", Arrow.HOLD), ("ops", Arrow.REFUSE), ("street", Arrow.EXTEND)):
        incident = (await done(database, incident, who, arrow, at=later(minutes=1))).after
    async with database.read() as connection:
        found = await loading.requests_of(connection, [UUID(int=n) for n in (1, 2, 3)])
    assert found == {UUID(int=1): incident.requests, UUID(int=2): (await load(database, 2)).requests}
    assert [each.n for each in found[UUID(int=1)]] == [1, 2]
