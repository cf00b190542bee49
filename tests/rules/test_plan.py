"""A plan is what the clock will do: by the engine's own rule, to the first call again at level 4 or the end."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import lifecycle, plan
from service.rules.errors import IllegalTransition, Invalid, NotYours
from service.rules.model import Incident
from service.rules.words import Arrow, DueKind, Level, State
from service.rules.world import World
from tests.rules.builders import (
    CATEGORY,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOBODYS_CATEGORY,
    NOW,
    PEOPLE,
    STREET,
    STREET_LEADER,
    URGENT_CATEGORY,
    WORLD,
    a_world,
    act,
    an_incident,
    fired,
    later,
    plain_days,
    reported,
)

WORLDS = {
    "whole": WORLD,
    "no community": a_world(without=(COMMUNITY,)),
    "no street": a_world(without=(STREET,)),
    "no department": a_world(without=(DEPARTMENT,)),
    "nobody above": a_world(without=(DEPARTMENT, LEADER, STREET_LEADER)),
}
_FIRES = {
    DueKind.ANSWER: Arrow.NO_ANSWER,
    DueKind.RESOLVE: Arrow.NOT_RESOLVED,
    DueKind.RESUME: Arrow.RESUME,
    DueKind.VERIFY: Arrow.VERIFY_TIMEOUT,
}
CATEGORIES = st.sampled_from([CATEGORY, URGENT_CATEGORY, NOBODYS_CATEGORY])
HOLDER = "holder"
"""Whoever is called at that moment: of random people few are the right ones."""
_PERSON = st.just(HOLDER) | st.sampled_from(sorted(PEOPLE))
ACTS = st.lists(st.tuples(_PERSON, st.sampled_from(list(Arrow)), st.integers(0, 20)), max_size=25)


def _lived(world: World, category: str, acts: list[tuple[str, Arrow, int]]) -> tuple[Incident, int]:
    """An incident after these people tried these acts, each some hours after the other, and the hours that passed."""
    incident, hours = reported(world, category=category).after, 0
    for who, arrow, passed in acts:
        hours += passed
        decision = lifecycle.tick(incident, world, later(hours=hours))
        if decision is not None:
            incident = decision.after
        if who == HOLDER:
            who = next((name for name, actor in PEOPLE.items() if actor.unit == incident.unit), "street")
        try:
            incident = act(incident, who, arrow, world=world, at=later(hours=hours)).after
        except (NotYours, IllegalTransition, Invalid):
            continue
    return incident, hours


@given(
    st.sampled_from(sorted(WORLDS)),
    st.sampled_from([CATEGORY, URGENT_CATEGORY, NOBODYS_CATEGORY]),
    ACTS,
    st.integers(0, 99),
)
def test_the_plan_is_what_ticking_does(
    name: str, category: str, acts: list[tuple[str, Arrow, int]], waited: int
) -> None:
    world = WORLDS[name]
    incident, hours = _lived(world, category, acts)
    now = later(hours=hours + waited)
    steps = plan.plan(incident, world, now)
    assert (steps == ()) == (incident.state is State.CLOSED)
    recalled = False
    for step in steps:
        assert not recalled, "the plan goes on after a call again at level 4"
        assert incident.due_at is not None
        assert incident.due_kind is not None
        assert step.at == max(incident.due_at, now)
        assert lifecycle.tick(incident, world, incident.due_at - timedelta(microseconds=1)) is None
        assert step.arrow is _FIRES[incident.due_kind]
        decision = lifecycle.tick(incident, world, step.at)
        assert decision is not None
        assert (step.level, step.unit, step.because) == (
            decision.after.level,
            decision.after.unit,
            decision.because,
        )
        assert step.because
        recalled = incident.level is Level.LEADER and decision.opened is not None
        incident = decision.after
    assert recalled or incident.state is State.CLOSED


def test_the_plan_of_a_new_incident_is_the_four_calls_and_the_first_again() -> None:
    assert [(step.at, step.arrow, step.level, step.unit) for step in plan.plan(reported().after, WORLD, NOW)] == [
        (later(hours=1), "no_answer", 2, STREET),
        (later(hours=3), "no_answer", 3, DEPARTMENT),
        (later(hours=6), "no_answer", 4, LEADER),
        (later(hours=10), "no_answer", 4, LEADER),
    ]


@pytest.mark.parametrize(
    ("state", "level", "arrows"),
    [
        (State.ANSWERED, Level.STREET, ["not_resolved", "no_answer", "no_answer"]),
        (State.CALLING, Level.LEADER, ["no_answer"]),
        (State.ANSWERED, Level.LEADER, ["not_resolved"]),
        (State.RESOLVED, Level.COMMUNITY, ["verify_timeout"]),
        (State.RESOLVED, Level.LEADER, ["verify_timeout"]),
        (State.CLOSED, Level.COMMUNITY, []),
    ],
)
def test_the_plan_starts_where_the_incident_stands(state: State, level: Level, arrows: list[str]) -> None:
    assert [step.arrow for step in plan.plan(an_incident(state, level), WORLD, NOW)] == arrows


def test_the_plan_of_an_overdue_incident_starts_now_and_each_box_counts_from_there() -> None:
    steps = plan.plan(reported().after, WORLD, later(days=2))
    assert [step.at for step in steps] == [later(days=2, hours=h) for h in (0, 2, 5, 9)]


def test_an_incident_that_skipped_to_the_leader_is_planned_to_its_first_call_again() -> None:
    incident = reported(category=NOBODYS_CATEGORY).after
    steps = plan.plan(incident, WORLD, NOW)
    assert [(step.level, step.unit) for step in steps] == [(2, STREET), (4, STREET_LEADER), (4, STREET_LEADER)]
    assert fired(fired(incident).after).after.call.cause == "unrouted"


def test_planning_changes_nothing() -> None:
    incident = reported().after
    before = repr(incident)
    plan.plan(incident, WORLD, NOW)
    assert repr(incident) == before


def test_a_close_by_the_clock_says_why() -> None:
    (step,) = plan.plan(an_incident(State.RESOLVED), WORLD, NOW)
    assert step.arrow is Arrow.VERIFY_TIMEOUT
    assert step.because == "nobody verified it in time: it closes by itself"


def test_a_deadline_that_is_yet_to_be_put_right_is_planned_as_it_will_be() -> None:
    working = a_world(policy=3)
    incident = reported(working, at=datetime.fromisoformat("2026-11-24T09:30:00Z")).after
    off = a_world(policy=3, days=plain_days(date(2026, 11, 25)))
    steps = plan.plan(incident, off, incident.reported_at)
    assert [step.arrow for step in steps[:3]] == [Arrow.WARNED, Arrow.WARNED, Arrow.NO_ANSWER]
    assert steps[2].at == datetime.fromisoformat("2026-11-26T00:30:00Z")
    assert all(step.because for step in steps)
