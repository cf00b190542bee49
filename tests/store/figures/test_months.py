"""A month knows whether it had begun when fair play came into the figures."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from service.rules.figures.definition import Period
from service.store.database import Database
from service.store.figures.months import had_begun_before
from service.store.figures.tables import appraisal_month

pytestmark = pytest.mark.anyio


async def test_a_month_had_begun_when_its_row_says_so(database: Database) -> None:
    async with database.begin() as tx:
        rows = [{"period": f"2026-{month}", "definition": each} for month, each in ((10, "before"), (11, None))]
        await tx.execute(insert(appraisal_month), rows)
    async with database.read() as connection:
        found = [await had_begun_before(connection, Period(2026, month)) for month in (10, 11, 12)]
    assert found == [True, False, False]
