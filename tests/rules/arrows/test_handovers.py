"""Arrow g: "not ours", back to who called, and once too often to the leader (contract §2, g and "Call numbers").

Who gives a call on is in `test_assignments`, void and merge are in `test_merges`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.rules import approval
from service.rules.acts import Act
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, ValidationFailed
from service.rules.model import Incident
from service.rules.words import Arrow, Cause, Level, Outcome, State
from service.rules.world import Duty, World
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    ALWAYS,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    DUTIES,
    LEADER,
    NOW,
    SPECIAL,
    SPECIAL_LEADER,
    STATION,
    STREET,
    STREET_LEADER,
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
from tests.rules.deciding import changed, changed_call

C, A = State.CALLING, State.ANSWERED
L1, L2, L3, L4 = Level


def _returned(incident: Incident, *, world: World = WORLD, duty: str | None = None) -> Decision:
    back = Act(Arrow.RETURN, "not ours", code="not_our_duty", duty=duty)
    return deciding.decide(incident, back, a_unit(incident.unit), world, NOW)


def _assigned(incident: Incident, to: str) -> Incident:
    return deciding.decide(incident, Act(Arrow.ASSIGN, "yours", units=(to,)), a_unit(incident.unit), WORLD, NOW).after


def _raised(incident: Incident) -> Incident:
    return deciding.decide(incident, Act(Arrow.RAISE, "help"), a_unit(incident.unit), WORLD, NOW).after


def _numbers(incident: Incident) -> tuple[int, int, int, str, str | None, str]:
    call = incident.call
    return call.seq, call.level, call.round, call.unit, call.from_unit, call.cause.value


def test_a_returned_call_goes_back_to_its_caller_as_that_unit_had_been_called() -> None:
    decision = _returned(an_incident(C, L3), duty="2")
    ended = changed(decision)
    assert ended is not None
    assert (ended.outcome, ended.end_code, ended.end_reason) == (Outcome.RETURNED, "not_our_duty", "not ours")
    assert ended.end_duty == "2"
    assert (ended.late_s, ended.ended_at, ended.result) == (None, NOW, None)
    assert types(decision) == ["call.returned", "call.opened"]
    assert decision.events[0].facts == {"reason_code": "not_our_duty", "duty": "2", "box_used": 0}
    assert (decision.events[0].call, decision.events[0].at_state.unit) == (3, DEPARTMENT)
    assert _numbers(decision.after) == (4, 2, 2, STREET, COMMUNITY, "returned")
    assert (decision.after.call.reason, decision.after.call.answer_by) == ("not ours", later(hours=2))
    again = _returned(decision.after).after
    assert _numbers(again) == (5, 1, 2, COMMUNITY, None, "returned")
    assert approval.approver(again, WORLD, NOW) == STREET


def test_a_caller_beside_or_above_has_it_back_at_the_level_it_had() -> None:
    at_station = _assigned(an_incident(C, L3)._replace(category=ADMITTED_CATEGORY), STATION)
    assert _numbers(at_station) == (4, 2, 2, STATION, DEPARTMENT, "assigned")
    assert _numbers(_returned(at_station).after) == (5, 3, 2, DEPARTMENT, STREET, "returned")
    at_special = _assigned(an_incident(C, L3), SPECIAL)
    assert _numbers(_returned(at_special).after) == (5, 3, 3, DEPARTMENT, STREET, "returned")


@pytest.mark.parametrize(("level", "gone"), [(L2, (COMMUNITY,)), (L3, (STREET,)), (L3, (STREET, COMMUNITY))])
def test_nobody_there_to_take_it_back_means_no_return(level: Level, gone: tuple[str, ...]) -> None:
    incident, world = an_incident(C, level), a_world(without=gone)
    assert "return" not in deciding.allowed(incident, a_unit(incident.unit), world, NOW)
    with pytest.raises(IllegalTransition, match="Nobody is there to take it back"):
        _returned(incident, world=world)


def test_a_caller_that_is_gone_is_stood_in_for_by_routing_one_level_down() -> None:
    at_special = _assigned(an_incident(C, L3), SPECIAL)
    after = _returned(at_special, world=a_world(without=(DEPARTMENT,))).after
    assert (after.level, after.unit, after.call.round, after.call.cause) == (L2, STREET, 2, Cause.RETURNED)
    assert approval.approver(after, WORLD, NOW) == STREET_LEADER, "whoever has called the street"
    after = _returned(at_special, world=a_world(without=(DEPARTMENT, STREET))).after
    assert (after.level, after.unit, after.call.cause) == (L4, SPECIAL_LEADER, Cause.UNROUTED)
    at_committee = _assigned(an_incident(C, L2), COMMITTEE)
    after = _returned(at_committee, world=a_world(without=(STREET,))).after
    assert (after.level, after.unit, after.call.cause) == (L1, COMMUNITY, Cause.RETURNED)


def test_a_first_call_that_skipped_the_community_cannot_be_returned_to_anybody() -> None:
    world = a_world(without=(COMMUNITY,))
    incident = reported(world).after
    assert (incident.unit, incident.call.from_unit) == (STREET, None)
    assert "return" not in deciding.allowed(incident, a_unit(STREET), world, NOW)


def test_every_return_counts_for_ever_and_past_the_policys_returns_the_leader_decides() -> None:
    incident, returns = an_incident(C, L2), 0
    for _ in range(2):
        incident, returns = _returned(incident).after, returns + 1
        assert (incident.returns, incident.unit, incident.call.cause) == (returns, COMMUNITY, Cause.RETURNED)
        incident = _raised(incident)
    decision = _returned(incident)
    assert types(decision) == ["call.returned", "call.opened"]
    assert _numbers(decision.after) == (7, 4, 1, STREET_LEADER, STREET, "arbitration")
    assert (decision.after.returns, decision.after.call.binding) == (3, False)
    resolved = deciding.decide(decision.after, Act(Arrow.RESOLVE), a_unit(STREET_LEADER), WORLD, NOW).after
    closed = act(resolved, "reporter", Arrow.ACCEPT).after
    assert act(closed, "reporter", Arrow.REOPEN).after.returns == 3


@pytest.mark.parametrize(
    ("level", "without", "leader", "cause"),
    [
        (L3, (), LEADER, Cause.ARBITRATION),
        (L3, (LEADER,), STREET_LEADER, Cause.ARBITRATION),
        (L3, (LEADER, STREET_LEADER), DISTRICT, Cause.UNROUTED),
        (L2, (), STREET_LEADER, Cause.ARBITRATION),
        (L2, (STREET_LEADER,), DISTRICT, Cause.UNROUTED),
        (L3, (STREET,), LEADER, Cause.ARBITRATION),
    ],
)
def test_who_arbitrates(level: Level, without: tuple[str, ...], leader: str, cause: Cause) -> None:
    """In charge of the unit called, else of the street, else the district; whoever called it need not be there."""
    incident = an_incident(C, level)._replace(policy=("p", 3))  # no returns
    decision = _returned(incident, world=a_world(without=without))
    assert (decision.after.level, decision.after.unit, decision.after.call.cause) == (L4, leader, cause)
    assert decision.after.call.from_unit == incident.unit
    assert types(decision) == ["call.returned", *(["call.unrouted"] if leader == DISTRICT else []), "call.opened"]


def test_a_duty_that_is_cited_must_be_in_force() -> None:
    incident = an_incident(C, L3)
    for duty in ("99", "6"):
        ended = Duty("6", "ended", "u", DISTRICT, DEPARTMENT, replace(ALWAYS, valid_to=NOW))
        with pytest.raises(ValidationFailed) as refused:
            _returned(incident, world=a_world(duties=(*DUTIES, ended)), duty=duty)
        assert [each.pointer for each in refused.value.errors] == ["/duty"]
    assert changed_call(_returned(incident)).end_duty is None


def _called_by_itself() -> tuple[Incident, World]:
    """dept-a gave it to dept-b, which is no more when its work is rejected: dept-a is called in its place."""
    given = _assigned(an_incident(C, L3), SPECIAL)
    resolved = deciding.decide(given, Act(Arrow.RESOLVE, "done"), a_unit(SPECIAL), WORLD, NOW).after
    world = a_world(without=(SPECIAL,))
    rejected = act(resolved, "reporter", Arrow.REJECT, world=world).after
    assert (rejected.unit, rejected.level) == (DEPARTMENT, L3)
    return rejected, world


def test_nobody_returns_a_call_to_itself() -> None:
    incident, world = _called_by_itself()
    assert _returned(incident, world=world).after.unit != DEPARTMENT


def test_only_a_leader_decides_for_itself() -> None:
    incident, world = _called_by_itself()
    assert types(act(incident, "department", Arrow.HOLD, world=world)) == ["call.requested"]


def test_a_miss_does_not_begin_the_round_anew() -> None:
    """A street and its committee could otherwise restart each other's boxes for ever."""
    street = an_incident(State.CALLING, Level.STREET)
    missed = fired(_assigned(_assigned(street, COMMITTEE), COMMUNITY)).after
    assert (missed.unit, missed.level) == (STREET, Level.STREET)
    with pytest.raises(ValidationFailed, match="gave it on itself"):
        _assigned(missed, COMMITTEE)
    resolved = act(missed, "street", Arrow.RESOLVE).after
    rejected = act(resolved, "reporter", Arrow.REJECT).after
    assert _assigned(rejected, COMMITTEE).unit == COMMITTEE, "a reject does"
