"""Places in the log that cannot be mistaken: a position, with the mark of the batch that holds it.

Positions are given out again after a restore or a failover that lost the newest batches. The mark of a batch is random,
so whoever knows both finds out that it has read something else there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.log.tables import log_batch

_DIGITS = 16


class LogPlace(NamedTuple):
    """A position and the mark of its batch. Position 0 is the beginning and lies in no batch. A `mark` of None is not
    known, and an empty one is that of a batch from before batches had marks."""

    position: int
    mark: str | None = None


BEGINNING = LogPlace(0)


class LostPlaceError(Exception):
    """The log holds other events at a place than it once did, or none at all. `kept` is False where the log no longer
    keeps what follows the place, since that is too old."""

    def __init__(self, place: LogPlace, *, kept: bool = True) -> None:
        super().__init__(place)
        self.place = place
        self.kept = kept


def short(mark: UUID | None) -> str:
    """The mark of a batch as places carry it: 64 random bits; nothing for a batch from before batches had marks."""
    return mark.hex[:_DIGITS] if mark is not None else ""


_BATCH = select(log_batch.c.last_position, log_batch.c.mark, log_batch.c.events)


def _ends() -> Select[Any]:
    """The last batch, and beside it the first one that ends at `after` or later: one statement, since the feed asks for
    both on each read."""
    after = bindparam("after", type_=log_batch.c.last_position.type)
    newest = _BATCH.where(log_batch.c.last_position.is_not(None)).order_by(log_batch.c.last_position.desc())
    here = _BATCH.where(log_batch.c.last_position >= after).order_by(log_batch.c.last_position).limit(1).subquery()
    last = newest.limit(1).subquery()
    start = here.c.last_position - here.c.events
    both = last.outerjoin(here, literal(True))
    return select(last.c.last_position, last.c.mark, start, here.c.mark).select_from(both)


_ENDS = _ends()  # made once: to put it together takes longer than to carry it out


async def end_after(connection: AsyncConnection, place: LogPlace) -> LogPlace:
    """Return the end of the log, after a look at whether the log still holds `place`.

    Raises:
        LostPlaceError: the log ends before the place, has another batch there, or no longer keeps what follows it.
    """
    found = (await connection.execute(_ENDS, {"after": place.position})).one_or_none()
    last, last_mark, start, mark = found or (0, None, None, None)
    if place.position == 0:
        return LogPlace(last, short(last_mark)) if last else BEGINNING
    if start is None or (start < place.position and place.mark not in (None, short(mark))):
        raise LostPlaceError(place)
    if start > place.position:
        raise LostPlaceError(place, kept=False)
    return LogPlace(last, short(last_mark))


async def end(connection: AsyncConnection) -> LogPlace:
    """Return the place of the last numbered event."""
    return await end_after(connection, BEGINNING)


async def newest(connection: AsyncConnection, limit: int) -> list[LogPlace]:
    """Return the ends of the last batches, oldest first. The first one is the beginning where the log has fewer."""
    found = _BATCH.where(log_batch.c.last_position.is_not(None)).order_by(log_batch.c.last_position.desc())
    places = [LogPlace(row.last_position, short(row.mark)) for row in await connection.execute(found.limit(limit))]
    return ([] if len(places) == limit else [BEGINNING]) + places[::-1]


async def at(connection: AsyncConnection, position: int) -> LogPlace:
    """Return the place with this position, which the log holds."""
    if position == 0:
        return BEGINNING
    holds = select(log_batch.c.mark).where(log_batch.c.last_position >= position)
    mark = (await connection.execute(holds.order_by(log_batch.c.last_position).limit(1))).scalar_one_or_none()
    return LogPlace(position, short(mark))


async def last_common(connection: AsyncConnection, places: Sequence[LogPlace]) -> LogPlace | None:
    """Return the last of these ends of batches, given in order, that the log still holds; None when it holds none."""
    if not places:
        return None
    found = select(log_batch.c.last_position, log_batch.c.mark).where(
        log_batch.c.last_position.between(places[0].position, places[-1].position)
    )
    stored = {LogPlace(row.last_position, short(row.mark)) for row in await connection.execute(found)}
    return next((place for place in reversed(places) if place in stored), None)
