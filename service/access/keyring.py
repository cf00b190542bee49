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


class _KnownKey(NamedTuple):
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
        self._known: dict[bytes, _KnownKey] = {}
        self.loaded = False
        self._changing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, bearer: str, now: datetime) -> Actor | None:
        """Whose key this is; None when it is unknown, revoked or expired. One hash and one look-up."""
        known = self._known.get(digest_of(bearer))
        if known is None or (known.expires_at is not None and known.expires_at <= now):
            return None
        return known.actor

    async def load(self) -> None:
        """Read all keys anew. Raises `Unavailable`; the keyring then goes on with the keys it has."""
        async with self._changing, self._database.read() as connection:
            self._known = {digest: _known(key) for digest, key in await keys.usable(connection)}
            self.loaded = True

    async def admit(self, digest: bytes, key: Key) -> None:
        """A key made by this process, once committed. Waits for a load under way, which may not have seen it."""
        async with self._changing:
            self._known[digest] = _known(key)

    async def forget(self, key_id: UUID) -> None:
        """A key revoked by this process, once committed: refused at once, and after a load under way as well."""
        self._drop(key_id)
        async with self._changing:
            self._drop(key_id)

    def _drop(self, key_id: UUID) -> None:
        for digest in [digest for digest, known in self._known.items() if known.key_id == key_id]:
            del self._known[digest]


def _known(key: Key) -> _KnownKey:
    return _KnownKey(Actor(key.role, key.subject, unit=key.unit, area=key.area), key.expires_at, key.id)
