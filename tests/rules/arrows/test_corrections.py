"""Arrow r: what is put right, whom that calls, and that nothing is ever due later because of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.rules import deadlines
from service.rules.acts import Act, Correction
from service.rules.decisions import Decision
from service.rules.errors import Conflict, NotYours, SihuError, UnknownCategory, UnknownCell, ValidationFailed
from service.rules.model import Incident
from service.rules.words import Arrow, Cause, DueKind, Kind, Level, Outcome, State, Urgency, Verdict
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    CATEGORY,
    CELL,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    HOUR,
    LEADER,
    NEXT_CELL,
    NEXT_COMMUNITY,
    NOBODYS_CATEGORY,
    NOW,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    PEOPLE,
    SPECIAL,
    SPECIAL_LEADER,
    STREET_LEADER,
    URGENT_CATEGORY,
    WORLD,
    a_unit,
    a_world,
    act,
    an_incident,
    fired,
    later,
    reported,
    types,
)

SPECIALS = "u-0202"
"""Led by dept-b in the next community; elsewhere in street 1 by dept-a."""
WARNING, WORKING = a_world(policy=2), a_world(policy=3)


def corrected(
    incident: Incident, who: str = "street", *, world: World = WORLD, at: datetime = NOW, **to: Any
) -> Decision:
    correction = Correction(**to)
    return deciding.decide(incident, Act(Arrow.CORRECT, "wrong", correction=correction), PEOPLE[who], world, at)


# --- the deadline -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "passed", "due_in_s"),
    [
        (State.CALLING, 0, HOUR // 4),  # of an hour, a quarter is left once it is urgent
        (State.CALLING, 50 * 60, HOUR - 50 * 60),  # ten minutes were left: the earlier of the two
        (State.ANSWERED, 0, 10 * HOUR // 4),
        (State.ANSWERED, 9 * HOUR, HOUR),
    ],
)
def test_what_becomes_urgent_is_due_at_the_earlier_of_two(state: State, passed: int, due_in_s: int) -> None:
    incident, at = an_incident(state), later(seconds=passed)
    decision = corrected(incident, at=at, urgency=Urgency.URGENT)
    after, call = decision.after, decision.after.call
    assert types(decision) == ["incident.corrected"]
    assert decision.events[0].facts == {"changes": {"urgency": {"from": "normal", "to": "urgent"}}}
    assert (after.urgency, after.state, after.due_at) == (Urgency.URGENT, state, at + timedelta(seconds=due_in_s))
    assert (call.seq, call.urgency, call.outcome) == (1, Urgency.NORMAL, None), "a call keeps what it was opened with"
    assert after.due_at == (call.answer_by if state is State.CALLING else call.resolve_by)
    assert deadlines.standing(after, WORLD).due_at == after.due_at
    assert (after.version, decision.before) == (incident.version + 1, incident)


def test_what_became_urgent_is_not_resolved_at_leisure() -> None:
    """The answer does not bring the old box back."""
    urgent = corrected(an_incident(State.CALLING), urgency=Urgency.URGENT).after
    answered = act(urgent, "community", Arrow.ANSWER, at=later(minutes=5)).after
    assert answered.due_at == later(seconds=HOUR // 4 + 10 * HOUR // 4)


def test_what_becomes_normal_keeps_its_deadline() -> None:
    urgent = corrected(an_incident(State.CALLING), urgency=Urgency.URGENT).after
    normal = corrected(urgent, urgency=Urgency.NORMAL).after
    assert (normal.urgency, normal.due_at) == (Urgency.NORMAL, urgent.due_at)
    raised = act(normal, "community", Arrow.RAISE).after
    assert raised.due_at == later(hours=2), "the next call has the boxes of what it is now"


def test_a_running_call_keeps_the_boxes_of_its_category() -> None:
    """Categories from u-02 on have half the time to answer: a call of theirs, when the next one opens."""
    incident = reported(WORKING).after
    after = corrected(incident, world=WORKING, category=SPECIALS).after
    assert (after.category, after.call.category, after.due_at) == (SPECIALS, CATEGORY, incident.due_at)
    assert deadlines.standing(after, WORKING).due_at == after.due_at
    raised = act(after, "community", Arrow.RAISE, world=WORKING).after
    assert (raised.call.category, raised.due_at) == (SPECIALS, later(hours=1))


def test_warnings_follow_an_earlier_deadline() -> None:
    """Marks are those of the new box, whose first is after a quarter of its 105 minutes."""
    incident = reported(WARNING).after
    urgent = corrected(incident, world=WARNING, at=later(minutes=1), urgency=Urgency.URGENT).after
    assert urgent.due_at == later(minutes=106)
    assert (urgent.warned, urgent.wake_at) == (0, later(minutes=1 + 105 / 4))


# --- whom it calls ----------------------------------------------------------------------------------------------------


def _at_level(level: Level, category: str = CATEGORY) -> Incident:
    incident = reported(category=category).after
    for who in ("community", "street", "department")[: level - 1]:
        incident = act(incident, who, Arrow.RAISE).after
    return incident


@pytest.mark.parametrize(
    ("level", "who", "to", "called"),
    [
        (Level.COMMUNITY, "street", {"grid_code": NEXT_CELL}, (Level.COMMUNITY, NEXT_COMMUNITY)),
        (Level.COMMUNITY, "ops", {"grid_code": OTHER_CELL}, (Level.COMMUNITY, OTHER_COMMUNITY)),
        (Level.STREET, "ops", {"grid_code": OTHER_CELL}, (Level.STREET, OTHER_STREET)),
        (Level.STREET, "street", {"grid_code": NEXT_CELL}, None),
        (Level.STREET, "street", {"category": NOBODYS_CATEGORY}, None),
        (Level.DEPARTMENT, "street", {"category": SPECIALS}, None),
        (Level.DEPARTMENT, "street", {"category": SPECIALS, "grid_code": NEXT_CELL}, (Level.DEPARTMENT, SPECIAL)),
        (Level.DEPARTMENT, "ops", {"category": URGENT_CATEGORY, "grid_code": OTHER_CELL}, (Level.DEPARTMENT, SPECIAL)),
        (Level.DEPARTMENT, "street", {"category": ADMITTED_CATEGORY, "grid_code": NEXT_CELL}, None),
        (Level.DEPARTMENT, "street", {"category": NOBODYS_CATEGORY}, (Level.LEADER, STREET_LEADER)),
        (Level.LEADER, "ops", {"category": SPECIALS, "grid_code": NEXT_CELL}, (Level.LEADER, SPECIAL_LEADER)),
        (Level.LEADER, "street", {"grid_code": NEXT_CELL}, None),
    ],
)
def test_the_right_unit_at_its_level_is_called(
    level: Level, who: str, to: dict[str, Any], called: tuple[Level, str] | None
) -> None:
    incident = _at_level(level)
    decision = corrected(incident, who, at=later(minutes=1), **to)
    after, first = decision.after, decision.events[0]
    assert {name: getattr(after, name) for name in to} == to
    assert first.facts is not None
    assert first.facts["changes"] == {name: {"from": getattr(incident, name), "to": to[name]} for name in to}
    assert after.state is State.CALLING
    assert after.due_at is not None and incident.due_at is not None
    assert after.due_at <= incident.due_at
    if called is None:
        assert (types(decision), after.unit, decision.opened) == (["incident.corrected"], incident.unit, None)
        return
    unrouted = called[0] is not level
    assert types(decision) == ["incident.corrected", *["call.unrouted"] * unrouted, "call.opened"]
    assert (after.level, after.unit) == called
    [ended] = decision.changed
    assert (ended.outcome, ended.end_reason, ended.late_exit) == (Outcome.CORRECTED, "wrong", False)
    call = after.call
    assert (call.cause, call.reason) == (Cause.UNROUTED if unrouted else Cause.CORRECTED, "wrong")
    assert call.from_unit == (incident.unit if unrouted else incident.call.from_unit)
    assert call.category == after.category
    assert {incident.unit, after.unit} <= set(after.audience)


def test_whom_people_have_chosen_stays_as_long_as_routing_does() -> None:
    """A street's committee keeps its call when the category changes, and not when the matter lies elsewhere."""
    incident = act(_at_level(Level.STREET), "street", Arrow.ASSIGN).after
    assert incident.unit == COMMITTEE
    assert corrected(incident, category=NOBODYS_CATEGORY, grid_code=NEXT_CELL).after.unit == COMMITTEE
    assert corrected(incident, "ops", grid_code=OTHER_CELL).after.unit == OTHER_STREET
    given = act(reported().after, "ops", Arrow.ASSIGN).after
    assert given.unit == NEXT_COMMUNITY
    assert corrected(given, grid_code=NEXT_CELL).opened is None, "it was there already"


