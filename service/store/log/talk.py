"""The comments and urges of one subject, which the log counts: it holds over all processes and restarts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import locks
from service.store.log.tables import TALK, event


async def lock(tx: AsyncConnection, subject: str) -> None:
    """Keep the subject's other comments and urges waiting until this transaction ends, so that each counts those before
    it. It is taken before any incident is locked, so that no two transactions can wait for each other."""
    await tx.execute(locks.of_subject(subject))


async def newest(tx: AsyncConnection, subject: str, place: int, after: datetime) -> datetime | None:
    """Return when the subject sent its newest comment or urge but `place` - 1, if that was later than `after`: with
    `place` 60, the sixtieth from the end. None: it has not sent so many since then."""
    found = (
        select(event.c.at)
        .where(TALK, event.c.subject == subject, event.c.at > after)
        .order_by(event.c.at.desc())
        .offset(place - 1)
        .limit(1)
    )
    return (await tx.execute(found)).scalar_one_or_none()
