"""Keys as rows. Only the SHA-256 of a key is stored. A key is 256 random bits, so a slow hash is not needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, and_, exists, false, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.model import KeyQuota
from service.rules.words import Role
from service.store.access.tables import access_key

_LOCK = text("LOCK TABLE access_key IN SHARE ROW EXCLUSIVE MODE")
"""Without this lock, two keys made at once could give one new subject two roles. Reading keys does not wait for it."""

_OWN = (
    access_key.c.id,
    access_key.c.role,
    access_key.c.subject,
    access_key.c.unit,
    access_key.c.area,
    access_key.c.name,
    access_key.c.created_at,
    access_key.c.expires_at,
    access_key.c.revoked_at,
    access_key.c.prefix,
    access_key.c.last_used_at,
    access_key.c.may_report_for,
)
_PUBLIC = (
    *_OWN,
    access_key.c.systems,
    access_key.c.allow,
    access_key.c.wall,
    access_key.c.quota_reports,
    access_key.c.quota_urgent,
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it may be shown: without its text, which is not stored, and without its digest. `systems` are those in
    whose name it may report, `quota` how much a day where that is its own. By `prefix` a person recognises it (None: it
    is an older key); `last_used_at` is the beginning of the day on which it was used last. `allow` are the networks
    from which it may be used, none for anywhere. With `may_report_for` it also acts for workers, by name. One for a
    screen on a `wall` only reads."""

    id: UUID
    role: Role
    subject: str
    unit: str | None
    area: str | None
    name: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    systems: tuple[str, ...] = ()
    quota: KeyQuota | None = None
    prefix: str | None = None
    last_used_at: datetime | None = None
    allow: tuple[str, ...] = ()
    may_report_for: bool = False
    wall: bool = False


class KeyFilter(NamedTuple):
    """Which keys a list has; None: whatever theirs is."""

    unit: str | None = None
    role: Role | None = None
    subject: str | None = None


ANY_KEY = KeyFilter()


async def lock(tx: AsyncConnection) -> None:
    """Keep all other transactions from making keys until this one ends."""
    await tx.execute(_LOCK)


async def holder(tx: AsyncConnection, subject: str) -> Key | None:
    """Return any key that this subject ever had, revoked ones included, or None. A subject keeps its role for ever;
    otherwise its past acts would become those of another role."""
    row = (await tx.execute(select(*_PUBLIC).where(access_key.c.subject == subject).limit(1))).first()
    return None if row is None else _key(row)


async def begins(tx: AsyncConnection, start: str) -> str | None:
    """Return a subject of keys that begins with these characters, of revoked ones as well; None: there is none."""
    found = access_key.c.subject.startswith(start, autoescape=True)
    return (await tx.execute(select(access_key.c.subject).where(found).limit(1))).scalar_one_or_none()


async def add(tx: AsyncConnection, key: Key, digest: bytes) -> None:
    """Store a new key by its digest. The caller has called `lock` before."""
    values = {column.name: getattr(key, column.name) for column in _OWN}
    reports, urgent = key.quota or (None, None)
    values |= {"quota_reports": reports, "quota_urgent": urgent, "systems": list(key.systems) or None}
    values |= {"allow": list(key.allow) or None, "wall": key.wall or None}
    await tx.execute(insert(access_key).values(values | {"digest": digest}))


