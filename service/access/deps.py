"""What a route asks about who is there: `caller: Caller`, and `require(Role.OPS)` or `must_be(caller, Role.OPS)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.datastructures import Headers
from starlette.types import Scope

from service.access.keyring import Keyring
from service.clock import Clock
from service.rules.errors import NotYours, Unauthorized, Unavailable
from service.rules.model import Actor
from service.rules.words import Role, UnitKind
from service.rules.world import World


class _Bearer(SecurityBase):
    """`Authorization: Bearer <key>` (RFC 6750). A class so that the OpenAPI document names the scheme."""

    model = HTTPBearer(description="A key made with `sihu keys create` or POST /v1/keys.", bearerFormat="sihu_…")
    scheme_name = "key"

    async def __call__(self, request: Request) -> Actor:
        """Whom the gate let in."""
        return actor_of(request.scope)


def actor_of(scope: Scope) -> Actor:
    """Whom the gate let in; where there is no gate, whom the key says."""
    actor: Actor = scope.get("actor") or identify(scope)
    return actor


def identify(scope: Scope) -> Actor:
    """Whose key a request carries. No database is asked.

    Raises:
        Unauthorized: no key, another scheme, or a key that is unknown, revoked or expired; the detail says which.
        Unavailable: the keys were never loaded, since the database is away.
    """
    header = Headers(scope=scope).get("authorization")
    if header is None:
        raise Unauthorized("Send a key: `Authorization: Bearer sihu_…`. Ops make one with `sihu keys create`.")
    scheme, _, key = header.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Unauthorized("The Authorization header should read `Bearer sihu_…`; no other scheme is known here.")
    keyring: Keyring = scope["app"].state.keyring
    clock: Clock = scope["app"].state.clock
    if not keyring.loaded:
        raise Unavailable("The service is starting, or its database cannot be reached. Send the same request again.")
    now = clock.now()
    actor = keyring.find(key, now)
    if actor is None:
        raise Unauthorized("This key is unknown here, revoked or expired. Ask ops for a new one.")
    return actor if actor.unit is None else _with_parent(actor, scope["app"].state.worlds.world, now)


def _with_parent(actor: Actor, world: World, now: datetime) -> Actor:
    """A partner answers as a member of its parent (contract §3, "Unit kinds")."""
    unit = world.unit(actor.unit or "", now)
    return replace(actor, member_of=unit.parent) if unit is not None and unit.kind is UnitKind.PARTNER else actor


current_actor = _Bearer()
Caller = Annotated[Actor, Depends(current_actor)]


def must_be(actor: Actor, *roles: Role) -> None:
    """Raises `NotYours` unless the actor has one of `roles`. For routes that look at the body first (contract §3)."""
    if actor.role not in roles:
        raise NotYours(f"This is for {' or '.join(roles)}; your key has the role {actor.role}.")


def require(*roles: Role) -> Callable[[Actor], Awaitable[Actor]]:
    """A dependency: the actor, or `NotYours` unless it has one of `roles`. It runs before the body is looked at."""

    async def _actor_in_role(actor: Caller) -> Actor:
        must_be(actor, *roles)
        return actor

    return _actor_in_role
