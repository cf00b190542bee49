"""The examples of keys in the OpenAPI document, made by the code that makes the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from service.access import views
from service.access.views import KeyView, MeView, NewKeyView
from service.rules.model import Actor
from service.rules.words import Role
from service.store.access.keys import Key
from service.web.paging import ItemPage

_KEY = Key(
    id=UUID("019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11"),
    role=Role.UNIT,
    subject="440105003",
    unit="440105003",
    area=None,
    name="街道系统 (the street's own system)",
    created_at=datetime(2026, 11, 2, 1, tzinfo=UTC),
    expires_at=datetime(2027, 12, 30, 16, tzinfo=UTC),
    revoked_at=None,
    prefix="Zm91ci",
    last_used_at=datetime(2026, 11, 2, 16, tzinfo=UTC),
)

ME: MeView = views.me(
    Actor(Role.UNIT, "440105003", unit="440105003"),
    datetime(2026, 11, 23, 1, tzinfo=UTC),
    datetime(2027, 12, 30, 16, tzinfo=UTC),
)
KEYS: ItemPage[KeyView] = {"items": [views.key(_KEY)], "next_cursor": None}
NEW_KEY: NewKeyView = views.new_key(
    replace(_KEY, last_used_at=None), "sihu_Zm91ciBjYWxscywgb25lIGdyaWQsIG5vYm9keSBsb3N0IQ"
)
