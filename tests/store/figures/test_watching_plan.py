"""A long history: the watch of a month costs what the month costs, and looks at nothing of other months."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from service.bench.appraisal import seed
from service.rules.figures.definition import Period
from service.rules.figures.watching import OPS_SIGNS, Sign
from service.store.database import Database
from service.store.figures import watching
from service.store.figures.watching import SignFilter
from tests.conftest import clone
from tests.store import plans

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MONTHS, EACH = 24, 8_000
MONTH = Period(2026, 11)
UNIT = "440105001"
_INCIDENTS = """
INSERT INTO incident (id, number, district, kind, state, level, unit, grid_code, category, urgency, reporter,
                      policy_code, policy_version, reported_at, updated_at, seq, version, sequence, calls_at, audience,
                      closed_at, closed_as)
SELECT DISTINCT ON (incident_id) incident_id, incident_id, district, 'incident', 'closed', level, unit, grid_code,
       category, 'normal', 'worker', 'example', 1, opened_at, opened_at, seq, 1, 0, '{1,0,0,0}', '{}',
       coalesce(ended_at, opened_at) + seq * interval '8 seconds', 'verified'
FROM call ORDER BY incident_id, seq DESC
"""
_CREDITS = """
UPDATE call SET credit = 'verified', held_s = CASE answer_us % 20 WHEN 0 THEN 60 END WHERE outcome = 'resolved'
"""
_REQUESTS = """
INSERT INTO request (incident_id, n, district, kind, call, until, reason, asked_by, asked_at, decided_by, decided_at,
                     outcome, box)
SELECT incident_id, seq, district, 'hold', seq, opened_at + interval '40 days', 'a permit', '{"kind": "unit"}',
       opened_at, '{"kind": "ops"}', opened_at + interval '8 seconds', 'approved', 'answer'
FROM call WHERE held_s IS NOT NULL
"""


@pytest.fixture(scope="module")
def long_history(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["haizhu"]):
        asyncio.run(_fill(url))
        yield url


async def _fill(url: str) -> None:
    """Two years of calls, in the order of time as they are written, with their incidents, credits and holds."""
    database = Database(url, pool_size=1)
    start = datetime(2025, 6, 1, tzinfo=UTC)
    for n in range(MONTHS):
        await seed(database, start + timedelta(days=30 * n), start + timedelta(days=30 * (n + 1)), EACH)
    await plans.vacuum(database, _CREDITS, _INCIDENTS, _REQUESTS)
    await database.close()


@pytest.fixture
async def history(long_history: str) -> AsyncIterator[Database]:
    database = Database(long_history, pool_size=1)
    yield database
    await database.close()


async def test_no_statement_looks_beyond_what_belongs_to_the_month(history: Database) -> None:
    async with history.read() as connection:
        sent = await plans.statements(connection, watching.watch(connection, MONTH))
        about_calls = [each for each in sent if "FROM call" in each[0]]
        found = [await plans.plan_of(connection, each, analyze=True) for each in about_calls]
    calls, incidents, requests, reports = found
    for plan in found:
        shown = json.dumps(plan)
        own = "call_unusual_idx" if plan is requests else "call_opened_idx"
        assert own in shown, "the month is found by its index"
        assert "Seq Scan" not in shown
    # the pages at the ends of the month belong to its neighbours as well
    assert plans.rows_looked_at(calls) < 1.5 * EACH
    assert plans.rows_looked_at(incidents) < 2.5 * EACH, "and the incident of each resolved call"
    assert plans.rows_looked_at(requests) < 2 * EACH, "and the requests of the few that had any"
    assert plans.rows_looked_at(reports) < 4 * EACH, "and the reports of the month and of four weeks after it"


@pytest.mark.parametrize("sign", Sign)
async def test_a_page_of_a_unit_looks_at_no_more(history: Database, sign: Sign) -> None:
    for by_ops in (False, True) if sign in OPS_SIGNS else (False,):
        wanted = SignFilter(MONTH, sign, UNIT, by_ops=by_ops)
        async with history.read() as connection:
            sent = await plans.statements(connection, watching.page(connection, wanted, None, 50))
            plan = await plans.plan_of(connection, sent[-1], analyze=True)
        assert "Seq Scan" not in json.dumps(plan)
        assert plans.rows_looked_at(plan) < 4 * EACH


async def test_the_statements_are_planned_for_their_month(history: Database) -> None:
    """The driver keeps its statements, and from the sixth time on PostgreSQL would plan them for any month at all."""
    for _ in range(7):
        async with history.read() as connection:
            await watching.watch(connection, MONTH)
    counted = "SELECT custom_plans, generic_plans FROM pg_prepared_statements"
    kept = f"{counted} WHERE statement LIKE '%FROM call%' AND statement NOT LIKE '%pg_prepared%'"
    async with history.read() as connection:
        counts = [tuple(row) for row in await connection.execute(text(kept))]
    assert counts == [(7, 0)] * 4
