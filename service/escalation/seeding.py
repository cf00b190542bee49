"""The seeds of spot checks are made while time passes, each before its month begins, and handed to whoever draws."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from service.rules.figures.definition import Period
from service.rules.spot_checks import Seeds
from service.store.database import Database, StatementRefused
from service.store.figures import seeds
from service.store.log.writing import Committed

_log = logging.getLogger(__name__)

Tell = Callable[[Committed], None]


async def ready(database: Database, now: datetime, tell: Tell) -> Seeds:
    """Return the seeds of the month of `now` and of the next one, which are made where they are lacking. They leave
    this process only when their month is closed. Empty: the registry has no district yet, and no incident either.

    A seed that cannot be made stops no deadline: without it, nothing can close unverified in its month, and all else
    goes on. Raises `Unavailable`.
    """
    found = await _known(database, now)
    if len(found) == 2:
        return found
    try:
        await make_ahead(database, now, tell)
    except StatementRefused:
        _log.exception("the seed of a month could not be made", extra={"event": "seeding_failed"})
        return found
    return await _known(database, now)


async def _known(database: Database, now: datetime) -> Seeds:
    period = Period.at(now)
    async with database.glance() as connection:
        found = await seeds.seeds_of(connection, [period, period.next])
    return {each: bytes.fromhex(known.seed) for each, known in found.items()}


async def make_ahead(database: Database, now: datetime, tell: Tell, until: datetime | None = None) -> None:
    """Make the seeds that are lacking for the month of `now` and the next one; before the clock moves on to `until`,
    those of all months on the way as well.

    Raises `Unavailable`.
    """
    async with database.begin() as tx:
        committed = await seeds.make_ahead(tx, now, until)
    if committed is not None:
        tell(committed)
