"""Who sees what: one rule for single incidents, lists, queues, the feed and figures (contract §2, "Who sees and does
what").

A sight is a tuple of cases and grants whatever one of its cases grants; an empty sight grants nothing. The predicates
say what a case grants of one incident, one event or one call, `store/sight.py` says the same to the database, and a
test holds the two together. Codes are prefixes, so "inside an area" means that the cell's code begins with the area's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from service.rules.model import Actor, AnyIncident
from service.rules.words import CALL_OPEN_STATES, COMMUNITY_DIGITS, STREET_DIGITS, Role
from service.rules.workers import prefix_of
from service.rules.world import Unit, World


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Grants everything, events without an incident included: the case of auditors and ops."""


@dataclass(frozen=True, slots=True)
class Within:
    """Grants every incident whose cell lies inside the code prefix `area`: the case of reporters, streets and
    communities. Not `confidential`: but those that are reported in confidence, which no area reporter sees."""

    area: str
    confidential: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """Grants every incident that has one of `tokens` in its audience, and in figures every call of a unit among them. A
    token is the code of a unit, or '@subject' of a reporter whose incident was merged into this one ('@key/' as well,
    where that is a worker); in the audience of an event also that of the incident's own reporter. Not `confidential`:
    but those that are reported in confidence, which no partner sees."""

    tokens: tuple[str, ...]
    confidential: bool = True


@dataclass(frozen=True, slots=True)
class OwnOnly:
    """Grants the incidents that `subject` reported, under whatever key it reported them."""

    subject: str


@dataclass(frozen=True, slots=True)
class OfWorkers:
    """Grants the incidents that the workers of `subject` reported: the case of a key that acts for them. What such an
    incident was merged into has the workers in its audience (`Heard`)."""

    subject: str


@dataclass(frozen=True, slots=True)
class Member:
    """Grants the incidents whose open call is on `unit`, in the categories that begin with one of `categories`: the
    case of a partner that may answer for its parent. Nothing is granted that was reported in confidence, no event, and
    no figure."""

    unit: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoIncident:
    """Grants the events without an incident, such as those of keys and of the registry, and nothing else: the case of
    security."""


SightCase = Everywhere | Within | Heard | OwnOnly | OfWorkers | Member | NoIncident
Sight = tuple[SightCase, ...]
EVERYTHING: Sight = (Everywhere(),)
NOTHING: Sight = ()
IN_CONFIDENCE = "#confidential"
"""Stands in the audience of an event of an incident that was reported in confidence. No unit has such a code."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever looks: the actor, the registry that names the units, and the moment of looking. `secret` is that of the
    deployment, of which the pseudonyms of reporters are made; None: a hidden reporter has no name at all."""

    actor: Actor
    world: World
    now: datetime
    secret: bytes | None = field(default=None, repr=False)


# --- an actor's sight -------------------------------------------------------------------------------------------------


def sight_of(actor: Actor) -> Sight:
    """What an actor sees of incidents and of the feed."""
    if reads_all(actor):
        return EVERYTHING
    if actor.role is Role.SECURITY:
        return (NoIncident(),)
    own = OwnOnly(actor.subject), *workers_cases(actor)
    return (*area_case(actor), *member_case(actor), *_heard_cases(actor), *own)


def figures_sight_of(actor: Actor) -> Sight:
    """The calls that count in the figures an actor sees: a unit's own and those of its area; for a reporter none. Who
    only reported an incident, or may answer it as a member, does not see the figures about it."""
    if reads_all(actor):
        return EVERYTHING
    if actor.unit is None:
        return NOTHING
    return (*area_case(actor), Heard((actor.unit,)))


def queue_sight_of(actor: Actor, unit: Unit) -> Sight:
    """What an actor sees of the queue of `unit`.

    A unit sees the whole of its own queue; a partner sees of the queue of its parent what it may answer, and of its own
    what was not reported in confidence. A street or community also sees the queues of the units inside it, but in them
    only incidents that it sees anyway, since such a unit may be called in another street. Nobody but auditors and ops
    sees any other queue.
    """
    if reads_all(actor) or (unit.code == actor.unit and actor.answers_for is None):
        return EVERYTHING
    if unit.code == actor.unit:
        return _heard_cases(actor)
    if unit.code == actor.member_of:
        return member_case(actor)
    area = None if actor.unit is None else area_of(actor)
    inside = area is not None and (unit.code.startswith(area) or unit.parent == area)
    return sight_of(actor) if inside else NOTHING


def reads_all(actor: Actor) -> bool:
    """Whether an actor sees everything there is."""
    return actor.role in (Role.AUDITOR, Role.OPS)


