"""Many incidents are due at once: the real sweep against one bare set-based statement that makes the same rows.

Each turn uses the same incidents: afterwards they are put back as they were and the tables are vacuumed, so that both
sides see the same tables. The sweep runs as in production, with the same number of pages side by side and with the tail
that numbers the log. Beside missed calls it closes resolved incidents that nobody has verified in time.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from service import metrics
from service.bench import clocks, databases, server
from service.bench.figures import comparison, print_progress
from service.bench.seeding import seed
from service.clock import VirtualClock
from service.commands import serve
from service.engine import SIDE_BY_SIDE
from service.escalation import sweep
from service.escalation.seeding import Tell
from service.feed.tail import Tail
from service.queues.tags import QueueTags
from service.store.database import Database
from service.worlds import CurrentWorld

_LEAD_S = 20
"""Seconds from the start of two idle engines to the common deadline. In this time the deadlines are written, the tables
are vacuumed, and the engines learn of the deadlines (they look every 5 s)."""
_LOOK_S = 0.02
_LEFT = text(
    "SELECT EXISTS (SELECT FROM incident WHERE wake_at <= :due) "
    "OR EXISTS (SELECT FROM log_batch WHERE last_position IS NULL)"
)
_CONTROL = text(
    """
WITH due AS (
    SELECT id, seq, grid_code, unit, due_at, audience FROM incident WHERE wake_at <= :now
    ORDER BY wake_at, id FOR NO KEY UPDATE
), batch AS (
    INSERT INTO log_batch (events, queues, wake_at, reload) SELECT 2 * count(*), '{}', :now, '{}' FROM due RETURNING id
), ended AS (
    UPDATE call SET outcome = 'no_answer', ended_at = :now, ended_by = '{"kind":"clock"}',
                    late_s = extract(epoch FROM :now - due.due_at)
    FROM due WHERE call.incident_id = due.id AND call.seq = due.seq RETURNING call.incident_id
), opened AS (
    INSERT INTO call (incident_id, district, seq, level, round, unit, from_unit, cause, opened_at, answer_by, clock,
                      grid_code, category)
    SELECT id, left(grid_code, 6), seq + 1, 2, 1, left(grid_code, 9), unit, 'no_answer', :now, :next, 'continuous',
           grid_code, 'urban-0110'
    FROM due JOIN ended ON ended.incident_id = due.id
), moved AS (
    UPDATE incident SET level = 2, unit = left(due.grid_code, 9), updated_at = :now, due_at = :next, wake_at = :next,
                        seq = due.seq + 1, version = version + 1, sequence = sequence + 2, calls_at = '{1,1,0,0}',
                        audience = due.audience || left(due.grid_code, 9)
    FROM due WHERE incident.id = due.id
)
INSERT INTO event (batch_id, ord, incident_id, sequence, type, at, area, unit, audience, data)
SELECT batch.id, 2 * row_number() OVER (ORDER BY due.id) - 2 + n, due.id, n, kind, :now, due.grid_code,
       CASE n WHEN 1 THEN due.unit ELSE left(due.grid_code, 9) END,
       CASE n WHEN 1 THEN due.audience ELSE due.audience || left(due.grid_code, 9) END || '@seed'::text,
       CAST(format(CAST(:data AS text), due.id, n, CASE n WHEN 1 THEN due.unit ELSE left(due.grid_code, 9) END,
                   due.due_at, n) AS json)
