"""The calls behind a figure, page by page, and the settings that figures are counted under.

What is counted is under test in `tests/appraisal`, against the pure definition.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from service.rules.figures.definition import UNKNOWN_LINE, CallFacts, Grouping, Measure
from service.rules.sight import EVERYTHING
from service.rules.words import Outcome
from service.store.database import Database
from service.store.figures import tallies
from service.store.figures.tallies import CallFilter, CallPlace
from tests.appraisal.calls import store
from tests.rules.figures.facts import CELL, MONTH, OPENED, a_call

pytestmark = pytest.mark.anyio

UNIT, STREET, FAR = CELL[:12], CELL[:9], "440105001001001"
LATER = OPENED + timedelta(microseconds=1)
CALLS: list[CallFacts] = [
    a_call(2),
    a_call(1, 1, opened_at=LATER, outcome=Outcome.RAISED, ended_at=LATER),
    a_call(1, 2, opened_at=LATER, level=2, unit=STREET),
    a_call(3, grid_code=FAR, unit=FAR[:12], category="never-known"),
    a_call(4, level=3, unit="dept-water"),
    a_call(5, opened_at=MONTH.end),
    a_call(6, opened_at=MONTH.start - timedelta(microseconds=1)),
]
Place = tuple[int, int]


async def _listed(database: Database, wanted: CallFilter, limit: int = 100) -> list[Place]:
    """(incident, seq) of the listed calls, gone through in pages of this size."""
    found: list[Place] = []
    after: CallPlace | None = None
    async with database.read() as connection:
        while rows := await tallies.page(connection, wanted, EVERYTHING, after, limit):
            assert len(rows) <= limit
            found += [(row["incident_id"].int, row["seq"]) for row in rows]
            assert [row["number"] for row in rows] == [f"2026-{row['incident_id'].int:06}" for row in rows]
            after = rows[-1]["opened_at"], rows[-1]["incident_id"], rows[-1]["seq"]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
async def test_pages_go_through_calls_of_one_instant(haizhu: Database, limit: int) -> None:
    await store(haizhu, CALLS)
    wanted = CallFilter(MONTH, Grouping.UNIT, None, Measure.CALLS)
    assert await _listed(haizhu, wanted, limit) == [(2, 1), (3, 1), (4, 1), (1, 1), (1, 2)]


@pytest.mark.parametrize(
    ("grouping", "group", "found"),
    [
        (Grouping.UNIT, UNIT, [(2, 1), (1, 1)]),
        (Grouping.UNIT, "nobody", []),
        (Grouping.LEVEL, "1", [(2, 1), (3, 1), (1, 1)]),
        (Grouping.LEVEL, "4", []),
        (Grouping.LEVEL, "5", []),
        (Grouping.LEVEL, "12", []),
        (Grouping.LEVEL, "one", []),
        (Grouping.STREET, STREET, [(2, 1), (4, 1), (1, 1), (1, 2)]),
        (Grouping.DEPARTMENT, None, [(4, 1)]),
        (Grouping.DEPARTMENT, UNIT, []),
        (Grouping.LINE, "urban", [(2, 1), (4, 1), (1, 1), (1, 2)]),
        (Grouping.LINE, UNKNOWN_LINE, [(3, 1)]),
    ],
)
async def test_a_group_lists_its_own_calls(
    haizhu: Database, grouping: Grouping, group: str | None, found: list[Place]
) -> None:
    await store(haizhu, CALLS)
    assert await _listed(haizhu, CallFilter(MONTH, grouping, group, Measure.CALLS)) == found


async def test_settings_last_for_one_transaction(database_url: str) -> None:
    """The only connection of the pool serves the figures first and everybody else afterwards."""
    small = Database(database_url, pool_size=1)
    shown = text("SELECT current_setting('work_mem'), current_setting('enable_seqscan')")
    async with small.read() as connection:
        before = (await connection.execute(shown)).one()
        await tallies.tallies(connection, MONTH, Grouping.UNIT, EVERYTHING)
        assert tuple((await connection.execute(shown)).one()) == ("64MB", "off")
    async with small.read() as connection:
        assert (await connection.execute(shown)).one() == before
    await small.close()
