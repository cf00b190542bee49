"""A month knows how it began, and whether it is closed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from service.rules.figures.definition import Period
from service.store.database import Database
from service.store.figures import months
from service.store.figures.months import Closing, KnownMonth
from service.store.figures.tables import appraisal_month

pytestmark = pytest.mark.anyio

MONTH = Period(2026, 10)
CLOSING = Closing(datetime(2026, 11, 3, tzinfo=UTC), ("example", 2), "00ff")


async def _known(database: Database, period: Period = MONTH) -> KnownMonth:
    async with database.read() as connection:
        return await months.known(connection, period)


async def test_a_month_had_begun_when_its_row_says_so(database: Database) -> None:
    async with database.begin() as tx:
        rows = [{"period": f"2026-{month}", "definition": each} for month, each in ((10, "before"), (11, None))]
        await tx.execute(insert(appraisal_month), rows)
    found = [await _known(database, Period(2026, month)) for month in (10, 11, 12)]
    assert found == [KnownMonth(each, None) for each in (True, False, False)]


@pytest.mark.parametrize("closing", [CLOSING, CLOSING._replace(policy=None)])
async def test_a_month_is_closed_with_its_policy(database: Database, closing: Closing) -> None:
    async with database.begin() as tx:
        assert await months.locked(tx, MONTH) == KnownMonth(False, None)
        await months.close(tx, MONTH, closing)
    assert await _known(database) == KnownMonth(False, closing)
    assert await _known(database, Period(2026, 9)) == KnownMonth(False, None)


async def test_a_closed_month_keeps_how_it_began(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(insert(appraisal_month), {"period": str(MONTH), "definition": "before"})
        await months.close(tx, MONTH, CLOSING)
    assert await _known(database) == KnownMonth(True, CLOSING)


async def test_of_two_who_lock_a_month_one_waits(database: Database) -> None:
    async with database.begin() as tx:
        await months.locked(tx, MONTH)

        async def second() -> KnownMonth:
            async with database.begin() as other:
                return await months.locked(other, MONTH)

        waiting = asyncio.create_task(second())
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
        await months.close(tx, MONTH, CLOSING)
    assert (await waiting).closing == CLOSING
