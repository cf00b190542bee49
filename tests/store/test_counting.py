"""Counts in rows: what is added, what comes back, and that nobody counts beside a lock."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from service.store import counting
from service.store.access import quotas
from service.store.access.tables import report_quota
from service.store.database import Database, Transaction

pytestmark = pytest.mark.anyio

DAY, NEXT = date(2026, 11, 23), date(2026, 11, 24)


async def count(tx: Transaction, day: date, *counts: tuple[str, int, int], above: tuple[int, int] = (0, 0)) -> Any:
    new = quotas.counts_of(day, counts, above)
    return (await tx.execute(counting.alone(report_quota), new.parameters())).scalar_one()


async def test_counts_are_added_and_the_sums_come_back(database: Database) -> None:
    odd = 'o"\\\x1f四'
    async with database.begin() as tx:
        sums = await count(tx, DAY, (odd, 2, 1), ("a", 1, 0))
    assert sums == [["2026-11-23", "a", 1, 0], ["2026-11-23", odd, 2, 1]]
    async with database.begin() as tx:
        assert await count(tx, NEXT, ("a", 5, 5)) == [["2026-11-24", "a", 5, 5]]
        assert await count(tx, DAY, ("a", 3, 2)) == [["2026-11-23", "a", 4, 2]]
    async with database.read() as connection:
        stored = [tuple(row) for row in await connection.execute(select(report_quota))]
    assert sorted(stored) == [(DAY, "a", 4, 2), (DAY, odd, 2, 1), (NEXT, "a", 5, 5)]


async def test_only_sums_above_a_limit_come_back(database: Database) -> None:
    async with database.begin() as tx:
        assert await count(tx, DAY, ("a", 3, 1), ("b", 2, 2), above=(3, 2)) is None
        sums = await count(tx, DAY, ("a", 1, 0), ("b", 1, 1), ("c", 3, 2), above=(3, 2))
    assert sums == [["2026-11-23", "a", 4, 1], ["2026-11-23", "b", 3, 3]]


async def test_who_counts_waits_for_who_counted_before(database: Database) -> None:
    async def another() -> Any:
        async with database.begin() as tx:
            return await count(tx, DAY, ("a", 1, 0))

    async with database.begin() as tx:
        await count(tx, DAY, ("a", 1, 0))
        waiting = asyncio.create_task(another())
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
    assert await waiting == [["2026-11-23", "a", 2, 0]]
