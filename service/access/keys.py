"""Making, listing and revoking keys, each in one transaction, for the API and for the command line.

A key is `sihu_` and 256 random bits in 43 URL-safe characters. The key is shown once, and only its SHA-256 is stored.
A subject is the stable name behind one or more keys: incidents and events name the subject, so a key can be replaced.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from service import ids
from service.access import key_events
from service.access.keyring import digest_of
from service.access.new_keys import NewKey, checked
from service.rules import workers
from service.rules.arrows.handovers import not_in_force
from service.rules.errors import Conflict, NotFound, Pointer, Rule, wrong_field
from service.rules.model import By
from service.rules.sentences import Sentence
from service.rules.words import EventType
from service.rules.world import World
from service.store.access import keys as stored
from service.store.access.keys import ANY_KEY, Key, KeyFilter
from service.store.database import Database, Transaction
from service.store.log import numbering, writing
from service.store.log.writing import Committed

KEY_PREFIX = "sihu_"
KEY_LENGTH = 48
LIFE = timedelta(days=365)
"""How long a key works for which no end was named."""
OVERLAP_S = 86_400
"""How long a key works on beside the one that replaces it, unless told otherwise."""
MAX_OVERLAP_S = 90 * 86_400
_OF_A_PERSON = re.compile("p-[0-9a-f]{20}", re.IGNORECASE)
_SHOWN_CHARACTERS = 6
_SHOWN = slice(len(KEY_PREFIX), len(KEY_PREFIX) + _SHOWN_CHARACTERS)
"""The characters of a key that are kept, so that a person recognises it."""


class Created(NamedTuple):
    """A new key. `text` is the key itself: it is shown once and never stored."""

    key: Key
    text: str
    committed: Committed


class Rotated(NamedTuple):
    """A new key in the place of one that ends at `replaced_until`."""

    created: Created
    replaced_until: datetime


class Revoked(NamedTuple):
    """A revoked key. `committed` is None when the key had been revoked before, so that nothing was written."""

    key: Key
    committed: Committed | None


async def create(database: Database, world: World, now: datetime, new_key: NewKey, by: By) -> Created:
    """Make a key and store its digest. Without an end it works for `LIFE`.

    Raises:
        ValidationFailed, UnknownUnit: see `checked`.
        Conflict: the subject already has another role or unit, or is to act for workers one of whom may be somebody
            else: an older key has a subject with a slash.
        Unavailable: the database cannot be reached.
    """
    key_text = _new_text()
    async with database.begin() as tx:
        now = await _service_time(tx, now)
        key = _key_of(checked(new_key, world, now), key_text, now)
        await stored.lock(tx)
        _refuse_another_holder(key, await stored.holder(tx, key.subject))
        if key.may_report_for:
            _refuse_older_workers(key, await stored.begins(tx, workers.prefix_of(key.subject)))
        await stored.add(tx, key, digest_of(key_text))
        entry = key_events.entry(EventType.KEY_CREATED, key, world, now, by)
        committed = await writing.append(tx, [entry], reload=("keys",))
    return Created(key, key_text, committed)


async def rotate(database: Database, world: World, now: datetime, key_id: UUID, overlap_s: int, by: By) -> Rotated:
    """Make a key that may do what this one may, for `LIFE`. This one works on for `overlap_s` seconds, or to its own
    end if that is sooner.

    Raises:
        NotFound: no key has this id.
        Conflict: the key is revoked, or has ended, or its unit is no longer in force.
        ValidationFailed: the overlap is out of its bounds.
        Unavailable: the database cannot be reached.
    """
    _check_overlap(overlap_s)
    text = _new_text()
    async with database.begin() as tx:
        now = await _service_time(tx, now)
        old = await stored.living(tx, key_id, now)
        if old is None:
            raise await _cannot_rotate(tx, key_id)
        if old.unit is not None and world.unit(old.unit, now) is None:
            raise Conflict(not_in_force(old.unit))
        fresh = replace(old, id=ids.new_id(now), prefix=text[_SHOWN], last_used_at=None)
        key = replace(fresh, created_at=now, expires_at=now + LIFE)
        until = min(old.expires_at or now + LIFE, now + timedelta(seconds=overlap_s))
        await stored.end_at(tx, old.id, until)
        await stored.add(tx, key, digest_of(text))
        entry = key_events.rotated(key, {"id": old.id, "expires_at": until}, world, now, by)
        committed = await writing.append(tx, [entry], reload=("keys",))
    return Rotated(Created(key, text, committed), until)


def _check_overlap(overlap_s: int) -> None:
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        detail = Sentence("Send 0 to {max} seconds, which are 90 days.", max=MAX_OVERLAP_S)
        raise wrong_field("/overlap_s", detail, Rule.OUT_OF_RANGE, min=0, max=MAX_OVERLAP_S)


async def _cannot_rotate(tx: Transaction, key_id: UUID) -> NotFound | Conflict:
    if await stored.find(tx, key_id) is None:
        return NotFound(no_such_key(str(key_id)))
    return Conflict(Sentence("This key is revoked or has ended, so nothing can replace it: make a new one."))


async def revoke(database: Database, world: World, now: datetime, key_id: UUID, by: By) -> Revoked:
    """Revoke a key; a key that is revoked already stays as it is. Raises `NotFound` or `Unavailable`."""
    async with database.begin() as tx:
        now = await _service_time(tx, now)
        key = await stored.revoke(tx, key_id, now)
        if key is not None:
            entry = key_events.entry(EventType.KEY_REVOKED, key, world, now, by)
            return Revoked(key, await writing.append(tx, [entry], reload=("keys",)))
        revoked_before = await stored.find(tx, key_id)
    if revoked_before is None:
        raise NotFound(no_such_key(str(key_id)))
    return Revoked(revoked_before, None)


def no_such_key(key_id: str) -> Sentence:
    """What to do about an id that no key has."""
    return Sentence("No key has the id {key}: GET /v1/keys and `sihu keys list` show them all.", key=key_id)


async def page(
    database: Database, limit: int, before: tuple[datetime, UUID] | None = None, only: KeyFilter = ANY_KEY
) -> Sequence[Key]:
    """At most `limit` keys, revoked ones included, newest first. `before`: only keys older than this (created_at,
    id)."""
    async with database.read() as connection:
        return await stored.newest(connection, limit=limit, before=before, only=only)


async def search(database: Database, text: str, limit: int) -> Sequence[Key]:
    """At most `limit` keys, newest first, that a text is or means: a whole key, its first characters, a unit, or a part
    of a subject or name. A whole key finds itself alone."""
    async with database.read() as connection:
        if len(text) == KEY_LENGTH and text.startswith(KEY_PREFIX):
            return await stored.with_digest(connection, digest_of(text))
        return await stored.matching(connection, text, text.removeprefix(KEY_PREFIX)[:_SHOWN_CHARACTERS], limit)


def _new_text() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


async def _service_time(tx: Transaction, now: datetime) -> datetime:
    """The time by which keys begin and end: the newest one stored, if that is later than `now`. For a command goes by
    the clock of the database, and the service that it helps may have a virtual one, far ahead."""
    return max(now, await numbering.newest_time(tx) or now)


def _key_of(new_key: NewKey, text: str, now: datetime) -> Key:
    return Key(
        id=ids.new_id(now),
        role=new_key.role,
        subject=new_key.subject or new_key.unit or f"{new_key.role}-{secrets.token_hex(6)}",
        unit=new_key.unit,
        area=new_key.area,
        name=new_key.name,
        created_at=now,
        expires_at=(new_key.expires_at or now + LIFE).astimezone(UTC),
        revoked_at=None,
        systems=tuple(dict.fromkeys(new_key.systems)),
        quota=new_key.quota,
        prefix=text[_SHOWN],
        allow=tuple(dict.fromkeys(new_key.allow)),
        may_report_for=new_key.may_report_for,
        wall=new_key.wall,
    )


def _refuse_another_holder(key: Key, holder: Key | None) -> None:
    """Raises `Conflict` when the subject already has another role or unit, or is made as those of people are who sign
    on, so that nobody gets a key in the name of one. Only a reporter's area may differ."""
    if _OF_A_PERSON.fullmatch(key.subject):
        taken = Sentence(
            "Subjects such as {subject} are those of people who sign on. Choose another one.", subject=key.subject
        )
        raise Conflict(taken, errors=[Pointer("/subject", taken, Rule.TAKEN)])
    if holder is None or (holder.role, holder.unit) == (key.role, key.unit):
        return
    stands_for = Sentence("unit {unit}", unit=holder.unit) if holder.unit else Sentence("role {role}", role=holder.role)
    detail = Sentence(
        "The subject {subject} already stands for {holder}. Choose another subject, or leave it out.",
        subject=key.subject,
        holder=stands_for,
    )
    raise Conflict(detail, errors=[Pointer("/subject", detail, Rule.TAKEN)])


def _refuse_older_workers(key: Key, older: str | None) -> None:
    """Raises `Conflict` when a worker of this key could have the subject of an older key."""
    if older is None:
        return
    detail = Sentence(
        "A key has the subject {older}, as a worker of {subject} would have it. Choose another subject.",
        older=older,
        subject=key.subject,
    )
    raise Conflict(detail, errors=[Pointer("/subject", detail, Rule.TAKEN)])
