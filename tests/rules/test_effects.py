"""What each arrow writes: call numbers, boxes, ends, events and what they show, lateness, fallbacks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.rules import lifecycle
from service.rules.errors import IllegalTransition, NotYours, UnknownCategory, UnknownCell
from service.rules.model import (
    Actor,
    Arrow,
    Cause,
    ClosedAs,
    Decision,
    Draft,
    DueKind,
    Incident,
    Level,
    Outcome,
    Role,
    State,
    Urgency,
)
from tests.rules.builders import (
    CELL,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    HOUR,
    LEADER,
    NOW,
    PEOPLE,
    REPORTER,
    SPECIAL,
    STREET,
    STREET_LEADER,
    UNIT_AT,
    WORLD,
    a_world,
    act,
    an_incident,
    later,
    reported,
)


def _types(decision: Decision) -> list[str]:
    return [event.type.removeprefix("sihu.") for event in decision.events]


def _fire(incident: Incident, *, late_s: float = 0.0) -> Decision:
    assert incident.due_at is not None
    decision = lifecycle.tick(incident, WORLD, incident.due_at + timedelta(seconds=late_s))
    assert decision is not None
    return decision


def test_a_report_calls_the_community_of_its_cell() -> None:
    decision = reported()
    call = decision.opened
    assert call is not None
    assert (call.seq, call.level, call.round, call.unit, call.from_unit) == (1, 1, 1, COMMUNITY, None)
    assert (call.cause, call.opened_at, call.answer_by) == (Cause.REPORT, NOW, later(hours=1))
    assert decision.after.due_at == call.answer_by
    assert _types(decision) == ["incident.reported", "call.opened"]


def test_urgency_is_the_categorys_unless_it_is_said() -> None:
    assert reported(category="u-0201").after.urgency is Urgency.URGENT
    draft = Draft(CELL, "u-0201", "worker", urgency=Urgency.NORMAL)
    said = lifecycle.report(draft, REPORTER, WORLD, incident_id=reported().after.id, number="n", now=NOW)
    assert said.after.urgency is Urgency.NORMAL


@pytest.mark.parametrize(
    ("cell", "category", "actor", "error"),
    [
        ("440105001001999", "u", REPORTER, UnknownCell),
        (CELL, "nothing", REPORTER, UnknownCategory),
        ("440105002001001", "u", REPORTER, NotYours),
        (CELL, "u", PEOPLE["auditor"], NotYours),
        (CELL, "u", PEOPLE["department"], NotYours),
        (CELL, "u", PEOPLE["other_street"], NotYours),
    ],
)
def test_a_report_that_may_not_be_is_refused(cell: str, category: str, actor: Actor, error: type[Exception]) -> None:
    with pytest.raises(error):
        lifecycle.report(Draft(cell, category, "w"), actor, WORLD, incident_id=reported().after.id, number="n", now=NOW)


def test_an_answer_starts_the_resolve_box() -> None:
    decision = act(reported().after, "community", Arrow.ANSWER, at=later(minutes=20))
    call = decision.ended
    assert call is not None
    assert (call.answered_at, call.resolve_by) == (later(minutes=20), later(minutes=20, hours=10))
    assert (decision.after.due_at, decision.after.due_kind) == (call.resolve_by, DueKind.RESOLVE)
    assert (call.outcome, call.ended_at, call.answer) == (None, None, {"measure": "go and look"})
    assert decision.after.version == 2
    assert _types(decision) == ["call.answered"]


def test_resolving_without_an_answer_counts_as_both_in_one_instant() -> None:
    decision = act(reported().after, "community", Arrow.RESOLVE)
    assert _types(decision) == ["call.answered", "incident.resolved"]
    assert [event.at_state.state for event in decision.events] == [State.ANSWERED, State.RESOLVED]
    assert decision.ended is not None
    assert (decision.ended.answered_at, decision.ended.outcome) == (NOW, Outcome.RESOLVED)
    assert (decision.after.due_kind, decision.after.due_at) == (DueKind.VERIFY, later(hours=72))
    assert decision.after.version == 2


@pytest.mark.parametrize("level", [Level.COMMUNITY, Level.STREET, Level.DEPARTMENT])
@pytest.mark.parametrize("state", [State.CALLING, State.ANSWERED])
def test_raising_is_no_failure(level: Level, state: State) -> None:
    decision = act(an_incident(state, level), UNIT_AT[level], Arrow.RAISE)
    ended, opened = decision.ended, decision.opened
    assert ended is not None
    assert opened is not None
    assert (ended.outcome, ended.end_code, ended.end_reason, ended.late_s) == (
        Outcome.RAISED,
        "beyond_powers",
        "because",
        None,
    )
    assert (opened.seq, opened.level, opened.from_unit) == (level + 1, level + 1, ended.unit)
    assert (opened.cause, opened.ground, opened.reason) == (Cause.RAISED, "beyond_powers", "because")
    assert _types(decision) == ["call.raised", "call.opened"]
    assert [event.call for event in decision.events] == [ended.seq, opened.seq]
    assert [event.at_state.unit for event in decision.events] == [ended.unit, opened.unit]


def test_the_clock_climbs_all_levels_and_calls_the_leader_again_round_after_round() -> None:
    incident, units, rounds = reported().after, [], []
    for _ in range(6):
        decision = _fire(incident, late_s=1.2345)
        assert decision.ended is not None
        assert (decision.ended.outcome, decision.ended.late_s) == (Outcome.NO_ANSWER, 1.234)
        assert decision.ended.ended_by is not None
        assert decision.ended.ended_by.as_dict() == {"kind": "clock"}
        assert _types(decision) == ["call.missed", "call.opened"]
        incident = decision.after
        units.append(incident.unit)
        rounds.append(incident.call.round)
    assert units == [STREET, DEPARTMENT, LEADER, LEADER, LEADER, LEADER]
    assert rounds == [1, 1, 1, 2, 3, 4]
    assert incident.call.seq == 7
    assert incident.calls_at == (1, 1, 1, 4)
    assert set(incident.audience) == {COMMUNITY, STREET, DEPARTMENT, LEADER}


def test_a_forgotten_answer_comes_back_as_not_resolved() -> None:
    decision = _fire(an_incident(State.ANSWERED))
    assert decision.ended is not None
    assert decision.opened is not None
    assert (decision.ended.outcome, decision.opened.cause) == (Outcome.NOT_RESOLVED, Cause.NOT_RESOLVED)


def test_nothing_fires_before_its_time() -> None:
    incident = reported().after
    assert lifecycle.tick(incident, WORLD, later(hours=1, microseconds=-1)) is None
    assert lifecycle.tick(an_incident(State.CLOSED), WORLD, later(days=1000)) is None


def test_after_downtime_each_new_box_starts_when_the_clock_fires() -> None:
    decision = _fire(reported().after, late_s=100 * HOUR)
    assert decision.after.due_at == later(hours=101 + 2)
    assert decision.ended is not None
    assert decision.ended.late_s == 100 * HOUR


def test_an_act_after_the_deadline_but_before_the_clock_is_accepted() -> None:
    assert act(reported().after, "community", Arrow.ANSWER, at=later(hours=5)).after.state is State.ANSWERED


def test_an_incidents_time_never_runs_backwards() -> None:
    incident = act(reported().after, "community", Arrow.ANSWER, at=later(hours=1)).after
    assert act(incident, "community", Arrow.RESOLVE, at=later(minutes=1)).after.updated_at == later(hours=1)


def test_nobody_looking_closes_it_unverified() -> None:
    decision = _fire(an_incident(State.RESOLVED))
    assert (decision.after.closed_as, decision.after.state) == (ClosedAs.UNVERIFIED, State.CLOSED)
    assert (decision.after.due_at, decision.after.due_kind, decision.after.wake_at) == (None, None, None)
    assert (decision.ended, decision.opened) == (None, None)
    assert _types(decision) == ["incident.closed"]


def test_the_first_rejection_calls_the_same_unit_and_the_second_climbs() -> None:
    first = act(an_incident(State.RESOLVED, Level.STREET), "reporter", Arrow.REJECT)
    assert first.opened is not None
    assert (first.opened.unit, first.opened.round, first.opened.from_unit) == (STREET, 2, COMMUNITY)
    assert (first.opened.cause, first.opened.reason) == (Cause.REJECTED, "because")
    assert _types(first) == ["incident.rejected", "call.opened"]
    again = act(act(first.after, "street", Arrow.RESOLVE).after, "reporter", Arrow.REJECT)
    assert (again.after.level, again.after.unit) == (Level.DEPARTMENT, DEPARTMENT)
    third = act(act(again.after, "department", Arrow.RESOLVE).after, "street", Arrow.REJECT)
    assert third.after.level is Level.LEADER
    fourth = act(act(third.after, "leader", Arrow.RESOLVE).after, "street", Arrow.REJECT)
    assert (fourth.after.level, fourth.after.unit, fourth.after.call.round) == (Level.LEADER, LEADER, 2)


def test_reopening_counts_rejections_anew_and_ends_with_its_window() -> None:
    incident = act(an_incident(State.RESOLVED), "reporter", Arrow.REJECT).after
    incident = act(incident, "community", Arrow.RESOLVE).after
    closed = act(incident, "reporter", Arrow.ACCEPT).after
    assert closed.reopen_until == later(hours=168)
    reopened = act(closed, "street", Arrow.REOPEN, at=later(hours=168))
    assert (reopened.after.unit, reopened.after.call.cause, reopened.after.rejects) == (COMMUNITY, Cause.REOPENED, 0)
    assert _types(reopened) == ["incident.reopened", "call.opened"]
    assert all(event.at_state.due_at for event in reopened.events)
    assert (reopened.after.closed_at, reopened.after.closed_as, reopened.after.reopen_until) == (None, None, None)
    with pytest.raises(IllegalTransition):
        act(closed, "street", Arrow.REOPEN, at=later(hours=168, microseconds=1))


def test_a_withdrawn_incident_ends_its_call_and_cannot_be_reopened() -> None:
    decision = act(an_incident(State.ANSWERED), "reporter", Arrow.WITHDRAW)
    assert decision.ended is not None
    assert decision.ended.outcome is Outcome.CLOSED
    assert (decision.after.closed_as, decision.after.reopen_until) == (ClosedAs.WITHDRAWN, None)
    with pytest.raises(IllegalTransition):
        act(decision.after, "reporter", Arrow.REOPEN)


def test_a_void_incident_is_reopened_at_the_street_once_by_its_reporter_only() -> None:
    void = an_incident(State.CLOSED)._replace(closed_as=ClosedAs.VOID)
    with pytest.raises(NotYours):
        act(void, "street", Arrow.REOPEN)
    reopened = act(void, "reporter", Arrow.REOPEN).after
    assert (reopened.level, reopened.unit) == (Level.STREET, STREET)
    again = reopened._replace(state=State.CLOSED, closed_as=ClosedAs.VOID, reopen_until=later(days=9))
    with pytest.raises(IllegalTransition):
        act(again, "reporter", Arrow.REOPEN)


def test_a_comment_and_an_urge_change_nothing_but_the_timeline() -> None:
    incident = reported().after
    for who, arrow in (("reporter", Arrow.URGE), ("street", Arrow.COMMENT)):
        decision = act(incident, who, arrow)
        assert decision.after == incident._replace(sequence=incident.sequence + 1)
        assert decision.events[0].note == "because"


# --- routes ---------------------------------------------------------------------------------------------------------


def _climb(*without: str, category: str = "u-0101") -> list[tuple[int, str, str]]:
    world = a_world(without=without)
    decision: Decision | None = reported(world, category=category)
    called: list[tuple[int, str, str]] = []
    while decision is not None and len(called) < 4:
        call = decision.after.call
        called.append((int(call.level), call.unit, call.cause.value))
        if call.level is Level.LEADER:
            break
        assert decision.after.due_at is not None
        decision = lifecycle.tick(decision.after, world, decision.after.due_at)
    return called


def test_the_chain_of_a_cell_is_community_street_department_leader() -> None:
    assert [unit for _, unit, _ in _climb()] == [COMMUNITY, STREET, DEPARTMENT, LEADER]


def test_no_community_calls_the_street_at_its_level_and_says_unrouted() -> None:
    assert _climb(COMMUNITY)[0] == (2, STREET, "unrouted")
    assert _types(reported(a_world(without=(COMMUNITY,)))) == ["incident.reported", "call.unrouted", "call.opened"]


def test_no_department_for_the_category_calls_the_leader_of_the_street() -> None:
    assert _climb(category="x")[2] == (4, STREET_LEADER, "unrouted")
    assert _climb(DEPARTMENT)[2] == (4, STREET_LEADER, "unrouted")


def test_no_leader_calls_the_districts_fallback_unit() -> None:
    assert _climb(LEADER, STREET_LEADER)[3] == (4, DISTRICT, "unrouted")
    assert _climb(LEADER)[3] == (4, STREET_LEADER, "no_answer")


def test_nobody_at_all_calls_the_district_at_once() -> None:
    everybody = (COMMUNITY, STREET, DEPARTMENT, LEADER, STREET_LEADER)
    assert _climb(*everybody) == [(4, DISTRICT, "unrouted")]


def test_the_most_specific_duty_in_force_wins() -> None:
    assert WORLD.duty_for("u-0201", CELL, NOW) is not None
    assert [d.code for d in (WORLD.duty_for(c, CELL, NOW) for c in ("u-0101", "u-0201")) if d] == ["1", "3"]
    elsewhere = WORLD.duty_for("u-0201", "440105002001001", NOW)
    assert elsewhere is not None
    assert elsewhere.lead_unit == SPECIAL


def test_a_unit_no_longer_in_force_is_replaced_by_whoever_holds_its_level() -> None:
    incident = an_incident(State.RESOLVED, Level.STREET)
    decision = act(incident, "reporter", Arrow.REJECT, world=a_world(without=(STREET,)), at=later(minutes=1))
    assert (decision.after.unit, decision.after.call.cause) == (DEPARTMENT, Cause.UNROUTED)


# --- plan -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.CALLING, State.ANSWERED, State.RESOLVED, State.CLOSED])
@pytest.mark.parametrize("level", Level)
def test_the_plan_is_what_the_clock_then_does(state: State, level: Level) -> None:
    incident: Incident = an_incident(state, level)
    for step in lifecycle.plan(incident, WORLD, NOW):
        decision = lifecycle.tick(incident, WORLD, step.at)
        assert decision is not None
        assert lifecycle.tick(incident, WORLD, step.at - timedelta(microseconds=1)) is None
        incident = decision.after
        assert (incident.level, incident.unit) == (step.level, step.unit)
    assert incident.state is State.CLOSED or incident.call.round == 2


def test_the_plan_of_an_overdue_incident_starts_now() -> None:
    assert lifecycle.plan(reported().after, WORLD, later(days=2))[0].at == later(days=2)


def test_a_unit_that_reported_may_not_verify_its_own_work() -> None:
    unit = Actor(Role.UNIT, "worker", unit=COMMUNITY)
    with pytest.raises(NotYours):
        lifecycle.authorize(an_incident(State.RESOLVED), Arrow.ACCEPT, unit)
