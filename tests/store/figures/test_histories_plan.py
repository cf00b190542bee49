"""A long log: the histories of a month cost what the month costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import URL

from service.rules.figures.definition import Period
from service.store.database import Database
from service.store.figures import histories
from tests.conftest import clone

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MONTHS, EACH, EVENTS = 24, 2_000, 6
_LOG = """
    INSERT INTO log_batch (events, last_position, queues, reload)
    SELECT :events, g * :events, '{}', '{}' FROM generate_series(1, :many) g
"""
_EVENTS = """
    INSERT INTO event (batch_id, ord, incident_id, sequence, type, at, area, unit, audience, data)
    SELECT g, o, CAST('00000000-0000-7000-8000-' || lpad(to_hex(g), 12, '0') AS uuid), o,
           CASE o WHEN 2 THEN 'sihu.call.opened' ELSE 'sihu.incident.commented' END,
           CAST(:start AS timestamptz) + g * interval '30 days' / :each, '440105003001001', 'u', '{}',
           json_build_object('words', repeat('x', 300))
    FROM generate_series(1, :many) g, generate_series(1, :events) o ORDER BY g, o
"""


@pytest.fixture(scope="module")
def long_log(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["empty"]):
        asyncio.run(_fill(url))
        yield url


async def _fill(url: str) -> None:
    database = Database(url, pool_size=1)
    sizes = {"many": MONTHS * EACH, "events": EVENTS}
    async with database.begin() as tx:
        await tx.execute(text(_LOG), sizes)
        await tx.execute(text(_EVENTS), {**sizes, "each": EACH, "start": datetime(2024, 12, 1, tzinfo=UTC)})
    async with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("VACUUM ANALYZE"))
    await database.close()


async def test_a_month_reads_its_own_events_only(long_log: str) -> None:
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    database, month = Database(long_log, pool_size=1), Period(2026, 3)
    async with database.engine.connect() as connection:
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        found = [len(history) async for history in histories.histories(connection, month)]
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        (statement, parameters), *_ = sent
        explained = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        plan = explained.scalar_one()
    await database.close()
    assert len(found) == pytest.approx(EACH, rel=0.1)
    assert set(found) == {EVENTS}
    scans = list(_scans((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
    assert "event_from_0_at_idx" in json.dumps(plan)
    assert sum(rows for _, rows in scans) < 3 * EACH * EVENTS, scans


def _scans(node: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Each scan of a table, and how many rows it looked at."""
    if "Relation Name" in node:
        looked = node["Actual Rows"] + sum(value for name, value in node.items() if name.startswith("Rows Removed"))
        yield node["Node Type"], looked * node["Actual Loops"]
    for each in node.get("Plans", ()):
        yield from _scans(each)
