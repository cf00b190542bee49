"""What an actor is to an incident, and what that lets it do (contract §2, "Who sees and does what").

Codes are prefixes, so a community or street is recognised by its code being the front of the cell's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from service.rules.errors import NotYours
from service.rules.model import Actor, By, Incident
from service.rules.sight import area_of, reads_all
from service.rules.words import Cause, Level, Role, State


class Relation(StrEnum):
    """What an actor is to one incident. Several may hold at once."""

    CALLED_UNIT = "called_unit"  # the unit of the last call
    RESOLVER = "resolver"  # the subject that resolved it, whatever key it now comes with: bars, grants nothing
    REPORTER = "reporter"  # the subject whose incident it is
    CELL_COMMUNITY = "cell_community"
    CELL_STREET = "cell_street"
    APPROVER = "approver"  # the side that called: decides what the called unit asks for
    ASSISTING = "assisting"  # assists in the last call
    MEMBER = "member"  # a partner whose parent is called: may answer for it
    AUDIENCE = "audience"  # ever called or assisting
    FOLLOWER = "follower"  # reported an incident that was merged into this one
    AREA = "area"  # a reporter whose area holds the cell: may read
    AUDITOR = "auditor"
    OPS = "ops"


_IN_WORDS: Mapping[Relation, str] = {
    Relation.CALLED_UNIT: "the unit that is called",
    Relation.RESOLVER: "whoever resolved it",
    Relation.REPORTER: "its reporter",
    Relation.CELL_COMMUNITY: "the community of the cell",
    Relation.CELL_STREET: "the street of the cell",
    Relation.APPROVER: "the unit that called",
    Relation.ASSISTING: "a unit that assists",
    Relation.MEMBER: "a member of the unit that is called",
    Relation.AUDIENCE: "a unit that was called",
    Relation.FOLLOWER: "the reporter of an incident merged into it",
    Relation.AREA: "a reporter of the area",
    Relation.AUDITOR: "an auditor",
    Relation.OPS: "ops",
}


def relations(actor: Actor, incident: Incident) -> frozenset[Relation]:
    """Everything `actor` is to `incident`; empty means it does not exist for them (404)."""
    if actor.role is Role.AUDITOR:
        return frozenset({Relation.AUDITOR})
    if actor.role is Role.OPS:
        return frozenset({Relation.OPS})
    held = set()
    if actor.subject == incident.reporter:
        held.add(Relation.REPORTER)
    if f"@{actor.subject}" in incident.audience:
        held.add(Relation.FOLLOWER)
    if actor.role is Role.REPORTER:
        if actor.area and incident.grid_code.startswith(actor.area):
            held.add(Relation.AREA)
    elif actor.unit is not None:
        held |= _unit_relations(actor.unit, actor.member_of, incident)
    resolved_by = incident.call.ended_by if incident.state is State.RESOLVED else None
    if held and resolved_by is not None and resolved_by.subject == actor.subject:
        held.add(Relation.RESOLVER)
    return frozenset(held)


def _unit_relations(unit: str, member_of: str | None, incident: Incident) -> set[Relation]:
    tests = {
        Relation.CALLED_UNIT: unit == incident.unit,
        Relation.CELL_COMMUNITY: unit == incident.community,
        Relation.CELL_STREET: unit == incident.street,
        Relation.APPROVER: unit in approvers(incident),
        Relation.ASSISTING: unit in incident.assisting,
        Relation.MEMBER: member_of == incident.unit,
        Relation.AUDIENCE: unit in incident.audience or member_of in incident.audience,
    }
    return {relation for relation, holds in tests.items() if holds}


def approvers(incident: Incident) -> frozenset[str]:
    """Who decides a hold or extension of the last call (contract §2, "Approver"); empty: the called unit itself.

    A first call has no `from_unit`, whatever its level, so the street of the cell stands in for it.
    """
    call = incident.call
    if call.level is Level.LEADER:
        return frozenset()
    by_clock = call.cause in (Cause.NO_ANSWER, Cause.NOT_RESOLVED)
    caller = None if call.from_unit == call.unit else call.from_unit  # itself, in place of a unit that is gone
    street = incident.street if call.level is Level.COMMUNITY or by_clock or caller is None else None
    return frozenset(unit for unit in (caller, street) if unit is not None) - {call.unit}


def may_report_in(actor: Actor, grid_code: str) -> None:
    """Raises `NotYours` unless `actor` may report in this cell: reporters and units inside their area, ops anywhere."""
    if actor.role is Role.AUDITOR:
        raise NotYours("Auditors read everything and write nothing. Use a reporter's key to report.")
    if reads_all(actor):
        return
    area = area_of(actor)
    if area is None:
        raise NotYours(f"Unit {actor.unit} has no area of its own to report in. Use a reporter's key.")
    if not grid_code.startswith(area):
        raise NotYours(f"Cell {grid_code} lies outside your area {area}. Check grid_code, or ask ops for a wider key.")


def demand(by: frozenset[Relation], never: frozenset[Relation], held: frozenset[Relation], verb: str) -> None:
    """Raises `NotYours` unless one of `by` holds and none of `never` does."""
    if held & never:
        raise NotYours(f"{_words(held & never).capitalize()} may not {verb} this incident: somebody else has to.")
    if not held & by:
        raise NotYours(f"Only {_words(by)} may {verb} this incident.")


def _words(some: frozenset[Relation]) -> str:
    return " or ".join(_IN_WORDS[relation] for relation in Relation if relation in some)


def by_of(actor: Actor) -> By:
    """How an actor is written on calls and events."""
    return By(actor.role.value, actor.subject, actor.unit)
