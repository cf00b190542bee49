"""Closed incidents in bulk, as two years leave them behind: each with its report, three calls, and eight events in four
batches of its own and a fifth of a sweep's.

One statement fills one table with one chunk, on two connections at once. The indexes are dropped before and built
afterwards, as a restore does it.

An incident lives for ten hours: its community misses the call, its street raises it, its department resolves it, and
the reporter accepts. The incidents of ten hours are a cohort, whose lives are written step by step: so the events of
one incident lie as far apart as those of a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from service.bench import databases
from service.bench.figures import print_progress
from service.store.database import Database
from service.store.log import numbering

SPAN = timedelta(days=730)
_UNTIL = timedelta(days=3)
"""How long ago the newest of the closed incidents was reported: it is closed, and was not changed in the last hour."""
_PER_SWEEP = 5
"""The incidents whose calls one sweep finds missed: they share a batch."""
_LIFE = timedelta(hours=10)
_CHUNK = 10_000
_AT_ONCE = 2
_EVENTS = 8
_BATCHES_OF_A_SWEEP = 21

# some 16,000 places: a cell and a category each, in an order that mixes the streets
_PLACES = """
CREATE UNLOGGED TABLE bench_place AS
SELECT row_number() OVER (ORDER BY md5(concat(cell.code, kind.code))) - 1 AS place, cell.code AS cell, cell.community,
       left(cell.code, 9) AS street, department.code AS department, kind.code AS category
FROM (SELECT *, row_number() OVER (ORDER BY code) AS place FROM cell) AS cell
CROSS JOIN (VALUES ('urban-0110'), ('urban-0401'), ('urban-0203'), ('urban-0506'), ('party-01'), ('fire-01'),
                   ('order-01'), ('floating-01')) AS kind (code)
JOIN (SELECT code, row_number() OVER (ORDER BY code) - 1 AS place, count(*) OVER () AS many
      FROM unit WHERE kind = 'department') AS department ON department.place = cell.place % department.many
"""
# an id is a UUIDv7 of the time of the report, with a counter where chance would be
_MADE = """
WITH chunk AS (
    SELECT CAST(:first AS bigint) AS first, CAST(:many AS integer) AS many, CAST(:cohort AS integer) AS cohort,
           CAST(:start AS timestamptz) AS start, CAST(:step AS interval) AS step,
           CAST(:batches AS bigint) AS batches, CAST(:events AS bigint) AS events
), made AS MATERIALIZED (
    SELECT series.*, bench_place.*, least(cohort, many - begun) AS size, concat('worker-', g % 100) AS reporter,
           CAST(concat(lpad(to_hex(CAST(extract(epoch FROM at) * 1000 AS bigint)), 12, '0'), '7000a',
                       lpad(to_hex(g), 15, '0')) AS uuid) AS id
    FROM (SELECT chunk.*, k, k / cohort * cohort AS begun, first + k AS g, start + k * step AS at
          FROM chunk CROSS JOIN LATERAL generate_series(0, many - 1) AS k) AS series
    JOIN bench_place ON bench_place.place = g % (SELECT count(*) FROM bench_place)
)
"""
_REPORT = f"""{_MADE}
INSERT INTO report (id, subject, reporter, body_hash, district, grid_code, category, line, kind, urgency, description,
                    reported_at)
SELECT id, reporter, reporter, decode(md5(cell), 'hex'), left(cell, 6), cell, category, split_part(category, '-', 1),
       'incident', 'normal',
       '巷口垃圾堆积,气味大,已影响居民出行,请尽快安排清运并冲洗地面,附近还有幼儿园和菜市场,早晚人流多,希望今天内处理',
       at
FROM made ORDER BY k
"""
_CALL = f"""{_MADE}
INSERT INTO call (incident_id, seq, district, level, round, unit, from_unit, cause, ground, reason, opened_at,
                  answer_by, resolve_by, clock, answered_at, answer, ended_at, ended_by, outcome, result, late_s,
                  grid_code, category, answer_us, resolve_us)
SELECT id, n, left(cell, 6), n, 1, CASE n WHEN 1 THEN community WHEN 2 THEN street ELSE department END,
       CASE n WHEN 2 THEN community WHEN 3 THEN street END,
       CASE n WHEN 1 THEN 'report' WHEN 2 THEN 'no_answer' ELSE 'raised' END,
       CASE n WHEN 3 THEN 'beyond_powers' END, CASE n WHEN 3 THEN '需要执法权,街道无权处理' END,
       opened_at, opened_at + interval '4 hours', CASE n WHEN 3 THEN ended_at + interval '24 hours' END, 'continuous',
       CASE n WHEN 3 THEN ended_at END, CASE n WHEN 3 THEN CAST('{{"measure":"今天清运"}}' AS json) END, ended_at,
       CAST(ended_by AS json), outcome, CASE n WHEN 3 THEN '已清运并冲洗地面' END, CASE n WHEN 1 THEN 0.02 END,
       cell, category, CASE n WHEN 3 THEN 7200000000 END, CASE n WHEN 3 THEN 7200000000 END
