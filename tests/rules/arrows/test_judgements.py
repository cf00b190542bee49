"""What is said of an answer afterwards: ratings (contract §1, rate, and §3, `/rate`). Appeals are in `test_appeals`."""

from __future__ import annotations

import pytest

from service.rules.acts import Act
from service.rules.arrows.judgements import call_numbered
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, NotYours, ValidationFailed
from service.rules.model import Actor, Call, Incident, Rating
from service.rules.words import Arrow, ClosedAs, Level, State
from tests.rules import deciding
from tests.rules.builders import (
    COMMUNITY,
    DEPARTMENT,
    NOW,
    PEOPLE,
    SPECIAL,
    UNIT_AT,
    WORLD,
    a_unit,
    a_void,
    act,
    an_incident,
    fired,
    later,
    types,
)
from tests.rules.deciding import changed

C, A, H, R, X = State
L1, L2, L3, L4 = Level
LATE = later(hours=5)


def _rated(incident: Incident, who: str, score: int = 4, *, call: int | None = None) -> Decision:
    return deciding.decide(incident, Act(Arrow.RATE, "so", score=score, call=call), PEOPLE[who], WORLD, LATE)


def _told_not_to(pointer: str, incident: Incident, who: str, *, call: int | None = None) -> None:
    with pytest.raises(ValidationFailed) as refused:
        _rated(incident, who, call=call)
    assert [each.pointer for each in refused.value.errors] == [pointer]


def _call(incident: Incident, seq: int) -> Call:
    call = call_numbered(incident, seq)
    assert call is not None
    return call


def _twice_at_departments() -> Incident:
    """dept-a (call 3) gave it to dept-b (call 4), which resolved it: both are calls of a department that ended."""
    given = act(an_incident(C, L3), "department", Arrow.ASSIGN).after
    return act(given, "special", Arrow.RESOLVE).after


# --- the reporter rates what came of it -------------------------------------------------------------------------------


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("state", [R, X])
def test_the_reporter_rates_the_outcome_once_there_is_one(state: State, level: Level) -> None:
    incident = an_incident(state, level)
    decision = _rated(incident, "reporter", 5)
    assert decision.after == incident._replace(
        rating=5,
        call=incident.call._replace(outcome_rating=5, outcome_ratings=(Rating("worker", 5),)),
        sequence=incident.sequence + 1,
    ), "its version stays: nobody's If-Match stumbles over it"
    assert types(decision) == ["incident.rated"]
    event = decision.events[0]
    assert (event.facts, event.note, event.at, event.call) == ({"score": 5}, "so", LATE, incident.call.seq)
    assert (changed(decision), decision.opened) == (decision.after.call, None)
    assert decision.after.call.rating is None, "that one is the street's"


@pytest.mark.parametrize("state", [C, A, H])
def test_before_it_is_resolved_there_is_nothing_to_rate(state: State) -> None:
    with pytest.raises(IllegalTransition, match="it is not resolved"):
        _rated(an_incident(state, L4), "reporter")


@pytest.mark.parametrize(
    ("closed_as", "rated"),
    [
        (ClosedAs.VERIFIED, True),
        (ClosedAs.UNVERIFIED, True),
        (ClosedAs.WITHDRAWN, False),
        (ClosedAs.VOID, False),
        (ClosedAs.MERGED, False),
    ],
)
def test_only_what_ended_with_a_result_is_rated_by_its_reporter(closed_as: ClosedAs, rated: bool) -> None:
    incident = an_incident(X)._replace(closed_as=closed_as)
    assert ("rate" in deciding.allowed(incident, PEOPLE["reporter"], WORLD, NOW)) == rated
    if not rated:
        with pytest.raises(IllegalTransition):
            _rated(incident, "reporter")


def test_what_really_was_void_withdrawn_or_timed_out() -> None:
    for unrated in (a_void(), act(an_incident(A, L3), "reporter", Arrow.WITHDRAW).after):
        with pytest.raises(IllegalTransition):
            _rated(unrated, "reporter")
    assert _rated(fired(an_incident(R)).after, "reporter").after.rating == 4


def test_the_reporter_rates_once_and_names_no_call() -> None:
    rated = _rated(an_incident(R, L3), "reporter", 2).after
    for ended in (rated, act(rated, "reporter", Arrow.ACCEPT).after):
        assert "rate" not in deciding.allowed(ended, PEOPLE["reporter"], WORLD, NOW)
        with pytest.raises(IllegalTransition, match="rated 2 already"):
            _rated(ended, "reporter")
    assert "rate" in deciding.allowed(act(rated, "reporter", Arrow.ACCEPT).after, PEOPLE["street"], WORLD, NOW)
    _told_not_to("/call", an_incident(R, L3), "reporter", call=3)


@pytest.mark.parametrize("arrow", [Arrow.REJECT, Arrow.REOPEN])
def test_a_rating_of_work_that_was_not_done_stays_with_its_call_and_leaves_the_incident(arrow: Arrow) -> None:
    rated = _rated(an_incident(R, L3), "reporter", 1).after
    ended = rated if arrow is Arrow.REJECT else act(rated, "reporter", Arrow.ACCEPT, at=LATE).after
    assert ended.rating == 1
    again = act(ended, "reporter", arrow, at=LATE).after
    assert (again.rating, again.call.outcome_rating, again.earlier[-1].outcome_rating) == (None, None, 1)
    with pytest.raises(IllegalTransition):
        _rated(again, "reporter")
    resolved = act(again, "department", Arrow.RESOLVE, at=LATE).after
    second = _rated(resolved, "reporter", 5).after
    assert (second.rating, second.call.outcome_rating, second.earlier[-1].outcome_rating) == (5, 5, 1)


