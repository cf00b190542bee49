"""Which incidents belong to a flood: by reporter and time alone, found by the index of reporters."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.bench.seeding import seed
from service.store.database import Database
from service.store.incidents import floods

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def _page(database: Database, reporter: str, since: datetime, until: datetime, limit: int = 500) -> int:
    async with database.begin() as tx:
        return len(await floods.page(tx, reporter, since, until, limit))


async def test_a_page_holds_what_one_reporter_sent_in_a_time(haizhu: Database) -> None:
    """Both instants belong to it."""
    for n in range(3):
        await seed(haizhu, 2, reported_at=NOW + n * HOUR, due_at=NOW + 9 * HOUR, name=f"hour-{n}")
    async with haizhu.begin() as tx:
        reporter = (await tx.execute(text("SELECT min(reporter) FROM report"))).scalar_one()
        await tx.execute(text("UPDATE report SET reporter = :reporter"), {"reporter": reporter})
    assert await _page(haizhu, reporter, NOW, NOW + HOUR) == 4
    assert await _page(haizhu, reporter, NOW, NOW) == 2
    assert await _page(haizhu, reporter, NOW, NOW + 9 * HOUR, limit=5) == 5
    assert await _page(haizhu, "another", NOW, NOW + 9 * HOUR) == 0


async def test_a_page_costs_as_much_as_the_reporter_sent(haizhu: Database) -> None:
    await seed(haizhu, 2000, reported_at=NOW, due_at=NOW + HOUR)
    async with haizhu.begin() as tx:
        await tx.execute(text("UPDATE report SET reporter = 'one' WHERE id = (SELECT min(id::text)::uuid FROM report)"))
        await tx.execute(text("ANALYZE report"))
    async with haizhu.read() as connection:
        for query in (floods._OPEN, floods._UNFAIR):
            values = {"reporter": "one", "since": NOW, "until": NOW + HOUR, "limit": 500}
            statement = query.params(values).compile(connection.engine, compile_kwargs={"literal_binds": True})
            found = (await connection.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"))).scalar_one()
            plan = found if isinstance(found, str) else json.dumps(found)
            assert "report_reporter_idx" in plan
            assert '"Relation Name": "report"' not in plan or "Seq Scan" not in plan
