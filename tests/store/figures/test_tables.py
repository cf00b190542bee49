"""The database refuses what a month and its seed can never be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from service.store.database import Database
from service.store.figures.tables import appraisal_month, appraisal_seed

pytestmark = pytest.mark.anyio


async def test_a_month_has_no_other_definition(database: Database) -> None:
    with pytest.raises(IntegrityError, match="appraisal_month_definition"):
        async with database.begin() as tx:
            await tx.execute(insert(appraisal_month), {"period": "2026-10", "definition": "after"})


@pytest.mark.parametrize("seed", [b"", b"short", b"5" * 33])
async def test_a_seed_has_32_bytes(database: Database, seed: bytes) -> None:
    row = {"period": "2026-10", "seed": seed, "published_at": datetime(2026, 9, 1, tzinfo=UTC)}
    with pytest.raises(IntegrityError, match="appraisal_seed_seed"):
        async with database.begin() as tx:
            await tx.execute(insert(appraisal_seed), row)
