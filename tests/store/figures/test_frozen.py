"""Frozen figures are, by every grouping and for every sight, those that were counted when they were frozen."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from service.rules.figures.definition import Grouping, Measure, Period, Tallies
from service.rules.sight import EVERYTHING, Heard, Sight, Within
from service.store.database import Database
from service.store.figures import frozen, months
from service.store.figures.tables import COUNTED, appraisal_frozen
from tests.appraisal.calls import counted, store
from tests.rules.figures.facts import CALLS, CELL, COMMITTEE, COMMUNITY, DEPARTMENT, FAR, MONTH, STREET, at_random

pytestmark = pytest.mark.anyio

SIGHTS: list[Sight] = [
    EVERYTHING,
    (Within(STREET), Heard((STREET,))),
    (Within(FAR[:9]), Heard((FAR[:9],))),
    (Within(COMMUNITY), Heard((COMMUNITY,))),
    (Heard((DEPARTMENT,)),),
    (Heard((COMMITTEE,)),),
    (Heard(("nobody",)),),
]


async def _frozen(database: Database, grouping: Grouping, sight: Sight, period: Period = MONTH) -> Tallies:
    async with database.read() as connection:
        return await frozen.tallies(connection, period, grouping, sight)


async def _freeze(database: Database, period: Period = MONTH) -> str:
    async with database.begin() as tx:
        await months.locked(tx, period)
        return await frozen.freeze(tx, period)


async def _digest(database: Database) -> str:
    async with database.read() as connection:
        return await frozen.digest(connection, MONTH)


async def _change(database: Database, statement: str, **values: Any) -> None:
    async with database.begin() as tx:
        await tx.execute(text(statement), values)


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
async def test_every_sight_finds_what_was_counted(haizhu: Database, seed: int | None) -> None:
    """By hand, and at random: nothing is counted differently, and nothing that happens later changes it."""
    await store(haizhu, CALLS if seed is None else at_random(seed, 4 * 10**seed))
    was = {(grouping, sight): await counted(haizhu, grouping, sight) for grouping in Grouping for sight in SIGHTS}
    await _freeze(haizhu)
    await _change(haizhu, "UPDATE call SET exempt = true, held_s = 7, rating = 1 WHERE outcome IS NOT NULL")
    await _change(haizhu, "DELETE FROM call WHERE incident_id IN (SELECT incident_id FROM call LIMIT 3)")
    for (grouping, sight), expected in was.items():
        assert await _frozen(haizhu, grouping, sight) == expected, (grouping, sight)


async def test_a_month_without_calls_is_frozen_empty(haizhu: Database) -> None:
    empty = await _freeze(haizhu)
    found = await _frozen(haizhu, Grouping.UNIT, EVERYTHING)
    assert (found.groups, found.total.counts) == ({}, dict.fromkeys(Measure, 0))
    assert empty == await _digest(haizhu)
    async with haizhu.read() as connection:
        assert await frozen.totals(connection, MONTH) == (0, 0)


async def test_months_are_frozen_apart(haizhu: Database) -> None:
    await store(haizhu, CALLS)
    await _freeze(haizhu)
    await _freeze(haizhu, Period(2026, 10))
    october = await _frozen(haizhu, Grouping.UNIT, EVERYTHING, Period(2026, 10))
    november = await _frozen(haizhu, Grouping.UNIT, EVERYTHING)
    assert (october.total.counts[Measure.CALLS], november.total.counts[Measure.CALLS]) == (1, 25)
    async with haizhu.read() as connection:
        assert await frozen.totals(connection, MONTH) == (25, 1)


async def test_a_row_is_no_finer_than_sights_and_groups(haizhu: Database) -> None:
    """Cells of one community lie in one row."""
    cells = [CELL, CELL[:12] + "002"]
    await store(
        haizhu, [each._replace(grid_code=cells[n % 2]) for n, each in enumerate(CALLS) if each.unit == COMMUNITY]
    )
    await _freeze(haizhu)
    async with haizhu.read() as connection:
        rows = (await connection.execute(appraisal_frozen.select())).mappings().all()
    assert [(row["unit"], row["level"], row["community"], row["line"]) for row in rows] == [
        (COMMUNITY, 1, CELL[:12], "urban")
    ]


@pytest.mark.parametrize("column", [COUNTED[0].value, "held_s", "street_stars", "answers", "unit"])
async def test_a_changed_row_has_another_digest(haizhu: Database, column: str) -> None:
    await store(haizhu, CALLS)
    closed = await _freeze(haizhu)
    assert await _digest(haizhu) == closed
    values = {"answers": "ARRAY[1]", "unit": "'somebody'"}
    one = f"unit = '{COMMUNITY}'"
    await _change(haizhu, f"UPDATE appraisal_frozen SET {column} = {values.get(column, f'{column} + 1')} WHERE {one}")
    assert await _digest(haizhu) != closed


async def test_a_column_that_comes_later_changes_no_digest(haizhu: Database) -> None:
    await store(haizhu, CALLS)
    closed = await _freeze(haizhu)
    await _change(haizhu, "ALTER TABLE appraisal_frozen ADD COLUMN later integer")
    assert await _digest(haizhu) == closed
    await _change(haizhu, f"DELETE FROM appraisal_frozen WHERE unit = '{COMMUNITY}'")
    assert await _digest(haizhu) != closed


async def test_settings_last_for_the_freezing_alone(database_url: str) -> None:
    small = Database(database_url, pool_size=1)
    shown = text("SELECT current_setting('enable_seqscan')")
    await _freeze(small)
    async with small.read() as connection:
        assert (await connection.execute(shown)).scalar_one() == "on"
    await small.close()
