"""The figures of calls written by hand against a table reckoned by hand: by the pure definition and by SQL alike."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from service.rules.figures.definition import Grouping, Measure, Period
from service.rules.figures.percentiles import Spread
from service.rules.sight import EVERYTHING
from service.rules.words import Outcome
from service.store.database import Database
from service.store.figures import tallies
from service.worlds import CurrentWorld
from tests.appraisal.calls import counted, store
from tests.rules.figures.facts import (
    CALLS,
    CATEGORY,
    COMMUNITY,
    DEPARTMENT,
    MONTH,
    OPENED,
    a_call,
    after,
    at_random,
    demand_expected,
    reckoned,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def worlds(haizhu: Database) -> CurrentWorld:
    worlds = CurrentWorld()
    await worlds.reload(haizhu)
    return worlds


@pytest.mark.parametrize("grouping", Grouping)
async def test_every_count_of_every_group(haizhu: Database, worlds: CurrentWorld, grouping: Grouping) -> None:
    await store(haizhu, CALLS)

    demand_expected(await counted(haizhu, grouping), grouping)
    demand_expected(reckoned(CALLS, grouping, worlds.world), grouping)


async def test_times_and_stars(haizhu: Database, worlds: CurrentWorld) -> None:
    await store(haizhu, CALLS)
    for found in (await counted(haizhu, Grouping.UNIT), reckoned(CALLS, Grouping.UNIT, worlds.world)):
        community, department = found.groups[COMMUNITY], found.groups[DEPARTMENT]
        assert community.answer_s == Spread(3_600.0, 3_600.0)
        assert community.resolve_s == Spread((25 + 2) / 2 * 3_600, (2 + 0.9 * 23) * 3_600)
        assert department.resolve_s == Spread(None, None)
        assert (department.street_stars, community.reporter_stars) == (7, 4)
        # nine times 1 h and once 5 h answered: the 90th of ten lies 0.1 of the way from the ninth to the tenth
        assert found.total.answer_s == Spread(3_600.0, 3_600 + 0.1 * 4 * 3_600)
        # four times 2 h, 8 h, 25 h
        assert found.total.resolve_s == Spread(2 * 3_600, (8 + 0.5 * 17) * 3_600)
        assert (community.held_s, found.total.held_s) == (60, 60)


async def test_a_month_with_nothing_in_it(haizhu: Database, worlds: CurrentWorld) -> None:
    for found in (await counted(haizhu, Grouping.LINE), reckoned([], Grouping.LINE, worlds.world)):
        assert found.groups == {}
        assert found.total.counts == dict.fromkeys(Measure, 0)
        assert found.total.answer_s == Spread(None, None)


@pytest.mark.parametrize(
    ("at", "month"),
    [
        ("2026-11-30T23:59:59.999999+08:00", Period(2026, 11)),
        ("2026-12-01T00:00:00+08:00", Period(2026, 12)),
        ("2026-10-31T15:59:59Z", Period(2026, 10)),
        ("2026-10-31T16:00:00Z", Period(2026, 11)),
        ("2026-12-31T23:59:59+08:00", Period(2026, 12)),
        ("2027-01-01T00:00:00+08:00", Period(2027, 1)),
    ],
)
async def test_a_month_begins_and_ends_in_guangzhou(haizhu: Database, at: str, month: Period) -> None:
    call = a_call(1, opened_at=OPENED.fromisoformat(at))
    await store(haizhu, [call])
    for year, number in ((2026, 10), (2026, 11), (2026, 12), (2027, 1)):
        period = Period(year, number)
        assert period.holds(call.opened_at) == (period == month)
        async with haizhu.read() as connection:
            found = await tallies.tallies(connection, period, Grouping.UNIT, EVERYTHING)
        assert found.total.counts[Measure.CALLS] == (period == month)


async def test_a_call_counts_for_the_line_its_category_had_when_it_was_opened(haizhu: Database) -> None:
    """From the tenth the category is another line's; later it ends, and is still called of its last one."""
    moments = {"moved": OPENED, "ended": after(days=5), "code": CATEGORY}
    async with haizhu.begin() as tx:
        await tx.execute(text("UPDATE category SET valid_to = :moved WHERE code = :code"), moments)
        columns = "code, valid_from, valid_to, name, line, urgency"
        row = f"INSERT INTO category ({columns}) VALUES (:code, :moved, :ended, 'moved', 'party', 'normal')"
        await tx.execute(text(row), moments)
    worlds = CurrentWorld()
    await worlds.reload(haizhu)
    before, later = OPENED - timedelta(microseconds=1), after(days=9)
    calls = [a_call(n, opened_at=at) for n, at in enumerate((before, OPENED, later), start=1)]
    await store(haizhu, calls)

    for found in (await counted(haizhu, Grouping.LINE), reckoned(calls, Grouping.LINE, worlds.world)):
        assert {code: tally.counts[Measure.CALLS] for code, tally in found.groups.items()} == {"urban": 1, "party": 2}


@pytest.mark.parametrize("seed", range(4))
async def test_sql_counts_what_the_definition_says(haizhu: Database, worlds: CurrentWorld, seed: int) -> None:
    calls = at_random(seed, 40 * 10**seed // 3 if seed < 3 else 3_000)
    await store(haizhu, calls)
    for grouping in Grouping:
        by_sql, by_definition = await counted(haizhu, grouping), reckoned(calls, grouping, worlds.world)
        assert by_sql.groups == by_definition.groups
        assert by_sql.total == by_definition.total
    whole = by_sql.total.counts
    assert all(whole.values()) or seed < 3
    ends = (Measure.RESOLVED, Measure.MISSED, Measure.RAISED, Measure.RETURNED, Measure.ASSIGNED, Measure.CLOSED)
    corrected = sum(call.outcome == Outcome.CORRECTED and MONTH.holds(call.opened_at) for call in calls)
    assert whole[Measure.CALLS] - corrected == sum(whole[each] for each in (*ends, Measure.OPEN))
