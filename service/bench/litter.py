"""What dead rows cost the engine: how many pages its look for the nearest deadline reads.

The index of deadlines is a queue: its entries die where the look begins, and only a vacuum takes them away. So the look
is tried after each of many updates that move deadlines, with autovacuum as the server has it, then after an autovacuum
has come, and once more among the dead rows that lie between two vacuums.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import TextClause

from service import clock
from service.bench.figures import print_progress
from service.store.database import Database
from service.store.incidents import claiming
from service.store.incidents.claiming import FIRST, WakePlace

DEAD_ROWS = 300_000
BETWEEN = 15_000
"""The dead rows between two vacuums: fewer than those after which the next one comes."""
STEP = 5_000
MAX_WAIT_S = 180
"""Autovacuum looks every minute at what there is to do, unless the server is set otherwise."""
_MOVE = text(
    """
UPDATE incident SET wake_at = greatest(wake_at, now()) + interval '40 days'
WHERE id IN (SELECT id FROM incident WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT :many)
"""
)
_BUSY = text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'")
_VACUUMS = text("SELECT autovacuum_count FROM pg_stat_user_tables WHERE relid = CAST('incident' AS regclass)")


async def measure(database: Database) -> dict[str, Any]:
    """Measure the pages: the most while the dead rows were made (`peak_pages`), and the most after that, once an
    autovacuum has come (`pages`)."""
    vacuums = await _vacuums(database)
    made = await _litter(database, DEAD_ROWS)
    print_progress("waiting for an autovacuum of the incidents")
    waited_s = await _wait(database, vacuums)
    between = [await pages(database), *await _litter(database, BETWEEN)]
    return {
        "dead_rows": DEAD_ROWS,
        "peak_pages": max(made),
        "pages": max(between),
        "autovacuums": await _vacuums(database) - vacuums,
        "waited_s": round(waited_s, 1),
    }


async def _litter(database: Database, many: int) -> list[int]:
    """Move the nearest deadlines, page by page, and return how many pages the look reads after each."""
    found = []
    for _ in range(0, many, STEP):
        async with database.begin() as tx:
            await tx.execute(_MOVE, {"many": STEP})
        found.append(await pages(database))
    return found


async def pages(database: Database) -> int:
    """The pages that the engine's own look for the nearest deadline reads, when it has looked a moment ago: it begins
    where the look before it has found somebody."""
    async with database.read() as connection:
        nearest = await claiming.nearest(connection)
        return await _pages_of_next_wake(connection, FIRST if nearest is None else nearest.just_before())


async def _pages_of_next_wake(connection: AsyncConnection, start: WakePlace) -> int:
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    await claiming.next_wake(connection, start)
    event.remove(connection.sync_connection, "before_cursor_execute", note)
    total = 0
    for statement, parameters in sent:
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        found = (await connection.exec_driver_sql(explain, parameters)).scalar_one()
        [plan] = json.loads(found) if isinstance(found, str) else found
        total += plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return total


async def _wait(database: Database, vacuums: int) -> float:
    """Wait until an autovacuum of `incident` has ended, and whatever it does beside, at most `MAX_WAIT_S`. Returns the
    seconds."""
    start = clock.monotonic()
    while clock.monotonic() - start < MAX_WAIT_S:
        if await _vacuums(database) > vacuums and await _number(database, _BUSY) == 0:
            break
        await asyncio.sleep(0.5)
    return clock.monotonic() - start


async def _vacuums(database: Database) -> int:
    return await _number(database, _VACUUMS)


async def _number(database: Database, question: TextClause) -> int:
    async with database.read() as connection:
        return int((await connection.execute(question)).scalar_one())
