"""The sessions of browsers as rows. Only the SHA-256 of a session's cookie is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.model import Actor
from service.rules.words import Role
from service.store.access.tables import access_session

MAX_PIECE = 1000
"""The old sessions that one transaction removes."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a browser. It was begun with the key `key_id`, or belongs to `person`, whom the issuer named: one of
    the two is None. It ends at `expires_at`, and earlier when its browser asks for nothing for as long as `idle` (None:
    that does not matter). `seen_at` is when its browser asked for something last, as far as that is written."""

    id: UUID
    key_id: UUID | None
    person: Actor | None
    created_at: datetime
    expires_at: datetime
    idle: timedelta | None
    seen_at: datetime


async def add(tx: AsyncConnection, session: Session, digest: bytes) -> None:
    """Store a new session by the digest of its cookie."""
    person = session.person
    values: dict[str, Any] = {
        "id": session.id,
        "digest": digest,
        "key_id": session.key_id,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
        "idle": session.idle,
        "seen_at": session.seen_at,
    }
    if person is not None:
        values |= {"role": person.role, "subject": person.subject, "unit": person.unit, "area": person.area}
    await tx.execute(insert(access_session).values(values))


async def find(connection: AsyncConnection, digest: bytes) -> Session | None:
    """Return the session with this digest; None when there is none, or it was ended."""
    its = access_session.c.digest == digest, access_session.c.ended_at.is_(None)
    row = (await connection.execute(select(access_session).where(*its))).first()
    if row is None:
        return None
    person = None if row.role is None else Actor(Role(row.role), row.subject, unit=row.unit, area=row.area)
    return Session(row.id, row.key_id, person, row.created_at, row.expires_at, row.idle, row.seen_at)


async def ended(connection: AsyncConnection) -> frozenset[UUID]:
    """Return the sessions that were ended a short while ago, or that nobody has removed since."""
    statement = select(access_session.c.id).where(access_session.c.ended_at.is_not(None))
    return frozenset((await connection.execute(statement)).scalars())


async def end(tx: AsyncConnection, session_id: UUID, at: datetime) -> None:
    """End a session; one that was ended before stays as it is."""
    its = access_session.c.id == session_id, access_session.c.ended_at.is_(None)
    await tx.execute(update(access_session).where(*its).values(ended_at=at))


async def note_seen(tx: AsyncConnection, seen: Mapping[UUID, datetime]) -> None:
    """Write when sessions were seen, where that is later than what is written. Rows are locked in one order, since
    several processes may note the same sessions."""
    for session_id, at in sorted(seen.items()):
        its = access_session.c.id == session_id, access_session.c.seen_at < at
        await tx.execute(update(access_session).where(*its).values(seen_at=at))


async def remove_past(tx: AsyncConnection, expired_before: datetime, ended_before: datetime) -> int:
    """Remove at most `MAX_PIECE` sessions that are long over. Returns how many there were."""
    its = access_session.c
    old = select(its.id).where(or_(its.expires_at < expired_before, its.ended_at < ended_before))
    # whoever removes the same rows at the same moment is left to it
    piece = old.order_by(its.id).limit(MAX_PIECE).with_for_update(skip_locked=True)
    return (await tx.execute(delete(access_session).where(its.id.in_(piece)))).rowcount
