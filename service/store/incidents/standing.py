"""How the open incidents stand, level by level, for the gauges of the deployment."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.incidents.tables import incident

# the partial index of open incidents is to be read, whatever the planner thinks, since the whole table grows with
# history; and one core is enough for figures that nobody waits for
_FRUGAL = {"enable_seqscan": "off", "max_parallel_workers_per_gather": "0"}
_OPEN = (
    select(incident.c.level, func.count(), func.min(incident.c.due_at))
    .where(incident.c.state != "closed")
    .group_by(incident.c.level)
)


class LevelStanding(NamedTuple):
    """The open incidents of one level: how many, and the deadline of the most urgent one."""

    open: int
    oldest_due_at: datetime


async def by_level(connection: AsyncConnection, timeout_ms: int) -> dict[int, LevelStanding]:
    """Return the standing of each level that has open incidents. The cost grows with what is open; a count that takes
    longer than `timeout_ms` is cancelled. The settings are for this transaction alone."""
    settings = {**_FRUGAL, "statement_timeout": str(timeout_ms)}
    await connection.execute(select(*(func.set_config(name, value, True) for name, value in settings.items())))
    return {level: LevelStanding(count, due) for level, count, due in await connection.execute(_OPEN)}
