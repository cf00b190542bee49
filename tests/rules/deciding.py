"""The rules as tests ask them: by actor, whose party in the incident is found out here."""

from __future__ import annotations

from datetime import datetime, timedelta

from service.rules import access, lifecycle
from service.rules.acts import Act
from service.rules.decisions import AnyDecision, Decision
from service.rules.model import Actor, Call, Incident
from service.rules.similarity import Likeness
from service.rules.words import Arrow
from service.rules.world import World

ALIKE = Likeness(True, True, None, timedelta())
"""In the same cell at the same time."""


def authorize(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> None:
    lifecycle.authorize(incident, arrow, access.party(actor, incident), world, now)


def decide(incident: Incident, act: Act, actor: Actor, world: World, now: datetime) -> Decision:
    return lifecycle.decide(incident, act, access.party(actor, incident), world, now)


def allowed(incident: Incident, actor: Actor, world: World, now: datetime) -> tuple[str, ...]:
    return lifecycle.allowed(incident, access.party(actor, incident), world, now)


def merge(
    incident: Incident,
    target: Incident,
    act: Act,
    actor: Actor,
    world: World,
    now: datetime,
    likeness: Likeness = ALIKE,
) -> tuple[Decision, Decision]:
    parties = access.party(actor, incident), access.party(actor, target)
    return lifecycle.merge(incident, target, act, *parties, likeness, world, now)


def changed(decision: AnyDecision) -> Call | None:
    """The one call that a decision changed, or None; one that changed more has no place in these tests."""
    assert len(decision.changed) <= 1
    return decision.changed[0] if decision.changed else None


def changed_call(decision: AnyDecision) -> Call:
    """The one call that a decision changed: it must have."""
    call = changed(decision)
    assert call is not None
    return call
