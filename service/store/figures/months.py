"""What is known of a month beside its calls."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.figures.definition import Period
from service.store.figures.tables import appraisal_month


async def had_begun_before(connection: AsyncConnection, period: Period) -> bool:
    """Return whether a month had begun when the facts of fair play came into the figures, so that its early calls have
    but some of them."""
    row = appraisal_month.c
    found = await connection.execute(select(row.definition).where(row.period == str(period)))
    return found.scalar() is not None