FROM (SELECT made.*, n, at + opened AS opened_at, at + ended AS ended_at, ended_by, outcome
      FROM made CROSS JOIN (VALUES
          (1, interval '0', interval '4 hours', 'no_answer', '{{"kind":"clock"}}'),
          (2, interval '4 hours', interval '6 hours', 'raised', '{{"kind":"unit","subject":"street"}}'),
          (3, interval '6 hours', interval '8 hours', 'resolved', '{{"kind":"unit","subject":"department"}}')
      ) AS part (n, opened, ended, outcome, ended_by)) AS called
ORDER BY n, k
"""
_INCIDENT = f"""{_MADE}
INSERT INTO incident (id, number, district, kind, state, level, unit, grid_code, category, urgency, reporter,
                      policy_code, policy_version, reported_at, updated_at, seq, version, sequence, calls_at, audience,
                      closed_at, closed_as, reopen_until)
SELECT id, concat('closed-', g), left(cell, 6), 'incident', 'closed', 3, department, cell, category, 'normal', reporter,
       'example', 1, at, at + interval '10 hours', 3, 5, 8, '{{1,1,1,0}}', ARRAY[community, street, department],
       at + interval '10 hours', 'verified', at + interval '178 hours'
FROM made ORDER BY k
"""
# the parts of a life: the batches of the cohort before it (in fifths of its size), the incidents that share a batch of
# it, and the events of each incident: in it, and before it
_PARTS = """(VALUES (0, 1, 2, 0), (5, 5, 2, 2), (6, 1, 2, 4), (11, 1, 1, 6), (16, 1, 1, 7))
      AS part (fifths, shared, per, past)"""
_BATCH = f"""{_MADE}
INSERT INTO log_batch (id, events, last_position, queues, wake_at, reload)
SELECT batches + begun * 21 / 5 + fifths * size / 5 + (k - begun) / shared + 1, shared * per,
       events + begun * 8 + past * size + (k - begun + shared) * per,
       ARRAY[concat(community, '\\:calling'), concat(street, '\\:calling')], at, '{{}}'
FROM made JOIN {_PARTS} ON k % shared = 0
ORDER BY 1
"""
_EVENT = f"""{_MADE}
INSERT INTO event (batch_id, ord, incident_id, sequence, type, at, area, unit, audience, data)
SELECT batch_id, ord, id, sequence, type, happened_at, cell, unit,
       (ARRAY[community, street, department])[1:level] || concat('@', reporter),
       CAST(format('{{"incident":{{"id":"%s","number":"closed-%s","kind":"incident","grid_code":"%s","category":"%s",'
                   '"urgency":"normal","state":"%s","level":%s,"unit":"%s","due_at":%s,"due_kind":"answer",'
                   '"version":%s}},"call":%s,"by":{{"kind":"unit","unit":"%s"}}}}',
                   id, g, cell, category, state, level, unit, to_json(happened_at + interval '4 hours'), level + 1,
                   level, unit) AS json)
FROM (SELECT made.*, act.*, at + after AS happened_at,
             batches + begun * 21 / 5 + fifths * size / 5 + (k - begun) / shared + 1 AS batch_id,
             per * (k % shared) + act.sequence - past AS ord,
             CASE level WHEN 1 THEN community WHEN 2 THEN street ELSE department END AS unit
      FROM made CROSS JOIN {_PARTS} JOIN (VALUES
          (1, 'sihu.incident.reported', interval '0', 'calling', 1), (2, 'sihu.call.opened', '0', 'calling', 1),
          (3, 'sihu.call.missed', '4 hours', 'calling', 1), (4, 'sihu.call.opened', '4 hours', 'calling', 2),
          (5, 'sihu.call.raised', '6 hours', 'calling', 2), (6, 'sihu.call.opened', '6 hours', 'calling', 3),
          (7, 'sihu.incident.resolved', '8 hours', 'resolved', 3), (8, 'sihu.incident.closed', '10 hours', 'closed', 3)
      ) AS act (sequence, type, after, state, level) ON act.sequence > past AND act.sequence <= past + per
      ORDER BY batch_id, ord OFFSET 0) AS logged
