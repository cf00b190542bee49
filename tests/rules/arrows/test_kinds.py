"""Suggestions and deliberations are not chased: they wait, at most for their longest time (contract §1, kind)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from service.rules import deadlines, lifecycle, plan
from service.rules.acts import Act, Draft
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Incident
from service.rules.words import Arrow, DueKind, Kind, Level, RequestKind, State, Urgency, Verdict
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    CELL,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOW,
    PEOPLE,
    REPORTER,
    STREET,
    WORLD,
    a_unit,
    a_world,
    act,
    fired,
    later,
    types,
)

LONGEST = {Kind.SUGGESTION: later(days=30), Kind.DELIBERATION: later(days=60)}
KINDS = pytest.mark.parametrize("kind", LONGEST)
WORKING, WARNING = a_world(policy=3), a_world(policy=2)


def _reported(kind: Kind, world: World = WORLD, at: datetime = NOW) -> Decision:
    draft = Draft(CELL, CATEGORY, REPORTER.subject, kind)
    return lifecycle.report(draft, REPORTER, world, incident_id=UUID(int=1), number="1", now=at)


@KINDS
def test_it_waits_at_its_community_and_its_longest_time_is_its_deadline(kind: Kind) -> None:
    decision = _reported(kind)
    after, call = decision.after, decision.after.call
    assert types(decision) == ["incident.reported", "call.opened", "incident.held"]
    assert (after.kind, after.state, after.unit, after.level) == (kind, State.ON_HOLD, COMMUNITY, Level.COMMUNITY)
    assert (after.due_at, after.due_kind, after.wake_at) == (LONGEST[kind], DueKind.RESUME, LONGEST[kind])
    assert (call.seq, call.unit, call.outcome, call.answer_by) == (1, COMMUNITY, None, later(hours=1))
    (request,) = after.requests
    assert (request.n, request.kind, request.outcome, request.until) == (
        1,
        RequestKind.HOLD,
        Verdict.APPROVED,
        LONGEST[kind],
    )
    assert (request.asked_at, request.decided_at, request.decided_by, request.box) == (NOW, NOW, None, DueKind.ANSWER)
    assert (decision.request, after.open_request) == (request, None)
    assert (after.version, after.sequence, after.audience) == (1, 3, (COMMUNITY,))


def test_an_incident_is_called_at_once() -> None:
    decision = _reported(Kind.INCIDENT)
    assert (decision.after.state, decision.after.due_kind) == (State.CALLING, DueKind.ANSWER)
    assert decision.after.requests == ()
    assert types(decision) == ["incident.reported", "call.opened"]


@KINDS
def test_where_there_is_no_community_it_waits_at_the_street(kind: Kind) -> None:
    decision = _reported(kind, a_world(without=(COMMUNITY,)))
    assert types(decision) == ["incident.reported", "call.unrouted", "call.opened", "incident.held"]
    assert (decision.after.unit, decision.after.state, decision.after.due_at) == (STREET, State.ON_HOLD, LONGEST[kind])


def test_its_wait_is_counted_day_and_night_whatever_the_clock_of_its_calls() -> None:
    at = datetime.fromisoformat("2026-11-27T09:30:00Z")  # a Friday, 17:30
    waiting = _reported(Kind.SUGGESTION, WORKING, at).after
    assert waiting.due_at == datetime.fromisoformat("2026-12-27T09:30:00Z")
    assert not waiting.provisional
    resumed = fired(waiting, world=WORKING).after  # a Sunday
    assert resumed.due_at == resumed.call.answer_by == datetime.fromisoformat("2026-12-28T01:00:00Z")


@KINDS
@pytest.mark.parametrize("who", ["community", "street", "clock"])
def test_once_it_is_resumed_it_is_called_with_the_whole_box(kind: Kind, who: str) -> None:
    waiting = _reported(kind).after
    at = LONGEST[kind] if who == "clock" else later(days=3)
    decision = fired(waiting) if who == "clock" else act(waiting, who, Arrow.RESUME, at=at)
    after = decision.after
    assert types(decision) == ["incident.resumed"]
    assert (after.state, after.due_kind, after.call.seq) == (State.CALLING, DueKind.ANSWER, 1)
    assert after.due_at == after.wake_at == after.call.answer_by == at + (later(hours=1) - NOW)
    assert after.requests[0].resumed_at == at
    assert deadlines.standing(after, WORLD).due_at == after.due_at
    assert fired(after).after.unit == STREET, "from now on it is chased like any other"


def test_a_resumed_one_is_warned_by_the_box_it_has_then() -> None:
    resumed = fired(_reported(Kind.SUGGESTION, WARNING).after, world=WARNING).after
    assert resumed.wake_at == later(days=30, hours=7 / 4)


@KINDS
def test_while_it_waits_nothing_fires_and_nobody_is_warned(kind: Kind) -> None:
    waiting = _reported(kind, WARNING).after
    for at in (later(hours=2), LONGEST[kind] - (later(microseconds=1) - NOW)):
        assert lifecycle.tick(waiting, WARNING, at) is None
    assert lifecycle.tick(waiting, WARNING, LONGEST[kind]) is not None


@KINDS
def test_the_plan_is_what_ticking_does(kind: Kind) -> None:
    waiting = _reported(kind).after
    steps = plan.plan(waiting, WORLD, NOW)
    start = LONGEST[kind]
    hours = [start + (later(hours=n) - NOW) for n in (0, 1, 3, 6, 10)]
    assert [(step.at, step.arrow, step.unit) for step in steps] == [
        (hours[0], "resume", COMMUNITY),
        (hours[1], "no_answer", STREET),
        (hours[2], "no_answer", DEPARTMENT),
        (hours[3], "no_answer", LEADER),
        (hours[4], "no_answer", LEADER),
    ]
    incident: Incident = waiting
    for step in steps:
        assert lifecycle.tick(incident, WORLD, step.at - (later(microseconds=1) - NOW)) is None
        decision = lifecycle.tick(incident, WORLD, step.at)
        assert decision is not None
        incident = decision.after
        assert (incident.level, incident.unit, decision.because) == (step.level, step.unit, step.because)


@KINDS
def test_while_it_waits_it_may_be_resumed_withdrawn_or_merged_and_is_not_answered(kind: Kind) -> None:
    waiting = _reported(kind).after
    assert {who: deciding.allowed(waiting, PEOPLE[who], WORLD, NOW) for who in PEOPLE if who != "reporter_moved"} == {
        **{who: () for who in PEOPLE if who != "reporter_moved"},
        "reporter": ("withdraw", "comment", "urge"),
        "community": ("resume", "comment"),
        "street": ("resume", "merge", "comment", "urge"),
        "firm": (),
        "community_reporting": ("resume", "withdraw", "comment"),
        "street_reporting": ("resume", "withdraw", "merge", "comment", "urge"),
        "ops": ("merge",),
        "ops_reporting": ("merge",),
    }
    for arrow in (Arrow.ANSWER, Arrow.RESOLVE, Arrow.RAISE, Arrow.VOID, Arrow.HOLD):
        with pytest.raises(IllegalTransition, match="The incident is on_hold"):
            act(waiting, "community", arrow)
    with pytest.raises(NotYours):
        act(waiting, "reporter", Arrow.RESUME)


def test_rejected_or_reopened_it_does_not_wait_again() -> None:
    resumed = act(_reported(Kind.DELIBERATION).after, "community", Arrow.RESUME).after
    resolved = act(resumed, "community", Arrow.RESOLVE).after
    assert act(resolved, "reporter", Arrow.REJECT).after.state is State.CALLING
    closed = act(resolved, "reporter", Arrow.ACCEPT).after
    assert act(closed, "reporter", Arrow.REOPEN).after.state is State.CALLING


def test_a_policy_that_lets_a_kind_wait_for_no_time_calls_it_at_once() -> None:
    policies = {**WORLD.policies, ("p", 1): replace(WORLD.policies["p", 1], suggestion_s=0)}
    decision = _reported(Kind.SUGGESTION, replace(WORLD, policies=policies))
    assert (decision.after.state, decision.after.due_at, decision.request) == (State.CALLING, later(hours=1), None)
    assert _reported(Kind.DELIBERATION, replace(WORLD, policies=policies)).after.state is State.ON_HOLD


def test_its_unit_may_still_ask_for_the_hold_a_call_may_have() -> None:
    resumed = act(_reported(Kind.SUGGESTION).after, "community", Arrow.RESUME).after
    asked = deciding.decide(resumed, Act(Arrow.HOLD, "why", until=later(days=2)), a_unit(COMMUNITY), WORLD, NOW)
    assert types(asked) == ["call.requested"]


_CALM = replace(WORLD.categories[CATEGORY][0], urgencies=(Urgency.NORMAL,), kinds=(Kind.INCIDENT, Kind.SUGGESTION))
PICKY = replace(WORLD, categories={**WORLD.categories, CATEGORY: (_CALM,)})
"""The category of most incidents is never urgent, and nothing to deliberate."""


@pytest.mark.parametrize(
    ("urgency", "kind", "runs_as", "facts"),
    [
        (None, Kind.INCIDENT, ("normal", "incident", "calling"), None),
        (Urgency.NORMAL, Kind.SUGGESTION, ("normal", "suggestion", "on_hold"), None),
        (Urgency.URGENT, Kind.INCIDENT, ("normal", "incident", "calling"), {"urgency_asked": "urgent"}),
        (
            Urgency.URGENT,
            Kind.DELIBERATION,
            ("normal", "incident", "calling"),
            {"urgency_asked": "urgent", "kind_asked": "deliberation"},
        ),
    ],
)
def test_what_a_category_does_not_allow_is_set_aside(
    urgency: Urgency | None, kind: Kind, runs_as: tuple[str, str, str], facts: object
) -> None:
    draft = Draft(CELL, CATEGORY, REPORTER.subject, kind, urgency)
    decision = lifecycle.report(draft, REPORTER, PICKY, incident_id=UUID(int=1), number="1", now=NOW)
    after = decision.after
    assert (after.urgency, after.kind, after.state) == runs_as
    assert (decision.events[0].facts, after.call.urgency) == (facts, Urgency.NORMAL)


def test_a_category_that_is_always_urgent_runs_urgent() -> None:
    only = replace(_CALM, urgency=Urgency.URGENT, urgencies=(Urgency.URGENT,))
    world = replace(WORLD, categories={CATEGORY: (only,)})
    draft = Draft(CELL, CATEGORY, REPORTER.subject, urgency=Urgency.NORMAL)
    decision = lifecycle.report(draft, REPORTER, world, incident_id=UUID(int=1), number="1", now=NOW)
    assert (decision.after.urgency, decision.events[0].facts) == (Urgency.URGENT, {"urgency_asked": "normal"})


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("who", ["community", "street", "ops"])
def test_a_unit_reports_incidents_alone(who: str, kind: Kind) -> None:
    """Nobody puts off its own work by calling it a suggestion; ops say what it is."""
    draft = Draft(CELL, CATEGORY, PEOPLE[who].subject, kind)
    after = lifecycle.report(draft, PEOPLE[who], WORLD, incident_id=UUID(int=1), number="1", now=NOW).after
    assert after.kind is (kind if who == "ops" else Kind.INCIDENT)
    assert after.state is (State.ON_HOLD if after.kind in LONGEST else State.CALLING)
