"""What people send about keys (contract §3, "Appraisal, access, operations")."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from service.access.keys import MAX_OVERLAP_S, OVERLAP_S
from service.access.new_keys import (
    WALL_ROLES,
    AnySubject,
    KeyName,
    Networks,
    NewKey,
    QuotaBody,
    Subject,
    Systems,
)
from service.rules.model import KeyQuota
from service.rules.words import Role
from service.store.access.keys import KeyFilter
from service.web import patterns
from service.web.paging import PageQuery
from service.web.patterns import NULL, Shown
from service.web.text import Body, Code, Moment

NEW_KEY_EXAMPLE: dict[str, Any] = {
    "role": "unit",
    "unit": "440105003",
    "name": "街道系统 (the street's own system)",
    "expires_at": "2027-12-31T00:00:00+08:00",
}


_SCOPES: dict[str, Any] = {
    "not": {
        "anyOf": [
            {"properties": {"role": {"const": Role.UNIT.value}, "unit": NULL}},
            {"properties": {"role": {"const": Role.REPORTER.value}, "area": NULL}},
            {"properties": {"role": {"not": {"const": Role.UNIT.value}}, "unit": {"not": NULL}}, "required": ["unit"]},
            {
                "properties": {"role": {"not": {"const": Role.REPORTER.value}}, "area": {"not": NULL}},
                "required": ["area"],
            },
            {
                "properties": {"role": {"not": {"const": Role.REPORTER.value}}, "may_report_for": {"const": True}},
                "required": ["may_report_for"],
            },
            {
                "properties": {
                    "role": {"not": {"enum": [role.value for role in WALL_ROLES]}},
                    "wall": {"const": True},
                },
                "required": ["wall"],
            },
        ]
    }
}
"""The bodies that no key can have: a unit without `unit`, a reporter without `area`, either field with another role,
`may_report_for` with another role; a key for a wall that is neither a unit's nor an auditor's."""


class KeysQuery(PageQuery):
    """Which keys a list has."""

    unit: Code | None = Field(default=None, description="keys of this unit")
    role: Role | None = Field(default=None, description="keys of this role")
    subject: AnySubject | None = Field(default=None, description="keys of this subject")

    def only(self) -> KeyFilter:
        return KeyFilter(self.unit, self.role, self.subject)


class RotateBody(Body):
    """How a key is replaced."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_s": 3600}]})

    overlap_s: Annotated[int, Field(ge=0, le=MAX_OVERLAP_S)] = Field(
        default=OVERLAP_S, description="For how many seconds the old key works on, at most."
    )


class NewKeyBody(Body):
    """What a key is to be. A key of role unit names its `unit`, a key of role reporter its `area`; no other key has
    either."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEW_KEY_EXAMPLE], **_SCOPES})

    role: Role
    unit: Code | None = Field(default=None, description="For role unit: the unit as which the key acts.")
    area: Annotated[Code, Shown(patterns.AREA)] | None = Field(
        default=None, description="For role reporter: the first 6 to 15 digits of its cells."
    )
    subject: Subject | None = Field(
        default=None,
        description="The stable name behind the key; name it again when you replace a key. One subject has one role "
        "and one unit. Left out: the unit's code, or a new name for a key without a unit.",
    )
    name: KeyName | None = Field(default=None, description="A note for people.")
    expires_at: Moment | None = Field(
        default=None, description="The key is refused from this time on. Left out: it works for 365 days."
    )
    systems: Systems = Field(
        default=(),
        description="The systems in whose name the key may report: a report with another `source.system` is refused.",
    )
    quota: QuotaBody | None = Field(
        default=None, description="How much the key's holder may report a day. Left out: as the policy says."
    )
    allow: Networks = Field(
        default=(),
        description="The addresses and networks (CIDR) from which the key may be used; from elsewhere it gets 403 "
        "`address_not_allowed`. Left out: from anywhere.",
    )
    may_report_for: bool = Field(
        default=False,
        description="For role reporter: the key of a vendor's backend, which also reports and acts for its workers. It "
        "names one in `on_behalf_of`; on record is `<subject>/<worker>`.",
    )

    wall: bool = Field(
        default=False,
        description="For a screen that nobody touches (role unit or auditor): the key only reads, and a session that "
        "is begun with it lasts as long as the key.",
    )

    def new_key(self) -> NewKey:
        own = KeyQuota() if self.quota is None else KeyQuota(self.quota.reports, self.quota.urgent)
        quota = None if own == KeyQuota() else own  # `{}` limits nothing
        names = (self.role, self.unit, self.area, self.subject, self.name)
        return NewKey(*names, self.expires_at, self.systems, quota, self.allow, self.may_report_for, self.wall)
