"""How a route learns who sent the request (`caller: Caller`), and demands a role of the sender (`require`,
`must_be`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from service.rules.errors import NotYours
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role


def actor_of(scope: Scope) -> Actor:
    """The actor that the gate found for this request."""
    actor: Actor = scope["actor"]
    return actor


async def _caller(request: Request) -> Actor:
    return actor_of(request.scope)


Caller = Annotated[Actor, Depends(_caller)]


_OF_ALL = frozenset({Role.OPS, Role.SECURITY, Role.AUDITOR})
"""The roles that one subject holds together where nobody was ever given the role of security."""


def must_be(actor: Actor, *roles: Role) -> None:
    """Raises `NotYours` unless the actor has one of `roles`. For routes that validate the body first (contract §3)."""
    if actor.role not in roles and not (actor.holds_all and _OF_ALL.intersection(roles)):
        raise NotYours(Sentence("This is for {roles:or}; your key has the role {role}.", roles=roles, role=actor.role))


def require(*roles: Role) -> Callable[[Actor], Awaitable[Actor]]:
    """A dependency that gives the actor. It raises `NotYours` unless the actor has one of `roles`, before the body is
    validated."""

    async def _actor_in_role(actor: Caller) -> Actor:
        must_be(actor, *roles)
        return actor

    return _actor_in_role