async def revoke(tx: AsyncConnection, key_id: UUID, at: datetime) -> Key | None:
    """Revoke a key and return it; None when it does not exist or was revoked before (`find` tells which)."""
    statement = (
        update(access_key)
        .where(access_key.c.id == key_id, access_key.c.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(*_PUBLIC)
    )
    row = (await tx.execute(statement)).first()
    return None if row is None else _key(row)


async def living(tx: AsyncConnection, key_id: UUID, now: datetime) -> Key | None:
    """Return the key with this id and keep others from changing it until the transaction ends; None when there is none,
    or it is revoked or has ended."""
    works = access_key.c.revoked_at.is_(None), or_(access_key.c.expires_at.is_(None), access_key.c.expires_at > now)
    row = (await tx.execute(select(*_PUBLIC).where(access_key.c.id == key_id, *works).with_for_update())).first()
    return None if row is None else _key(row)


async def end_at(tx: AsyncConnection, key_id: UUID, at: datetime) -> None:
    """Let a key end at this time."""
    await tx.execute(update(access_key).where(access_key.c.id == key_id).values(expires_at=at))


async def find(connection: AsyncConnection, key_id: UUID) -> Key | None:
    """Return the key with this id, or None."""
    row = (await connection.execute(select(*_PUBLIC).where(access_key.c.id == key_id))).first()
    return None if row is None else _key(row)


async def newest(
    connection: AsyncConnection,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    only: KeyFilter = ANY_KEY,
) -> Sequence[Key]:
    """Return at most `limit` keys, newest first by (created_at, id); with `before`, only keys older than this pair."""
    statement = select(*_PUBLIC).order_by(access_key.c.created_at.desc(), access_key.c.id.desc()).limit(limit)
    statement = statement.where(*(access_key.c[name] == value for name, value in only._asdict().items() if value))
    if before is not None:
        created_at, key_id = before
        statement = statement.where(
            or_(
                access_key.c.created_at < created_at,
                and_(access_key.c.created_at == created_at, access_key.c.id < key_id),
            )
        )
    return [_key(row) for row in await connection.execute(statement)]


async def with_digest(connection: AsyncConnection, digest: bytes) -> Sequence[Key]:
    """Return the key with this digest, if there is one."""
    return [_key(row) for row in await connection.execute(select(*_PUBLIC).where(access_key.c.digest == digest))]


async def matching(connection: AsyncConnection, words: str, prefix: str, limit: int) -> Sequence[Key]:
    """Return at most `limit` keys, newest first: those whose text begins with `prefix` (empty: none), those of the
    unit `words`, and those that have `words` somewhere in their subject or name, in whatever case."""
    found = or_(
        access_key.c.prefix.startswith(prefix, autoescape=True) if prefix else false(),
        access_key.c.unit == words,
        access_key.c.subject.icontains(words, autoescape=True),
        access_key.c.name.icontains(words, autoescape=True),
    )
    newest_first = access_key.c.created_at.desc(), access_key.c.id.desc()
    statement = select(*_PUBLIC).where(found).order_by(*newest_first).limit(limit)
    return [_key(row) for row in await connection.execute(statement)]


async def usable(connection: AsyncConnection) -> Sequence[tuple[bytes, Key]]:
    """Return the digest and the key of every key that is not revoked. The caller checks whether a key has expired."""
    statement = select(access_key.c.digest, *_PUBLIC).where(access_key.c.revoked_at.is_(None))
    return [(row.digest, _key(row)) for row in await connection.execute(statement)]


class FirstKey(NamedTuple):
    """When the first key of a subject was made. Of two keys of the same instant, such as on a clock that stands still,
    the one with the smaller id was made first."""

    created_at: datetime
    id: UUID


class OpsHistory(NamedTuple):
    """Since when each subject has been ops, by its first key, revoked ones included; and whether any key of security
    was ever made."""

    since: Mapping[str, FirstKey]
    had_security: bool


async def ops_history(connection: AsyncConnection) -> OpsHistory:
    """Return what decides who holds all roles."""
    key = access_key.c
    of_ops = select(key.subject, key.created_at, key.id).where(key.role == Role.OPS)
    had = select(exists().where(access_key.c.role == Role.SECURITY))
    newest_first = of_ops.order_by(key.created_at.desc(), key.id.desc())
    since = {subject: FirstKey(at, key_id) for subject, at, key_id in await connection.execute(newest_first)}
    return OpsHistory(since, bool((await connection.execute(had)).scalar_one()))


async def note_use(tx: AsyncConnection, key_ids: Collection[UUID], day: datetime) -> None:
    """Write that these keys were used on the day that begins at `day`, unless that or a later day is written already.
    Rows are locked in one order, since several processes note the same keys at the same hour."""
    is_new = or_(access_key.c.last_used_at.is_(None), access_key.c.last_used_at < day)
    unknown = select(access_key.c.id).where(access_key.c.id.in_(key_ids), is_new).order_by(access_key.c.id)
    statement = update(access_key).where(access_key.c.id.in_(unknown.with_for_update())).values(last_used_at=day)
    await tx.execute(statement)


def _key(row: Row[*tuple[Any, ...]]) -> Key:
    return Key(
        id=row.id,
        role=Role(row.role),
        subject=row.subject,
        unit=row.unit,
        area=row.area,
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        systems=tuple(row.systems or ()),
        quota=None if row.quota_reports is row.quota_urgent is None else KeyQuota(row.quota_reports, row.quota_urgent),
        prefix=row.prefix,
        last_used_at=row.last_used_at,
        allow=tuple(row.allow or ()),
        may_report_for=row.may_report_for,
        wall=bool(row.wall),
    )
