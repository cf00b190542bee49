"""Keys as the API answers them (contract §3, "Appraisal, access, operations")."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.access.key_events import KeyQuotaView, quota_view
from service.rules import access
from service.rules.model import Actor
from service.rules.words import Right, Role
from service.store.access.keys import Key


class KeyView(TypedDict):
    """A key as it is listed, without its text, which is not stored. A revoked key stays in the list. `prefix` are the 6
    characters after `sihu_`, null for keys from before they were kept. `last_used_at` is the beginning of the day
    (Asia/Shanghai) on which the key was used last. `allow`: from which networks it may be used, none for anywhere.
    `may_report_for`: it also acts for the workers of a vendor, by name. `wall`: it is for a screen that nobody
    touches, and only reads."""

    id: UUID
    role: Role
    subject: str
    unit: str | None
    area: str | None
    name: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    systems: list[str]
    quota: KeyQuotaView | None
    prefix: str | None
    last_used_at: datetime | None
    allow: list[str]
    may_report_for: bool
    wall: bool


class NewKeyView(KeyView):
    """A key that was just made. `key` is the key itself, shown only here: nothing but its SHA-256 is stored."""

    key: str


def key(stored: Key) -> KeyView:
    """The view of one key."""
    return {
        "id": stored.id,
        "role": stored.role,
        "subject": stored.subject,
        "unit": stored.unit,
        "area": stored.area,
        "name": stored.name,
        "created_at": stored.created_at,
        "expires_at": stored.expires_at,
        "revoked_at": stored.revoked_at,
        "systems": list(stored.systems),
        "quota": quota_view(stored.quota),
        "prefix": stored.prefix,
        "last_used_at": stored.last_used_at,
        "allow": list(stored.allow),
        "may_report_for": stored.may_report_for,
        "wall": stored.wall,
    }


def new_key(stored: Key, text: str) -> NewKeyView:
    """The view of a key in the one answer that shows its text."""
    return {**key(stored), "key": text}


class MeView(TypedDict):
    """Who sends a request. `may` is what it may do at all; which acts on one incident are open to it depends on that
    incident. `expires_at` is when its key or its session ends, unless it is ended earlier; null: never."""

    subject: str
    role: Role
    unit: str | None
    area: str | None
    may: list[Right]
    server_now: datetime
    expires_at: datetime | None


def me(actor: Actor, now: datetime, ends_at: datetime | None) -> MeView:
    """The view of an actor for itself."""
    return {
        "subject": actor.subject,
        "role": actor.role,
        "unit": actor.unit,
        "area": actor.area,
        "may": list(access.rights_of(actor)),
        "server_now": now,
        "expires_at": ends_at,
    }
