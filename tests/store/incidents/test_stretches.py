"""The plans of lists where history is long: each list walks one index in order, and reads no table as a whole.

The tables hold twenty thousand incidents, of which one in a hundred is open. Then their files grow by empty pages, and
the catalogue says that they are full, so that the planner reckons with two million.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from service.bench.seeding import seed
from service.rules.sight import EVERYTHING, Heard, OwnOnly, Sight, Within
from service.store.database import Database
from service.store.incidents import lists
from service.store.incidents.lists import IncidentFilter
from tests.conftest import clone
from tests.store import plans

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
STORED, TIMES = 20_000, 100
OPEN = ("calling", "answered", "on_hold", "resolved")
DEPARTMENT: Sight = (Heard(("urban-bureau", "@clerk")), OwnOnly("clerk"))
COMMUNITY: Sight = (Within("440105001003"), Heard(("440105001003", "@clerk")), OwnOnly("clerk"))
_FILES = text(
    "SELECT oid, pg_relation_filepath(oid) FROM pg_class WHERE oid = to_regclass(:table) "
    "OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = to_regclass(:table))"
)
_GROWN = text("UPDATE pg_class SET relpages = relpages * :times, reltuples = reltuples * :times WHERE oid = :name")
_IN_ORDER = (
    "CREATE INDEX written ON incident (updated_at)",
    "CLUSTER incident USING written",
    "DROP INDEX written",
    "CLUSTER report USING report_newest_idx",
)
"""Rows lie in the order in which they were written last, as in life."""
_REPORTED = """
    UPDATE report SET reported_at = CAST(:now AS timestamptz) - n * interval '1 hour',
        reporter = CASE WHEN n % 5 = 0 THEN 'vendor-' || n % 30 || '/' || n % 300 ELSE 'worker-' || n % 300 END,
        category = 'urban-0' || n % 7
    FROM (SELECT id AS of, row_number() OVER (ORDER BY id) AS n FROM report) AS numbered WHERE id = of
"""
_CLOSED = """
    UPDATE incident SET reported_at = report.reported_at, updated_at = report.reported_at + interval '2 days',
        reporter = report.reporter, category = report.category,
        audience = CASE WHEN n % 20 = 0 THEN audience || ARRAY['urban-bureau'] ELSE audience END,
        state = CASE WHEN is_open THEN state ELSE 'closed' END, due_at = CASE WHEN is_open THEN due_at END,
        due_kind = CASE WHEN is_open THEN due_kind END, wake_at = CASE WHEN is_open THEN wake_at END,
        closed_at = CASE WHEN NOT is_open THEN CAST(:now AS timestamptz) END,
        closed_as = CASE WHEN NOT is_open THEN 'unverified' END, drawn = NOT is_open AND n % 20 = 5
    FROM report,
        LATERAL (SELECT CAST(extract(epoch FROM :now - report.reported_at) AS int) / 3600 AS n) AS age,
        LATERAL (SELECT n % 100 = 0 AS is_open) AS fate
    WHERE report.id = incident.id
"""
_ASKED = """
    INSERT INTO request
        (incident_id, n, district, kind, call, until, reason, asked_by, asked_at, approver)
    SELECT id, 1, district, 'hold', 1, reported_at, 'because', '{}', reported_at,
        CASE WHEN n % 20 > 0 THEN 'leader-' || n % 70 END
    FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM incident) AS numbered
