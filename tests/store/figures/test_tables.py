"""The database refuses what a month, its frozen figures and its seed can never be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from service.store.database import Database
from service.store.figures.tables import appraisal_frozen, appraisal_month, appraisal_seed

pytestmark = pytest.mark.anyio


async def test_a_month_has_no_other_definition(database: Database) -> None:
    with pytest.raises(IntegrityError, match="appraisal_month_definition"):
        async with database.begin() as tx:
            await tx.execute(insert(appraisal_month), {"period": "2026-10", "definition": "after"})


_CLOSED = {"closed_at": datetime(2026, 11, 3, tzinfo=UTC), "digest": "00"}


@pytest.mark.parametrize(
    "columns",
    [
        {"closed_at": _CLOSED["closed_at"]},
        {"digest": "00"},
        {**_CLOSED, "policy_code": "example"},
        {"policy_code": "example", "policy_version": 1},
    ],
)
async def test_a_month_is_closed_as_a_whole(database: Database, columns: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="appraisal_month_closed"):
        async with database.begin() as tx:
            await tx.execute(insert(appraisal_month), {"period": "2026-10", **columns})


async def test_frozen_figures_are_those_of_a_month(database: Database) -> None:
    row = {"period": "2026-10", "unit": "u", "level": 1, "community": "440105003001", "line": "urban"}
    with pytest.raises(IntegrityError, match="appraisal_frozen_period_fkey"):
        async with database.begin() as tx:
            await tx.execute(insert(appraisal_frozen), row)


@pytest.mark.clause("ASVS 11.5.1")
@pytest.mark.parametrize("seed", [b"", b"short", b"5" * 33])
async def test_a_seed_has_32_bytes(database: Database, seed: bytes) -> None:
    row = {"period": "2026-10", "seed": seed, "published_at": datetime(2026, 9, 1, tzinfo=UTC)}
    with pytest.raises(IntegrityError, match="appraisal_seed_seed"):
        async with database.begin() as tx:
            await tx.execute(insert(appraisal_seed), row)
