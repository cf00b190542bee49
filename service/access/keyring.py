"""The keys of this process, in memory: a request is let in without asking the database.

Kept true by the tail of the log: a `keys` reload reaches every process within its poll. The process that makes or
revokes a key tells its own keyring at once.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from service.rules.model import Actor
from service.store.access import keys
from service.store.access.keys import Key
from service.store.database import Database


class _Held(NamedTuple):
    actor: Actor
    expires_at: datetime | None
    key_id: UUID


def digest_of(key_text: str) -> bytes:
    """SHA-256, 32 bytes: all that is kept of a key."""
    return hashlib.sha256(key_text.encode()).digest()


class Keyring:
    """Digest → who it lets in. Empty until the first `reload`."""

    def __init__(self) -> None:
        self._held: dict[bytes, _Held] = {}
        self.loaded = False
        self._changing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def find(self, bearer: str, now: datetime) -> Actor | None:
        """Whose key this is; None when it is unknown, revoked or expired. One hash and one look-up."""
        held = self._held.get(digest_of(bearer))
        if held is None or (held.expires_at is not None and held.expires_at <= now):
            return None
        return held.actor

    async def reload(self, database: Database) -> None:
        """Read all keys anew. Raises `Unavailable`, and then goes on with what it held."""
        async with self._changing, database.read() as connection:
            self._held = {digest: _held(key) for digest, key in await keys.usable(connection)}
            self.loaded = True

    async def admit(self, digest: bytes, key: Key) -> None:
        """A key made by this process, once committed. Waits for a reload under way, which may not have seen it."""
        async with self._changing:
            self._held[digest] = _held(key)

    async def forget(self, key_id: UUID) -> None:
        """A key revoked by this process, once committed: refused at once, and after a reload under way as well."""
        self._drop(key_id)
        async with self._changing:
            self._drop(key_id)

    def _drop(self, key_id: UUID) -> None:
        for digest in [digest for digest, held in self._held.items() if held.key_id == key_id]:
            del self._held[digest]


def _held(key: Key) -> _Held:
    return _Held(Actor(key.role, key.subject, unit=key.unit, area=key.area), key.expires_at, key.id)
