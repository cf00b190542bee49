"""Whether a known key may be used for this request, and who acts by it: the same for a key that is sent and for the key
behind a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from starlette.types import Scope

from service import context as contexts
from service.access import addresses
from service.access.keyring import Keyring, KnownKey
from service.context import Context
from service.rules.errors import Unauthorized, Unavailable
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role, UnitKind
from service.rules.world import World

_ENDS_AT = "sihu.ends_at"


def note_end(scope: Scope, ends_at: datetime | None) -> None:
    """Note when that by which the sender of a request signed in ends; None: never."""
    scope[_ENDS_AT] = ends_at


def end_of(scope: Scope) -> datetime | None:
    """When that by which the sender of a request signed in ends; None: never, as with the oldest keys."""
    found: datetime | None = scope[_ENDS_AT]
    return found


def loaded_keyring(context: Context) -> Keyring:
    """The keyring of the process. Raises `Unavailable` while it is not loaded."""
    keyring = context.part(Keyring)
    if not keyring.loaded:
        raise Unavailable(
            Sentence("The service is starting, or its database cannot be reached. Send the same request again.")
        )
    return keyring


def key_of(keyring: Keyring, text: str, now: datetime) -> KnownKey:
    """The usable key with this text. Raises `Unauthorized` when it is unknown, revoked or expired."""
    known = keyring.known(text, now)
    if known is None:
        raise Unauthorized(Sentence("This key is unknown here, revoked or expired. Ask ops for a new one."))
    return known


def actor_behind(known: KnownKey, scope: Scope, now: datetime) -> Actor:
    """The actor of a usable key, for this request.

    Raises:
        AddressNotAllowed: the key may not be used from where the request comes.
        Unauthorized: its unit is not in force.
    """
    if known.allow:
        addresses.demand(scope, known.allow)
    context, actor = contexts.of(scope), known.actor
    note_end(scope, known.expires_at)
    if actor.role is Role.OPS and context.part(Keyring).holder_of_all(now) == actor.subject:
        return replace(actor, holds_all=True)
    return in_force(actor, context.worlds.world, now)


def in_force(actor: Actor, world: World, now: datetime) -> Actor:
    """The actor, if it is a unit, as that stands now: a partner as a member of its parent unit, for which it may answer
    (contract §3, "Unit kinds"). Raises `Unauthorized` when the unit is not in force: whoever takes its place has a key
    of its own."""
    if actor.unit is None:
        return actor
    unit = world.unit(actor.unit, now)
    if unit is None:
        raise Unauthorized(_gone(actor.unit, world, now))
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
