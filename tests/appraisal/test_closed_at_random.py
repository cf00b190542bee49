"""A month that is frozen at some moment of a random life, and whose calls live on."""

from __future__ import annotations

from collections import defaultdict

import pytest

from service.rules.figures.corrections import COUNTED_FROM, Amount, CorrectedFigure, amounts, corrections
from service.rules.figures.definition import Grouping, Measure, Period, Tallies
from service.rules.sight import EVERYTHING, Heard, Sight, Within
from service.store.database import Database
from service.store.figures import frozen, months, tallies
from service.store.figures.tallies import CallFilter
from tests.appraisal.random_life import Life, store_categories
from tests.rules.builders import COMMUNITY, DEPARTMENT, NEXT_COMMUNITY, STREET

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MONTH = Period(2026, 11)
INCIDENTS, PAGE, MANY = 150, 120, 100_000
SIGHTS: list[Sight] = [
    EVERYTHING,
    *((Within(area), Heard((area,))) for area in (STREET, COMMUNITY, NEXT_COMMUNITY)),
    (Heard((DEPARTMENT,)),),
]
EVERY = [(grouping, sight) for grouping in Grouping for sight in SIGHTS]
Figures = dict[tuple[Grouping, Sight], Tallies]


async def _figures(database: Database) -> tuple[Figures, Figures]:
    """The figures that were frozen, and those of the calls as they are now."""
    async with database.read() as connection:
        was = {each: await frozen.tallies(connection, MONTH, *each) for each in EVERY}
        return was, {each: await tallies.tallies(connection, MONTH, *each) for each in EVERY}


async def _demand_calls(database: Database, grouping: Grouping, sight: Sight, corrected: CorrectedFigure) -> None:
    """The link of a corrected count lists the calls that it counts now."""
    if corrected.name not in list(Measure):
        return
    wanted = CallFilter(MONTH, grouping, corrected.group, COUNTED_FROM[corrected.name])
    async with database.read() as connection:
        assert len(await tallies.page(connection, wanted, sight, None, MANY)) == corrected.now, (grouping, corrected)


@pytest.mark.parametrize("seed", range(3))
async def test_frozen_and_corrected_is_what_is_now(database: Database, seed: int) -> None:
    await store_categories(database)
    life = Life(seed, INCIDENTS)
    for _ in range(life.chance.randrange(4, 16)):
        await life.page(database, PAGE)
    async with database.begin() as tx:
        await months.locked(tx, MONTH)
        await frozen.freeze(tx, MONTH)
    then, counted = await _figures(database)
    assert then == counted
    while life.time < MONTH.end:
        await life.page(database, PAGE)
    was, now = await _figures(database)
    assert was == then
    for each in EVERY:
        found, total = corrections(was[each], now[each]), defaultdict[str, Amount](int, amounts(was[each].total))
        assert found
        for one in found:
            total[one.name] += one.now - one.was
        assert total == amounts(now[each].total), each
        for one in found[::7]:
            await _demand_calls(database, *each, one)
