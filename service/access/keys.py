"""Making, listing and revoking keys, each in one transaction, for the API and for the command line.

A key is `sihu_` and 256 random bits in 43 URL-safe characters. The key is shown once, and only its SHA-256 is stored.
A subject is the stable name behind one or more keys: incidents and events name the subject, so a key can be replaced.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import Field, ValidationError
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service import ids
from service.access.keyring import digest_of
from service.rules.arrows.handovers import not_in_force
from service.rules.errors import Conflict, NotFound, Pointer, Rule, UnknownUnit, ValidationFailed, wrong_field
from service.rules.logged import ByView
from service.rules.model import By, KeyQuota
from service.rules.sentences import Sentence
from service.rules.words import EventType, Role
from service.rules.world import World
from service.store.access import keys as stored
from service.store.access.keys import Key
from service.store.database import Database
from service.store.log import writing
from service.store.log.writing import Committed
from service.web import faults
from service.web.text import Body, Params, identifier, one_line

KEY_PREFIX = "sihu_"
MAX_SYSTEMS = 100
MAX_A_DAY = 1_000_000
AREA_DIGITS = range(6, 16)
"""How many digits an area may have: from the 6 of a district to the 15 of a cell (contract §1, grid cell)."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a new key is to be. Only the role unit takes a `unit`, only the role reporter an `area` (a code prefix).
    `systems` are those in whose name it may report, `quota` how much a day, where the policy's quota is not enough."""

    role: Role
    unit: str | None = None
    area: str | None = None
    subject: str | None = None
    name: str | None = None
    expires_at: datetime | None = None
    systems: tuple[str, ...] = ()
    quota: KeyQuota | None = None


class KeyQuotaView(TypedDict):
    """How much the holder of a key may report a day; null: as the policy says."""

    reports: int | None
    urgent: int | None


class LoggedKey(TypedDict):
    """A key as the log has it, without its text."""

    id: UUID
    role: Role
    subject: str
    unit: str | None
    area: str | None
    name: str | None
    expires_at: datetime | None
    systems: list[str]
    quota: KeyQuotaView | None


class KeyEventData(TypedDict):
    """The data of `sihu.key.created` and `sihu.key.revoked`."""

    key: LoggedKey
    by: ByView


class Created(NamedTuple):
    """A new key. `text` is the key itself: it is shown once and never stored."""

    key: Key
    text: str
    committed: Committed


class Revoked(NamedTuple):
    """A revoked key. `committed` is None when the key had been revoked before, so that nothing was written."""

    key: Key
    committed: Committed | None


async def create(database: Database, world: World, now: datetime, new_key: NewKey, by: By) -> Created:
    """Make a key and store its digest.

    Raises:
        ValidationFailed, UnknownUnit: see `checked`.
        Conflict: the subject already has another role or unit.
        Unavailable: the database cannot be reached.
    """
    new_key = checked(new_key, world, now)
    key_text = KEY_PREFIX + secrets.token_urlsafe(32)
    key = _key_of(new_key, now)
    async with database.begin() as tx:
        await stored.lock(tx)
        _refuse_another_holder(key, await stored.holder(tx, key.subject))
        await stored.add(tx, key, digest_of(key_text))
        committed = await writing.append(tx, [_entry(EventType.KEY_CREATED, key, world, now, by)], reload=("keys",))
    return Created(key, key_text, committed)


async def revoke(database: Database, world: World, now: datetime, key_id: UUID, by: By) -> Revoked:
    """Revoke a key; a key that is revoked already stays as it is. Raises `NotFound` or `Unavailable`."""
    async with database.begin() as tx:
        key = await stored.revoke(tx, key_id, now)
        if key is not None:
            entry = _entry(EventType.KEY_REVOKED, key, world, now, by)
            return Revoked(key, await writing.append(tx, [entry], reload=("keys",)))
        revoked_before = await stored.find(tx, key_id)
    if revoked_before is None:
        raise NotFound(no_such_key(str(key_id)))
    return Revoked(revoked_before, None)


def no_such_key(key_id: str) -> Sentence:
    """What to do about an id that no key has."""
    return Sentence("No key has the id {key}. GET /v1/keys lists them.", key=key_id)


async def page(database: Database, limit: int, before: tuple[datetime, UUID] | None = None) -> Sequence[Key]:
    """At most `limit` keys, revoked ones included, newest first. `before`: only keys older than this (created_at,
    id)."""
    async with database.read() as connection:
        return await stored.newest(connection, limit=limit, before=before)


def checked(new_key: NewKey, world: World, now: datetime) -> NewKey:
    """The key as it is to be stored, with its texts in their normal form. Faults of the fields alone are raised first,
    then those that the registry shows.

    Raises:
        ValidationFailed: a field is missing, not allowed for the role or malformed, or the area is not in the district.
        UnknownUnit: no unit with this code is in force at `now`.
    """
    new_key, of_texts = _written(new_key)
    found = [*_faults_of_role(new_key), *_faults_of_area(new_key), *of_texts, *_faults_of_expiry(new_key, now)]
    if found:
        raise ValidationFailed(Sentence("Some fields of the key are wrong: see errors."), errors=found)
    if new_key.unit is not None and world.unit(new_key.unit, now) is None:
        raise UnknownUnit(not_in_force(new_key.unit), "/unit")
    if new_key.area is not None and not (world.district and new_key.area.startswith(world.district)):
        raise wrong_field("/area", _outside(new_key.area, world.district), Rule.UNKNOWN)
    return new_key