def test_what_a_leader_assigned_stays_where_it_is() -> None:
    incident = act(_at_level(Level.LEADER), "leader", Arrow.ASSIGN).after
    assert (incident.unit, incident.call.binding) == (DEPARTMENT, True)
    after = corrected(incident, "ops", category=SPECIALS, grid_code=OTHER_CELL).after
    assert (after.unit, after.call) == (DEPARTMENT, incident.call)


def test_who_is_called_instead_owes_what_was_owed() -> None:
    """Answered, and due in ten minutes: the next unit has ten minutes for all of it, whatever its boxes are."""
    answered = an_incident(State.ANSWERED)
    assert answered.due_at is not None
    late = answered.due_at - timedelta(minutes=10)
    moved = corrected(answered, at=late, grid_code=NEXT_CELL).after
    assert (moved.state, moved.due_at, moved.due_kind) == (State.CALLING, answered.due_at, DueKind.ANSWER)
    back = corrected(moved, at=late, grid_code=CELL).after
    assert (back.unit, back.due_at) == (COMMUNITY, answered.due_at)
    again = act(back, "community", Arrow.ANSWER, at=late).after
    assert again.due_at == answered.due_at, "there and back gives nobody a new box"
    assert deadlines.standing(again, WORLD).due_at == again.due_at
    missed = fired(again)
    assert (types(missed)[0], missed.changed[0].outcome) == ("call.missed", Outcome.NOT_RESOLVED)


