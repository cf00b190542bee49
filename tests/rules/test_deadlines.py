"""Deadlines: the two boxes of each call, lateness, climbing, downtime, and time that never runs backwards."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.rules import lifecycle
from service.rules.acts import Draft
from service.rules.decisions import Decision
from service.rules.model import Call
from service.rules.words import Arrow, DueKind, Level, State, Urgency
from tests.rules.builders import (
    CATEGORY,
    CELL,
    COMMUNITY,
    DEPARTMENT,
    HOUR,
    LEADER,
    NOW,
    REPORTER,
    STREET,
    UNIT_AT,
    URGENT_CATEGORY,
    WORLD,
    a_world,
    act,
    an_incident,
    fired,
    later,
    reported,
)
from tests.rules.deciding import changed, changed_call

C, A, R, X = State.CALLING, State.ANSWERED, State.RESOLVED, State.CLOSED
L1, L2, L3, L4 = Level


def _ended(decision: Decision) -> Call:
    return changed_call(decision)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize(("category", "haste"), [(CATEGORY, 1), (URGENT_CATEGORY, 4)])
def test_each_call_has_the_two_boxes_of_its_level_and_urgency(level: Level, category: str, haste: int) -> None:
    incident = reported(category=category).after
    while incident.level < level:
        incident = fired(incident).after
    opened = incident.call.opened_at
    assert incident.call.answer_by == opened + (later(hours=level / haste) - NOW)
    assert incident.due_at == incident.wake_at == incident.call.answer_by
    assert incident.due_kind is DueKind.ANSWER
    at = opened + (later(minutes=7) - NOW)
    answered = act(incident, UNIT_AT[level], Arrow.ANSWER, at=at).after
    assert answered.call.resolve_by == at + (later(hours=10 * level / haste) - NOW)
    assert answered.due_at == answered.wake_at == answered.call.resolve_by
    assert answered.due_kind is DueKind.RESOLVE
    assert answered.call.answer_by == incident.call.answer_by


def test_urgency_is_the_categorys_unless_it_is_said() -> None:
    assert reported().after.urgency is Urgency.NORMAL
    assert reported(category=URGENT_CATEGORY).after.urgency is Urgency.URGENT
    said = Draft(CELL, URGENT_CATEGORY, "worker", urgency=Urgency.NORMAL)
    decision = lifecycle.report(said, REPORTER, WORLD, incident_id=UUID(int=1), number="n", now=NOW)
    assert (decision.after.urgency, decision.after.due_at) == (Urgency.NORMAL, later(hours=1))


def test_a_new_policy_is_for_new_incidents_only() -> None:
    newer = a_world(policy=2)
    old, new = reported().after, reported(newer).after
    assert (old.policy, new.policy) == (("p", 1), ("p", 2))
    assert (old.due_at, new.due_at) == (later(hours=1), later(hours=7))
    answered = act(old, "community", Arrow.ANSWER, world=newer)
    assert answered.after.due_at == later(hours=10)
    assert fired(answered.after, world=newer).after.due_at == later(hours=10 + 2)
    resolved = act(old, "community", Arrow.RESOLVE, world=newer).after
    assert resolved.due_at == later(hours=72)
    assert act(resolved, "reporter", Arrow.ACCEPT, world=newer).after.reopen_until == later(hours=168)
    assert act(new, "community", Arrow.RESOLVE, world=newer).after.due_at == later(hours=5)


@pytest.mark.parametrize(
    ("late", "written"),
    [(0, 0.0), (0.0004, 0.0), (0.0006, 0.001), (0.25, 0.25), (1.2346, 1.235), (3600.001, 3600.001), (9e6, 9e6)],
)
def test_lateness_is_seconds_to_the_millisecond(late: float, written: float) -> None:
    assert _ended(fired(an_incident(C), late_s=late)).late_s == written


def test_nothing_fires_before_its_time_and_nothing_after_the_end() -> None:
    for state in (C, A, R):
        incident = an_incident(state)
        assert incident.due_at is not None
        assert lifecycle.tick(incident, WORLD, incident.due_at + (later(microseconds=-1) - NOW)) is None
        assert lifecycle.tick(incident, WORLD, incident.due_at) is not None
    assert lifecycle.tick(an_incident(X), WORLD, later(days=1000)) is None


def test_one_unanswered_incident_climbs_1_2_3_4_and_is_called_again_at_4() -> None:
    incident, calls = reported().after, [reported().after.call]
    for _ in range(6):
        incident = fired(incident).after
        calls.append(incident.call)
    assert [(call.level, call.round, call.unit) for call in calls] == [
        (1, 1, COMMUNITY),
        (2, 1, STREET),
        (3, 1, DEPARTMENT),
        (4, 1, LEADER),
        (4, 2, LEADER),
        (4, 3, LEADER),
        (4, 4, LEADER),
    ]
    assert [call.seq for call in calls] == [1, 2, 3, 4, 5, 6, 7]
    assert [call.opened_at for call in calls] == [later(hours=h) for h in (0, 1, 3, 6, 10, 14, 18)]
    assert incident.calls_per_level == (1, 1, 1, 4)


def test_after_downtime_it_climbs_one_level_at_a_time_and_each_new_box_starts_when_the_clock_fires() -> None:
    incident, back = reported().after, later(days=30)
    for level, late_s in ((L2, 30 * 24 * HOUR - HOUR), (L3, 0.0), (L4, 0.0)):
        decision = lifecycle.tick(incident, WORLD, back)
        assert decision is not None
        assert (decision.after.level, _ended(decision).late_s) == (level, late_s)
        assert decision.after.due_at == back + (later(hours=level) - NOW)
        assert lifecycle.tick(decision.after, WORLD, back) is None
        assert decision.after.due_at is not None
        incident, back = decision.after, decision.after.due_at


@pytest.mark.parametrize(
    ("state", "who", "arrow"),
    [
        (C, "community", Arrow.ANSWER),
        (C, "community", Arrow.RESOLVE),
        (C, "community", Arrow.RAISE),
        (A, "community", Arrow.RESOLVE),
        (A, "community", Arrow.RAISE),
        (R, "street", Arrow.ACCEPT),
        (R, "reporter", Arrow.REJECT),
        (A, "reporter", Arrow.WITHDRAW),
    ],
)
def test_an_act_after_the_deadline_but_before_the_clock_fired_is_accepted(state: State, who: str, arrow: Arrow) -> None:
    late = later(days=365)
    decision = act(an_incident(state), who, arrow, at=late)
    assert decision.after.updated_at == late
    assert changed(decision) is None or changed_call(decision).late_s is None
    assert decision.after.due_at is None or decision.after.due_at > late
    if arrow is Arrow.ANSWER:  # "in time" compares timestamps
        assert _ended(decision).answered_at == late
        assert _ended(decision).answer_by == later(hours=1)


def test_the_time_of_an_incident_never_runs_backwards() -> None:
    """Two processes' clocks may differ by some milliseconds."""
    ahead, behind = later(hours=1), later(minutes=59)
    answered = act(an_incident(C), "community", Arrow.ANSWER, at=ahead).after
    resolved = act(answered, "community", Arrow.RESOLVE, at=behind)
    assert resolved.after.updated_at == ahead
    assert _ended(resolved).ended_at == ahead
    assert [event.at for event in resolved.events] == [ahead]
