"""The keys in memory, so that a request is identified without the database.

Each process has a keyring. The tail of the log loads it again after a key was made or revoked by another process,
within one poll. The process that makes or revokes a key changes its own keyring at once.
"""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from service.access import addresses
from service.context import Part
from service.rules.model import Actor
from service.rules.words import Role
from service.rules.worktime import ZONE
from service.store.access import keys
from service.store.access.keys import FirstKey, Key
from service.store.database import Database
from service.web.hosts import Network

_FOREVER = datetime.max.replace(tzinfo=UTC)
_NEVER = datetime.min.replace(tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class KnownKey:
    """A usable key. Until `noted_until` its use is noted already. `allow`: the networks from which it may be used, none
    for anywhere."""

    actor: Actor
    expires_at: datetime | None
    key_id: UUID
    noted_until: datetime
    allow: tuple[Network, ...]


def digest_of(key_text: str) -> bytes:
    """The SHA-256 of a key, 32 bytes. Nothing else of the key's text is stored."""
    return hashlib.sha256(key_text.encode()).digest()


class _OpsSubject(NamedTuple):
    """A subject of the role ops, and the end of the last of its keys."""

    subject: str
    until: datetime


class Keyring(Part):
    """The usable keys by digest, each with its actor. The keyring is empty until the first `load`."""

    reloads = "keys"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, KnownKey] = {}
        self._by_id: dict[UUID, KnownKey] = {}
        self._ends: list[datetime] = []
        self._on_change: list[Callable[[], Awaitable[None]]] = []
        self._uses: dict[UUID, datetime] = {}
        self._ops_since: dict[str, FirstKey] = {}
        self._had_security = False
        self._ops: list[_OpsSubject] = []
        self.loaded = False
        self._changing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, bearer: str, now: datetime) -> Actor | None:
        """The actor of a key; None when the key is unknown, revoked or expired. It costs a hash and a look-up."""
        known = self.known(bearer, now)
        return None if known is None else known.actor

    def known(self, bearer: str, now: datetime) -> KnownKey | None:
        """The usable key with this text, which is used at `now`; None when it is unknown, revoked or expired."""
        return self._usable(self._known.get(digest_of(bearer)), now)

    def with_id(self, key_id: UUID, now: datetime) -> KnownKey | None:
        """The usable key with this id, which is used at `now` by a session; None when it is revoked or expired."""
        return self._usable(self._by_id.get(key_id), now)

    def _usable(self, known: KnownKey | None, now: datetime) -> KnownKey | None:
        if known is None or (known.expires_at is not None and known.expires_at <= now):
            return None
        if now >= known.noted_until:
            self._note_use(known, now)
        return known

    def holder_of_all(self, now: datetime) -> str | None:
        """The subject that holds the roles ops, security and auditor: of those whose key of ops works at `now`, the one
        that has been ops for longest. None once a key of security was made, even if none works any more: then keys are
        made on the command line."""
        if self._had_security:
            return None
        return next((each.subject for each in self._ops if each.until > now), None)

    def _note_use(self, known: KnownKey, now: datetime) -> None:
        day = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        known.noted_until = day + _DAY
        self._uses[known.key_id] = day

    def take_uses(self) -> dict[UUID, datetime]:
        """The keys that were used since the last call, as far as that was not known: for each the beginning of the day
        (Asia/Shanghai). They are forgotten here."""
        uses, self._uses = self._uses, {}
        return uses

    def give_back(self, uses: dict[UUID, datetime]) -> None:
        """Keep uses that could not be written, for the next time."""
        self._uses = {**uses, **self._uses}

    def on_change(self, ring: Callable[[], Awaitable[None]]) -> None:
        """Call `ring` whenever the keys may have become fewer."""
        self._on_change.append(ring)

    def ends_within(self, after: datetime, until: datetime) -> bool:
        """Whether a key expires later than `after` and not later than `until`."""
        return bisect_right(self._ends, after) < bisect_right(self._ends, until)

    async def load(self) -> None:
        """Read all usable keys from the database. Raises `Unavailable`; the keyring then keeps the keys that it has."""
        async with self._changing, self._database.read() as connection:
            usable = await keys.usable(connection)
            since, had_security = await keys.ops_history(connection)  # second, so that no key lacks its subject here
            self._known = {digest: _known(key) for digest, key in usable}
            self._ops_since, self._had_security = dict(since), had_security
            self._note_ends()
            self.loaded = True
        await self._ring()

    async def admit(self, digest: bytes, key: Key) -> None:
        """Add a key that this process has committed. Waits for a running load, which may have read before the
        commit."""
        async with self._changing:
            self._known[digest] = _known(key)
            self._had_security = self._had_security or key.role is Role.SECURITY
            if key.role is Role.OPS:
                self._ops_since.setdefault(key.subject, FirstKey(key.created_at, key.id))
            self._note_ends()

    async def shorten(self, key_id: UUID, end: datetime) -> None:
        """Let a key end at the time that this process has committed: at once, and again after a running load, which may
        have read before the commit."""
        self._end(key_id, end)
        await self._ring()
        async with self._changing:
            self._end(key_id, end)

    async def forget(self, key_id: UUID) -> None:
        """Remove a key whose revocation this process has committed: at once, and again after a running load, which may
        have read before the commit."""
        self._drop(key_id)
        await self._ring()
        async with self._changing:
            self._drop(key_id)

    def _end(self, key_id: UUID, end: datetime) -> None:
        for known in self._known.values():
            if known.key_id == key_id:
                known.expires_at = end
        self._note_ends()

    def _drop(self, key_id: UUID) -> None:
        for digest in [digest for digest, known in self._known.items() if known.key_id == key_id]:
            del self._known[digest]
        self._note_ends()

    def _note_ends(self) -> None:
        self._by_id = {known.key_id: known for known in self._known.values()}
        self._ends = sorted(known.expires_at for known in self._known.values() if known.expires_at is not None)
        last: dict[str, datetime] = {}
        for known in self._known.values():
            if known.actor.role is Role.OPS:
                last[known.actor.subject] = max(last.get(known.actor.subject, _NEVER), known.expires_at or _FOREVER)
        order = sorted((self._ops_since[subject], subject) for subject in last)
        self._ops = [_OpsSubject(subject, last[subject]) for _, subject in order]

    async def _ring(self) -> None:
        for ring in self._on_change:
            await ring()


def _known(key: Key) -> KnownKey:
    actor = Actor(
        key.role,
        key.subject,
        unit=key.unit,
        area=key.area,
        systems=key.systems,
        quota=key.quota,
        may_report_for=key.may_report_for,
        reads_only=key.wall,
    )
    noted_until = _NEVER if key.last_used_at is None else key.last_used_at + _DAY
    return KnownKey(actor, key.expires_at, key.id, noted_until, tuple(map(addresses.network, key.allow)))
