"""Arrow s: what one reporter has flooded a district with is closed, and no unit is judged by it."""

from __future__ import annotations

import pytest

from service.rules import access, lifecycle
from service.rules.acts import Act
from service.rules.arrows import floods
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Incident
from service.rules.words import Arrow, ClosedAs, Level, Outcome, State
from tests.rules import deciding
from tests.rules.builders import (
    PEOPLE,
    STREET,
    WORLD,
    act,
    an_act,
    an_incident,
    fired,
    later,
    reported,
    types,
)


def flooded(incident: Incident, who: str = "ops") -> Decision:
    party = access.party(PEOPLE[who], incident)
    return lifecycle.flood(incident, Act(Arrow.FLOOD, "600 in an hour"), party, WORLD, later(days=1))


@pytest.mark.parametrize("state", [State.CALLING, State.ANSWERED, State.ON_HOLD])
def test_it_is_closed_as_void(state: State) -> None:
    decision = flooded(an_incident(state))
    after, call = decision.after, decision.after.call
    assert types(decision) == ["incident.closed"]
    assert (after.state, after.closed_as) == (State.CLOSED, ClosedAs.VOID)
    assert (call.outcome, call.end_code, call.end_reason) == (Outcome.CLOSED, "flood", "600 in an hour")
    assert (call.exempt, call.late_exit) == (False, False)
    facts = decision.events[0].facts
    assert facts is not None
    assert (facts["closed_as"], facts["reason_code"]) == ("void", "flood")


def test_its_missed_calls_and_late_exits_are_exempt() -> None:
    missed = fired(reported().after).after
    left_late = act(missed, "street", Arrow.RAISE, at=later(hours=2, minutes=50)).after
    assert left_late.earlier[-1].late_exit
    decision = flooded(left_late)
    assert types(decision) == ["incident.closed", "call.exempted", "call.exempted"]
    assert [event.call for event in decision.events] == [3, 1, 2]
    calls = (*decision.after.earlier, decision.after.call)
    assert [(call.exempt, call.late_exit, call.outcome) for call in calls] == [
        (True, False, "no_answer"),
        (True, True, "raised"),
        (False, False, "closed"),
    ]
    assert decision.after.version == left_late.version + 1


def test_what_was_answered_late_or_turned_down_is_exempt() -> None:
    late = act(reported().after, "community", Arrow.ANSWER, at=later(hours=1, minutes=1)).after
    [call] = flooded(late).changed
    assert (call.exempt, call.end_code) == (True, "flood")
    rejected = act(act(reported().after, "community", Arrow.RESOLVE).after, "reporter", Arrow.REJECT).after
    assert [each.exempt for each in flooded(rejected).after.earlier] == [True]


def test_it_is_reopened_though_its_unit_had_voided_it_before() -> None:
    again = act(act(reported().after, "community", Arrow.VOID).after, "reporter", Arrow.REOPEN).after
    after = flooded(again).after
    assert act(after, "reporter", Arrow.REOPEN, at=later(days=2)).after.state is State.CALLING
    first = act(flooded(reported().after).after, "reporter", Arrow.REOPEN, at=later(days=2)).after
    assert not first.reopened_void, "its unit has not refused it yet"


def test_only_its_reporter_reopens_it() -> None:
    after = flooded(an_incident(State.CALLING)).after
    with pytest.raises(NotYours):
        deciding.decide(after, an_act(Arrow.REOPEN), PEOPLE["street"], WORLD, later(days=2))
    reopened = deciding.decide(after, an_act(Arrow.REOPEN), PEOPLE["reporter"], WORLD, later(days=2)).after
    assert (reopened.state, reopened.unit) == (State.CALLING, STREET)


@pytest.mark.parametrize("arrow", [Arrow.VOID, Arrow.WITHDRAW])
def test_what_was_closed_unhandled_is_exempt_too(arrow: Arrow) -> None:
    missed = fired(reported().after).after
    who = "street" if arrow is Arrow.VOID else "reporter"
    closed = act(missed, who, arrow, at=later(hours=1)).after
    assert floods.is_of_flood(closed)
    decision = flooded(closed)
    assert (types(decision), decision.after.closed_as) == (["call.exempted"], closed.closed_as)
    assert not floods.is_of_flood(decision.after), "a second time there is nothing to do"


def test_what_was_handled_stays_as_it_is() -> None:
    for state in (State.RESOLVED, State.CLOSED):
        incident = an_incident(state, Level.STREET)
        assert not floods.is_of_flood(incident)
        with pytest.raises(IllegalTransition):
            flooded(incident)


@pytest.mark.parametrize("who", [who for who in PEOPLE if not who.startswith("ops")])
def test_nobody_but_ops_ends_a_flood(who: str) -> None:
    void = act(an_incident(State.CALLING), "community", Arrow.VOID).after
    for incident in (an_incident(State.CALLING), void):
        with pytest.raises(NotYours):
            flooded(incident, who)