"""
_LOG, _INCIDENTS = ("log_batch", "event"), ("report", "call", "incident")
_INSERTS = tuple(text(each) for each in (_REPORT, _CALL, _INCIDENT, _BATCH, _EVENT))
_END = text("SELECT coalesce(max(id), 0) AS batches, coalesce(max(last_position), 0) AS events FROM log_batch")
# those of partitions as well, where a table has any: what their table gives them goes and comes with it
_INDEXES = text(
    """
WITH filled AS (
    SELECT DISTINCT coalesce(part.relid, CAST(name AS regclass)) AS relid
    FROM unnest(CAST(:tables AS text[])) AS name
    LEFT JOIN LATERAL pg_partition_tree(CAST(name AS regclass)) AS part ON true
)
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', relid, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', relid, conname, pg_get_constraintdef(oid))
FROM pg_constraint JOIN filled ON conrelid = relid WHERE contype IN ('p', 'u') AND conparentid = 0
UNION ALL
SELECT format('DROP INDEX %s', CAST(indexrelid AS regclass)),
       replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
FROM pg_index JOIN filled ON indrelid = relid
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
"""
)


async def seed(database: Database, many: int, now: datetime) -> None:
    """Insert `many` closed incidents, rounded down to whole sweeps, and leave the tables vacuumed and analysed."""
    many -= many % _PER_SWEEP
    async with database.begin() as tx:  # what registry and keys have written, as batches are numbered in their order
        await numbering.seal(tx)
    await databases.statements(database, _PLACES, "VACUUM ANALYZE bench_place")
    groups = (_LOG, _INCIDENTS)
    indexes = [await _drop_indexes(database, tables) for tables in groups]
    chunks = await _chunks(database, many, now)
    await asyncio.gather(*(_insert(database, chunks) for _ in range(_AT_ONCE)))
    # not before all is written: what an older statement may still see cannot be marked as seen by all
    await asyncio.gather(*(_finish(database, tables, creates) for tables, creates in zip(groups, indexes, strict=True)))
    await databases.statements(
        database,
        "DROP TABLE bench_place",
        "SELECT setval(pg_get_serial_sequence('log_batch', 'id'), (SELECT max(id) FROM log_batch))",
        f"VACUUM {', '.join(_LOG + _INCIDENTS)}",  # once more, for what an autovacuum still saw a moment ago
        "CHECKPOINT",
    )


async def _drop_indexes(database: Database, tables: Sequence[str]) -> list[str]:
    """Drop the indexes and keys of these tables, and return the statements that make them again."""
    async with database.read() as connection:
        found = (await connection.execute(_INDEXES, {"tables": tables})).all()
    await databases.statements(database, *(drop for drop, _ in found))
    return [create for _, create in found]


async def _chunks(database: Database, many: int, now: datetime) -> Iterator[dict[str, Any]]:
    """The parameters of each chunk. Taking one prints how far the seeding is."""
    step, start = SPAN / max(many, 1), now - SPAN - _UNTIL
    cohort = max(_PER_SWEEP, int(_LIFE / step) // _PER_SWEEP * _PER_SWEEP)
    async with database.read() as connection:
        before = (await connection.execute(_END)).one()

    def chunk(first: int) -> dict[str, Any]:
        print_progress(f"closed incidents: {first:,} of {many:,}")
        return {
            "first": first,
            "many": min(_CHUNK, many - first),
            "cohort": min(_CHUNK, cohort),
            "start": start + first * step,
            "step": step,
            "batches": before.batches + first // _PER_SWEEP * _BATCHES_OF_A_SWEEP,
            "events": before.events + first * _EVENTS,
        }

    return map(chunk, range(0, many, _CHUNK))


async def _insert(database: Database, chunks: Iterator[dict[str, Any]]) -> None:
    for chunk in chunks:
        async with database.begin() as tx:
            await tx.exec_driver_sql("SET LOCAL work_mem = '256MB'")
            await tx.exec_driver_sql("SET LOCAL synchronous_commit = off")
            for statement in _INSERTS:
                await tx.execute(statement, chunk)


async def _finish(database: Database, tables: Sequence[str], creates: Sequence[str]) -> None:
    print_progress(f"vacuum and indexes of {', '.join(tables)}")
    await databases.statements(
        database, "SET maintenance_work_mem = '512MB'", f"VACUUM ANALYZE {', '.join(tables)}", *creates, "RESET ALL"
    )
