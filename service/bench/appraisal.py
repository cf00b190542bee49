"""The figures of a month: the real statements against a bare `SELECT count(*)` of the same month over the same rows."""

from __future__ import annotations

import argparse
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.bench import databases
from service.bench.figures import comparison, print_progress
from service.rules.figures.definition import Grouping, Period
from service.rules.sight import EVERYTHING
from service.store.database import Database
from service.store.figures import tallies

MONTH = Period(2026, 11)
_AROUND = (Period(2026, 9), Period(2026, 10), Period(2026, 12))
"""Further months in the same table, so that the statements have to find the month that is counted."""
_SEED = text(
    """
WITH drawn AS (
    SELECT g, random() AS a, (ARRAY[1,1,1,1,1,2,2,3,3,4])[1 + g % 10] AS level,
           CAST(:start AS timestamptz) + (CAST(:stop AS timestamptz) - :start) * g / CAST(:many AS integer) AS at,
           concat('440105', lpad(CAST(1 + g % 18 AS text), 3, '0'), lpad(CAST(1 + g % 13 AS text), 3, '0'),
                  lpad(CAST(1 + g % 17 AS text), 3, '0')) AS cell,
           (ARRAY['urban-0110','urban-0401','urban-0203','urban-0506','party-01','fire-01','order-01','floating-01'])
               [1 + g % 8] AS kind
    FROM generate_series(1, :many) AS g
), lived AS (
    SELECT *, CASE WHEN a < 0.8 THEN CAST(random() * 18000000000 AS bigint) END AS answer_us,
           18000000000 + CAST(random() * 108000000000 AS bigint) AS took_us, interval '1 microsecond' AS us,
           CASE WHEN a < 0.56 THEN 'resolved' WHEN a < 0.68 THEN 'raised' WHEN a < 0.76 THEN 'not_resolved'
                WHEN a < 0.8 THEN CASE g % 2 WHEN 0 THEN 'closed' END WHEN a < 0.9 THEN 'no_answer'
                WHEN a < 0.93 THEN 'returned' WHEN a < 0.98 THEN 'raised' ELSE 'assigned' END AS outcome,
           CASE level WHEN 1 THEN left(cell, 12) WHEN 2 THEN left(cell, 9) WHEN 3 THEN concat('dept-', g % 37)
                ELSE concat('leader-', g % 11) END AS unit
    FROM drawn
)
INSERT INTO call (incident_id, seq, district, level, round, unit, cause, reason, opened_at, answer_by, resolve_by,
                  clock, answered_at, answer, ended_at, outcome, grid_code, category, rating, outcome_rating,
                  answer_us, resolve_us)
SELECT CAST(md5(concat('bench', CAST(:start AS timestamptz), g / 2)) AS uuid), 1 + g % 2, '440105', level, 1 + g % 2,
       unit, CASE g % 2 WHEN 0 THEN 'report' ELSE 'raised' END, 'a reason of the usual length, more or less', at,
       at + interval '4 hours', CASE WHEN answer_us IS NOT NULL THEN at + interval '30 hours' END, 'working',
       at + answer_us * us, '{"measure": "go and look at it"}',
       CASE WHEN outcome IS NOT NULL THEN at + took_us * us END, outcome,
       cell, kind, CASE WHEN level = 3 AND g % 4 = 0 THEN 1 + g % 5 END,
       CASE WHEN g % 3 = 0 THEN 1 + g % 5 END, answer_us, CASE outcome WHEN 'resolved' THEN took_us END
FROM lived
"""
)
_CONTROL = text("SELECT count(*) FROM call WHERE opened_at >= :start AND opened_at < :stop")
_MAX_ROWS = 200_000
"""The number of calls that one statement inserts."""


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the seconds that one answer takes in each grouping, and in turn with them the seconds of the control."""
    for period in (*_AROUND, MONTH):
        print_progress(f"making {arguments.calls} calls of {period}")
        await seed(database, period.start, period.end, arguments.calls)
    await databases.statements(database, "VACUUM ANALYZE call")
    takes: dict[str, Take] = {**{grouping: _figures(grouping) for grouping in Grouping}, "control": _control}
    series: dict[str, list[float]] = {name: [] for name in takes}
    for take in takes.values():  # a first time to warm up, so that each side finds the rows in memory
        await _timed(database, take)
    for turn in range(2 * arguments.rounds):
        print_progress(f"round {turn + 1} of {2 * arguments.rounds}")
        for name, take in takes.items():
            series[name].append(await _timed(database, take))
    return {
        "unit": "seconds",
        "calls_of_the_month": arguments.calls,
        "calls": arguments.calls * (1 + len(_AROUND)),
        **{f"by_{grouping}_against_count": comparison(series[grouping], series["control"]) for grouping in Grouping},
    }


async def seed(database: Database, start: datetime, stop: datetime, many: int) -> None:
    """Insert calls, evenly over a span of time and some three hundred units; most are answered and resolved."""
    turns = -(-many // _MAX_ROWS)
    for turn in range(turns):
        span = (stop - start) / turns
        at = start + turn * span
        async with database.begin() as tx:
            size = min(_MAX_ROWS, many - turn * _MAX_ROWS)
            # the last microsecond belongs to the next month
            await tx.execute(_SEED, {"start": at, "stop": at + span * 0.999999, "many": size})


Take = Callable[[AsyncConnection], Awaitable[object]]


def _figures(grouping: Grouping) -> Take:
    async def take(connection: AsyncConnection) -> object:
        return await tallies.tallies(connection, MONTH, grouping, EVERYTHING)

    return take


async def _control(connection: AsyncConnection) -> object:
    return await connection.execute(_CONTROL, {"start": MONTH.start, "stop": MONTH.end})


async def _timed(database: Database, take: Take) -> float:
    async with database.read() as connection:
        start = time.perf_counter()
        await take(connection)
        return time.perf_counter() - start
