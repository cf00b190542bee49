"""From 0007 to now: calls learn how long they took to be answered and resolved, without what they were on hold."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from service.store import migrate
from service.store.database import Database
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

ID = "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11"
_CALLS = """
INSERT INTO call (incident_id, seq, district, level, round, unit, cause, opened_at, answer_by, clock, grid_code,
                  category, answered_at, resolve_by, outcome, ended_at)
SELECT CAST(:id AS uuid), seq, '440105', seq, 1, 'somebody', 'report', at, at, 'continuous', '440105003001001', 'x',
       at + answered, at + answered, outcome, at + ended
FROM (VALUES (1, interval '30 minutes', interval '20 hours', 'raised'), (2, '2 hours', '26 hours', 'resolved'),
             (3, NULL, '4 hours', 'no_answer'), (4, '1 hour', NULL, NULL)) AS lived (seq, answered, ended, outcome),
     (SELECT timestamptz '2026-11-23 01:00Z' AS at) AS start
"""
_REQUESTS = """
INSERT INTO request (incident_id, n, district, kind, call, until, reason, asked_by, asked_at, decided_at, outcome, box,
                     resumed_at)
SELECT CAST(:id AS uuid), n, '440105', kind, 2, at, 'why', '{}', at, at + since, outcome, box, at + till
FROM (VALUES (1, 'hold', 'approved', 'answer', interval '10 minutes', interval '70 minutes'),
             (2, 'hold', 'refused', NULL, '2 hours', NULL), (3, 'extend', 'approved', 'resolve', '3 hours', NULL),
             (4, 'hold', 'approved', 'resolve', '4 hours', '24 hours')) AS asked (n, kind, outcome, box, since, till),
     (SELECT timestamptz '2026-11-23 01:00Z' AS at) AS start
"""


@pytest.fixture
async def old(blank_url: str) -> AsyncIterator[Database]:
    """A database as 0007 made it, with four calls; the second was on hold an hour before its answer, twenty after."""
    async with at_revision(blank_url, "0007") as database:
        async with database.begin() as tx:
            for statement in (_CALLS, _REQUESTS):
                await tx.execute(text(statement), {"id": ID})
        yield database


async def test_every_call_knows_how_long_it_took(old: Database) -> None:
    await migrate.upgrade(old)
    minutes = "SELECT answer_us / 60000000, resolve_us / 60000000 FROM call ORDER BY seq"
    async with old.read() as connection:
        found = [tuple(row) for row in await connection.execute(text(minutes))]
    assert found == [(30, None), (60, 5 * 60), (None, None), (60, None)]
