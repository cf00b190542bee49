"""Tokens of the issuer (JWT, RFC 7519): whether one is good, and whom it names.

The algorithms are fixed here, whatever a token or a key says of itself. Times go by this host's clock, since the issuer
has dated the token by its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError

from service.access.issuer import ClaimNames, Issuer
from service.access.new_keys import AREA_DIGITS
from service.rules.errors import NotYours, Unauthorized
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.rules.world import World

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
MAX_CHARACTERS: Final = 16 * 1024
"""A longer token is refused without being read."""
_SKEW_S: Final = 60
"""By how many seconds the issuer's clock may be ahead."""
_MAX_TIME: Final = 253_402_300_799
_SUBJECT_DIGITS = 20


async def claims_of(issuer: Issuer, token: str, audience: str, now: datetime) -> Mapping[str, Any]:
    """The claims of a token of this issuer for this audience, at the wall time `now`.

    Raises:
        Unauthorized: the token is not good; the detail says why.
        Unavailable: the keys of the issuer were never read, and cannot be now.
    """
    assert issuer.settings is not None
    if len(token) > MAX_CHARACTERS:
        raise Unauthorized(
            Sentence("This token is longer than {max} characters: send a smaller one.", max=MAX_CHARACTERS)
        )
    claims = await _signed_claims(issuer, token)
    if claims.get("iss") != issuer.settings.url:
        raise Unauthorized(Sentence("This token is from another issuer: sign on at the one that is used here."))
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise Unauthorized(
            Sentence("This token is for another audience: ask the issuer for one that names this service.")
        )
    _demand_times(claims, now.timestamp())
    if not _is_name(claims.get("sub")):
        raise Unauthorized(Sentence("This token names nobody (sub): ask the issuer for another one."))
    return claims


async def _signed_claims(issuer: Issuer, token: str) -> Mapping[str, Any]:
    unreadable = Unauthorized(Sentence("This token cannot be read: sign on again, or send a key."))
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        raise unreadable from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        detail = Sentence("This token is not signed as is demanded here: {known:or}.", known=ALGORITHMS)
        raise Unauthorized(detail)
    if key_id is not None and not isinstance(key_id, str):
        raise unreadable
    key = await issuer.key(key_id)
    if key is None:
        raise Unauthorized(Sentence("The issuer does not know the key of this token: sign on again."))
    try:
        return jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError):
        raise Unauthorized(Sentence("The signature of this token is wrong: sign on again.")) from None


def _demand_times(claims: Mapping[str, Any], now: float) -> None:
    ends_at = _seconds(claims.get("exp"))
    if ends_at is None:
        raise Unauthorized(Sentence("This token has no end (exp): ask the issuer for one that has."))
    if ends_at <= now:
        raise Unauthorized(Sentence("This token has ended: sign on again."))
    for name in ("nbf", "iat"):
        since = _seconds(claims.get(name, 0))
        if since is None or since > now + _SKEW_S:
            raise Unauthorized(Sentence("This token is from the future: check the clocks of the issuer and this host."))


def _is_name(value: Any) -> bool:
    """Whether a claim is a text that can be written as UTF-8: JSON can hold half a surrogate pair, which no text is."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= each <= "\udfff" for each in value)


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and 0 <= value <= _MAX_TIME else None


def end_of(claims: Mapping[str, Any]) -> datetime:
    """When a token ends whose claims were found good."""
    return datetime.fromtimestamp(claims["exp"], UTC)


def person_of(claims: Mapping[str, Any], names: ClaimNames, world: World, now: datetime, secret: bytes) -> Actor:
    """Whom the claims of a good token name. The subject on record is made of `sub` with this deployment's secret, so
    nobody reads from it who it is; no key has such a subject.

    Raises:
        NotYours: they name no role that is known here, or more than one; or no unit in force, or no area.
    """
    digest = hmac.digest(secret, claims["sub"].encode(), "sha256").hex()
    subject, role = f"p-{digest[:_SUBJECT_DIGITS]}", _role(_values(claims, names.role), names.role)
    if role is Role.UNIT:
        return Actor(role, subject, unit=_unit(_values(claims, names.unit), world, now))
    if role is Role.REPORTER:
        return Actor(role, subject, area=_area(_values(claims, names.area), world))
    return Actor(role, subject)


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a claim, which may be one text or a list. `a.b` is the claim `b` within `a`, unless there is one of
    just that name."""
    found: Any = claims
    for part in [name] if name in claims else name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    texts = found if isinstance(found, list) else [found]
    return [each for each in texts if isinstance(each, str)]


def _role(named: list[str], claim: str) -> Role:
    known = [role for role in Role if role.value in named]
    if not known:
        detail = Sentence("Your sign-on gives you no role here (claim {claim}): ask whoever manages it.", claim=claim)
        raise NotYours(detail)
    if len(known) > 1:
        detail = Sentence("Your sign-on gives you {roles} at once: ask for one of them.", roles=known)
        raise NotYours(detail)
    return known[0]


def _unit(named: list[str], world: World, now: datetime) -> str:
    if len(named) == 1 and world.unit(named[0], now) is not None:
        return named[0]
    raise NotYours(
        Sentence("Your sign-on names no unit that is in force here: ask whoever manages it to put it right.")
    )


def _area(named: list[str], world: World) -> str:
    area = named[0] if len(named) == 1 else ""
    is_code = area.isascii() and area.isdigit() and len(area) in AREA_DIGITS
    if is_code and world.district and area.startswith(world.district):
        return area
    raise NotYours(Sentence("Your sign-on names no area of this district: ask whoever manages it to put it right."))
