"""Which calls belong to a month, and to which group. What is counted of them is under test in `tests/appraisal`."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.rules.figures.definition import UNKNOWN_LINE, Grouping, Measure
from service.rules.sight import EVERYTHING, Heard, Sight, Within
from service.store.database import Database
from service.store.figures import groups
from service.store.incidents.tables import call
from tests.appraisal.calls import store
from tests.rules.figures.facts import CELL, DEPARTMENT, FAR, MONTH, a_call

pytestmark = pytest.mark.anyio

CALLS = [
    a_call(1),
    a_call(2, level=3, unit=DEPARTMENT, grid_code=FAR, category="never-known"),
    a_call(3, opened_at=MONTH.end),
]


async def _grouped(database: Database, grouping: Grouping, sight: Sight = EVERYTHING) -> dict[int, str]:
    """Each call that is counted, by the number of its incident, with the code of its group."""
    async with database.read() as connection:
        grouped = await groups.grouped(connection, grouping)
        month = groups.of_the_month(Measure.CALLS, MONTH, grouped, sight)
        query = select(call.c.incident_id, grouped.code).select_from(groups.source_of(Measure.CALLS, grouped))
        return {row[0].int: str(row[1]) for row in await connection.execute(query.where(*month))}


@pytest.mark.parametrize(
    ("grouping", "found"),
    [
        (Grouping.UNIT, {1: CELL[:12], 2: DEPARTMENT}),
        (Grouping.STREET, {1: CELL[:9], 2: FAR[:9]}),
        (Grouping.DEPARTMENT, {2: DEPARTMENT}),
        (Grouping.LINE, {1: "urban", 2: UNKNOWN_LINE}),
        (Grouping.LEVEL, {1: "1", 2: "3"}),
    ],
)
async def test_a_call_has_a_group(haizhu: Database, grouping: Grouping, found: dict[int, str]) -> None:
    await store(haizhu, CALLS)
    assert await _grouped(haizhu, grouping) == found


@pytest.mark.parametrize(("sight", "seen"), [((Within(FAR[:9]),), {2}), ((Heard((CELL[:12],)),), {1}), ((), set())])
async def test_nothing_is_counted_that_is_not_seen(haizhu: Database, sight: Sight, seen: set[int]) -> None:
    await store(haizhu, CALLS)
    assert set(await _grouped(haizhu, Grouping.LEVEL, sight)) == seen
