"""Incidents of several people, and merges of one into another, for the tests of arrow q."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from service.rules import lifecycle
from service.rules.acts import Act, Draft
from service.rules.decisions import Decision
from service.rules.model import Actor, Incident
from service.rules.similarity import Likeness
from service.rules.words import Arrow, Role, Urgency
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    NOW,
    OTHER_CELL,
    PEOPLE,
    WORLD,
    a_unit,
    a_world,
    later,
)
from tests.rules.deciding import ALIKE

LATE = later(minutes=30)


def reported_by(
    n: int,
    who: str,
    cell: str = OTHER_CELL,
    category: str = CATEGORY,
    *,
    at: datetime = NOW,
    urgency: Urgency | None = None,
    world: int = 1,
) -> Incident:
    """The n-th incident, reported by a worker of this name."""
    by = Actor(Role.REPORTER, who, area=cell)
    draft = Draft(cell, category, who, urgency=urgency)
    report = lifecycle.report(draft, by, a_world(policy=world), incident_id=UUID(int=n), number=f"2026-{n}", now=at)
    return report.after


def merge_into(
    one: Incident, into: Incident, who: str = "ops", *, at: datetime = LATE, likeness: Likeness = ALIKE
) -> tuple[Decision, Decision]:
    merge = Act(Arrow.MERGE, "the same", into=into.id)
    return deciding.merge(one, into, merge, PEOPLE[who], WORLD, at, likeness)


def carried_out(incident: Incident, arrow: Arrow, at: datetime, who: Actor | None = None, **fields: Any) -> Incident:
    content = replace(Act(arrow, "because"), **fields)
    return deciding.decide(incident, content, who or a_unit(incident.unit), WORLD, at).after


def taken_on(incident: Incident, at: datetime = NOW) -> Incident:
    return carried_out(incident, Arrow.ANSWER, at, answer={"measure": "go"})


def on_hold(incident: Incident, until: datetime, at: datetime) -> Incident:
    asked = carried_out(incident, Arrow.HOLD, at, until=until)
    approver = a_unit(asked.requests[-1].approver or "")
    return carried_out(asked, Arrow.APPROVE, at, approver, request=len(asked.requests))
