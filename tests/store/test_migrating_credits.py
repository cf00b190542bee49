"""From 0019 to now: what was resolved, held and extended counts by what is known of it, and its months say so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.store import migrate
from service.store.database import Database
from service.store.incidents.tables import call, incident, request
from tests.store.revisions import at_revision
from tests.store.rows import CLOSED, NOW, good, store

pytestmark = pytest.mark.anyio

ANSWERED: dict[str, Any] = {"answered_at": NOW, "resolve_by": NOW, "answer_us": 0}
RESOLVED: dict[str, Any] = {**ANSWERED, "ended_at": NOW, "outcome": "resolved", "resolve_us": 0}
VERIFYING = {"state": "resolved", "due_kind": "verify"}
MANY = """
WITH many AS (
    INSERT INTO incident (id, number, district, grid_code, category, kind, state, level, unit, urgency, reporter,
                          policy_code, policy_version, reported_at, updated_at, seq, version, sequence, calls_at,
                          audience, closed_at, closed_as)
    SELECT gen_random_uuid(), concat('2025-', n), '440105', '440105003001001', 'x', 'incident', 'closed', 1, 'u',
           'normal', 'w', 'p', 1, :at, :at, 1, 1, 2, '{1,0,0,0}', '{u}', :at, 'unverified'
    FROM generate_series(1, 12000) AS n RETURNING id)
INSERT INTO call (incident_id, seq, district, level, round, unit, cause, opened_at, answer_by, clock, grid_code,
                  category, answered_at, resolve_by, answer_us, ended_at, outcome, resolve_us)
SELECT id, 1, '440105', 1, 1, 'u', 'report', :at, :at, 'continuous', '440105003001001', 'x',
       :at, :at, 0, :at, 'resolved', 0 FROM many
"""


@pytest.fixture
async def old(blank_url: str) -> AsyncIterator[Database]:
    """A database as 0019 made it, without anything in it."""
    async with at_revision(blank_url, "0019") as database:
        yield database


async def _incident(database: Database, calls: list[dict[str, Any]], **fields: Any) -> Any:
    """Store an incident with these calls, and return its id."""
    row = good(incident, number=f"2026-{len(calls)}-{fields.get('closed_as')}", seq=len(calls), **fields)
    await store(database, incident, row)
    rows = [good(call, incident_id=row["id"], seq=n, round=n, **each) for n, each in enumerate(calls, 1)]
    await store(database, call, *rows)
    return row["id"]


async def _calls(database: Database, of: Any, columns: str) -> list[Any]:
    async with database.read() as connection:
        query = text(f"SELECT {columns} FROM call WHERE incident_id = :id ORDER BY seq")
        return [tuple(each) for each in await connection.execute(query, {"id": of})]


async def test_a_resolution_is_worth_what_became_of_it(old: Database) -> None:
    again = [RESOLVED, {**RESOLVED, "cause": "rejected"}, {**RESOLVED, "cause": "reopened"}]
    closed = {each: await _incident(old, again, **{**CLOSED, "closed_as": each}) for each in ("verified", "unverified")}
    waiting = await _incident(old, [{**RESOLVED, "credit": "pending"}, RESOLVED], **VERIFYING)
    known = await _incident(old, [{**RESOLVED, "credit": "rejected"}], **{**CLOSED, "closed_as": "void"})
    called = await _incident(old, [{}], urgency="urgent")
    await migrate.upgrade(old)
    assert await _calls(old, called, "urgency") == [("urgent",)], (
        "a running call keeps its boxes, whatever is corrected"
    )
    for closed_as, each in closed.items():
        assert await _calls(old, each, "credit") == [("rejected",), ("reopened",), (closed_as,)]
    assert await _calls(old, waiting, "credit") == [("pending",), ("pending",)]
    assert await _calls(old, known, "credit") == [("rejected",)], "what was known before stays"
    assert await _calls(old, called, "credit") == [(None,)]


async def test_holds_and_extensions_are_counted(old: Database) -> None:
    raised = {"ended_at": NOW + timedelta(hours=9), "outcome": "raised"}
    held = await _incident(old, [raised, {}])
    decided: dict[str, Any] = {
        "incident_id": held,
        "decided_at": NOW + timedelta(hours=1),
        "outcome": "approved",
        "box": "answer",
    }
    resumed: list[dict[str, Any]] = [
        {"resumed_at": NOW + timedelta(hours=3, seconds=0.4)},
        {"resumed_at": None},
        {"kind": "extend"},
    ]
    requests = [good(request, n=n, **{**decided, **each}) for n, each in enumerate(resumed, 1)]
    await store(old, request, *requests, good(request, n=4, **{**decided, "call": 2}))
    await migrate.upgrade(old)
    assert await _calls(old, held, "held_s, extended") == [((2 + 8) * 3600, True), (None, False)]


async def test_stretch_after_stretch_is_filled(old: Database) -> None:
    async with old.begin() as tx:
        await tx.execute(text(MANY), {"at": datetime(2026, 9, 30, 16, tzinfo=UTC)})
    await _incident(old, [{}])
    await migrate.upgrade(old)
    async with old.read() as connection:
        credits = await connection.execute(text("SELECT credit, count(*) FROM call GROUP BY credit ORDER BY credit"))
        assert [tuple(each) for each in credits] == [("unverified", 12_000), (None, 1)]
        months = await connection.execute(text("SELECT period, definition FROM appraisal_month ORDER BY period"))
        assert [tuple(each) for each in months] == [("2026-10", "before"), ("2026-11", "before")]


async def test_where_nothing_was_no_month_had_begun(old: Database) -> None:
    await migrate.upgrade(old)
    async with old.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM appraisal_month"))).scalar() == 0
