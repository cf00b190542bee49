"""Whether a database holds together, as a restored copy is examined: each rule is one query for the first row that
breaks it. The constraints of the tables are not asked again, since a restore makes them anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.incidents.tables import call, incident
from service.store.log import numbering
from service.store.log.tables import log_batch, log_batch_archive


class Contents(NamedTuple):
    """What a database holds: incidents, events, the position at which the log ends, and the time of the last event."""

    incidents: int
    events: int
    end: int
    newest: datetime | None


class _SoundnessRule(NamedTuple):
    """`broken` is said of the first row of `query`, whose columns it names."""

    broken: str
    query: str


_EVER = """
WITH event AS NOT MATERIALIZED (SELECT * FROM event UNION ALL SELECT * FROM event_archive),
log_batch AS NOT MATERIALIZED (SELECT * FROM log_batch UNION ALL SELECT * FROM log_batch_archive)
"""
"""What every rule asks: the log together with its archive."""

_RULES = (
    _SoundnessRule(
        "the log has a gap: batch {id} should end at position {expected} and ends at {last_position}",
        """
        SELECT id, last_position, expected FROM (
            SELECT id, last_position, events + coalesce(lag(last_position) OVER (ORDER BY last_position), 0) AS expected
            FROM log_batch WHERE last_position IS NOT NULL
        ) AS batch WHERE last_position <> expected ORDER BY last_position LIMIT 1
        """,
    ),
    _SoundnessRule(
        "batch {id} of the log should have {events} events and has {found}",
        """
        SELECT log_batch.id, log_batch.events, coalesce(found, 0) AS found FROM log_batch LEFT JOIN (
            SELECT batch_id, count(*) AS found, max(ord) AS last FROM event GROUP BY batch_id
        ) AS event ON batch_id = id
        WHERE coalesce(found, 0) <> log_batch.events OR last <> found ORDER BY id LIMIT 1
        """,
    ),
    _SoundnessRule(
        "event {batch_id}-{ord} is in no batch of the log",
        """
        SELECT batch_id, ord FROM event WHERE NOT EXISTS (SELECT FROM log_batch WHERE id = batch_id)
        ORDER BY batch_id, ord LIMIT 1
        """,
    ),
    _SoundnessRule(
        "incident {number} should have the events 1 to {sequence} and has {found} of them",
        """
        SELECT number, incident.sequence, coalesce(found, 0) AS found FROM incident LEFT JOIN (
            SELECT incident_id, count(*) AS found, max(sequence) AS last FROM event
            WHERE incident_id IS NOT NULL GROUP BY incident_id
        ) AS event ON incident_id = id
        WHERE coalesce(found, 0) <> incident.sequence OR last <> found ORDER BY number LIMIT 1
        """,
    ),
    _SoundnessRule(
        "event {sequence} of incident {incident_id} stands in the log after a later one",
        """
        SELECT incident_id, sequence FROM (
            SELECT incident_id, sequence, lag(sequence) OVER (
                PARTITION BY incident_id ORDER BY last_position NULLS LAST, batch_id, ord
            ) AS before
            FROM event JOIN log_batch ON log_batch.id = batch_id WHERE incident_id IS NOT NULL
        ) AS event WHERE sequence <= before LIMIT 1
        """,
    ),
    _SoundnessRule(
        "event {sequence} is of incident {incident_id}, which is missing",
        """
        SELECT incident_id, sequence FROM event
        WHERE incident_id IS NOT NULL AND NOT EXISTS (SELECT FROM incident WHERE id = incident_id) LIMIT 1
        """,
    ),
    _SoundnessRule(
        "of incident {id}, {missing} is missing",
        """
        SELECT coalesce(incident.id, report.id) AS id,
               CASE WHEN report.id IS NULL THEN 'the report' ELSE 'where it stands' END AS missing
        FROM incident FULL JOIN report ON report.id = incident.id
        WHERE incident.id IS NULL OR report.id IS NULL LIMIT 1
        """,
    ),
    _SoundnessRule(
        "incident {number}, which is {state}, should have the calls 1 to {seq} and has {found} of them, {open} open",
        """
        SELECT number, state, incident.seq, coalesce(found, 0) AS found, coalesce(open, 0) AS open
        FROM incident LEFT JOIN (
            SELECT incident_id, count(*) AS found, max(seq) AS last, count(*) FILTER (WHERE outcome IS NULL) AS open
            FROM call GROUP BY incident_id
        ) AS call ON incident_id = id
        WHERE coalesce(found, 0) <> incident.seq OR last <> found
        OR coalesce(open, 0) <> (state IN ('calling', 'answered', 'on_hold'))::int ORDER BY number LIMIT 1
        """,
    ),
    _SoundnessRule(
        "incident {number} is under policy {policy_code} {policy_version}, which is missing",
        """
        SELECT number, policy_code, policy_version FROM incident WHERE NOT EXISTS (
            SELECT FROM policy WHERE code = policy_code AND version = policy_version
        ) ORDER BY number LIMIT 1
        """,
    ),
    _SoundnessRule(
        "the queue {unit}:{state} was changed at position {position}, after the end of the log",
        """
        SELECT unit, state, position FROM queue_mark
        WHERE position > (SELECT coalesce(max(last_position), 0) FROM log_batch) ORDER BY position DESC LIMIT 1
        """,
    ),
    _SoundnessRule(
        "{what} {given} was given already, and the next one would be {next}",
        """
        SELECT what, given, next FROM (
            SELECT 'number' AS what, last_value + increment_by AS next,
                   (SELECT max(split_part(number, '-', 2)::bigint) FROM incident
                    WHERE number ~ '^[0-9]{4}-[0-9]{1,15}$') AS given
            FROM pg_sequences WHERE format('%I.%I', schemaname, sequencename)::regclass
                = to_regclass('incident_number')
            UNION ALL
            SELECT 'batch', last_value + 1, (SELECT max(id) FROM log_batch)
            FROM pg_sequences WHERE format('%I.%I', schemaname, sequencename)::regclass
                = pg_get_serial_sequence('log_batch', 'id')::regclass
        ) AS counters WHERE given >= coalesce(next, 1) LIMIT 1
        """,
    ),
)


async def contents(connection: AsyncConnection) -> Contents:
    """Return what the database holds, counted in one snapshot. The tables may be those of an older version."""
    has_archive = (await connection.execute(select(func.to_regclass(log_batch_archive.name)))).scalar_one() is not None
    archived: Any = _events_in(log_batch_archive) if has_archive else 0
    counted = select(
        select(func.count()).select_from(incident).scalar_subquery(),
        _events_in(log_batch) + archived,
        select(func.coalesce(func.max(log_batch.c.last_position), 0)).scalar_subquery(),
    )
    found = (await connection.execute(counted)).one()
    return Contents(*found, newest=await numbering.newest_time(connection))


def _events_in(batches: Table) -> ColumnElement[int]:
    return select(func.coalesce(func.sum(batches.c.events), 0)).scalar_subquery()


async def faults(connection: AsyncConnection) -> AsyncIterator[str]:
    """Yield one sentence for each rule that the database breaks, about the first row that breaks it."""
    for rule in _RULES:
        row = (await connection.execute(text(_EVER + rule.query.replace("::", "\\:\\:")))).mappings().first()
        if row is not None:
            yield rule.broken.format(**row)


async def months(connection: AsyncConnection) -> tuple[datetime, datetime] | None:
    """Return the times of the first call and of the last; None when there is none."""
    first, last = (await connection.execute(select(func.min(call.c.opened_at), func.max(call.c.opened_at)))).one()
    return None if first is None else (first, last)


async def exported_snapshot(connection: AsyncConnection) -> str:
    """Return the name under which another session can look at the very state that this transaction sees. It is valid
    until the transaction ends, which may now take as long as it likes."""
    await connection.execute(select(func.set_config("idle_in_transaction_session_timeout", "0", True)))
    name: str = (await connection.execute(select(func.pg_export_snapshot()))).scalar_one()
    return name


async def tables(connection: AsyncConnection) -> int:
    """Return how many tables the schema has that hold rows."""
    query = text(
        "SELECT count(*) FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relation.relnamespace "
        "WHERE relation.relkind = 'r' AND space.nspname = current_schema()"
    )
    count: int = (await connection.execute(query)).scalar_one()
    return count
