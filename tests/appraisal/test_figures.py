"""The figures of calls written by hand against a table reckoned by hand: by the pure definition and by SQL alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.rules.figures.definition import PARTS, CallFacts, Grouping, Measure, Period, Tallies
from service.rules.figures.percentiles import Spread
from service.rules.sight import EVERYTHING
from service.rules.words import Cause, Outcome
from service.store.database import Database
from service.store.figures import tallies
from service.worlds import CurrentWorld
from tests.appraisal.calls import (
    CATEGORY,
    CELL,
    MONTH,
    OPENED,
    a_call,
    after,
    at_random,
    counted,
    reckoned,
    store,
)

pytestmark = pytest.mark.anyio

COMMUNITY, STREET, DEPARTMENT, LEADER = CELL[:12], CELL[:9], "dept-urban-management", "leader-urban"
FAR = "440105001001001"
ANSWERED: dict[str, Any] = {"answered_at": after(hours=1), "resolve_by": after(hours=25)}
RAISED: dict[str, Any] = {"level": 2, "unit": STREET, "opened_at": after(hours=2), "answer_by": after(hours=6)}
CALLS: list[CallFacts] = [
    # 1: answered in time, resolved in time, rated by its reporter
    a_call(1, **ANSWERED, outcome=Outcome.RESOLVED, ended_at=after(hours=25), outcome_rating=4),
    # 2: missed, exempt; the street answers late and resolves late
    a_call(2, outcome=Outcome.NO_ANSWER, ended_at=after(hours=4), exempt=True),
    a_call(2, 2, level=2, unit=STREET, cause=Cause.NO_ANSWER, answered_at=after(hours=5), resolve_by=after(hours=7),
           outcome=Outcome.RESOLVED, ended_at=after(hours=8)),
    # 3: raised, given to a department, which returns it; the street passes it on; the leader binds the department
    a_call(3, **ANSWERED, outcome=Outcome.RAISED, ended_at=after(hours=2)),
    a_call(3, 2, **RAISED, outcome=Outcome.RAISED, ended_at=after(hours=3)),
    a_call(3, 3, level=3, unit=DEPARTMENT, outcome=Outcome.RETURNED, ended_at=after(hours=3), rating=2),
    a_call(3, 4, level=2, unit=STREET, round=2, cause=Cause.RETURNED, outcome=Outcome.RAISED, ended_at=after(hours=3)),
    a_call(3, 5, level=4, unit=LEADER, outcome=Outcome.ASSIGNED, ended_at=after(hours=3)),
    a_call(3, 6, level=3, unit=DEPARTMENT, round=2, cause=Cause.ASSIGNED, binding=True, **ANSWERED, rating=5,
           outcome=Outcome.NOT_RESOLVED, ended_at=after(hours=25)),
    # 4: another street and line; returned, and not in error
    a_call(4, level=3, unit="dept-water", grid_code=FAR, category="party-01", outcome=Outcome.RETURNED,
           ended_at=after(hours=1)),
    # 5: closed without a resolution; 6: open, in round 2 but inside its street, which is no hop
    a_call(5, outcome=Outcome.CLOSED, ended_at=after(hours=1)),
    a_call(6, level=2, unit=STREET, round=2, cause=Cause.ASSIGNED),
    # of other months
    a_call(7, opened_at=MONTH.start - timedelta(microseconds=1)),
    a_call(8, opened_at=MONTH.end),
]  # fmt: skip

_COMMUNITY = {
    "calls": 4, "answered_in_time": 2, "resolved_level_1": 1, "resolved_in_time": 1, "missed_answer": 1,
    "exempt_answer": 1, "raised": 1, "closed": 1, "reporter_rated": 1, "answerable": 2, "resolvable": 1,
}  # fmt: skip
_STREET = {
    "calls": 4, "answered_late": 1, "resolved_level_2": 1, "raised": 2, "multi_hop": 1, "open": 1, "answerable": 1,
    "resolvable": 1,
}  # fmt: skip
_DEPARTMENT = {
    "calls": 2, "answered_in_time": 1, "missed_resolve": 1, "returned": 1, "returned_in_error": 1, "multi_hop": 1,
    "street_rated": 2, "answerable": 1, "resolvable": 1,
}  # fmt: skip
_WATER = {"calls": 1, "returned": 1}
_LEADER = {"calls": 1, "assigned": 1}


def _added(*some: Mapping[str, int]) -> dict[str, int]:
    return {name: sum(each.get(name, 0) for each in some) for name in {key for each in some for key in each}}


_URBAN = _added(_COMMUNITY, _STREET, _DEPARTMENT, _LEADER)
EXPECTED: Mapping[Grouping, Mapping[str, Mapping[str, int]]] = {
    Grouping.UNIT: {
        COMMUNITY: _COMMUNITY, STREET: _STREET, DEPARTMENT: _DEPARTMENT, "dept-water": _WATER, LEADER: _LEADER,
    },
    Grouping.STREET: {STREET: _URBAN, FAR[:9]: _WATER},
    Grouping.DEPARTMENT: {DEPARTMENT: _DEPARTMENT, "dept-water": _WATER},
    Grouping.LINE: {"urban": _URBAN, "party": _WATER},
    Grouping.LEVEL: {"1": _COMMUNITY, "2": _STREET, "3": _added(_DEPARTMENT, _WATER), "4": _LEADER},
}  # fmt: skip


@pytest.fixture
async def worlds(haizhu: Database) -> CurrentWorld:
    worlds = CurrentWorld()
    await worlds.reload(haizhu)
    return worlds


def _whole(counts: Mapping[str, int]) -> dict[Measure, int]:
    sums = {whole.value: sum(counts.get(part, 0) for part in parts) for whole, parts in PARTS.items()}
    return {measure: {**counts, **sums}.get(measure.value, 0) for measure in Measure}


def _is_expected(found: Tallies, grouping: Grouping) -> None:
    expected = EXPECTED[grouping]
    assert {code: tally.counts for code, tally in found.groups.items()} == {
        code: _whole(counts) for code, counts in expected.items()
    }
    assert found.total.counts == _whole(_added(*expected.values()))


@pytest.mark.parametrize("grouping", Grouping)
async def test_every_count_of_every_group(haizhu: Database, worlds: CurrentWorld, grouping: Grouping) -> None:
    await store(haizhu, CALLS)

    _is_expected(await counted(haizhu, grouping), grouping)
    _is_expected(reckoned(CALLS, grouping, worlds.world), grouping)


async def test_times_and_stars(haizhu: Database, worlds: CurrentWorld) -> None:
    await store(haizhu, CALLS)
    for found in (await counted(haizhu, Grouping.UNIT), reckoned(CALLS, Grouping.UNIT, worlds.world)):
        community, department = found.groups[COMMUNITY], found.groups[DEPARTMENT]
        assert community.answer_s == Spread(3_600.0, 3_600.0)
        assert community.resolve_s == Spread(90_000.0, 90_000.0)
        assert department.resolve_s == Spread(None, None)
        assert (department.street_stars, community.reporter_stars) == (7, 4)
        # 1 h, 5 h, 1 h, 1 h answered: the 90th of four lies 0.7 of the way from the third to the fourth
        assert found.total.answer_s == Spread(3_600.0, 3_600 + 0.7 * 4 * 3_600)
        assert found.total.resolve_s == Spread((25 + 8) / 2 * 3_600, (8 + 0.9 * 17) * 3_600)


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
    assert whole[Measure.CALLS] == sum(whole[each] for each in (*ends, Measure.OPEN))