"""
"""Every incident has a request that waits, for one of many leaders or for ops: as many as never wait at once, so that
the planner has to choose."""


@pytest.fixture(scope="module")
def long_url(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["haizhu"]):
        asyncio.run(_fill(url))
        yield url


async def _fill(url: str) -> None:
    database = Database(url, pool_size=1)
    await seed(database, STORED, reported_at=NOW, due_at=NOW + timedelta(days=3))
    async with database.begin() as tx:
        for statement in (_REPORTED, _CLOSED, _ASKED):
            await tx.execute(text(statement), {"now": NOW})
        for table in ("incident", "report", "request"):
            await tx.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
    await plans.vacuum(database, *_IN_ORDER)
    async with database.begin() as tx:
        for table in ("incident", "report"):
            await _grow(tx, table)
    await database.close()


async def _grow(connection: AsyncConnection, table: str) -> None:
    """Make a table and its indexes look as large as after years."""
    folder = Path((await connection.execute(text("SHOW data_directory"))).scalar_one())
    files = await connection.execute(_FILES, {"table": table})
    for name, file in files:
        os.truncate(folder / file, TIMES * (folder / file).stat().st_size)
        await connection.execute(_GROWN, {"times": TIMES, "name": name})


@pytest.fixture
async def long(long_url: str) -> AsyncIterator[Database]:
    database = Database(long_url, pool_size=1)
    yield database
    await database.close()


async def _plans(database: Database, filters: IncidentFilter, sight: Sight) -> str:
    """The plans of all statements of a page that goes on, as JSON text."""
    async with database.read() as connection:
        first = await lists.page(connection, IncidentFilter(), EVERYTHING, None, 1)
        page = lists.page(connection, filters, sight, first.next_place, 50)
        sent = await plans.statements(connection, page)
        return json.dumps([await plans.plan_of(connection, each) for each in sent])


LISTS: dict[str, tuple[IncidentFilter, Sight, str]] = {
    "everything": (IncidentFilter(), EVERYTHING, "report_newest_idx"),
    "what a community sees": (IncidentFilter(), COMMUNITY, "report_newest_idx"),
    "what a department sees": (IncidentFilter(), DEPARTMENT, "report_newest_idx"),
    "a category nobody reports": (IncidentFilter(category="none"), EVERYTHING, "report_newest_idx"),
    "a level": (IncidentFilter(level=4), EVERYTHING, "report_newest_idx"),
    "not overdue": (IncidentFilter(not_overdue_at=NOW), EVERYTHING, "report_newest_idx"),
    "closed ones": (IncidentFilter(states=("closed",)), EVERYTHING, "report_newest_idx"),
    "changes of a month": (IncidentFilter(updated_after=NOW - timedelta(days=30)), EVERYTHING, "report_newest_idx"),
    "a day long ago": (
        IncidentFilter(reported_after=NOW - timedelta(days=301), reported_before=NOW - timedelta(days=300)),
        EVERYTHING,
        "report_newest_idx",
    ),
    "one's own": (IncidentFilter(reporter="worker-7"), COMMUNITY, "report_reporter_idx"),
    "a worker's own": (IncidentFilter(reporter="vendor-5/5"), COMMUNITY, "report_reporter_idx"),
    "all of a vendor": (IncidentFilter(reporter="vendor-5", with_workers=True), COMMUNITY, "report_worker_idx"),
    "a cell": (IncidentFilter(area="440105001003001"), EVERYTHING, "report_place_idx"),
    "open ones": (IncidentFilter(states=OPEN), EVERYTHING, "incident_open_idx"),
    "open ones of a street": (IncidentFilter(states=OPEN, area="440105001"), EVERYTHING, "incident_open_idx"),
    "open ones of a line": (IncidentFilter(states=("on_hold",), line="none"), COMMUNITY, "incident_open_idx"),
    "overdue ones": (IncidentFilter(overdue_at=NOW), EVERYTHING, "incident_open_idx"),
    "open ones of a department": (IncidentFilter(states=OPEN), DEPARTMENT, "incident_heard_idx"),
    "open ones of a unit": (IncidentFilter(states=OPEN, unit="urban-bureau"), EVERYTHING, "incident_queue_idx"),
    "what waits for a leader": (IncidentFilter(waits=True, approver="leader-3"), DEPARTMENT, "request_approver_idx"),
    "what waits for ops": (IncidentFilter(waits=True), EVERYTHING, "request_approver_idx"),
    "drawn ones": (IncidentFilter(drawn=True), EVERYTHING, "incident_drawn_idx"),
    "drawn ones of a street": (IncidentFilter(drawn=True, area="440105001"), EVERYTHING, "incident_drawn_idx"),
    "drawn ones of a month": (
        IncidentFilter(drawn=True, reported_after=NOW - timedelta(days=31)),
        EVERYTHING,
        "incident_drawn_idx",
    ),
    "those not drawn": (IncidentFilter(drawn=False), EVERYTHING, "report_newest_idx"),
    "what waits for nobody": (IncidentFilter(waits=True, ended=("a", "b")), EVERYTHING, "request_approver_idx"),
    "changes of an hour": (
        IncidentFilter(updated_after=NOW - timedelta(hours=1), is_recent=True),
        EVERYTHING,
        "incident_updated_idx",
    ),
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_walks_one_index(long: Database, name: str) -> None:
    filters, sight, index = LISTS[name]
    found = await _plans(long, filters, sight)
    assert index in found
    for whole in ("Seq Scan", "Hash Join", "Merge Join"):
        assert whole not in found


_WALKED = ("report_newest_idx", "incident_open_idx", "incident_drawn_idx", "report_worker_idx")
WALKS = [name for name, (*_, index) in LISTS.items() if index in _WALKED]


@pytest.mark.parametrize("name", WALKS)
async def test_a_walk_sorts_nothing(long: Database, name: str) -> None:
    filters, sight, _ = LISTS[name]
    assert '"Sort"' not in await _plans(long, filters, sight)


async def test_the_planner_reckons_with_millions(long: Database) -> None:
    async with long.read() as connection:
        plan = await plans.plan_of(connection, ("SELECT FROM incident", ()))
    assert plan["Plan Rows"] == pytest.approx(STORED * TIMES, rel=0.01)
