"""The sessions of browsers in memory, so that a request is identified without the database.

A process reads a session once, when its cookie is shown here first. That another process has ended one is seen by a
short look at those that ended. A session begun with a key is good for as long as the key is, whatever this part knows.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from service import clock as clocks
from service import ids
from service.access.keyring import KnownKey, digest_of
from service.context import Context, RepeatedPart, TurnFault
from service.rules.errors import Unavailable
from service.rules.model import Actor
from service.store.access import sessions as stored
from service.store.access.sessions import Session
from service.store.database import Database, StatementRefused
from service.web.waiting import HeldRequests

LIFE = timedelta(hours=12)
IDLE = timedelta(minutes=30)
KEPT = timedelta(hours=1)
"""How long a session that was ended is kept, so that every process learns of it."""
_WRITE_EVERY_S = 15.0
"""How often is written when sessions were seen: so far apart may two processes be about how long one was idle."""
_MAX_BLIND_S = 1800.0
"""After so long without a look, a session may have ended and been removed unseen: all are read anew."""
_MAX_OVER = 10_000
_MAC_CHARACTERS = 22


@dataclass(slots=True)
class _KnownSession:
    """A session that lives, as far as this process knows. `seen_at` may be later than what is written."""

    session: Session
    seen_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed, or its browser has asked for nothing for too long."""
        idle = self.session.idle
        return self.session.expires_at <= now or (idle is not None and self.seen_at + idle <= now)


class Begun(NamedTuple):
    """A new session. `cookie` is the text of its cookie: it goes to the browser and is never stored."""

    session: Session
    cookie: str


class OpenSessions(RepeatedPart):
    """The sessions by the digest of their cookie. A cookie that this deployment has not made is refused without the
    database, since it carries a code of the deployment's secret. What a request needs it does with the connections of
    people (`database`), what the part does by itself with those of parts."""

    PAUSE_S = 0.1
    FAULT = TurnFault("sessions", "sessions_failed", "sessions cannot be looked at")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._known: dict[bytes, _KnownSession] = {}
        self._over: OrderedDict[bytes, None] = OrderedDict()
        self._unwritten: dict[UUID, datetime] = {}
        self._looked_s = self._written_s = clocks.monotonic()

    async def begin(
        self, database: Database, holder: KnownKey | Actor, now: datetime, until: datetime, idle: timedelta | None
    ) -> Begun:
        """Begin a session with a key, or for a person whom the issuer named. It ends at `until`, and earlier when its
        browser asks for nothing for as long as `idle` (None: that does not matter). Raises `Unavailable`."""
        text = secrets.token_urlsafe(32)
        cookie = f"{text}.{self._code(text)}"
        key_id, person = (None, holder) if isinstance(holder, Actor) else (holder.key_id, None)
        session = Session(ids.new_id(now), key_id, person, now, until, idle, now)
        async with database.begin() as tx:
            await stored.add(tx, session, digest_of(cookie))
        self._known[digest_of(cookie)] = _KnownSession(session, now)
        return Begun(session, cookie)

    async def find(self, database: Database, cookie: str, now: datetime) -> Session | None:
        """The session with this cookie; None when it is over, or there never was one. Raises `Unavailable`."""
        digest = digest_of(cookie)
        known = self._known.get(digest)
        if known is None or known.is_over(now):  # another process may have seen it since
            known = await self._read(database, cookie, digest)
        if known is not None and known.is_over(now):
            self._forget([digest])
            return None
        return None if known is None else known.session

    def note_seen(self, cookie: str, now: datetime) -> None:
        """Note that the browser of a session asked for something."""
        known = self._known.get(digest_of(cookie))
        if known is not None and known.seen_at < now:
            known.seen_at = self._unwritten[known.session.id] = now

    async def end(self, database: Database, cookie: str, now: datetime) -> None:
        """End a session for good: here at once, in every other process within 250 ms. Raises `Unavailable`."""
        digest = digest_of(cookie)
        known = self._known.get(digest) or await self._read(database, cookie, digest)
        if known is None:
            return
        async with database.begin() as tx:
            await stored.end(tx, known.session.id, now)
        self._forget([digest])
        await self._context.part(HeldRequests).look_again()

    async def stop(self) -> None:
        await super().stop()
        with contextlib.suppress(Unavailable, StatementRefused):
            await self.write()

    async def write(self) -> None:
        """Write when sessions were seen. Raises `Unavailable` or `StatementRefused`; what is not written is kept."""
        seen, self._unwritten = self._unwritten, {}
        if not seen:
            return
        try:
            async with self._context.database.begin() as tx:
                await stored.note_seen(tx, seen)
        except BaseException:
            self._unwritten = {**seen, **self._unwritten}
            raise

    async def look(self) -> None:
        """Forget the sessions that are over, and end the requests that are held for them. Raises `Unavailable`."""
        if not self._known:
            self._looked_s = clocks.monotonic()
            return
        async with self._context.database.read() as connection:
            ended = await stored.ended(connection)
        blind_s, self._looked_s = clocks.monotonic() - self._looked_s, clocks.monotonic()
        if blind_s > _MAX_BLIND_S:
            self._known.clear()
        now = self._context.clock.now()
        over = [digest for digest, each in self._known.items() if each.session.id in ended]
        self._forget(over)
        quiet = [digest for digest, each in self._known.items() if each.is_over(now)]
        for digest in quiet:  # not for good, since another process may have seen it
            del self._known[digest]
        if over or quiet:
            await self._context.part(HeldRequests).look_again()

    async def turn(self) -> None:
        await self.look()
        if clocks.monotonic() - self._written_s > _WRITE_EVERY_S:
            self._written_s = clocks.monotonic()
            await self.write()

    async def _read(self, database: Database, cookie: str, digest: bytes) -> _KnownSession | None:
        text, _, code = cookie.rpartition(".")
        if digest in self._over or not hmac.compare_digest(code.encode(), self._code(text).encode()):
            return None
        async with database.read() as connection:
            session = await stored.find(connection, digest)
        if session is None:
            self._forget([digest])
        if session is None or digest in self._over:  # ended here while it was being read
            return None
        before = self._known.get(digest)
        seen = [session.seen_at, self._unwritten.get(session.id, session.seen_at)]
        seen += [] if before is None else [before.seen_at]
        known = self._known[digest] = _KnownSession(session, max(seen))
        return known

    def _forget(self, digests: list[bytes]) -> None:
        for digest in digests:
            self._known.pop(digest, None)
            self._over[digest] = None
        while len(self._over) > _MAX_OVER:
            self._over.popitem(last=False)

    def _code(self, text: str) -> str:
        """What only this deployment can write beside a cookie's text."""
        mac = hmac.digest(self._context.cursors.secret_for("session"), text.encode(), "sha256")
        return mac.hex()[:_MAC_CHARACTERS]
