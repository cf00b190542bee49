"""Arrow h: a call given on, to whom, by whom, and when it binds (contract §2, arrow h)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import access, approval
from service.rules.acts import Act
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, UnknownUnit, ValidationFailed
from service.rules.model import Incident
from service.rules.words import Arrow, Cause, Level, Outcome, State, UnitKind, Verdict
from service.rules.world import Duty, Unit, World
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    ALWAYS,
    CATEGORY,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    DUTIES,
    FIRM,
    LEADER,
    NEVER,
    NEXT_COMMUNITY,
    NOBODYS_CATEGORY,
    NOW,
    OTHER_COMMUNITY,
    OTHER_STREET,
    PEOPLE,
    SPECIAL,
    SPECIAL_LEADER,
    STATION,
    STREET,
    STREET_LEADER,
    UNITS,
    WORLD,
    a_unit,
    a_world,
    act,
    an_act,
    an_incident,
    fired,
    later,
    reported,
    types,
)
from tests.rules.deciding import changed

C, A = State.CALLING, State.ANSWERED
L1, L2, L3, L4 = Level


def _assigned(incident: Incident, to: str, *, world: World = WORLD, by: str | None = None) -> Decision:
    actor = PEOPLE["ops"] if by == "ops" else a_unit(by or incident.unit)
    return deciding.decide(incident, Act(Arrow.ASSIGN, "yours", units=(to,)), actor, world, NOW)


def _numbers(incident: Incident) -> tuple[int, int, int, str, str | None, str]:
    call = incident.call
    return call.seq, call.level, call.round, call.unit, call.from_unit, call.cause.value


def _told_not_to(incident: Incident, to: str, *, world: World = WORLD, by: str | None = None) -> str:
    with pytest.raises((ValidationFailed, UnknownUnit)) as refused:
        _assigned(incident, to, world=world, by=by)
    (error,) = refused.value.errors
    assert error.pointer == "/unit"
    return type(refused.value).__name__


@pytest.mark.parametrize("state", [C, A])
def test_an_assigned_call_is_a_new_one_with_a_box_of_its_own_at_the_level_of_whom_it_goes_to(state: State) -> None:
    decision = _assigned(an_incident(state, L2), COMMUNITY)
    ended, call = changed(decision), decision.after.call
    assert ended is not None
    assert (ended.outcome, ended.end_reason, ended.late_s) == (Outcome.ASSIGNED, "yours", None)
    assert ended.ended_by == access.by_of(a_unit(STREET))
    assert types(decision) == ["call.assigned", "call.opened"]
    assert decision.events[0].facts == {"to": COMMUNITY, "box_used": 0}
    assert _numbers(decision.after) == (3, 1, 2, COMMUNITY, STREET, "assigned")
    assert (call.reason, call.answer_by, call.resolve_by, call.binding) == ("yours", later(hours=1), None, False)


def test_a_request_for_a_hold_lapses_with_the_call_that_is_given_on_or_back() -> None:
    asked = act(an_incident(C, L3), "department", Arrow.HOLD).after
    for decision in (_assigned(asked, SPECIAL), act(asked, "department", Arrow.RETURN)):
        assert decision.request is not None
        assert (decision.request.outcome, decision.after.open_request) == (Verdict.LAPSED, None)
        assert "hold" in deciding.allowed(decision.after, a_unit(decision.after.unit), WORLD, NOW)


SCOPES = {
    # caller: to whom it may give a call of an admitted category, of everybody there is
    STREET: {COMMITTEE, STATION, COMMUNITY, NEXT_COMMUNITY},
    DEPARTMENT: {SPECIAL, NEVER, STATION},
    LEADER: set(UNITS) - {LEADER, FIRM, OTHER_STREET, OTHER_COMMUNITY},
}


@pytest.mark.parametrize("to", UNITS)
@pytest.mark.parametrize("level", [L2, L3, L4])
def test_each_gives_a_call_to_its_own_and_to_nobody_else(level: Level, to: str) -> None:
    incident = an_incident(C, level)._replace(category=ADMITTED_CATEGORY)
    if to not in SCOPES[incident.unit]:
        assert _told_not_to(incident, to) == "ValidationFailed"
        return
    after = _assigned(incident, to).after
    assert (after.unit, after.level, after.call.binding) == (to, UNITS[to].level, level is L4)
    assert after.call.from_unit == incident.unit
    assert to in after.audience


def test_a_committee_gives_it_to_units_of_its_own_street() -> None:
    incident = _assigned(an_incident(C, L2), COMMITTEE).after
    assert _assigned(incident, STATION).after.unit == STATION
    for to in (OTHER_COMMUNITY, OTHER_STREET, DEPARTMENT, LEADER, FIRM, COMMITTEE):
        assert _told_not_to(incident, to) == "ValidationFailed"
    assert _told_not_to(incident, "nobody") == "UnknownUnit"
    assert _told_not_to(incident, STATION, world=a_world(without=(STATION,))) == "UnknownUnit"


def test_nobody_is_given_what_it_gave_on_until_it_comes_to_it_another_way() -> None:
    """To and fro each would start a new answer box, and the clock never end."""
    at_station = _assigned(_assigned(an_incident(C, L2), COMMITTEE).after, STATION).after
    for to in (COMMITTEE, STREET):
        assert _told_not_to(at_station, to) == "ValidationFailed"
    back = deciding.decide(at_station, an_act(Arrow.RETURN), a_unit(STATION), WORLD, NOW).after
    assert back.unit == COMMITTEE
    assert _assigned(back, STATION).after.unit == STATION, "a return counts, and has its limit"
    at_special = _assigned(an_incident(C, L3), SPECIAL).after
    assert _told_not_to(at_special, DEPARTMENT) == "ValidationFailed"
    arbitrated = act(at_special, "special", Arrow.RAISE).after
    assert _assigned(arbitrated, SPECIAL).after.call.binding, "but a leader decides as it sees fit"


def test_what_a_unit_raised_it_may_be_given_back_once() -> None:
    """Or street and community would pass it to and fro, with nothing missed and nothing returned, for ever."""
    raised = an_incident(C, L2)
    again = act(_assigned(raised, COMMUNITY).after, "community", Arrow.RAISE).after
    assert _told_not_to(again, COMMUNITY) == "ValidationFailed"
    assert _assigned(again, NEXT_COMMUNITY).after.unit == NEXT_COMMUNITY
    missed = fired(_assigned(raised, COMMUNITY).after).after
    assert _assigned(missed, COMMUNITY).after.unit == COMMUNITY, "it did not raise it: the clock did"


def test_a_department_and_its_station_do_not_pass_it_to_and_fro() -> None:
    incident = an_incident(C, L3)._replace(category=ADMITTED_CATEGORY)
    for _ in range(2):
        incident = deciding.decide(
            _assigned(incident, STATION).after, an_act(Arrow.RAISE), a_unit(STATION), WORLD, NOW
        ).after
        assert incident.unit == DEPARTMENT
    assert _told_not_to(incident, STATION) == "ValidationFailed"


def test_a_leader_may_give_it_to_who_raised_it_as_often_as_it_is_asked() -> None:
    incident = an_incident(C, L4)
    for _ in range(4):
        given = _assigned(incident, DEPARTMENT).after
        assert given.call.binding
        incident = act(given, "department", Arrow.RAISE).after


@settings(max_examples=60)
@given(st.data())
def test_passed_from_hand_to_hand_it_ends_with_the_leader(data: st.DataObject) -> None:
    """Whatever people do who neither answer nor wait: no more than so many hands, and then it is the leader's."""
    incident, hands = an_incident(C)._replace(category=ADMITTED_CATEGORY), 0
    while incident.level < Level.LEADER:
        holder = a_unit(incident.unit)
        verbs = [
            verb for verb in deciding.allowed(incident, holder, WORLD, NOW) if verb in ("raise", "return", "assign")
        ]
        verb = Arrow(data.draw(st.sampled_from(verbs)))
        target = data.draw(st.sampled_from(sorted(UNITS))) if verb is Arrow.ASSIGN else ""
        wish = replace(an_act(verb, incident), units=(target,)) if target else an_act(verb, incident)
        try:
            incident = deciding.decide(incident, wish, holder, WORLD, NOW).after
        except ValidationFailed:
            incident = deciding.decide(incident, an_act(Arrow.RAISE), holder, WORLD, NOW).after
        hands += 1
        assert hands < 60, [(call.unit, call.cause.value) for call in (*incident.earlier, incident.call)]


