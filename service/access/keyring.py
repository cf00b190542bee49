"""The keys of this process, in memory: a request is let in without asking the database.

The tail of the log keeps them true: a `keys` reload reaches every process within its poll. The process that makes or
revokes a key changes its own keyring at once.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from service.context import Part
from service.rules.model import Actor
from service.store.access import keys
from service.store.access.keys import Key
from service.store.database import Database


class _Entry(NamedTuple):
    actor: Actor
    expires_at: datetime | None
    key_id: UUID


def digest_of(key_text: str) -> bytes:
    """SHA-256, 32 bytes: all that is kept of a key."""
    return hashlib.sha256(key_text.encode()).digest()


class Keyring(Part):
    """Digest → whom it lets in. Empty until the first `load`."""

    reloads = "keys"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: dict[bytes, _Entry] = {}
        self.loaded = False
        self._changing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, bearer: str, now: datetime) -> Actor | None:
        """Whose key this is; None when it is unknown, revoked or expired. One hash and one look-up."""
        entry = self._entries.get(digest_of(bearer))
        if entry is None or (entry.expires_at is not None and entry.expires_at <= now):
            return None
        return entry.actor

    async def load(self) -> None:
        """Read all keys anew. Raises `Unavailable`; the keyring then goes on with the keys it has."""
        async with self._changing, self._database.read() as connection:
            self._entries = {digest: _entry(key) for digest, key in await keys.usable(connection)}
            self.loaded = True

    async def admit(self, digest: bytes, key: Key) -> None:
        """A key made by this process, once committed. Waits for a load under way, which may not have seen it."""
        async with self._changing:
            self._entries[digest] = _entry(key)

    async def forget(self, key_id: UUID) -> None:
        """A key revoked by this process, once committed: refused at once, and after a load under way as well."""
        self._drop(key_id)
        async with self._changing:
            self._drop(key_id)

    def _drop(self, key_id: UUID) -> None:
        for digest in [digest for digest, entry in self._entries.items() if entry.key_id == key_id]:
            del self._entries[digest]


def _entry(key: Key) -> _Entry:
    return _Entry(Actor(key.role, key.subject, unit=key.unit, area=key.area), key.expires_at, key.id)
