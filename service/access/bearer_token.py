"""The scheme `Authorization: Bearer <token>`: an access token of the issuer, beside keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi.openapi.models import HTTPBearer
from starlette.types import Scope

from service import clock
from service import context as contexts
from service.access import standing, tokens
from service.access.issuer import Issuer
from service.access.keyring import digest_of
from service.context import Context, Part
from service.rules.errors import Unauthorized
from service.rules.model import Actor
from service.rules.sentences import Sentence

_MAX_KNOWN = 10_000


class KnownTokens(Part):
    """The claims of the tokens that were found good, by the digest of the token, so that a signature is checked once.
    They are forgotten whenever the keys of the issuer were read anew."""

    def __init__(self) -> None:
        self._claims: dict[bytes, Mapping[str, Any]] = {}
        self._key_sets = 0

    async def claims_of(self, issuer: Issuer, token: str, audience: str) -> Mapping[str, Any]:
        """The claims of a good token. Raises as `tokens.claims_of` does."""
        now, digest = clock.host_time(), digest_of(token)
        found = self._claims.get(digest)
        if found is not None and self._key_sets == issuer.key_sets and now < tokens.end_of(found):
            return found
        claims = await tokens.claims_of(issuer, token, audience, now)
        if self._key_sets != issuer.key_sets or len(self._claims) >= _MAX_KNOWN:
            self._claims.clear()
            self._key_sets = issuer.key_sets
        self._claims[digest] = claims
        return claims


class BearerToken:
    """The scheme of people's programs: a token that the issuer has made for them."""

    name: Final = "token"
    model: Final = HTTPBearer(
        description="An access token of the issuer of OpenID Connect, where this service has one.", bearerFormat="JWT"
    )
    challenge: Final = ""

    async def identify(self, scope: Scope) -> Actor | None:
        """The person whom the token of this request names; None when the request carries none.

        Raises:
            Unauthorized: the token is not good.
            NotYours: it names no role, unit or area that is known here.
            Unavailable: the service is starting, or the issuer's keys cannot be read.
        """
        context = contexts.of(scope)
        token = bearer_of(scope)
        if token is None or not is_token(context, token):
            return None
        standing.loaded_keyring(context)  # before that the registry is not read either
        issuer = context.part(Issuer)
        assert issuer.settings is not None
        assert issuer.settings.audience is not None
        claims = await context.part(KnownTokens).claims_of(issuer, token, issuer.settings.audience)
        now, secret = context.clock.now(), context.cursors.secret_for("subject")
        world = context.worlds.world
        person = tokens.person_of(claims, issuer.settings.claims, world, now, secret)
        standing.note_end(scope, tokens.end_of(claims))
        return standing.in_force(person, world, now)

    def invitation(self, scope: Scope) -> Sentence:
        return Sentence("Sign in at {path}.", path="/sign-in")


def bearer_of(scope: Scope) -> str | None:
    """What the request carries as `Authorization: Bearer`; None: nothing. Raises `Unauthorized` when it has two such
    headers that differ."""
    found = {value for name, value in scope["headers"] if name == b"authorization"}
    if len(found) > 1:
        raise Unauthorized(Sentence("The request has two Authorization headers: send one."))
    scheme, _, text = next(iter(found), b"").decode("latin-1").partition(" ")
    return text.strip() or None if scheme.lower() == "bearer" else None


def is_token(context: Context, text: str) -> bool:
    """Whether a bearer text is a token that this service takes, and no key: no key has a point in it."""
    issuer = context.parts.get(Issuer)
    return (
        "." in text
        and isinstance(issuer, Issuer)
        and issuer.settings is not None
        and issuer.settings.audience is not None
    )
