"""From 0002 to now: calls learn the place and the category of their incident, whatever became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from service.store import migrate
from service.store.database import Database
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

_INCIDENT = """
INSERT INTO incident (id, number, district, kind, state, level, unit, grid_code, category, urgency, reporter,
                      policy_code, policy_version, reported_at, updated_at, due_at, due_kind, wake_at, seq, version,
                      sequence, calls_at, audience, closed_at, closed_as)
SELECT CAST(:id AS uuid), :id, '440105', 'incident', CASE WHEN :closed THEN 'closed' ELSE 'calling' END, 2,
       left(:cell, 9), :cell, :category, 'normal', 'worker', 'example', 1, now(), now(), at, due, at, 2, 2, 4,
       '{1,1,0,0}', '{}', CASE WHEN :closed THEN now() END, CASE WHEN :closed THEN 'withdrawn' END
FROM (SELECT CASE WHEN NOT :closed THEN now() END AS at, CASE WHEN NOT :closed THEN 'answer' END AS due) AS open
"""
_CALL = """
INSERT INTO call (incident_id, seq, district, level, round, unit, cause, opened_at, answer_by, clock, outcome, ended_at)
VALUES (CAST(:id AS uuid), :seq, '440105', :seq, 1, 'somebody', 'report', now(), now(), 'continuous',
        CASE WHEN :ended THEN 'raised' END, CASE WHEN :ended THEN now() END)
"""
WHERE = {
    "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11": ("440105003001001", "urban-0110", False),
    "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e12": ("440105001002003", "fire-01", True),
}


@pytest.fixture
async def old(blank_url: str) -> AsyncIterator[Database]:
    """A database as 0002 made it, with one incident that is open and one that is closed, of two calls each."""
    async with at_revision(blank_url, "0002") as database:
        async with database.begin() as tx:
            for id_, (cell, category, closed) in WHERE.items():
                values = {"id": id_, "cell": cell, "category": category, "closed": closed}
                await tx.execute(text(_INCIDENT), values)
                for seq in (1, 2):
                    await tx.execute(text(_CALL), {"id": id_, "seq": seq, "ended": seq == 1 or closed})
        yield database


async def test_every_call_knows_its_place_and_nothing_is_exempt_or_rated(old: Database) -> None:
    await migrate.upgrade(old)
    asked = "SELECT incident_id::text, grid_code, category, exempt, rating, appeal FROM call ORDER BY incident_id, seq"
    async with old.read() as connection:
        found = [tuple(row) for row in await connection.execute(text(asked))]
        incidents = [tuple(row) for row in await connection.execute(text("SELECT returns, assisting FROM incident"))]
    wanted = [(id_, cell, category, False, None, None) for id_, (cell, category, _) in WHERE.items() for _ in (1, 2)]
    assert found == wanted
    assert incidents == [(0, []), (0, [])]
