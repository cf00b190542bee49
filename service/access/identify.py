"""Who sent a request: the schemes of the door are tried in turn, and the first scheme that finds its credential in the
request decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi.openapi.models import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Scope

from service import context as contexts
from service.access import standing
from service.access.bearer_token import BearerToken, bearer_of, is_token
from service.access.session_cookie import SessionCookie
from service.rules.errors import Unauthorized
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.web.doors import Door, Scheme


async def identify(scope: Scope, schemes: Sequence[Scheme]) -> Actor:
    """The actor that sent this request. `schemes` has at least one member.

    Raises:
        Unauthorized: the request carries no credential of these schemes, or a wrong one; the detail says which.
        NotYours: its credential is good and gives nothing here, or not from where the request comes.
        Unavailable: nobody can be identified now, for instance while the service is starting.
    """
    for scheme in schemes:
        actor = await scheme.identify(scope)
        if actor is not None:
            return actor
    raise Unauthorized(schemes[0].invitation(scope))


class BearerKey:
    """The scheme `Authorization: Bearer <key>` (RFC 6750). It looks the key up in memory, not in the database."""

    name: Final = "key"
    model: Final = HTTPBearer(description="A key made with `sihu keys create` or POST /v1/keys.", bearerFormat="sihu_…")
    challenge: Final = "Bearer"

    async def identify(self, scope: Scope) -> Actor | None:
        """The actor whose key the request carries; None when the request carries no bearer key.

        Raises:
            Unauthorized: the key is unknown, revoked or expired, its unit is not in force, or there are two headers.
            AddressNotAllowed: the key may not be used from where the request comes.
            Unavailable: the keys are not loaded yet.
        """
        key, context = bearer_of(scope), contexts.of(scope)
        if key is None or is_token(context, key):
            return None
        keyring = standing.loaded_keyring(context)
        now = context.clock.now()
        return standing.actor_behind(standing.key_of(keyring, key, now), scope, now)

    def invitation(self, scope: Scope) -> Sentence:
        if Headers(scope=scope).get("authorization") is None:
            return Sentence("Send a key: `Authorization: Bearer sihu_…`. Ops make one with `sihu keys create`.")
        return Sentence("The Authorization header should read `Bearer sihu_…`; no other scheme is known here.")


API = Door("/v1/", schemes=(BearerKey(), BearerToken(), SessionCookie()))
"""The door of systems and apps, who send keys, of pages in a browser, which have a session, and of JSON and RFC 9457
problems."""
