"""The seeds of spot checks are made while time passes: each before its month begins."""

from __future__ import annotations

from datetime import datetime

from service.escalation.sweep import Tell
from service.store.database import Database
from service.store.figures import seeds


async def make_ahead(database: Database, now: datetime, tell: Tell, until: datetime | None = None) -> None:
    """Make the seeds that are lacking for the month of `now` and the next one, before the clock moves on to `until`
    those of all months up to the one after it as well.

    Raises `Unavailable`.
    """
    async with database.begin() as tx:
        committed = await seeds.make_ahead(tx, now, until)
    if committed is not None:
        tell(committed)
