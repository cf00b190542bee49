"""One appeal against a call counted as missed or left late: it exempts from the score and hides nothing (contract §3,
`/appeal`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.rules.acts import Act
from service.rules.arrows.judgements import call_numbered
from service.rules.decisions import Decision
from service.rules.errors import Conflict, IllegalTransition, NotYours, ValidationFailed
from service.rules.model import Actor, Appeal, By, Call, Incident
from service.rules.words import Arrow, Ground, Level, Outcome, Role, State, Verdict
from tests.rules import deciding
from tests.rules.builders import (
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    OTHER_STREET,
    PEOPLE,
    STREET,
    UNIT_AT,
    WORLD,
    a_unit,
    act,
    an_act,
    an_incident,
    fired,
    later,
    types,
)
from tests.rules.deciding import changed

C, A, H, R, X = State
L1, L2, L3, L4 = Level
LATE = later(days=3)
JUDGING = pytest.mark.parametrize("verb", [Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL])


def _appealed(incident: Incident, unit: str, call: int) -> Decision:
    return deciding.decide(incident, Act(Arrow.APPEAL, "no power", call=call), a_unit(unit), WORLD, LATE)


def _judged(incident: Incident, verb: Arrow, who: str = "ops", call: int = 1) -> Decision:
    return deciding.decide(incident, Act(verb, "so", call=call), PEOPLE[who], WORLD, LATE)


def _told_not_to(pointer: str, incident: Incident, unit: str, call: int) -> None:
    with pytest.raises(ValidationFailed) as refused:
        _appealed(incident, unit, call)
    assert [each.pointer for each in refused.value.errors] == [pointer]


def _call(incident: Incident, seq: int) -> Call:
    call = call_numbered(incident, seq)
    assert call is not None
    return call


def _missed_by(*levels: Level) -> Incident:
    """Missed at these levels, resolved at the one after them."""
    incident = an_incident(C)
    while incident.level in levels:
        incident = fired(incident, late_s=2.5).after
    return incident


# --- appeal -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "outcome"), [(C, Outcome.NO_ANSWER), (A, Outcome.NOT_RESOLVED)])
def test_an_appeal_is_written_on_the_missed_call_and_erases_nothing(state: State, outcome: Outcome) -> None:
    incident = fired(an_incident(state), late_s=2.5).after
    decision = _appealed(incident, COMMUNITY, 1)
    appeal = Appeal("no power", By("unit", COMMUNITY, COMMUNITY), LATE)
    assert decision.after == incident._replace(
        earlier=(_call(incident, 1)._replace(appeal=appeal),),
        version=incident.version + 1,
        updated_at=LATE,
        sequence=incident.sequence + 1,
    )
    call = _call(decision.after, 1)
    assert (call.outcome, call.late_s, call.exempt) == (outcome, 2.5, False)
    assert types(decision) == ["call.appealed"]
    event = decision.events[0]
    assert (event.note, event.call, event.at_state.call.seq) == ("no power", 1, 2), (
        "of the first call, as it stands now"
    )
    assert changed(decision) == call


@pytest.mark.parametrize("state", State)
def test_it_may_be_made_at_any_time_afterwards(state: State) -> None:
    incident = _missed_by(L1)
    if state in (A, H):
        incident = act(incident, "street", Arrow.ANSWER, at=incident.updated_at).after
    if state is H:
        asked = act(incident, "street", Arrow.HOLD, at=incident.updated_at).after
        incident = act(asked, "ops", Arrow.APPROVE, at=incident.updated_at).after
    if state in (R, X):
        incident = act(incident, "street", Arrow.RESOLVE).after
    if state is X:
        incident = act(incident, "reporter", Arrow.ACCEPT).after
    assert incident.state is state
    after = _appealed(incident, COMMUNITY, 1).after
    assert (after.state, after.due_at, after.closed_at) == (state, incident.due_at, incident.closed_at)


def test_each_appeals_once_against_each_missed_call_of_its_own() -> None:
    incident = _missed_by(L1, L2, L3)
    incident = fired(incident).after  # the leader's first
    for unit, call in ((COMMUNITY, 1), (STREET, 2), (DEPARTMENT, 3), (LEADER, 4)):
        for other in {1, 2, 3, 4} - {call}:
            with pytest.raises(NotYours, match="each unit appeals for itself") as refused:
                _appealed(incident, unit, other)
            assert [each.pointer for each in refused.value.errors] == ["/call"]
        appealed = _appealed(incident, unit, call).after
        with pytest.raises(IllegalTransition, match="one appeal a call"):
            _appealed(appealed, unit, call)
    twice = fired(incident).after  # the leader's second: the fifth call
    first = _appealed(twice, LEADER, 4).after
    with pytest.raises(Conflict, match="You appealed against call 4 already"):
        _appealed(first, LEADER, 4)
    second = _appealed(first, LEADER, 5).after
    assert [each.appeal is not None for each in second.earlier] == [False, False, False, True, True]


def test_only_a_missed_call_is_appealed_against() -> None:
    incident = _missed_by(L1)
    back = act(incident, "street", Arrow.RETURN, at=incident.updated_at).after
    again = act(back, "community", Arrow.RAISE, at=back.updated_at).after
    with pytest.raises(Conflict, match="Call 3 was neither missed nor left late"):
        _appealed(again, COMMUNITY, 3)
    for call in (0, 5, -1, 99):
        _told_not_to("/call", again, COMMUNITY, call)
    with pytest.raises(IllegalTransition, match="No call of yours was missed or left late here"):
        _appealed(again, STREET, 2)
    raised = act(an_incident(C), "community", Arrow.RAISE).after
    with pytest.raises(IllegalTransition, match="No call of yours was missed or left late here"):
        _appealed(raised, COMMUNITY, 1)


def test_anothers_call_is_refused_whatever_the_unit_has_itself() -> None:
    incident = _missed_by(L1)
    for unit in (STREET, DEPARTMENT):
        with pytest.raises(NotYours, match="Call 1 was not yours"):
            _appealed(incident._replace(audience=(*incident.audience, DEPARTMENT)), unit, 1)


def test_nobody_appeals_for_another() -> None:
    incident = _missed_by(L1)
    for actor in (PEOPLE["firm"], PEOPLE["reporter"], PEOPLE["ops"], PEOPLE["auditor"], a_unit(OTHER_STREET)):
        with pytest.raises(NotYours):
            deciding.decide(incident, Act(Arrow.APPEAL, "why", call=1), actor, WORLD, LATE)
    rotated = Actor(Role.UNIT, "another key", unit=COMMUNITY)
    assert deciding.decide(incident, Act(Arrow.APPEAL, "why", call=1), rotated, WORLD, LATE).changed


def _left_late(verb: Arrow = Arrow.RAISE, ground: Ground = Ground.OTHER) -> Incident:
    """Its community has left it at 54 minutes of 60."""
    act_ = replace(an_act(verb), ground=ground if verb is Arrow.RAISE else None)
    return deciding.decide(an_incident(C), act_, a_unit(COMMUNITY), WORLD, later(minutes=54)).after


@pytest.mark.parametrize("verb", [Arrow.RAISE, Arrow.VOID])
def test_a_call_that_was_left_late_is_contested_too(verb: Arrow) -> None:
    left = _left_late(verb)
    assert _call(left, 1).late_exit
    granted = _judged(_appealed(left, COMMUNITY, 1).after, Arrow.APPROVE_APPEAL).after
    assert (_call(granted, 1).exempt, _call(granted, 1).late_exit, _call(granted, 1).outcome) == (
        True,
        True,
        _call(left, 1).outcome,
    )
    early = act(an_incident(C), "community", verb, at=later(minutes=48)).after
    with pytest.raises(IllegalTransition, match="missed or left late here"):
        _appealed(early, COMMUNITY, 1)


def test_an_emergency_that_is_answered_leaves_an_appeal() -> None:
    granted = _judged(_appealed(_left_late(ground=Ground.EMERGENCY), COMMUNITY, 1).after, Arrow.APPROVE_APPEAL).after
    answered = act(granted, "street", Arrow.ANSWER, at=LATE).after
    assert (_call(answered, 1).late_exit, _call(answered, 1).exempt) == (False, True)


def test_an_emergency_that_was_answered_needs_no_exemption() -> None:
    """It costs nothing any more: exempt, it would be left out where it went well, too."""
    left = _left_late(ground=Ground.EMERGENCY)
    appealed = act(_appealed(left, COMMUNITY, 1).after, "street", Arrow.ANSWER, at=LATE).after
    with pytest.raises(Conflict, match="was left late in an emergency, which has been answered since"):
        _judged(appealed, Arrow.APPROVE_APPEAL)
    refused = _judged(appealed, Arrow.REFUSE_APPEAL).after
    assert (_call(refused, 1).exempt, _call(refused, 1).late_exit) == (False, False)
    answered = act(left, "street", Arrow.ANSWER, at=LATE).after
    with pytest.raises(IllegalTransition, match="No call of yours was missed or left late here"):
        _appealed(answered, COMMUNITY, 1)


def test_there_are_ten_days_to_appeal_after_the_end() -> None:
    incident = _missed_by(L1)
    ended_at = _call(incident, 1).ended_at
    assert ended_at is not None
    term, late = ended_at + timedelta(days=10), Act(Arrow.APPEAL, "late", call=1)
    assert deciding.decide(incident, late, a_unit(COMMUNITY), WORLD, term).changed
    with pytest.raises(IllegalTransition, match="An appeal was possible until 2026-12-03T10:00:02"):
        deciding.decide(incident, late, a_unit(COMMUNITY), WORLD, term + timedelta(microseconds=1))
    assert "appeal" not in deciding.allowed(incident, a_unit(COMMUNITY), WORLD, term + timedelta(microseconds=1))


def test_the_time_of_each_call_runs_by_itself() -> None:
    incident = fired(_missed_by(L1, L2, L3), late_s=9 * 86_400).after  # the leader's first
    again = fired(incident).after
    at = _ended_at(again, 4) + timedelta(days=10)
    assert deciding.decide(again, Act(Arrow.APPEAL, "x", call=5), a_unit(LEADER), WORLD, at).changed
    with pytest.raises(Conflict, match="An appeal was possible until"):
        deciding.decide(again, Act(Arrow.APPEAL, "x", call=4), a_unit(LEADER), WORLD, at + timedelta(microseconds=1))


def _ended_at(incident: Incident, seq: int) -> datetime:
    ended_at = _call(incident, seq).ended_at
    assert ended_at is not None
    return ended_at


# --- decide it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["ops", "ops_reporting"])
@JUDGING
def test_ops_decide_it_and_granted_or_not_it_was_missed(verb: Arrow, who: str) -> None:
    appealed = _appealed(_missed_by(L1), COMMUNITY, 1).after
    before = _call(appealed, 1)
    assert before.appeal is not None
    decision = _judged(appealed, verb, who)
    granted = verb is Arrow.APPROVE_APPEAL
    actor = PEOPLE[who]
    decided = before.appeal._replace(
        decided_by=By(actor.role.value, actor.subject, actor.unit),
        decided_at=LATE,
        decided_reason="so",
        outcome=Verdict.APPROVED if granted else Verdict.REFUSED,
    )
    assert _call(decision.after, 1) == before._replace(appeal=decided, exempt=granted)
    assert (before.outcome, before.late_s) == (Outcome.NO_ANSWER, 2.5)
    assert types(decision) == ["call.exempted" if granted else "call.appeal_refused"]
    assert (decision.events[0].call, decision.events[0].note) == (1, "so")
    assert decision.after.version == appealed.version + 1
    assert decision.after.call == appealed.call


@JUDGING
def test_it_is_decided_once_and_not_made_again(verb: Arrow) -> None:
    decided = _judged(_appealed(_missed_by(L1), COMMUNITY, 1).after, verb).after
    for again in (Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL):
        with pytest.raises(IllegalTransition, match="No appeal waits to be decided"):
            _judged(decided, again)
    with pytest.raises(IllegalTransition, match="you appealed already"):
        _appealed(decided, COMMUNITY, 1)


@JUDGING
def test_nobody_decides_its_own_appeal(verb: Arrow) -> None:
    appealed = deciding.decide(
        _missed_by(L1), Act(Arrow.APPEAL, "no power", call=1), a_unit(COMMUNITY, "ops"), WORLD, LATE
    ).after
    with pytest.raises(NotYours, match="Nobody decides its own appeal"):
        _judged(appealed, verb, "ops")
    assert types(_judged(appealed, verb, "ops_reporting"))


@pytest.mark.parametrize(
    "who", ["community", "street", "street_reporting", "department", "reporter", "auditor", "other_street", "firm"]
)
@JUDGING
def test_nobody_else_decides_one(verb: Arrow, who: str) -> None:
    with pytest.raises(NotYours):
        _judged(_appealed(_missed_by(L1, L2), COMMUNITY, 1).after, verb, who)


@JUDGING
def test_what_is_decided_is_an_appeal_that_waits(verb: Arrow) -> None:
    incident = _appealed(_missed_by(L1, L2), COMMUNITY, 1).after
    for call in (2, 3):
        with pytest.raises(Conflict, match=f"No appeal against call {call} waits to be decided"):
            _judged(incident, verb, call=call)
    for call in (0, 4, 99):
        with pytest.raises(ValidationFailed) as refused:
            _judged(incident, verb, call=call)
        assert [each.pointer for each in refused.value.errors] == ["/call"]
    with pytest.raises(IllegalTransition, match="No appeal waits"):
        _judged(_missed_by(L1), verb)


def test_an_appeal_goes_on_waiting_whatever_becomes_of_the_incident() -> None:
    incident = _appealed(_missed_by(L1), COMMUNITY, 1).after
    later_on = act(act(incident, UNIT_AT[L2], Arrow.RESOLVE).after, "reporter", Arrow.REJECT).after
    assert _call(later_on, 1).appeal == _call(incident, 1).appeal
    assert _call(_judged(later_on, Arrow.APPROVE_APPEAL).after, 1).exempt
