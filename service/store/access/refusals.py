"""Refusals as rows: how many there were in an hour, of whom, from where, why and of which operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.access.tables import refusal

MAX_PIECE = 1000
"""The rows of past hours that one transaction removes."""
_KEY = (refusal.c.hour, refusal.c.subject, refusal.c.address, refusal.c.code, refusal.c.operation)

RefusalPlace = tuple[datetime, str, str, str, str]
"""Where a row stands in the list: by its key."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The refusals of one hour, which begins at `hour`. `subject` is empty for whoever did not sign in, or where there
    were too many to be told apart; then `address` is empty as well. `last_at`: when the last one was."""

    hour: datetime
    subject: str
    address: str
    code: str
    operation: str
    count: int
    last_at: datetime

    @property
    def place(self) -> RefusalPlace:
        return self.hour, self.subject, self.address, self.code, self.operation


async def count_up(tx: AsyncConnection, counted: Sequence[Refused]) -> None:
    """Add these counts to those that are stored. Rows are locked in one order, since several processes write the same
    ones."""
    rows = insert(refusal).values([asdict(each) for each in sorted(counted, key=lambda each: each.place)])
    new = rows.excluded
    sums = {"count": refusal.c.count + new.count, "last_at": func.greatest(refusal.c.last_at, new.last_at)}
    await tx.execute(rows.on_conflict_do_update(index_elements=[column.name for column in _KEY], set_=sums))


async def newest(
    connection: AsyncConnection,
    *,
    limit: int,
    before: RefusalPlace | None = None,
    subject: str | None = None,
    code: str | None = None,
    since: datetime | None = None,
) -> Sequence[Refused]:
    """Return at most `limit` rows, the newest hour first; with `before`, only those behind that place. None: whatever
    theirs is."""
    statement = select(refusal).order_by(*(column.desc() for column in _KEY)).limit(limit)
    if before is not None:
        statement = statement.where(tuple_(*_KEY) < tuple_(*before))
    if subject is not None:
        statement = statement.where(refusal.c.subject == subject)
    if code is not None:
        statement = statement.where(refusal.c.code == code)
    if since is not None:
        statement = statement.where(refusal.c.hour >= since)
    return [Refused(**row) for row in (await connection.execute(statement)).mappings()]


async def remove_before(tx: AsyncConnection, hour: datetime) -> int:
    """Remove at most `MAX_PIECE` rows of the hours before `hour`. Returns how many there were."""
    old = select(*_KEY).where(refusal.c.hour < hour)
    # whoever removes the same rows at the same moment is left to it
    piece = old.order_by(*_KEY).limit(MAX_PIECE).with_for_update(skip_locked=True)
    return (await tx.execute(delete(refusal).where(tuple_(*_KEY).in_(piece)))).rowcount
