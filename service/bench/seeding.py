"""Incidents in bulk, as if reported one by one: one set-based statement, with all constraints in force."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from service.store.database import Database

_INCIDENTS = text(
    """
WITH cells AS (SELECT code, community, row_number() OVER (ORDER BY code) - 1 AS n, count(*) OVER () AS many FROM cell),
made AS (
    SELECT gen_random_uuid() AS id, g, cells.code AS grid_code, cells.community AS unit
    FROM generate_series(1, :many) AS g JOIN cells ON cells.n = g % cells.many
), reports AS (
    INSERT INTO report (id, subject, reporter, body_hash, district, grid_code, category, line, kind, urgency,
                        description, reported_at)
    SELECT id, 'seed', 'seed', '', left(grid_code, 6), grid_code, 'urban-0110', 'urban', 'incident', 'normal', 'seed',
           CAST(:reported_at AS timestamptz) FROM made
), calls AS (
    INSERT INTO call (incident_id, seq, district, level, round, unit, cause, opened_at, answer_by, clock, grid_code,
                      category)
    SELECT id, 1, left(grid_code, 6), 1, 1, unit, 'report', :reported_at, :due_at, 'continuous', grid_code,
           'urban-0110' FROM made
)
INSERT INTO incident (id, number, district, kind, state, level, unit, grid_code, category, urgency, reporter,
                      policy_code, policy_version, reported_at, updated_at, due_at, due_kind, wake_at, seq, version,
                      sequence, calls_at, audience)
SELECT id, CAST(:name AS text) || g, left(grid_code, 6), 'incident', 'calling', 1, unit, grid_code, 'urban-0110',
'normal', 'seed',
       'example', 1, :reported_at, :reported_at, :due_at, 'answer', :due_at, 1, 1, 0, '{1,0,0,0}', ARRAY[unit]
FROM made
"""
)


async def seed(database: Database, many: int, *, reported_at: datetime, due_at: datetime, name: str = "seed") -> None:
    """Insert `many` calling incidents at level 1, spread over the sample's cells, all of them due at `due_at`."""
    async with database.begin() as tx:
        await tx.execute(_INCIDENTS, {"many": many, "reported_at": reported_at, "due_at": due_at, "name": f"{name}-"})
        await tx.execute(text("ANALYZE incident, call"))