def area_of(actor: Actor) -> str | None:
    """The code prefix of the area that an actor sees as a whole; None where it has no area of its own."""
    if actor.role is Role.REPORTER:
        return actor.area or None
    unit = actor.unit or ""
    return unit if unit.isdigit() and len(unit) in (STREET_DIGITS, COMMUNITY_DIGITS) else None


def member_case(actor: Actor) -> tuple[Member, ...]:
    """What a partner sees because its parent is called: the open calls that it may answer."""
    if actor.member_of is None or not actor.answers_for:
        return ()
    return (Member(actor.member_of, actor.answers_for),)


def workers_cases(actor: Actor) -> tuple[OfWorkers | Heard, ...]:
    """What an actor sees because its workers reported it, or what was merged into it."""
    if not actor.may_report_for:
        return ()
    return OfWorkers(actor.subject), Heard((f"@{prefix_of(actor.subject)}",))


def area_case(actor: Actor) -> tuple[Within, ...]:
    """What an actor sees because it lies in its area."""
    area = area_of(actor)
    return () if area is None else (Within(area, confidential=actor.role is not Role.REPORTER),)


def _heard_cases(actor: Actor) -> tuple[Heard, ...]:
    """What an actor has a part in: by its unit, and by its subject, which only names whoever reported."""
    subject = f"@{actor.subject}"
    if actor.unit is None:
        return (Heard((subject,)),)
    if actor.answers_for is None:
        return (Heard((actor.unit, subject)),)
    return Heard((actor.unit,), confidential=False), Heard((subject,))


def is_office(actor: Actor) -> bool:
    """Whether an actor acts for an office. What others report in confidence does not exist for reporters and partners,
    who do not."""
    return actor.role is not Role.REPORTER and actor.answers_for is None


# --- what a sight grants ----------------------------------------------------------------------------------------------


def sees(actor: Actor, incident: AnyIncident) -> bool:
    """Whether an incident exists for an actor; otherwise the answer is 404."""
    return sees_incident(sight_of(actor), incident)


def sees_incident(sight: Sight, incident: AnyIncident) -> bool:
    """Whether a sight grants an incident, with all its calls, requests and events."""
    return any(grants_incident(case, incident) for case in sight)


def grants_incident(case: SightCase, incident: AnyIncident) -> bool:
    """Whether a case grants an incident."""
    match case:
        case Everywhere():
            return True
        case Within(area, confidential):
            return incident.grid_code.startswith(area) and confidential >= incident.confidential
        case Heard(tokens, confidential):
            return not set(tokens).isdisjoint(incident.audience) and confidential >= incident.confidential
        case OwnOnly(subject):
            return incident.reporter == subject
        case OfWorkers(subject):
            return incident.reporter.startswith(prefix_of(subject))
        case Member(unit, categories):
            is_open = incident.unit == unit and incident.state in CALL_OPEN_STATES
            return is_open and not incident.confidential and incident.category.startswith(categories)
        case NoIncident():
            return False


def sees_event(sight: Sight, *, of_incident: bool, area: str, audience: Collection[str]) -> bool:
    """Whether a sight grants an event, which carries the area and the audience that its incident had then. Only
    `Everywhere` and `NoIncident` grant an event without an incident (`of_incident` False)."""
    return any(_grants_event(case, of_incident, area, audience) for case in sight)


def _grants_event(case: SightCase, of_incident: bool, area: str, audience: Collection[str]) -> bool:
    match case:
        case Everywhere():
            return True
        case Within(prefix, confidential):
            return of_incident and area.startswith(prefix) and (confidential or IN_CONFIDENCE not in audience)
        case Heard(tokens, confidential):
            heard = of_incident and not set(tokens).isdisjoint(audience)
            return heard and (confidential or IN_CONFIDENCE not in audience)
        case NoIncident():
            return not of_incident
        case OwnOnly() | OfWorkers() | Member():
            return False  # the audience of an event names the reporter, so `Heard` grants it


def sees_call(sight: Sight, *, unit: str, grid_code: str) -> bool:
    """Whether a sight grants a call in figures; `grid_code` is that of its incident."""
    return any(_grants_call(case, unit, grid_code) for case in sight)


def _grants_call(case: SightCase, unit: str, grid_code: str) -> bool:
    match case:
        case Everywhere():
            return True
        case Within(area):
            return grid_code.startswith(area)
        case Heard(tokens):
            return unit in tokens
        case OwnOnly() | OfWorkers() | Member() | NoIncident():
            return False  # a figure is about units
