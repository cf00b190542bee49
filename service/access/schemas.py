"""What people send about keys (contract §3, "Appraisal, access, operations")."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from service.access.keys import NewKey
from service.rules.words import Role
from service.web.text import Body, Code, Moment, one_line

NEW_KEY_EXAMPLE: dict[str, Any] = {
    "role": "unit",
    "unit": "440105003",
    "name": "街道系统 (the street's own system)",
    "expires_at": "2027-12-31T00:00:00+08:00",
}


class NewKeyBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [NEW_KEY_EXAMPLE]})

    role: Role
    unit: Code | None = Field(default=None, description="For role unit: the unit as which the key acts.")
    area: Code | None = Field(default=None, description="For role reporter: the first 6 to 15 digits of its cells.")
    subject: Annotated[str, *one_line(200)] | None = Field(
        default=None,
        description="The stable name behind the key; name it again when you replace a key. One subject has one role "
        "and one unit. Left out: the unit's code, or a new name for a key without a unit.",
    )
    name: Annotated[str, *one_line(200)] | None = Field(default=None, description="A note for people.")
    expires_at: Moment | None = Field(
        default=None, description="The key is refused from this time on. Left out: it never expires."
    )

    def new_key(self) -> NewKey:
        return NewKey(self.role, self.unit, self.area, self.subject, self.name, self.expires_at)
