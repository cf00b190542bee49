"""The world as it is loaded, and who waits for whom: those who decide by it, and those who change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import world as worlds
from service.rules.errors import Unavailable
from service.rules.model import By
from service.rules.policy import Activation
from service.rules.words import Level, UnitKind, Urgency
from service.rules.world import Category, Cell, Duty, Line, Unit, Validity, World
from service.store.database import Database
from service.store.registry import calendars, deployment, policies, rows, world
from service.store.registry.calendars import Day
from tests.rules.builders import OFFICE, POLICIES
from tests.store.registry.dated import LATER, SHAPE, row_of
from tests.store.rows import NOW

pytestmark = pytest.mark.anyio

BY = By("ops", "tests")
DAY = date(2026, 10, 1)


async def _load(database: Database) -> World:
    async with database.read() as connection:
        return await world.load(connection)


async def test_a_new_database_has_an_empty_world(database: Database) -> None:
    assert await _load(database) == worlds.build(1)


async def test_a_world_has_every_row_of_every_table(database: Database) -> None:
    plain = {"level": None, "parent": None, "covers": [], "kind": "partner", "in_charge_of": ["a"], "line_parent": "d"}
    async with database.begin() as tx:
        await rows.add_rows(
            tx, "units", [row_of("units", "u", valid_to=LATER), row_of("units", "u", valid_from=LATER, **plain)]
        )
        await rows.add_rows(tx, "cells", [row_of("cells", "u1"), row_of("cells", "u2", shape=None)])
        await rows.add_rows(tx, "categories", [row_of("categories", "urban", parent="x")])
        await rows.add_rows(tx, "duties", [row_of("duties", "d")])
        await rows.set_lines(tx, {"urban": "环卫"}, {})
        for policy in POLICIES:
            await policies.add(tx, policy, NOW, BY)
        await policies.activate(tx, "p", 3, LATER, NOW, BY)
        await calendars.put(tx, "c", [Day(DAY, False, "gov.cn")], NOW)
        await calendars.put(tx, "unused", [Day(DAY, True, "gov.cn")], NOW)
        await world.rise(tx)

    duty = {name: value for name, value in row_of("duties", "d").items() if not name.startswith("valid_")}
    rings = tuple(tuple((lon, lat) for lon, lat in ring) for ring in SHAPE)
    assert await _load(database) == worlds.build(
        2,
        units=[
            Unit(
                *("u", '街 "一"', UnitKind.STREET, Level.STREET, Validity(NOW, LATER), "440105", None, ("440105003",)),
                answers_for=("urban-01",),
            ),
            Unit(
                *("u", '街 "一"', UnitKind.PARTNER, None, Validity(LATER), None, "d", (), ("a",)),
                answers_for=("urban-01",),
            ),
        ],
        cells=[Cell("u1", "网格", "u", Validity(NOW), rings), Cell("u2", "网格", "u", Validity(NOW), None)],
        categories=[Category("urban", "市容", "urban", Urgency.NORMAL, Validity(NOW), "x", (Urgency.NORMAL,))],
        lines=[Line("urban", "环卫")],
        duties=[Duty(**{**duty, "validity": Validity(NOW), "assisting": ("a", "b")})],
        policies=POLICIES,
        activations=[Activation(LATER, "p", 3)],
        calendars={OFFICE: world._calendar(OFFICE.spans, ((DAY, False),))},
    )


async def test_a_rise_is_one_version_more(database: Database) -> None:
    async with database.begin() as tx:
        assert await world.lock(tx) == 1
        assert await world.rise(tx) == 2
        assert await world.rise(tx) == 3
    assert (await _load(database)).version == 3


async def test_a_rise_has_a_mark_of_its_own(database: Database) -> None:
    """The same number with another content, as when a change was lost and another one was made."""
    marks = set()
    for _ in range(3):
        async with database.begin() as tx:
            await tx.execute(text("UPDATE deployment SET world_version = 1"))
            await world.rise(tx)
            marks.add(await deployment.world_name(tx))
    assert len(marks) == 3 and {version for version, _ in marks} == {2}


async def _soon(database: Database, step: Callable[[AsyncConnection], Awaitable[Any]]) -> None:
    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
        await step(tx)


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        (world.hold, world.hold, False),  # any number may decide at once
        (world.hold, world.rise, True),  # a change waits for those who still decide by the old world
        (world.rise, world.hold, True),  # … and lets nobody decide until it is committed
        (world.rise, world.rise, True),
        (world.lock, world.lock, True),  # changes take turns
        (world.lock, world.hold, False),  # … and let others decide while they are prepared
        (world.hold, world.lock, False),
    ],
)
async def test_who_waits_for_whom(database: Database, first: Any, second: Any, waits: bool) -> None:
    async with database.begin() as tx:
        await first(tx)
        if waits:
            with pytest.raises(Unavailable):
                await _soon(database, second)
        else:
            await _soon(database, second)
    await _soon(database, second)
