"""What `sihu bench history` makes and measures, in small: closed incidents as a life would have left them, every
operation on a real service, and the pages that dead rows cost."""

from __future__ import annotations

import argparse
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from service.bench import history, history_seeding, litter, load, promises, run
from service.bench.operations import Keys, Operation
from service.bench.seeding import seed
from service.ids import time_of
from service.rules.sight import EVERYTHING
from service.store import soundness
from service.store.database import Database
from service.store.incidents.claiming import FIRST
from service.store.log import feed, numbering
from service.store.log.feed import FeedFilter

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
MANY = 1_000
SMALL = argparse.Namespace(open=6_000, due=50, rounds=1, history=2_000)
_INDEXES = text(
    "SELECT tablename, regexp_replace(indexdef, 'INDEX .* ON', 'INDEX ON') FROM pg_indexes "
    "WHERE schemaname = current_schema() ORDER BY 1, 2"
)
_CONSTRAINTS = text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('p', 'u') ORDER BY 1"
)


async def _one(database: Database, question: str) -> Any:
    async with database.read() as connection:
        return (await connection.execute(text(question))).scalar_one()


async def _rows(database: Database, question: Any) -> list[tuple[Any, ...]]:
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(question)]


@pytest.fixture
async def lived(haizhu: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A thousand closed incidents, in more than one chunk."""
    monkeypatch.setattr(history_seeding, "_CHUNK", 400)
    await history_seeding.seed(haizhu, MANY + 3, NOW)
    return haizhu


async def test_closed_incidents_are_sound(lived: Database) -> None:
    """By the same rules by which a backup is examined."""
    async with lived.read() as connection:
        assert [fault async for fault in soundness.faults(connection)] == []


async def test_a_closed_incident_is_whole(lived: Database) -> None:
    assert await _one(lived, "SELECT count(*) FROM incident JOIN report USING (id, grid_code, reported_at)") == MANY
    last = "SELECT count(*) FROM incident JOIN call ON id = incident_id AND call.seq = incident.seq"
    assert await _one(lived, f"{last} WHERE outcome = 'resolved' AND ended_at < closed_at") == MANY
    for table, column, count in (("call", "seq", 3), ("event", "sequence", 8)):
        of_each = f"SELECT incident_id, array_agg({column} ORDER BY {column}) AS found FROM {table} GROUP BY 1"
        whole = f"CAST(found AS integer[]) = ARRAY(SELECT generate_series(1, {count}))"
        assert await _one(lived, f"SELECT count(*) FROM ({of_each}) AS grouped WHERE {whole}") == MANY
    strangers = "SELECT count(*) FROM incident i WHERE NOT EXISTS (SELECT FROM cell WHERE code = i.grid_code)"
    assert await _one(lived, strangers) == 0


async def test_an_id_carries_the_time_of_its_report(lived: Database) -> None:
    rows = await _rows(lived, text("SELECT id, reported_at FROM incident"))
    assert all(abs((time_of(id_) - reported_at).total_seconds()) < 0.001 for id_, reported_at in rows)


async def test_the_log_of_closed_incidents_has_no_gap(lived: Database) -> None:
    batches = await _rows(lived, text("SELECT id, events, last_position FROM log_batch ORDER BY id"))
    position = 0
    for _, events, last_position in batches:
        position += events
        assert last_position == position
    written = await _rows(lived, text("SELECT batch_id, count(*), max(ord) FROM event GROUP BY 1 ORDER BY 1"))
    assert written == [(id_, events, events) for id_, events, _ in batches]
    assert await _one(lived, "SELECT count(*) FROM log_batch WHERE events <> 1") < 4.3 * MANY
    async with lived.read() as connection:
        page = await feed.read(connection, position - 100, 100, FeedFilter(EVERYTHING))
    assert len(page.events) == 100


async def test_the_log_goes_on_after_the_closed_incidents(lived: Database) -> None:
    last = await _one(lived, "SELECT max(id) FROM log_batch")
    async with lived.begin() as tx:
        await tx.execute(text("INSERT INTO log_batch (events, queues, reload) VALUES (1, '{}', '{}')"))
        assert await numbering.seal(tx) == 1
    assert await _one(lived, "SELECT max(id) FROM log_batch") == last + 1


async def test_indexes_are_as_before(haizhu: Database) -> None:
    before = await _rows(haizhu, _INDEXES), await _rows(haizhu, _CONSTRAINTS)
    await history_seeding.seed(haizhu, 10, NOW)
    assert (await _rows(haizhu, _INDEXES), await _rows(haizhu, _CONSTRAINTS)) == before


async def test_the_pages_of_dead_rows_are_counted(lived: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await seed(lived, 500, reported_at=NOW, due_at=NOW, name="open")
    before = await litter.pages(lived)
    _shrink(monkeypatch)

    found = await litter.measure(lived)

    assert 0 < before <= found["pages"]
    assert found["dead_rows"] == 2_000
    async with lived.read() as connection:
        everywhere = await litter._pages_of_next_wake(connection, FIRST)
    assert before <= found["peak_pages"] < everywhere, "a look from the first of all walks over the dead rows"
    moved = "SELECT count(*) FROM incident WHERE wake_at > due_at + interval '39 days'"
    assert await _one(lived, moved) == 500


def _shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DEAD_ROWS": 2_000, "BETWEEN": 200, "STEP": 200, "MAX_WAIT_S": 0.1}.items():
        monkeypatch.setattr(litter, name, value)
    monkeypatch.setattr(history, "SAMPLES", 3)
    monkeypatch.setattr(history, "SMALL", 1_000)


@pytest.mark.slow
async def test_history(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _shrink(monkeypatch)
    figures = await run.figures_of(database_url, history.measure, SMALL)

    promised = promises.of_bench("history")
    assert [each.figure for each in promised if each.found_in(figures) is None] == []
    for name, operation in figures["operations"].items():
        found = promises.of("history", f"operations/{name}/ratio")
        assert found is not None and operation["promise"] == found.demand
        assert operation["small"] > 0 and operation["big"] > 0
    assert figures["closed_incidents"] == {"small": 1_000, "big": 2_000}
    assert figures["operations"]["list_newest"]["items_big"] == 50
    empty = ("on_hold", "open_of_a_department", "overdue", "level_4", "updated", "unreported_category", "unit_open")
    assert {figures["operations"][f"list_{name}"]["items_big"] for name in empty} == {0}
    others = {f"list_{name}" for name in ("newest", "own_reports", "open_of_a_street", "of_a_department")}
    assert all(figures["operations"][name]["items_big"] > 0 for name in (*others, "feed_of_a_department"))


async def test_an_operation_that_fails_has_no_figure() -> None:
    """The others have theirs. It may be that the database cannot do it in time."""
    failed = history.Series([1.0], [2.0], [], ["503 busy"])

    shown = history._shown("list_overdue", failed)

    assert shown == {"failed": "503 busy", "promise": "<= 1.5"}
    [promise] = [each for each in promises.of_bench("history") if "list_overdue" in each.figure]
    assert promise.found_in({"operations": {"list_overdue": shown}}) is None


async def test_after_an_unexpected_status_the_next_operation_goes_on(
    haizhu: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two(_database: Database, _port: int, _keys: Keys, _samples: int) -> list[Operation]:
        wire = load.request("GET", "/healthz", {})
        return [Operation("get_incident", [wire], 418), Operation("timeline", [wire])]

    monkeypatch.setattr(history, "operations", two)
    found: dict[str, history.Series] = defaultdict(lambda: history.Series([], [], [], []))
    side = history.Side(haizhu, {})

    await history._compare_requests(side, side, found)

    assert [each[:3] for each in found["get_incident"].failures] == ["200"]
    assert len(found["timeline"].small) == len(found["timeline"].big) == 1
    assert found["timeline"].failures == []