def test_a_unit_inside_a_street_does_not_assign_to_the_street() -> None:
    by_leader = _assigned(an_incident(C, L4)._replace(category=ADMITTED_CATEGORY), COMMITTEE).after
    assert _told_not_to(by_leader, STREET) == "ValidationFailed", "what a leader gave to it"


# --- ops ----------------------------------------------------------------------------------------------------------


def test_ops_assign_what_a_community_has_and_nobody_called_it_then() -> None:
    after = _assigned(an_incident(A), NEXT_COMMUNITY, by="ops").after
    assert _numbers(after) == (2, 1, 2, NEXT_COMMUNITY, None, "assigned")
    assert approval.approver(after, WORLD, NOW) == STREET
    assert not after.call.binding
    assert _told_not_to(an_incident(C), STREET, by="ops") == "ValidationFailed", "above it: that is to raise"


@pytest.mark.parametrize("level", [L2, L3, L4])
def test_ops_assign_above_only_where_no_unit_can(level: Level) -> None:
    incident = an_incident(C, level)
    with pytest.raises(IllegalTransition, match="ops assign only where no unit can"):
        _assigned(incident, COMMUNITY, by="ops")
    gone = a_world(without=(incident.unit,))
    to = {L2: COMMITTEE, L3: SPECIAL, L4: SPECIAL_LEADER}[level]
    after = _assigned(incident, to, world=gone, by="ops").after
    assert (after.unit, after.call.from_unit, after.call.binding) == (to, None, False)
    unrouted = incident._replace(call=incident.call._replace(cause=Cause.UNROUTED))
    with pytest.raises(IllegalTransition, match="can assign it itself"):
        _assigned(unrouted, to, by="ops")