@pytest.mark.parametrize("who", ["colleague", "community", "department", "firm", "ops", "auditor", "ops_reporting"])
def test_nobody_else_rates(who: str) -> None:
    with pytest.raises(NotYours):
        _rated(an_incident(R, L3), who)


@pytest.mark.parametrize("who", [a_unit(COMMUNITY, subject="worker"), a_unit(COMMUNITY)])
def test_a_community_that_reported_and_resolved_does_not_rate_itself(who: Actor) -> None:
    incident = an_incident(A)._replace(reporter=who.subject)
    resolved = deciding.decide(incident, Act(Arrow.RESOLVE, "done"), who, WORLD, LATE).after
    for ended in (resolved, fired(resolved).after):
        assert "rate" not in deciding.allowed(ended, who, WORLD, LATE)
        with pytest.raises(IllegalTransition, match="resolved themselves"):
            deciding.decide(ended, Act(Arrow.RATE, score=5), who, WORLD, LATE)


# --- the street rates departments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["street", "street_reporting"])
def test_the_street_rates_the_call_of_a_department_and_nothing_of_the_incident(who: str) -> None:
    incident = an_incident(R, L3)
    decision = _rated(incident, who, 3)
    assert decision.after == incident._replace(call=incident.call._replace(rating=3), sequence=incident.sequence + 1)
    assert (decision.events[0].facts, decision.events[0].call) == ({"score": 3}, 3)
    with pytest.raises(IllegalTransition, match="each was rated"):
        _rated(decision.after, who)
    both = _rated(decision.after, "reporter", 1).after.call
    assert (both.rating, both.outcome_rating, both.outcome_ratings) == (3, 1, (Rating("worker", 1),))


@pytest.mark.parametrize("level", [L1, L2, L3])
@pytest.mark.parametrize("state", [C, A, H])
def test_until_a_departments_call_has_ended_there_is_nothing_to_rate(state: State, level: Level) -> None:
    with pytest.raises(IllegalTransition, match="No department's call has ended yet"):
        _rated(an_incident(state, level), "street")


@pytest.mark.parametrize("state", State)
def test_when_it_has_gone_on_the_street_rates_the_call_it_had_then(state: State) -> None:
    incident = an_incident(state, L4)
    decision = _rated(incident, "street", 2)
    assert _call(decision.after, 3) == _call(incident, 3)._replace(rating=2)
    assert decision.after.call == incident.call
    assert decision.after.version == incident.version
    assert (decision.events[0].call, changed(decision)) == (3, _call(decision.after, 3))


@pytest.mark.parametrize("arrow", [Arrow.RETURN, Arrow.RAISE, Arrow.ASSIGN, Arrow.WITHDRAW, Arrow.NO_ANSWER])
def test_however_a_departments_call_ended_it_is_rated(arrow: Arrow) -> None:
    incident = an_incident(C, L3)
    who = "reporter" if arrow is Arrow.WITHDRAW else UNIT_AT[L3]
    ended = fired(incident).after if arrow is Arrow.NO_ANSWER else act(incident, who, arrow).after
    assert _call(_rated(ended, "street", 1).after, 3).rating == 1


def test_it_is_the_last_departments_call_unless_another_is_named_and_each_once() -> None:
    incident = _twice_at_departments()
    last = _rated(incident, "street", 5).after
    assert (_call(last, 3).rating, _call(last, 4).rating) == (None, 5)
    for call in (None, 4):
        _told_not_to("/score", last, "street", call=call)
    both = _rated(last, "street", 2, call=3).after
    assert (_call(both, 3).rating, _call(both, 4).rating) == (2, 5)
    for call in (None, 3, 4):
        with pytest.raises(IllegalTransition, match="each was rated"):
            _rated(both, "street", call=call)


def test_of_two_departments_that_passed_it_on_the_later_one_is_the_last() -> None:
    given = act(an_incident(C, L3), "department", Arrow.ASSIGN).after
    at_the_leader = act(given, "special", Arrow.RAISE).after
    assert [call.unit for call in at_the_leader.earlier[2:]] == [DEPARTMENT, SPECIAL]
    rated = _rated(at_the_leader, "street", 5).after
    assert (_call(rated, 3).rating, _call(rated, 4).rating) == (None, 5)


@pytest.mark.parametrize("call", [0, 1, 2, 5, 99, -1])
def test_no_other_call_is_the_streets_to_rate(call: int) -> None:
    """The community's, its own, and calls that there are not."""
    _told_not_to("/call", _twice_at_departments(), "street", call=call)


def test_a_departments_open_call_is_not_rated_yet_though_an_earlier_one_is() -> None:
    incident = act(an_incident(R, L3), "reporter", Arrow.REJECT).after
    assert incident.call.seq == 4
    _told_not_to("/call", incident, "street", call=4)
    assert _call(_rated(incident, "street", 2).after, 3).rating == 2


def test_another_street_and_who_reported_for_it_rate_nothing_of_departments() -> None:
    with pytest.raises(NotYours):
        _rated(an_incident(R, L3), "other_street")
    reporting = _rated(an_incident(R, L3), "community_reporting").after
    assert (reporting.rating, reporting.call.rating) == (4, None), "a community that reported it is its reporter"
