"""Who sent a request: the schemes of the door are tried in turn, and the first scheme that finds its credential in the
request decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from fastapi.openapi.models import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Scope

from service import context as contexts
from service.access import addresses
from service.access.keyring import Keyring
from service.rules.errors import Unauthorized, Unavailable
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role, UnitKind
from service.rules.world import World
from service.web.doors import Door, Scheme


async def identify(scope: Scope, schemes: Sequence[Scheme]) -> Actor:
    """The actor that sent this request. `schemes` has at least one member.

    Raises:
        Unauthorized: the request carries no credential of these schemes, or a wrong one; the detail says which.
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
            Unauthorized: the key is unknown, revoked or expired, or its unit is not in force.
            AddressNotAllowed: the key may not be used from where the request comes.
            Unavailable: the keys are not loaded yet.
        """
        found = {value for name, value in scope["headers"] if name == b"authorization"}
        if len(found) > 1:
            raise Unauthorized(Sentence("The request has two Authorization headers: send one."))
        scheme, _, key = next(iter(found), b"").decode("latin-1").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            return None
        context = contexts.of(scope)
        keyring = context.part(Keyring)
        if not keyring.loaded:
            raise Unavailable(
                Sentence("The service is starting, or its database cannot be reached. Send the same request again.")
            )
        now = context.clock.now()
        known = keyring.known(key, now)
        if known is None:
            raise Unauthorized(Sentence("This key is unknown here, revoked or expired. Ask ops for a new one."))
        if known.allow:
            addresses.demand(scope, known.allow)
        actor = known.actor
        if actor.role is Role.OPS and keyring.holder_of_all(now) == actor.subject:
            return replace(actor, holds_all=True)
        return actor if actor.unit is None else _in_force(actor, actor.unit, context.worlds.world, now)

    def invitation(self, scope: Scope) -> Sentence:
        if Headers(scope=scope).get("authorization") is None:
            return Sentence("Send a key: `Authorization: Bearer sihu_…`. Ops make one with `sihu keys create`.")
        return Sentence("The Authorization header should read `Bearer sihu_…`; no other scheme is known here.")


def _in_force(actor: Actor, code: str, world: World, now: datetime) -> Actor:
    """The actor of a unit; for a partner, as a member of its parent unit, for which it may answer (contract §3, "Unit
    kinds"). Raises `Unauthorized` when the unit is not in force: whoever takes its place has a key of its own."""
    unit = world.unit(code, now)
    if unit is None:
        raise Unauthorized(_gone(code, world, now))
    if unit.kind is not UnitKind.PARTNER:
        return actor
    return replace(actor, member_of=unit.parent, answers_for=unit.answers_for)


def _gone(code: str, world: World, now: datetime) -> Sentence:
    rows = world.units.get(code)
    if rows is None:
        return Sentence("Unit {unit}, whose key this is, is not in the registry. Ask ops for another key.", unit=code)
    ends = [row.validity.valid_to for row in rows if row.validity.valid_to and row.validity.valid_to <= now]
    if not ends:
        since = rows[0].validity.valid_from
        return Sentence("Unit {unit}, whose key this is, begins at {since}: use it then.", unit=code, since=since)
    return Sentence(
        "Unit {unit}, whose key this is, ended at {since}. Ask ops for a key of the unit that took its place.",
        unit=code,
        since=ends[-1],
    )


API = Door("/v1/", schemes=(BearerKey(),))
"""The door of systems and apps, who send keys and JSON and receive RFC 9457 problems."""
