"""The counts of days: their order, the day they belong to, and how those of past days go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from service.store.access import quotas
from service.store.access.tables import report_quota
from service.store.database import Database

pytestmark = pytest.mark.anyio

DAY = date(2026, 11, 23)


def test_a_day_begins_at_midnight_in_shanghai() -> None:
    midnight = datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert (quotas.day_of(midnight), quotas.day_of(midnight - timedelta(microseconds=1))) == (DAY, date(2026, 11, 22))


def test_rows_are_locked_in_one_order() -> None:
    counts = quotas.counts_of(DAY, [("b", 1, 0), ("a", 2, 1)], (300, 30))
    assert counts.table is report_quota
    assert (counts.page["day"], tuple(counts.page["subject"])) == ([DAY] * 2, ("a", "b"))
    assert (tuple(counts.page["reports"]), counts.above) == ((2, 1), {"reports": 300, "urgent": 30})


async def test_past_days_are_removed_piece_by_piece(database: Database) -> None:
    rows = [
        {"day": DAY - timedelta(days=1 + n % 2), "subject": f"s-{n}", "reports": 1, "urgent": 0}
        for n in range(quotas.MAX_PIECE + 5)
    ]
    async with database.begin() as tx:
        await tx.execute(insert(report_quota), [*rows, {"day": DAY, "subject": "s", "reports": 1, "urgent": 0}])
    removed = []
    for _ in range(3):
        async with database.begin() as tx:
            removed.append(await quotas.remove_before(tx, DAY))
    assert removed == [quotas.MAX_PIECE, 5, 0]
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(report_quota))).scalar_one() == 1
