"""The session of a browser as a scheme to sign in: a cookie that no page can read, and that counts only in requests
that pages of this site send."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi.openapi.models import APIKey, APIKeyIn
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from service import context as contexts
from service.access import standing
from service.access.sessions import OpenSessions
from service.rules.errors import Unauthorized
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.web import origins

COOKIE: Final = "__Host-sihu"
"""A browser takes a cookie of this name over https only and for this host alone, so no neighbour can plant one."""
LOCAL_COOKIE: Final = "sihu"
"""The name over plain http on this machine, where a browser refuses the other one."""
_MAX_CHARACTERS = 200
_STREAM = "text/event-stream"


class SessionCookie:
    """The scheme of pages: the cookie of a session, in a request that a page of this site sends."""

    name: Final = "session"
    model: Final = APIKey.model_validate(
        {
            "name": COOKIE,
            "in": APIKeyIn.cookie,
            "description": "The session of a browser, begun at /sign-in. It counts only in requests that a page of "
            "this site sends, as the browser says by Origin or Sec-Fetch-Site.",
        }
    )
    challenge: Final = ""

    async def identify(self, scope: Scope) -> Actor | None:
        """The actor whose session the request carries; None when the request carries no such cookie.

        Raises:
            ForeignOrigin: another site sends the request, or nobody says which.
            Unauthorized: the session is over, its key is good no more, or its unit is not in force.
            AddressNotAllowed: its key may not be used from where the request comes.
            Unavailable: the keys are not loaded yet, or the session cannot be read.
        """
        cookie = cookie_of(scope)
        if cookie is None:
            return None
        origins.demand_own(scope)
        return await signed_in(scope, cookie)

    def invitation(self, scope: Scope) -> Sentence:
        return Sentence("Sign in at {path}.", path="/sign-in")


async def signed_in(scope: Scope, cookie: str) -> Actor:
    """Who has signed in with this cookie. The session has been seen now, unless a page asks for something again and
    again by itself, which is no sign that somebody is there.

    Raises:
        Unauthorized: the session is over, its key is good no more, or its unit is not in force.
        AddressNotAllowed: its key may not be used from where the request comes.
        Unavailable: the keys are not loaded yet, or the session cannot be read.
    """
    context = contexts.of(scope)
    keyring, sessions = standing.loaded_keyring(context), context.part(OpenSessions)
    now = context.clock.now()
    session = await sessions.find(context.database, cookie, now)
    if session is None:
        raise Unauthorized(Sentence("You are not signed in any more: sign in again at {path}.", path="/sign-in"))
    if session.person is not None:
        actor, ends_at = standing.in_force(session.person, context.worlds.world, now), session.expires_at
    else:
        known = None if session.key_id is None else keyring.with_id(session.key_id, now)
        if known is None:
            raise Unauthorized(Sentence("The key that you signed in with works no more: ask for a new one."))
        actor = standing.actor_behind(known, scope, now)
        ends_at = min(session.expires_at, known.expires_at or session.expires_at)
    standing.note_end(scope, ends_at)
    if not _is_poll(scope):
        sessions.note_seen(cookie, now)
    return actor


def _is_poll(scope: Scope) -> bool:
    """Whether the request waits for news: a page with a stream or a poll sends such requests as long as it is open."""
    query: bytes = scope["query_string"]
    is_held = query.startswith(b"wait=") or b"&wait=" in query
    return is_held or _STREAM in Headers(scope=scope).get("accept", "")


def cookie_of(scope: Scope) -> str | None:
    """The cookie of a session that the request carries; None: it carries none, or others may have read it."""
    name = name_for(scope)
    for pair in Headers(scope=scope).get("cookie", "").split(";"):
        found, is_cookie, value = pair.strip().partition("=")
        if is_cookie and found == name:
            return value[:_MAX_CHARACTERS] if origins.is_secure(scope) else None
    return None


def name_for(scope: Scope, suffix: str = "") -> str:
    """The name of the cookie of a session on this way to the browser; with a `suffix` that of another cookie of the
    pages, which no neighbouring host can plant either."""
    return f"{COOKIE if scope['scheme'] == 'https' else LOCAL_COOKIE}{suffix}"


def hand_out(response: Response, scope: Scope, cookie: str, life: timedelta | None = None, *, suffix: str = "") -> None:
    """Give the browser a cookie, for as long as it runs, or for `life` even if it is started anew."""
    name, max_age = name_for(scope, suffix), None if life is None else int(life.total_seconds())
    is_https = scope["scheme"] == "https"
    response.set_cookie(name, cookie, max_age, path="/", secure=is_https, httponly=True, samesite="lax")


def take_back(response: Response, scope: Scope, *, suffix: str = "") -> None:
    """Let the browser forget a cookie."""
    is_https = scope["scheme"] == "https"
    response.delete_cookie(name_for(scope, suffix), path="/", secure=is_https, httponly=True, samesite="lax")
