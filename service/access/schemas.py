"""The JSON of keys (contract §3, "Appraisal, access, operations")."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from service.access.keys import KeyName, NewKey, Subject
from service.rules.words import Role
from service.store.access.keys import Key
from service.web.text import Body, Code, Moment

NEW_KEY_EXAMPLE: dict[str, Any] = {
    "role": "unit",
    "unit": "440105003",
    "name": "街道系统 (the street's own system)",
    "expires_at": "2027-12-31T00:00:00+08:00",
}
KEY_EXAMPLE: dict[str, Any] = {
    "id": "019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11",
    "role": "unit",
    "subject": "440105003",
    "unit": "440105003",
    "area": None,
    "name": "街道系统 (the street's own system)",
    "created_at": "2026-11-02T01:00:00Z",
    "expires_at": "2027-12-30T16:00:00Z",
    "revoked_at": None,
}
CREATED_KEY_EXAMPLE: dict[str, Any] = {
    **KEY_EXAMPLE,
    "key": "sihu_Zm91ciBjYWxscywgb25lIGdyaWQsIG5vYm9keSBsb3N0IQ",
}


class NewKeyBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [NEW_KEY_EXAMPLE]})

    role: Role
    unit: Code | None = Field(default=None, description="For role unit: the unit as which the key acts.")
    area: Code | None = Field(default=None, description="For role reporter: the first 6 to 15 digits of its cells.")
    subject: Subject | None = Field(
        default=None,
        description="The stable name behind the key; name it again when you replace a key. One subject has one role "
        "and one unit. Left out: the unit's code, or a new name for a key without a unit.",
    )
    name: KeyName | None = Field(default=None, description="A note for people.")
    expires_at: Moment | None = Field(
        default=None, description="The key is refused from this time on. Left out: it never expires."
    )

    def new_key(self) -> NewKey:
        return NewKey(self.role, self.unit, self.area, self.subject, self.name, self.expires_at)


class KeyOut(BaseModel):
    """A key as it is listed: without its text, which is not stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [KEY_EXAMPLE]})

    id: UUID
    role: Role
    subject: str
    unit: str | None
    area: str | None
    name: str | None
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None = Field(description="When the key was revoked; a revoked key stays in the list.")


class CreatedKey(KeyOut):
    model_config = ConfigDict(json_schema_extra={"examples": [CREATED_KEY_EXAMPLE]})

    key: str = Field(description="The key itself, shown only here: the service stores nothing but its SHA-256.")


class KeyList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [KEY_EXAMPLE], "next_cursor": None}]})

    items: list[KeyOut]
    next_cursor: str | None


def key_out(key: Key) -> dict[str, Any]:
    """The JSON object of one key, field by field as in `KeyOut`."""
    return {field: getattr(key, field) for field in KeyOut.model_fields}
