"""Every measurement in small: it runs, its data obeys the database, and each figure stands beside its control.

No figure is judged here: a machine that runs tests measures nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from service.bench import appraisal, databases, drain, lateness, promises, queue, run
from service.bench.figures import comparison
from service.bench.seeding import seed
from service.commands import parser
from service.escalation import sweep
from service.rules.figures.definition import Grouping
from service.settings import Settings
from service.store.database import Database
from service.store.log import numbering
from service.worlds import CurrentWorld

pytestmark = pytest.mark.anyio

_OF_INCIDENTS = {"event": "event WHERE incident_id IS NOT NULL"}
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
SMALL = argparse.Namespace(
    open=700, due=600, rounds=1, seconds=0.5, clients=4, rate=20, beside=50, calls=600, waiters=20, history=1_000
)


def _is_compared(found: dict[str, Any]) -> None:
    assert found["ratio"] > 0
    assert len(found["rounds"]) == len(found["control_rounds"]) > 0


async def _one(database: Database, question: str) -> Any:
    async with database.read() as connection:
        return (await connection.execute(text(question))).scalar_one()


async def _small(url: str, name: str) -> dict[str, Any]:
    """The figures of a measurement in small, as JSON has them. Whatever is promised of it is among them."""
    figures = await run.figures_of(url, run.MEASURES[name][0], SMALL)
    assert set(figures["machine"]) == {"cpus", "load", "postgresql", "settings"}
    assert {"fsync", "synchronous_commit"} <= set(figures["machine"]["settings"])
    parsed: dict[str, Any] = json.loads(json.dumps(figures))
    assert [each.figure for each in promises.of_bench(name) if each.found_in(parsed) is None] == []
    return parsed


async def test_seeded_incidents_are_as_if_reported_one_by_one(haizhu: Database) -> None:
    await seed(haizhu, 3_000, reported_at=NOW, due_at=NOW + timedelta(hours=4))

    assert await _one(haizhu, "SELECT count(*) FROM incident JOIN report USING (id, grid_code, reported_at)") == 3_000
    open_calls = "SELECT count(*) FROM call JOIN incident ON id = incident_id AND call.seq = incident.seq"
    assert await _one(haizhu, f"{open_calls} WHERE outcome IS NULL AND answer_by = due_at") == 3_000
    assert await _one(haizhu, "SELECT count(DISTINCT number) FROM incident") == 3_000
    strangers = "SELECT count(*) FROM incident i WHERE NOT EXISTS (SELECT FROM cell WHERE code = i.grid_code)"
    assert await _one(haizhu, strangers) == 0


async def _after(database: Database, tables: dict[str, str]) -> dict[str, list[Any]]:
    async with database.read() as connection:
        return {
            table: [
                tuple(row) for row in await connection.execute(text(f"SELECT {columns} FROM {source} ORDER BY {by}"))
            ]
            for table, source, (columns, by) in (
                (name, _OF_INCIDENTS.get(name, name), what.split(" BY ")) for name, what in tables.items()
            )
        }


async def test_the_bare_statement_makes_the_same_rows_as_the_sweep(haizhu: Database) -> None:
    """Or the ratio of the two would say nothing."""
    shown = {
        "incident": "number, state, level, unit, seq, version, sequence, calls_at, audience, due_kind BY number",
        "call": "incident_id, seq, level, round, unit, from_unit, cause, clock, outcome BY incident_id, seq",
        "event": "incident_id, sequence, type, unit, area, audience BY incident_id, sequence",
    }
    size = "SELECT avg(octet_length(data::text)) FROM event WHERE incident_id IS NOT NULL"
    now = datetime.now(UTC)
    await seed(haizhu, 300, reported_at=now - timedelta(hours=4), due_at=now, name="due")
    worlds = CurrentWorld()
    await worlds.reload(haizhu)
    swept = await sweep.run_once(haizhu, worlds, datetime.now(UTC), lambda _: None)
    assert swept.fired == 300
    by_sweep = await _after(haizhu, shown)
    size_by_sweep = await _one(haizhu, size)
    await databases.statements(haizhu, *drain._RESTORE)

    await drain._bare_statement(haizhu)

    assert await _after(haizhu, shown) == by_sweep
    assert float(await _one(haizhu, size)) == pytest.approx(float(size_by_sweep), rel=0.1)


async def test_putting_back_leaves_what_was_seeded(haizhu: Database) -> None:
    everything = {
        "incident": "to_jsonb(incident) - 'updated_at' BY id",
        "call": "to_jsonb(call) BY incident_id, seq",
    }
    now = datetime.now(UTC)
    await seed(haizhu, 200, reported_at=now - timedelta(hours=4), due_at=now, name="due")
    before = await _after(haizhu, everything)
    for made_resolved, take in (((), drain._bare_statement), ((), drain._sweep), (drain._RESOLVE, drain._sweep)):
        await databases.statements(haizhu, *made_resolved)
        await take(haizhu)
        assert await _after(haizhu, everything) != before

        await databases.statements(haizhu, *drain._RESTORE)

        assert await _after(haizhu, everything) == before


async def test_what_nobody_verified_in_time_is_closed_by_the_sweep(haizhu: Database) -> None:
    """And nothing else happens to it: of each incident one call changes, and one event is written."""
    now = datetime.now(UTC)
    await seed(haizhu, 200, reported_at=now - timedelta(hours=4), due_at=now, name="due")
    await databases.statements(haizhu, *drain._RESOLVE)

    await drain.sweep_and_number(haizhu)

    closed = "state = 'closed' AND closed_as = 'unverified' AND version = 2 AND reopen_until > updated_at"
    assert await _one(haizhu, f"SELECT count(*) FROM incident WHERE {closed}") == 200
    assert await _one(haizhu, "SELECT count(*) FROM call WHERE seq = 1 AND credit = 'unverified'") == 200
    assert await _one(haizhu, "SELECT count(*) FROM call") == 200
    assert await _one(haizhu, "SELECT count(*) FROM event WHERE type = 'sihu.incident.closed'") == 200
    assert await _one(haizhu, "SELECT count(*) FROM event WHERE incident_id IS NOT NULL") == 200


async def test_ingest(database_url: str) -> None:
    figures = await _small(database_url, "ingest")
    _is_compared(figures["against_no_database"])
    _is_compared(figures["against_orm"])


@pytest.mark.slow
async def test_drain(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "_LEAD_S", 6)
    figures = await _small(database_url, "drain")
    of_bare_sql = ("against_bare_sql", "two_engine_processes_against_bare_sql", "verify_timeouts_against_bare_sql")
    for each in (*of_bare_sql, "sealing", "working_time_against_continuous"):
        _is_compared(figures[each])


@pytest.mark.slow
async def test_lateness(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lateness, "_LEAD_S", 6)
    figures = await _small(database_url, "lateness")
    _is_compared(figures["p99_with_reports_against_without"])
    _is_compared(figures["p99_in_working_time_against_continuous"])
    for series in ("with_reports", "with_reports_in_working_time"):
        (turn,) = figures[series]
        assert turn["fired"] == SMALL.rate * SMALL.seconds
        assert turn["p50"] <= turn["p99"] <= turn["max"]


async def test_queue(database_url: str) -> None:
    figures = await _small(database_url, "queue")
    assert figures["items_of_a_page"] > 0
    _is_compared(figures["unchanged_against_healthz"])
    _is_compared(figures["changed_against_healthz"])


async def test_queues_change_while_changed_pages_are_read(haizhu: Database) -> None:
    """Or a page that was kept from before would do."""
    units = ["440105003001", "440105003002"]
    async with queue._changing(haizhu, units), asyncio.timeout(20):
        while await _one(haizhu, "SELECT count(*) FROM log_batch WHERE queues <> '{}'") < 2:
            await asyncio.sleep(0.02)
    async with haizhu.begin() as tx:
        await numbering.seal(tx)
    assert await _one(haizhu, "SELECT count(*) FROM queue_mark WHERE state = 'calling' AND position > 0") == len(units)


async def test_batch(database_url: str) -> None:
    figures = await _small(database_url, "batch")
    _is_compared(figures["against_single"])
    _is_compared(figures["against_single_of_many_clients"])


async def test_waiters(database_url: str) -> None:
    figures = await _small(database_url, "waiters")
    for name in ("mean", "p50", "p99"):
        _is_compared(figures[f"{name}_with_waiters_against_without"])


async def test_appraisal(database_url: str) -> None:
    figures = await _small(database_url, "appraisal")
    for grouping in Grouping:
        _is_compared(figures[f"by_{grouping}_against_count"])
    assert figures["calls"] == 4 * figures["calls_of_the_month"] == 2_400


async def test_seeded_calls_lie_in_their_month(haizhu: Database) -> None:
    await appraisal.seed(haizhu, appraisal.MONTH.start, appraisal.MONTH.end, 3_000)
    inside = "SELECT count(*) FROM call WHERE opened_at >= '2026-11-01 00:00+08' AND opened_at < '2026-12-01 00:00+08'"
    assert await _one(haizhu, inside) == 3_000
    assert await _one(haizhu, "SELECT count(DISTINCT outcome) FROM call") == 7


@pytest.fixture
def given(server: URL) -> Settings:
    return Settings(database_url=server.render_as_string(hide_password=False))


def test_a_given_server_gets_a_database_of_our_own_that_goes_away_again(given: Settings) -> None:
    with databases.fresh(given) as url:
        assert url != given.database_url
        assert "sihu_bench_" in url


def test_every_measurement_can_be_asked_for() -> None:
    for what in ("ingest", "batch", "drain", "lateness", "queue", "waiters", "appraisal", "history", "all"):
        assert parser._parser().parse_args(["bench", what]).command is run.run


def test_a_ratio_is_the_median_of_the_rounds_pair_by_pair() -> None:
    assert comparison([2.0, 8.0, 3.0], [1.0, 2.0, 3.0])["ratio"] == 2.0
