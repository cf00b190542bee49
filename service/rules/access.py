"""The relations of an actor to an incident, which decide what it may see and do (contract §2, "Who sees and does
what").

Codes are prefixes: the code of a cell begins with the code of its community, and that with the code of its street.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.rules import approval
from service.rules.errors import NotYours, Pointer
from service.rules.model import Actor, AnyIncident, By
from service.rules.sentences import Sentence
from service.rules.sight import area_case, area_of, grants_incident, is_office, member_case, reads_all, workers_cases
from service.rules.words import Arrow, Outcome, Right, Role


class Relation(StrEnum):
    """One relation of an actor to one incident. An actor may have several at once."""

    CALLED_UNIT = "called_unit"  # the unit of the last call
    RESOLVER = "resolver"  # the subject whose resolution is judged, by whatever key: it may not accept or reject
    REPORTER = "reporter"  # the subject whose incident it is
    CELL_COMMUNITY = "cell_community"
    CELL_STREET = "cell_street"
    APPROVER = "approver"  # decides the last request for a hold or an extension
    ASSISTING = "assisting"  # assists in the last call
    MEMBER = "member"  # a partner whose parent is called in a category of its own: may answer for it
    AUDIENCE = "audience"  # ever called, assisting or asked to decide
    FOLLOWER = "follower"  # reported an incident that was merged into this one
    AREA = "area"  # a reporter whose area holds the cell, or whose worker reported it: may read
    AUDITOR = "auditor"
    OPS = "ops"


_NAMES: Mapping[Relation, Sentence] = {
    Relation.CALLED_UNIT: Sentence("the unit that is called"),
    Relation.RESOLVER: Sentence("whoever resolved it"),
    Relation.REPORTER: Sentence("its reporter"),
    Relation.CELL_COMMUNITY: Sentence("the community of the cell"),
    Relation.CELL_STREET: Sentence("the street of the cell"),
    Relation.APPROVER: Sentence("whoever was asked to decide"),
    Relation.ASSISTING: Sentence("a unit that assists"),
    Relation.MEMBER: Sentence("a member of the unit that is called"),
    Relation.AUDIENCE: Sentence("a unit that was called"),
    Relation.FOLLOWER: Sentence("the reporter of an incident merged into it"),
    Relation.AREA: Sentence("a reporter of the area"),
    Relation.AUDITOR: Sentence("an auditor"),
    Relation.OPS: Sentence("ops"),
}


@dataclass(frozen=True, slots=True)
class Party:
    """An actor and all its relations to one incident, computed once an act. With no relations the incident does not
    exist for the actor (404)."""

    actor: Actor
    relations: frozenset[Relation]


def party(actor: Actor, incident: AnyIncident) -> Party:
    """An actor as a party to one incident."""
    return Party(actor, relations(actor, incident))


def relations(actor: Actor, incident: AnyIncident) -> frozenset[Relation]:
    """All relations of an actor to an incident; with none the incident does not exist for the actor (404)."""
    if actor.role is Role.AUDITOR:
        return frozenset({Relation.AUDITOR})
    if actor.role is Role.SECURITY:
        return frozenset()
    found = _ops_relations(incident) if actor.role is Role.OPS else _own_relations(actor, incident)
    resolved_by = incident.call.ended_by if incident.call.outcome is Outcome.RESOLVED else None
    if found and resolved_by is not None and resolved_by.subject == actor.subject:
        found.add(Relation.RESOLVER)
    return frozenset(found)


def _ops_relations(incident: AnyIncident) -> set[Relation]:
    return {Relation.OPS, Relation.APPROVER} if approval.may_ops_decide(incident) else {Relation.OPS}


def _own_relations(actor: Actor, incident: AnyIncident) -> set[Relation]:
    """The relations of a reporter or a unit."""
    found = set()
    if actor.subject == incident.reporter:
        found.add(Relation.REPORTER)
    reads = (*area_case(actor), *workers_cases(actor)) if actor.role is Role.REPORTER else ()
    if any(grants_incident(case, incident) for case in reads):
        found.add(Relation.AREA)
    if incident.confidential and not is_office(actor):
        return found
    if f"@{actor.subject}" in incident.audience:
        found.add(Relation.FOLLOWER)
    if actor.unit is not None:
        found |= _unit_relations(actor, actor.unit, incident)
    return found


def _unit_relations(actor: Actor, unit: str, incident: AnyIncident) -> set[Relation]:
    tests = {
        Relation.CALLED_UNIT: unit == incident.unit,
        Relation.CELL_COMMUNITY: unit == incident.community,
        Relation.CELL_STREET: unit == incident.street,
        Relation.APPROVER: unit == approval.approver_now(incident),
        Relation.ASSISTING: unit in incident.assisting,
        Relation.MEMBER: any(grants_incident(case, incident) for case in member_case(actor)),
        Relation.AUDIENCE: unit in incident.audience,
    }
    return {relation for relation, holds in tests.items() if holds}


def is_reporter(actor: Actor, incident: AnyIncident) -> bool:
    """Whether an actor reported the incident, or one that was merged into it."""
    return actor.subject == incident.reporter or f"@{actor.subject}" in incident.audience


def may_report_in(actor: Actor, grid_code: str, *, located: bool = False) -> None:
    """Raises `NotYours` unless `actor` may report in this cell: reporters and units inside their area, ops anywhere.
    `located`: nobody named the cell; it is the one in which the reported point lies."""
    if actor.role is Role.AUDITOR:
        raise NotYours(Sentence("Auditors read everything and write nothing. Use a reporter's key to report."))
    if actor.role is Role.SECURITY:
        raise NotYours(Sentence("Security looks after keys and reports nothing. Use a reporter's key to report."))
    if reads_all(actor):
        return
    area = area_of(actor)
    if area is None:
        detail = Sentence(
            "Unit {unit} has no area of its own to report in. Use a reporter's key.", unit=actor.unit or ""
        )
        raise NotYours(detail)
    if not grid_code.startswith(area):
        raise _outside(grid_code, area, located)


def demand_writer(actor: Actor) -> None:
    """Raises `NotYours` for an actor that only reads, such as a screen on a wall."""
    if actor.reads_only:
        raise NotYours(Sentence("This key is for a screen on a wall and only reads. Use another key to write."))


_RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.REPORTER: frozenset({Right.REPORT, Right.ACT}),
    Role.UNIT: frozenset({Right.REPORT, Right.ACT, Right.FIGURES, Right.PROPOSE_DUTIES}),
    Role.AUDITOR: frozenset({Right.FIGURES, Right.WATCH}),
    Role.OPS: frozenset(Right) - {Right.KEYS},
    Role.SECURITY: frozenset({Right.KEYS}),
}
_READING = frozenset({Right.FIGURES, Right.WATCH})


def rights_of(actor: Actor) -> tuple[Right, ...]:
    """What an actor may do at all, in the order of `Right`."""
    found = _RIGHTS[actor.role] | (frozenset({Right.KEYS}) if actor.holds_all else frozenset())
    if actor.role is not Role.OPS and area_of(actor) is None:
        found -= {Right.REPORT}
    if actor.member_of is not None:
        found -= {Right.PROPOSE_DUTIES}
    if actor.reads_only:
        found &= _READING
    return tuple(right for right in Right if right in found)


def _outside(grid_code: str, area: str, located: bool) -> NotYours:
    """The refusal of a cell outside the area, for a person who may stand there."""
    if located:
        detail = Sentence(
            "The point lies in cell {cell}, outside your area {area}. Send the grid_code of a cell in your area "
            "as well if the matter belongs there; else ask ops to report it, or for a wider key.",
            cell=grid_code,
            area=area,
        )
        return NotYours(detail, errors=(Pointer("/location", detail),))
    detail = Sentence(
        "Cell {cell} lies outside your area {area}. Check grid_code, or ask ops for a wider key.",
        cell=grid_code,
        area=area,
    )
    return NotYours(detail, errors=(Pointer("/grid_code", detail),))


def may(some: Party, by: frozenset[Relation], never: frozenset[Relation]) -> bool:
    """Whether a party holds one of the relations `by` and none of `never`."""
    return not some.relations & never and bool(some.relations & by)


def demand(some: Party, by: frozenset[Relation], never: frozenset[Relation], verb: Arrow) -> None:
    """Raises `NotYours` unless the party holds one of the relations `by` and none of `never`."""
    if barring := some.relations & never:
        detail = Sentence(
            "Somebody else has to {verb} this incident: {parties:or} may not.", verb=verb, parties=_names_of(barring)
        )
        raise NotYours(detail)
    if not some.relations & by:
        if some.actor.may_report_for and Relation.REPORTER in by:
            raise NotYours(
                Sentence(
                    "Only {parties:or} may {verb} this incident. If a worker of yours reported it, name the worker in "
                    "on_behalf_of.",
                    parties=_names_of(by),
                    verb=verb,
                )
            )
        raise NotYours(Sentence("Only {parties:or} may {verb} this incident.", parties=_names_of(by), verb=verb))


def _names_of(some: frozenset[Relation]) -> tuple[Sentence, ...]:
    return tuple(_NAMES[relation] for relation in Relation if relation in some)


def by_of(actor: Actor) -> By:
    """An actor as it is written on calls and events."""
    return By(actor.role.value, actor.subject, actor.unit)