def test_what_nobody_is_there_for_comes_to_the_district_and_ops_give_it_to_a_department() -> None:
    world = a_world(without=(LEADER, STREET_LEADER))
    incident = fired(fired(reported(category=NOBODYS_CATEGORY).after).after, world=world).after
    assert (incident.unit, incident.call.cause) == (DISTRICT, Cause.UNROUTED)
    incident = incident._replace(call=incident.call._replace(cause=Cause.NO_ANSWER, round=2))  # called again and again
    assert _assigned(incident, SPECIAL, world=world, by="ops").after.unit == SPECIAL
    assert _assigned(incident, SPECIAL, world=world).after.call.binding, "the district's unit is a leader's stand-in"


# --- what binds, and what a street admitted ---------------------------------------------------------------------------


def test_what_a_leader_assigns_is_not_returned_but_all_else_is_possible() -> None:
    incident = _assigned(an_incident(C, L4), DEPARTMENT).after
    assert "return" not in deciding.allowed(incident, a_unit(DEPARTMENT), WORLD, NOW)
    with pytest.raises(IllegalTransition, match="which is binding: answer it, or raise it"):
        act(incident, "department", Arrow.RETURN)
    given_on = _assigned(incident, SPECIAL).after
    assert not given_on.call.binding
    returned = act(given_on, "special", Arrow.RETURN).after
    assert (returned.unit, returned.call.binding) == (DEPARTMENT, True), "it binds whom it bound before"
    with pytest.raises(IllegalTransition, match="binding"):
        act(returned, "department", Arrow.RETURN)
    raised = act(incident, "department", Arrow.RAISE).after
    assert (raised.unit, raised.call.binding) == (LEADER, False)


