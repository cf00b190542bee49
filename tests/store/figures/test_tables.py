"""The database refuses what a month can never be."""

from __future__ import annotations

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from service.store.database import Database
from service.store.figures.tables import appraisal_month

pytestmark = pytest.mark.anyio


async def test_a_month_has_no_other_definition(database: Database) -> None:
    with pytest.raises(IntegrityError, match="appraisal_month_definition"):
        async with database.begin() as tx:
            await tx.execute(insert(appraisal_month), {"period": "2026-10", "definition": "after"})