FROM due, batch, (VALUES (1, 'sihu.call.missed'), (2, 'sihu.call.opened')) AS entry (n, kind)
"""
)
_DATA = (
    '{"incident":{"id":"%s","number":"due-12345","kind":"incident","grid_code":"440105003001001","category":"urban-0110",'
    '"urgency":"normal","state":"calling","level":%s,"unit":"%s","due_at":"%s","due_kind":"answer","version":2},'
    '"call":%s,"by":{"kind":"clock"}}'
)
"""The data of an event, without spaces as the sweep writes it; PostgreSQL's JSON functions would add spaces."""
_RESOLVE = (
    "UPDATE call SET answered_at = opened_at + interval '1 hour', answer_us = 3600000000, resolve_by = opened_at +"
    " interval '25 hours', outcome = 'resolved', ended_at = opened_at + interval '2 hours', resolve_us = 7200000000,"
    " box_used = 4, credit = 'pending', ended_by = json_build_object('kind', 'unit', 'subject', call.unit, 'unit',"
    " call.unit) FROM incident WHERE id = incident_id AND number LIKE 'due-%'",
    "UPDATE incident SET state = 'resolved', due_kind = 'verify' WHERE number LIKE 'due-%'",
)
"""What makes the due incidents resolved ones whose time to verify ends when they are due."""
_RESTORE = (
    "TRUNCATE event, log_batch, queue_mark",
    "DELETE FROM call WHERE seq = 2",
    "UPDATE call SET outcome = NULL, ended_at = NULL, ended_by = NULL, late_s = NULL, box_used = NULL,"
    " answered_at = NULL, answer_us = NULL, resolve_by = NULL, resolve_us = NULL, credit = NULL"
    " WHERE outcome IS NOT NULL",
    "UPDATE incident SET state = 'calling', level = 1, unit = left(grid_code, 12), due_kind = 'answer', seq = 1,"
    " due_at = reported_at + interval '4 hours', wake_at = reported_at + interval '4 hours', version = 1,"
    " sequence = 0, calls_at = '{1,0,0,0}', audience = ARRAY[left(grid_code, 12)], closed_at = NULL,"
    " closed_as = NULL, reopen_until = NULL, drawn = false WHERE level = 2 OR state IN ('resolved', 'closed')",
)
_VACUUM = ("VACUUM ANALYZE incident", "VACUUM ANALYZE call", "VACUUM ANALYZE event", "CHECKPOINT")


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure deadlines per second, in turns: missed ones by the sweep with numbering, by the bare statement, by the
    sweep without numbering, by two engines and in working time, and those that close what nobody has verified."""
    now = await clocks.now(database)
    print_progress(f"making {arguments.open} open incidents, {arguments.due} of them due")
    for start in range(0, arguments.open - arguments.due, 200_000):
        many = min(200_000, arguments.open - arguments.due - start)
        await seed(database, many, reported_at=now, due_at=now + timedelta(days=30), name=f"o{start}")
    await seed(database, arguments.due, reported_at=now - clocks.ANSWER, due_at=now, name="due")
    found: dict[str, list[float]] = defaultdict(list)
    for turn in range(arguments.rounds):
        print_progress(f"round {turn + 1} of {arguments.rounds}")
        for name, seconds in (await _round(database)).items():
            found[name].append(arguments.due / seconds)
    numbering, control = found["numbering"], found["control"]
    return {
        "unit": "deadlines per second",
        "due": arguments.due,
        "open": arguments.open,
        "against_bare_sql": comparison(numbering, control),
        "two_engine_processes_against_bare_sql": comparison(found["two engines"], control),
        "verify_timeouts_against_bare_sql": comparison(found["verify timeouts"], control),
        "sealing": comparison(numbering, found["without numbering"]),
        "working_time_against_continuous": comparison(found["working time"], numbering),
    }


async def _round(database: Database) -> dict[str, float]:
    """Return the seconds that one turn of each takes."""
    found = {}
    for name, take in (
        ("numbering", sweep_and_number),
        ("control", _bare_statement),
        ("without numbering", _sweep),
        ("two engines", _two_engines),
    ):
        found[name] = await _turn(database, take)
    await clocks.put_under(database, 2, "due")
    found["working time"] = await _turn(database, sweep_and_number)
    await clocks.put_under(database, 1, "due")
    await databases.statements(database, *_RESOLVE)
    found["verify timeouts"] = await _turn(database, sweep_and_number)
    return found


async def _turn(database: Database, take: Callable[[Database], Awaitable[float]]) -> float:
    await databases.statements(database, *_VACUUM)
    seconds = await take(database)
    await databases.statements(database, *_RESTORE)
    return seconds


async def _bare_statement(database: Database) -> float:
    now = await clocks.now(database)
    start = time.perf_counter()
    async with database.begin() as tx:
        await tx.execute(_CONTROL, {"now": now, "next": now + timedelta(hours=4), "data": _DATA})
    return time.perf_counter() - start


async def _two_engines(database: Database) -> float:
    """Return the seconds from the deadline until two real `sihu serve --engine only` numbered the last event."""
    command = ("service.commands.parser", "serve", "--engine", "only")
    await _fall_due(database, await clocks.now(database) + timedelta(days=1))
    with server.serving(database.url, *command), server.serving(database.url, *command):
        due = await clocks.now(database) + timedelta(seconds=_LEAD_S)
        await _fall_due(database, due)
        await databases.statements(database, *_VACUUM)
        if (lead := (due - await clocks.now(database)).total_seconds()) < 0:
            raise RuntimeError(f"all was ready {-lead:.1f} s after it fell due: that would be measured, too")
        await asyncio.sleep(lead)
        async with asyncio.timeout(300):
            while await _is_left(database, due):
                await asyncio.sleep(_LOOK_S)
        return (await clocks.now(database) - due).total_seconds()


async def _fall_due(database: Database, due: datetime) -> None:
    async with database.begin() as tx:
        await tx.execute(
            text("UPDATE incident SET due_at = :due, wake_at = :due WHERE number LIKE 'due-%'"), {"due": due}
        )


async def _is_left(database: Database, due: datetime) -> bool:
    """Whether an incident is still due or an event is not numbered yet."""
    async with database.read() as connection:
        return bool((await connection.execute(_LEFT, {"due": due})).scalar_one())


async def sweep_and_number(database: Database) -> float:
    """Return the seconds until the sweep, with the tail beside it, is done and the last event is numbered."""
    tail = Tail(database, QueueTags(), metrics.new(), VirtualClock(await clocks.now(database)))
    await tail.load()
    tail.start()
    try:
        start = time.perf_counter()
        await _sweep(database, tail)
        await tail.settled(60)
        return time.perf_counter() - start
    finally:
        await tail.stop()


async def _sweep(database: Database, tail: Tail | None = None) -> float:
    worlds = CurrentWorld()
    await worlds.reload(database)
    now, front = await clocks.now(database), sweep.Front()
    tell: Tell = tail.tell if tail else lambda _: None
    serve.settle_memory()
    start = time.perf_counter()

    async def turns() -> None:
        full = True
        while full:
            full = (await sweep.run_once(database, worlds, now, tell, front=front)).full

    await asyncio.gather(*(turns() for _ in range(SIDE_BY_SIDE)))
    return time.perf_counter() - start