@pytest.mark.parametrize("arrow", [Arrow.REJECT, Arrow.REOPEN])
def test_a_call_repeated_to_the_same_unit_still_binds_it_and_one_to_another_does_not(arrow: Arrow) -> None:
    resolved = act(_assigned(an_incident(C, L4), DEPARTMENT).after, "department", Arrow.RESOLVE).after
    ended = act(resolved, "reporter", Arrow.ACCEPT).after if arrow is Arrow.REOPEN else resolved
    again = act(ended, "reporter", arrow).after
    assert (again.unit, again.call.binding, again.call.from_unit) == (DEPARTMENT, True, LEADER)
    assert "return" not in deciding.allowed(again, a_unit(DEPARTMENT), WORLD, NOW)
    other = act(ended, "reporter", arrow, world=a_world(without=(DEPARTMENT,))).after
    assert (other.unit, other.call.binding) == (LEADER, False)


@pytest.mark.parametrize(("level", "to"), [(L3, STATION), (L4, STATION), (L4, STREET), (L4, COMMUNITY)])
def test_nothing_is_pushed_down_to_a_street_that_did_not_admit_its_category(level: Level, to: str) -> None:
    incident = an_incident(C, level)
    assert _told_not_to(incident, to) == "ValidationFailed"
    admitted = Duty("6", "admitted", CATEGORY, STREET, DEPARTMENT, ALWAYS, (COMMITTEE,))
    assert _assigned(incident, to, world=a_world(duties=(*DUTIES, admitted))).after.unit == to
    for not_admitted in (
        replace(admitted, area=OTHER_STREET),
        replace(admitted, assisting=(SPECIAL,)),
        replace(admitted, assisting=(OTHER_COMMUNITY,)),
        replace(admitted, category="u-02"),
        replace(admitted, validity=replace(ALWAYS, valid_to=NOW)),
    ):
        assert _told_not_to(incident, to, world=a_world(duties=(*DUTIES, not_admitted))) == "ValidationFailed"


def test_inside_a_street_and_at_level_1_nobody_needs_an_admission() -> None:
    assert _assigned(an_incident(C, L2), NEXT_COMMUNITY).after.unit == NEXT_COMMUNITY
    assert _assigned(an_incident(C), NEXT_COMMUNITY, by="ops").after.unit == NEXT_COMMUNITY
    lost = a_world(without=(DEPARTMENT,))
    assert _told_not_to(an_incident(C, L3), COMMITTEE, world=lost, by="ops") == "ValidationFailed", "ops push it too"


# --- faults -------------------------------------------------------------------------------------------------------


def test_a_unit_no_longer_in_force_assigns_no_further_than_before() -> None:
    with pytest.raises(IllegalTransition, match="ops assign it"):
        _assigned(an_incident(C, L2), OTHER_COMMUNITY, world=a_world(without=(STREET,)))


def test_a_street_assigns_to_a_team_of_one_of_its_communities() -> None:
    team = Unit("team-1", "a team", UnitKind.TEAM, L2, ALWAYS, COMMUNITY)
    assert _assigned(an_incident(C, L2), "team-1", world=a_world(units=(team,))).after.unit == "team-1"


def test_a_department_assigns_to_its_own_station_that_is_of_no_street() -> None:
    station = Unit("station-9", "a station of the district", UnitKind.STATION, L2, ALWAYS, SPECIAL, SPECIAL)
    given = _assigned(an_incident(C, L3), SPECIAL).after
    assert _assigned(given, "station-9", world=a_world(units=(station,))).after.unit == "station-9"