def test_after_its_deadline_nobody_else_is_called() -> None:
    """The clock has not come by yet: whoever missed it has missed it, and no other unit is late from the start."""
    incident = an_incident(State.CALLING)
    assert incident.due_at is not None
    for late_s in (0, 1):
        at = incident.due_at + timedelta(seconds=late_s)
        with pytest.raises(Conflict, match="another unit would be called"):
            corrected(incident, at=at, grid_code=NEXT_CELL)
        assert corrected(incident, at=at, category=ADMITTED_CATEGORY).after.due_at == incident.due_at


def test_a_request_waits_on_or_lapses_with_its_call() -> None:
    asked = act(an_incident(State.CALLING), "community", Arrow.HOLD).after
    assert corrected(asked, category=ADMITTED_CATEGORY).after.open_request == asked.open_request
    moved = corrected(asked, grid_code=NEXT_CELL).after
    assert moved.requests[-1].outcome is Verdict.LAPSED


# --- kinds that wait --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "days"), [(Kind.SUGGESTION, 30), (Kind.DELIBERATION, 60)])
@pytest.mark.parametrize("state", [State.CALLING, State.ANSWERED])
def test_a_kind_that_waits_waits_as_if_reported_so(state: State, kind: Kind, days: int) -> None:
    incident = an_incident(state)
    decision = corrected(incident, "ops", at=later(minutes=10), kind=kind)
    after = decision.after
    assert types(decision) == ["incident.corrected", "incident.held"]
    assert (after.state, after.kind) == (State.ON_HOLD, kind)
    assert (after.due_at, after.due_kind) == (later(days=days, minutes=10), DueKind.RESUME)
    [hold] = after.requests
    assert (hold.decided_by, hold.outcome, hold.reason) == (None, Verdict.APPROVED, kind.value)
    resumed = fired(after).after
    assert incident.due_at is not None and resumed.due_at is not None
    assert (resumed.state, resumed.due_at - resumed.updated_at) == (state, incident.due_at - later(minutes=10))


