"""The events of changes of keys, as the log has them. No incident belongs to them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.logged import ByView
from service.rules.model import By, KeyQuota
from service.rules.words import EventType, Role
from service.rules.world import World
from service.store.access.keys import Key
from service.store.log import writing


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
    allow: list[str]
    may_report_for: bool
    wall: bool


class KeyEventData(TypedDict):
    """The data of `sihu.key.created` and `sihu.key.revoked`."""

    key: LoggedKey
    by: ByView


class ReplacedKey(TypedDict):
    """A key that another one replaces: it ends at `expires_at`."""

    id: UUID
    expires_at: datetime


class KeyRotatedData(KeyEventData):
    """The data of `sihu.key.rotated`: `key` is the new one."""

    replaced: ReplacedKey


def quota_view(quota: KeyQuota | None) -> KeyQuotaView | None:
    """The view of a key's own quota; None when it has none."""
    return quota and {"reports": quota.reports, "urgent": quota.urgent}


def entry(event_type: EventType, key: Key, world: World, at: datetime, by: By) -> writing.Entry:
    """The event of a change of keys. No incident belongs to it, so only auditors, ops and security see it."""
    data: KeyEventData = {"key": _logged(key), "by": by.as_dict()}
    return writing.Entry(type=event_type, at=at, area=world.district, audience=(), data=data)


def rotated(key: Key, replaced: ReplacedKey, world: World, at: datetime, by: By) -> writing.Entry:
    """The event of a key that replaces another one."""
    data: KeyRotatedData = {"key": _logged(key), "replaced": replaced, "by": by.as_dict()}
    return writing.Entry(type=EventType.KEY_ROTATED, at=at, area=world.district, audience=(), data=data)


def _logged(key: Key) -> LoggedKey:
    return {
        "id": key.id,
        "role": key.role,
        "subject": key.subject,
        "unit": key.unit,
        "area": key.area,
        "name": key.name,
        "expires_at": key.expires_at,
        "systems": list(key.systems),
        "quota": quota_view(key.quota),
        "allow": list(key.allow),
        "may_report_for": key.may_report_for,
        "wall": key.wall,
    }