def _outside(area: str, district: str) -> Sentence:
    if not district:
        return Sentence(
            "No registry is imported yet, so no area is known here: import one first (sihu registry import DIR)."
        )
    return Sentence(
        "Area {area} lies outside this district: it should start with {district}.", area=area, district=district
    )


_MAX_CHARACTERS = 200

Subject = Annotated[str, *identifier(_MAX_CHARACTERS)]
KeyName = Annotated[str, *one_line(_MAX_CHARACTERS)]
SystemName = Annotated[str, *identifier(64)]
Systems = Annotated[tuple[SystemName, ...], Field(max_length=MAX_SYSTEMS)]
DailyCount = Annotated[int, Field(ge=0, le=MAX_A_DAY)]


class QuotaBody(Body):
    """How much the holder of the key may report on one day of Asia/Shanghai. What is left out is as the policy says."""

    reports: DailyCount | None = Field(default=None, description="reports a day")
    urgent: DailyCount | None = Field(default=None, description="how many of them may be urgent")


class _KeyTexts(Params):
    """What people write about a key. It is checked here, since the command line does not pass through a body."""

    subject: Subject | None
    name: KeyName | None
    systems: Systems
    quota: QuotaBody


_SCOPE_FIELD: Mapping[Role, str | None] = {Role.REPORTER: "area", Role.UNIT: "unit", Role.AUDITOR: None, Role.OPS: None}
"""The field by which each role is limited; None: by none. Any other scope is refused, so that nobody believes in a
limit that does not exist."""


def _faults_of_role(new_key: NewKey) -> list[Pointer]:
    needed = _SCOPE_FIELD[new_key.role]
    found = []
    for field, value in (("unit", new_key.unit), ("area", new_key.area)):
        if field == needed and value is None:
            detail = Sentence("Name the {field}: a key with role {role} is for one.", field=field, role=new_key.role)
            found.append(Pointer(f"/{field}", detail, Rule.MISSING))
        if field != needed and value is not None:
            detail = Sentence("Leave out {field}: a key with role {role} has none.", field=field, role=new_key.role)
            found.append(Pointer(f"/{field}", detail, Rule.NOT_ALLOWED))
    return found


def _faults_of_area(new_key: NewKey) -> list[Pointer]:
    area = new_key.area
    if area is None or (area.isascii() and area.isdigit() and len(area) in AREA_DIGITS):
        return []
    detail = Sentence("Send the first 6 to 15 digits of a cell's code, such as the 9 of a street.")
    return [Pointer("/area", detail, Rule.PATTERN)]


def _written(new_key: NewKey) -> tuple[NewKey, Sequence[Pointer]]:
    """The key with its texts in their normal form, and the faults of these."""
    try:
        texts = _KeyTexts.model_validate(
            {
                "subject": new_key.subject,
                "name": new_key.name,
                "systems": new_key.systems,
                "quota": quota_view(new_key.quota) or {},
            }
        )
    except ValidationError as error:
        return new_key, faults.validation_failed(error, _KeyTexts).errors
    return replace(new_key, subject=texts.subject, name=texts.name, systems=texts.systems), ()


def _faults_of_expiry(new_key: NewKey, now: datetime) -> list[Pointer]:
    if new_key.expires_at is None or new_key.expires_at > now:
        return []
    return [Pointer("/expires_at", Sentence("Send a time after {now}.", now=now), Rule.NOT_IN_FUTURE, {"min": now})]


def _key_of(new_key: NewKey, now: datetime) -> Key:
    return Key(
        id=ids.new_id(now),
        role=new_key.role,
        subject=new_key.subject or new_key.unit or f"{new_key.role}-{secrets.token_hex(6)}",
        unit=new_key.unit,
        area=new_key.area,
        name=new_key.name,
        created_at=now,
        expires_at=None if new_key.expires_at is None else new_key.expires_at.astimezone(UTC),
        revoked_at=None,
        systems=tuple(dict.fromkeys(new_key.systems)),
        quota=new_key.quota,
    )


def quota_view(quota: KeyQuota | None) -> KeyQuotaView | None:
    """The view of a key's own quota; None when it has none."""
    return quota and {"reports": quota.reports, "urgent": quota.urgent}


def _refuse_another_holder(key: Key, holder: Key | None) -> None:
    """Raises `Conflict` when the subject already has another role or unit. Only a reporter's area may differ."""
    if holder is None or (holder.role, holder.unit) == (key.role, key.unit):
        return
    stands_for = Sentence("unit {unit}", unit=holder.unit) if holder.unit else Sentence("role {role}", role=holder.role)
    detail = Sentence(
        "The subject {subject} already stands for {holder}. Choose another subject, or leave it out.",
        subject=key.subject,
        holder=stands_for,
    )
    raise Conflict(detail, errors=[Pointer("/subject", detail, Rule.TAKEN)])


def _entry(event_type: EventType, key: Key, world: World, at: datetime, by: By) -> writing.Entry:
    """The event of a change of keys. No incident belongs to it, so only auditors and ops see it in the feed."""
    data: KeyEventData = {
        "key": {
            "id": key.id,
            "role": key.role,
            "subject": key.subject,
            "unit": key.unit,
            "area": key.area,
            "name": key.name,
            "expires_at": key.expires_at,
            "systems": list(key.systems),
            "quota": quota_view(key.quota),
        },
        "by": by.as_dict(),
    }
    return writing.Entry(type=event_type, at=at, area=world.district, audience=(), data=data)
