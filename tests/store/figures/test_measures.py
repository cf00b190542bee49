"""Each measure as a condition on rows chooses the calls that the definition counts, one by one."""

from __future__ import annotations

import pytest
from sqlalchemy import func, not_, select

from service.rules.figures.counting import tallies
from service.rules.figures.definition import Measure
from service.store.database import Database
from service.store.figures.measures import APART, OF_UNUSUAL, PREDICATES, SCORED_OF, SIMPLE, UNUSUAL, left_out_of
from service.store.incidents.tables import call
from tests.appraisal.calls import store
from tests.rules.figures.facts import MONTH, at_random

pytestmark = pytest.mark.anyio


def test_every_measure_has_a_condition() -> None:
    assert set(PREDICATES) == set(Measure)


@pytest.mark.parametrize("seed", [3, 4])
async def test_each_chooses_the_calls_that_are_counted(haizhu: Database, seed: int) -> None:
    calls = [each for each in at_random(seed, 80) if MONTH.holds(each.opened_at)]
    await store(haizhu, calls)
    by_itself = {
        (each.incident_id, each.seq): tallies([each], MONTH, lambda call: call.unit).total.counts for each in calls
    }
    async with haizhu.read() as connection:
        for measure, predicate in PREDICATES.items():
            if measure in APART:
                continue
            rows = await connection.execute(select(call.c.incident_id, call.c.seq).where(predicate))
            counted = {key for key, counts in by_itself.items() if counts[measure]}
            assert {tuple(row) for row in rows} == counted, measure


@pytest.mark.parametrize("seed", [3, 4])
async def test_unusual_calls_hold_what_is_counted_of_them(haizhu: Database, seed: int) -> None:
    await store(haizhu, at_random(seed, 200))
    usual = [func.count().filter(SIMPLE[measure]).label(measure) for measure in OF_UNUSUAL]
    usual += [left_out_of(measure).label(measure) for measure in SCORED_OF]
    async with haizhu.read() as connection:
        row = (await connection.execute(select(func.count().label("n"), *usual).where(not_(UNUSUAL)))).mappings().one()
    assert row["n"] > 0
    assert {name: n for name, n in row.items() if n} == {"n": row["n"]}