def test_a_kind_that_waits_may_call_another_unit_first() -> None:
    decision = corrected(an_incident(State.CALLING), "ops", grid_code=NEXT_CELL, kind=Kind.SUGGESTION)
    assert types(decision) == ["incident.corrected", "call.opened", "incident.held"]
    assert (decision.after.unit, decision.after.state) == (NEXT_COMMUNITY, State.ON_HOLD)


def test_a_request_that_waits_lapses_when_the_kind_waits() -> None:
    asked = act(an_incident(State.CALLING), "community", Arrow.HOLD).after
    after = corrected(asked, "ops", kind=Kind.SUGGESTION).after
    assert [each.outcome for each in after.requests] == [Verdict.LAPSED, Verdict.APPROVED]
    assert [each.n for each in after.requests] == [1, 2]


def test_what_waited_is_an_incident_again_and_waits_no_more() -> None:
    waiting = corrected(an_incident(State.CALLING), "ops", kind=Kind.SUGGESTION).after
    resumed = act(waiting, "community", Arrow.RESUME).after
    decision = corrected(resumed, kind=Kind.INCIDENT)
    assert (types(decision), decision.after.state) == (["incident.corrected"], State.CALLING)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "to", "error", "pointers"),
    [
        ("street", {"grid_code": OTHER_CELL}, NotYours, ["/grid_code"]),
        ("street", {"grid_code": "440105002009009"}, NotYours, ["/grid_code"]),
        ("street", {"kind": Kind.DELIBERATION}, NotYours, ["/kind"]),
        ("community", {"urgency": Urgency.URGENT}, NotYours, []),
        ("reporter", {"urgency": Urgency.URGENT}, NotYours, []),
        ("other_street", {"grid_code": OTHER_CELL}, NotYours, []),
        ("street", {"grid_code": "440105001009009"}, UnknownCell, ["/grid_code"]),
        ("street", {"grid_code": "440105001001009"}, UnknownCell, ["/grid_code"]),
        ("ops", {"category": "nothing"}, UnknownCategory, ["/category"]),
        ("ops", {"category": "old"}, UnknownCategory, ["/category"]),
        ("street", {"urgency": Urgency.NORMAL}, ValidationFailed, ["/urgency"]),
        (
            "ops",
            {"category": CATEGORY, "grid_code": CELL, "urgency": Urgency.NORMAL, "kind": Kind.INCIDENT},
            ValidationFailed,
            ["/category", "/grid_code", "/urgency", "/kind"],
        ),
    ],
)
def test_what_cannot_be_put_right_is_one_clear_refusal(
    who: str, to: dict[str, Any], error: type[SihuError], pointers: list[str]
) -> None:
    incident = an_incident(State.CALLING)
    with pytest.raises(error) as refusal:
        corrected(incident, who, **to)
    assert [each.pointer for each in refusal.value.errors] == pointers


def test_what_is_right_already_may_be_sent_along() -> None:
    decision = corrected(an_incident(State.CALLING), urgency=Urgency.URGENT, category=CATEGORY, grid_code=CELL)
    assert decision.events[0].facts == {"changes": {"urgency": {"from": "normal", "to": "urgent"}}}


def test_a_correction_restarts_no_quarrel() -> None:
    """Who passed it on before the correction is not assigned it again after it."""
    incident = act(_at_level(Level.DEPARTMENT), "department", Arrow.ASSIGN).after
    assert incident.unit == SPECIAL
    moved = corrected(incident, category=SPECIALS).after
    assert moved.unit == SPECIAL
    elsewhere = corrected(incident, "ops", category=ADMITTED_CATEGORY, grid_code=OTHER_CELL).after
    assert elsewhere.unit == SPECIAL, "routing finds dept-a for both"
    with pytest.raises(ValidationFailed, match="gave it on itself"):
        deciding.decide(elsewhere, Act(Arrow.ASSIGN, "x", units=(DEPARTMENT,)), a_unit(SPECIAL), WORLD, NOW)


def test_a_leader_of_another_unit_is_no_longer_the_one() -> None:
    incident = _at_level(Level.LEADER)
    assert incident.unit == LEADER
    assert corrected(incident, "ops", category=URGENT_CATEGORY, grid_code=OTHER_CELL).after.unit == (SPECIAL_LEADER)
