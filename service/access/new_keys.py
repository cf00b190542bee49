"""What a new key is to be, and whether a key may be so: the checks that the API and the command line share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from service.access import addresses
from service.access.key_events import quota_view
from service.rules.arrows.handovers import not_in_force
from service.rules.errors import Pointer, Rule, UnknownUnit, ValidationFailed, wrong_field
from service.rules.masking import looks_like_a_persons_number
from service.rules.model import KeyQuota
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.rules.workers import MAX_SUBJECT, PERSONAL, SEPARATOR
from service.rules.world import World
from service.web import faults, patterns
from service.web.breaches import WrongValue
from service.web.patterns import Shown
from service.web.text import Body, Params, identifier, one_line

MAX_SYSTEMS = 100
MAX_NETWORKS = 50
MAX_A_DAY = 1_000_000
WALL_ROLES = (Role.UNIT, Role.AUDITOR)
"""The roles that a screen on a wall may have: what they see is of a unit, or of everybody."""
AREA_DIGITS = range(6, 16)
"""How many digits an area may have: from the 6 of a district to the 15 of a cell (contract §1, grid cell)."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a new key is to be. Only the role unit takes a `unit`, only the role reporter an `area` (a code prefix).
    `systems` are those in whose name it may report, `quota` how much a day, where the policy's quota is not enough,
    and `allow` the networks from which it may be used (empty: from anywhere). With `may_report_for`, for the role
    reporter alone, it also acts for workers, by name. One for a screen on a `wall`
    only reads, so only the roles unit and auditor have such keys."""

    role: Role
    unit: str | None = None
    area: str | None = None
    subject: str | None = None
    name: str | None = None
    expires_at: datetime | None = None
    systems: tuple[str, ...] = ()
    quota: KeyQuota | None = None
    allow: tuple[str, ...] = ()
    may_report_for: bool = False
    wall: bool = False


def checked(new_key: NewKey, world: World, now: datetime) -> NewKey:
    """The key as it is to be stored, with its texts in their normal form. Faults of the fields alone are raised first,
    then those that the registry shows.

    Raises:
        ValidationFailed: a field is missing, not allowed for the role or malformed, or the area is not in the district.
        UnknownUnit: no unit with this code is in force at `now`.
    """
    new_key, of_texts = _written(new_key)
    found = [
        *_faults_of_role(new_key),
        *_faults_of_area(new_key),
        *_faults_of_wall(new_key),
        *of_texts,
        *_faults_of_expiry(new_key, now),
    ]
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

AnySubject = Annotated[str, *identifier(MAX_SUBJECT)]
"""The subject of a key, also of one from before that a new one may not have any more."""


def _new(subject: str) -> str:
    if SEPARATOR in subject:
        detail = Sentence("Send a subject without a slash: it stands between a vendor and a worker of it.")
        raise WrongValue(detail, Rule.PATTERN)
    if looks_like_a_persons_number(subject):
        raise WrongValue(PERSONAL, Rule.PERSONS_NUMBER)
    return subject


Subject = Annotated[AnySubject, AfterValidator(_new), Shown(patterns.NAME_WITHOUT_SLASH)]
KeyName = Annotated[str, *one_line(_MAX_CHARACTERS)]
SystemName = Annotated[str, *identifier(64)]
Systems = Annotated[tuple[SystemName, ...], Field(max_length=MAX_SYSTEMS)]
NetworkText = Annotated[
    str, StringConstraints(max_length=64), AfterValidator(addresses.normal), Shown(patterns.NETWORK)
]
Networks = Annotated[tuple[NetworkText, ...], Field(max_length=MAX_NETWORKS)]
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
    allow: Networks


_SCOPE_FIELD: Mapping[Role, str | None] = {
    Role.REPORTER: "area",
    Role.UNIT: "unit",
    **dict.fromkeys((Role.AUDITOR, Role.OPS, Role.SECURITY)),
}
"""The field by which each role is limited; None: by none. Any other scope is refused, so that nobody believes in a
limit that does not exist."""


def _faults_of_role(new_key: NewKey) -> list[Pointer]:
    needed = _SCOPE_FIELD[new_key.role]
    found = []
    if new_key.may_report_for and new_key.role is not Role.REPORTER:
        detail = Sentence(
            "Leave out {field}: a key with role {role} has none.", field="may_report_for", role=new_key.role
        )
        found.append(Pointer("/may_report_for", detail, Rule.NOT_ALLOWED))
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


def _faults_of_wall(new_key: NewKey) -> list[Pointer]:
    if not new_key.wall or new_key.role in WALL_ROLES:
        return []
    detail = Sentence("Leave out wall: a screen on a wall has a key of {roles:or}.", roles=WALL_ROLES)
    return [Pointer("/wall", detail, Rule.NOT_ALLOWED)]


def _written(new_key: NewKey) -> tuple[NewKey, Sequence[Pointer]]:
    """The key with its texts in their normal form, and the faults of these."""
    try:
        texts = _KeyTexts.model_validate(
            {
                "subject": new_key.subject,
                "name": new_key.name,
                "systems": new_key.systems,
                "quota": quota_view(new_key.quota) or {},
                "allow": new_key.allow,
            }
        )
    except ValidationError as error:
        return new_key, faults.validation_failed(error, _KeyTexts).errors
    return replace(new_key, subject=texts.subject, name=texts.name, systems=texts.systems, allow=texts.allow), ()


def _faults_of_expiry(new_key: NewKey, now: datetime) -> list[Pointer]:
    if new_key.expires_at is None or new_key.expires_at > now:
        return []
    return [Pointer("/expires_at", Sentence("Send a time after {now}.", now=now), Rule.NOT_IN_FUTURE, {"min": now})]
