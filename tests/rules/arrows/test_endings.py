"""Arrows o to q: withdrawn, refused as no incident, merged into another (contract §2, arrows o to q)."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.rules import access, lifecycle
from service.rules.decisions import Decision
from service.rules.errors import Conflict, IllegalTransition, NotYours, ValidationFailed
from service.rules.model import Act, Actor, By, Draft, Incident
from service.rules.words import Arrow, ClosedAs, DueKind, Kind, Level, Outcome, Role, State, Verdict
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    CATEGORY,
    CELL,
    COMMUNITY,
    FIRM,
    NEXT_CELL,
    NEXT_COMMUNITY,
    NOW,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    PEOPLE,
    REPORTER,
    STREET,
    UNIT_AT,
    WORLD,
    a_void,
    act,
    an_incident,
    fired,
    later,
    types,
)
from tests.rules.deciding import changed, changed_call

C, A, H, R, X = State
L1, L2, L3, L4 = Level
LATE = later(hours=1)


def _one(n: int, who: str, cell: str = OTHER_CELL, category: str = CATEGORY) -> Incident:
    """The n-th incident, reported by a worker of this name."""
    by = Actor(Role.REPORTER, who, area=cell)
    draft = Draft(cell, category, who)
    return lifecycle.report(draft, by, WORLD, incident_id=UUID(int=n), number=f"2026-{n}", now=NOW).after


def _merged(one: Incident, into: Incident, who: str = "ops") -> tuple[Decision, Decision]:
    merge = Act(Arrow.MERGE, "the same", into=into.id)
    return deciding.merge(one, into, merge, PEOPLE[who], WORLD, LATE)


# --- void ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [C, A, State.ON_HOLD])
def test_withdrawing_ends_the_open_call(state: State) -> None:
    decision = act(an_incident(state, L2), "reporter", Arrow.WITHDRAW, at=later(minutes=9))
    call, after = changed_call(decision), decision.after
    assert (call.outcome, call.end_code, call.end_reason) == (Outcome.CLOSED, "withdrawn", "because")
    assert (call.ended_at, call.ended_by, call.late_s) == (later(minutes=9), By("reporter", "worker"), None)
    assert (after.closed_as, after.closed_at, after.reopen_until) == (ClosedAs.WITHDRAWN, later(minutes=9), None)


@pytest.mark.parametrize(("level", "left"), [(L1, {"box_used": 100, "late_exit": True}), (L2, {"box_used": 50})])
def test_a_void_incident_is_closed_with_its_coded_reason_and_may_be_reopened_for_a_while(
    level: Level, left: dict[str, object]
) -> None:
    decision = act(an_incident(C, level), UNIT_AT[level], Arrow.VOID, at=LATE)
    ended, after = changed(decision), decision.after
    assert ended is not None
    assert (ended.outcome, ended.end_code, ended.end_reason) == (Outcome.CLOSED, "other", "because")
    assert (ended.late_s, ended.answered_at, ended.ended_at) == (None, None, LATE)
    assert (after.state, after.closed_as, after.closed_at) == (X, ClosedAs.VOID, LATE)
    assert (after.due_at, after.wake_at, after.reopen_until) == (None, None, later(hours=169))
    assert types(decision) == ["incident.closed"]
    assert decision.events[0].facts == {"closed_as": "void", "reason_code": "other", **left}


@pytest.mark.parametrize("level", [L3, L4])
def test_above_the_street_nothing_is_void(level: Level) -> None:
    with pytest.raises(IllegalTransition, match="void is possible at level 1 or 2"):
        act(an_incident(C, level), UNIT_AT[level], Arrow.VOID)


def test_what_a_leader_assigned_is_not_void() -> None:
    disputed = an_incident(State.CALLING, Level.LEADER)._replace(category=ADMITTED_CATEGORY)
    assign = Act(Arrow.ASSIGN, "yours", units=(STREET,))
    bound = deciding.decide(disputed, assign, PEOPLE["leader"], WORLD, NOW).after
    with pytest.raises(IllegalTransition, match="A leader assigned this incident"):
        act(bound, "street", Arrow.VOID)


def test_nor_is_it_once_it_went_on_from_hand_to_hand() -> None:
    disputed = an_incident(State.CALLING, Level.LEADER)._replace(category=ADMITTED_CATEGORY)
    bound = deciding.decide(disputed, Act(Arrow.ASSIGN, "yours", units=(STREET,)), PEOPLE["leader"], WORLD, NOW).after
    given_on = deciding.decide(
        bound, Act(Arrow.ASSIGN, "yours", units=(COMMUNITY,)), PEOPLE["street"], WORLD, NOW
    ).after
    raised = act(given_on, "community", Arrow.RAISE).after
    for who, incident in (("community", given_on), ("street", raised)):
        with pytest.raises(IllegalTransition, match="A leader assigned this incident"):
            act(incident, who, Arrow.VOID)


def test_a_void_one_comes_back_at_the_street_once_whoever_closed_it() -> None:
    for level in (L1, L2):
        reopened = act(a_void(level), "reporter", Arrow.REOPEN).after
        assert (reopened.unit, reopened.level, reopened.reopened_void) == (STREET, L2, True)
        with pytest.raises(IllegalTransition, match="It was void once"):
            act(reopened, "street", Arrow.VOID)
        void_again = a_void(level)._replace(reopened_void=True)  # by a program of before, which let it be
        with pytest.raises(IllegalTransition, match="reopened from void once"):
            act(void_again, "reporter", Arrow.REOPEN)
        with pytest.raises(NotYours, match="Only its reporter"):
            act(void_again, "street", Arrow.REOPEN)


# --- merge --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [C, A, H, R])
def test_the_merged_one_is_closed_for_good_and_its_open_call_and_request_with_it(state: State) -> None:
    incident, into = an_incident(state), _one(2, "colleague", NEXT_CELL)
    closed, heard = _merged(incident, into, "street")
    after = closed.after
    assert (after.state, after.closed_as, after.merged_into) == (X, ClosedAs.MERGED, into.id)
    assert (after.due_at, after.due_kind, after.wake_at, after.reopen_until) == (None, None, None, None)
    assert (after.version, after.audience) == (incident.version + 1, incident.audience)
    assert types(closed) == ["incident.closed"]
    assert closed.events[0].facts == {"closed_as": "merged", "into": into.id}
    if state is R:
        assert (changed(closed), after.call) == (None, incident.call), "its call had ended: resolved it stays"
    else:
        assert changed(closed) is not None
        call = after.call
        assert (call.outcome, call.end_code, call.end_reason) == (Outcome.CLOSED, "merged", "the same")
        assert (call.late_s, call.ended_at) == (None, LATE)
    assert heard.after.state is C
    for who in ("reporter", "street"):
        with pytest.raises(IllegalTransition, match="cannot be reopened"):
            act(after, who, Arrow.REOPEN)


def test_a_request_of_the_merged_one_lapses_and_one_of_the_other_waits_on() -> None:
    asking = act(an_incident(C), "community", Arrow.HOLD).after
    other = _one(2, "colleague", NEXT_CELL)
    asking_too = act(other, "next_community", Arrow.HOLD).after
    closed, heard = _merged(asking, asking_too, "street")
    assert closed.after.requests[0].outcome is Verdict.LAPSED
    assert heard.after.open_request == asking_too.open_request


@pytest.mark.parametrize("state", [C, A, H, R])
@pytest.mark.parametrize("level", Level)
def test_nothing_changes_for_who_works_on_the_other_but_who_else_follows_it(state: State, level: Level) -> None:
    into, one = an_incident(state, level), _one(2, "elsewhere")
    closed, heard = _merged(one, into)
    assert types(heard) == ["incident.merged"]
    assert heard.events[0].facts == {"merged": one.id, "number": one.number}
    assert (heard.events[0].note, heard.events[0].at) == ("the same", LATE)
    assert (changed(heard), heard.opened, heard.request) == (None, None, None)
    audience = (*into.audience, OTHER_COMMUNITY, "@elsewhere")
    assert heard.after == into._replace(audience=audience, sequence=into.sequence + 1)
    assert heard.events[0].at_state.audience == audience, "they hear of the merge itself"
    assert {event.by.subject for each in (closed, heard) for event in each.events} == {"ops"}


def test_nobody_is_in_the_audience_twice_and_its_own_reporter_is_no_follower() -> None:
    into = an_incident(C, L2)
    same_people = _one(2, REPORTER.subject, CELL)
    _, heard = _merged(same_people, into, "street")
    assert heard.after.audience == into.audience == (COMMUNITY, STREET)
    for n in (3, 4):
        _, heard = _merged(_one(n, "colleague", NEXT_CELL), heard.after, "street")
    assert heard.after.audience == (COMMUNITY, STREET, NEXT_COMMUNITY, "@colleague")


def test_who_followed_the_first_follows_the_last_of_a_chain() -> None:
    a, b, c = _one(2, "a"), _one(3, "b"), _one(4, "c", CELL)
    _, b_heard = _merged(a, b)
    _, c_heard = _merged(b_heard.after, c)
    assert c_heard.after.audience == (COMMUNITY, OTHER_COMMUNITY, "@a", "@b")
    follower = Actor(Role.REPORTER, "a", area=OTHER_CELL)
    assert access.relations(follower, c_heard.after) == {"follower"}
    assert deciding.allowed(c_heard.after, follower, WORLD, NOW) == ("comment", "urge")
    back = _one(5, "a", CELL)
    _, heard = _merged(c_heard.after, back)
    assert heard.after.audience == (COMMUNITY, OTHER_COMMUNITY, "@b", "@c"), "a is its reporter"


def test_it_is_no_longer_its_reporters_alone_to_withdraw() -> None:
    target = an_incident(C)
    for who, withdrawn in (("neighbour", False), (target.reporter, True)):
        after = _merged(_one(2, who), target)[1].after
        assert ("withdraw" in deciding.allowed(after, PEOPLE["reporter"], WORLD, LATE)) == withdrawn
        if not withdrawn:
            with pytest.raises(IllegalTransition, match="Another reporter's"):
                act(after, "reporter", Arrow.WITHDRAW, at=LATE)


def test_whoever_assisted_the_merged_one_follows_the_other() -> None:
    one = act(an_incident(C), "community", Arrow.ASSIST).after
    _, heard = _merged(one, _one(2, "colleague", NEXT_CELL), "street")
    assert heard.after.audience == (NEXT_COMMUNITY, COMMUNITY, FIRM, "@worker")
    assert heard.after.assisting == (), "they hear of it, and assist no more"


def test_it_is_merged_into_another_open_one_and_never_into_itself() -> None:
    one, into = an_incident(C, L2), _one(2, "colleague", NEXT_CELL)
    with pytest.raises(ValidationFailed, match="merged into itself") as refused:
        _merged(one, one)
    assert [each.pointer for each in refused.value.errors] == ["/into"]
    withdrawn = deciding.decide(into, Act(Arrow.WITHDRAW), PEOPLE["colleague"], WORLD, NOW).after
    with pytest.raises(Conflict, match="Incident 2026-2 is closed: merge into an open one"):
        _merged(one, withdrawn)
    third = _one(3, "colleague", NEXT_CELL)
    gone = _merged(into, third)[0].after
    with pytest.raises(Conflict, match=f"since it was merged into {third.id}: name that one"):
        _merged(one, gone)
    with pytest.raises(IllegalTransition, match="The incident is closed"):
        _merged(gone, one)


def test_nothing_is_merged_into_what_has_further_to_climb_or_is_not_chased() -> None:
    low, high = _one(2, "neighbour", CELL), an_incident(State.CALLING, Level.DEPARTMENT)
    with pytest.raises(Conflict, match="at level 1, this one at level 3: merge that one into this one"):
        _merged(high, low)
    assert _merged(low, high)[0].after.merged_into == high.id
    draft = Draft(CELL, CATEGORY, REPORTER.subject, Kind.SUGGESTION)
    parked = lifecycle.report(draft, REPORTER, WORLD, incident_id=UUID(int=3), number="2026-3", now=NOW).after
    with pytest.raises(Conflict, match="is a suggestion, which nobody is chased for"):
        _merged(low, parked)
    assert _merged(parked, low)[0].after.merged_into == low.id
    chased = deciding.decide(parked, Act(Arrow.RESUME), PEOPLE["community"], WORLD, NOW).after
    assert _merged(low, chased)[0].after.merged_into == parked.id, "it is called like any other by now"


@pytest.mark.parametrize("state", [C, R])
def test_a_street_merges_only_what_is_its_own_on_both_sides(state: State) -> None:
    ours, theirs = an_incident(state), _one(2, "elsewhere")
    for one, into in ((ours, theirs), (theirs, ours)):
        for who in ("street", "other_street", "community", "reporter", "elsewhere", "auditor", "department"):
            with pytest.raises(NotYours):
                _merged(one, into, who)
        assert _merged(one, into, "ops")[0].after.merged_into == into.id
    for who in ("community", "reporter", "committee", "leader"):
        with pytest.raises(NotYours):
            _merged(ours, _one(3, "colleague", NEXT_CELL), who)


def test_deciding_a_merge_alone_closes_the_one_and_the_clock_goes_on_with_the_other() -> None:
    incident, into = an_incident(A), _one(2, "elsewhere")
    decision = act(incident, "street", Arrow.MERGE)
    assert (decision.after.state, decision.after.closed_as) == (X, ClosedAs.MERGED)
    closed, heard = _merged(incident, into)
    assert lifecycle.tick(closed.after, WORLD, later(days=99)) is None
    assert (heard.after.due_at, heard.after.due_kind) == (into.due_at, DueKind.ANSWER)
    assert fired(heard.after).after.audience[-2:] == ("@worker", OTHER_STREET)


def test_the_others_time_never_runs_backwards() -> None:
    into = _one(2, "colleague", NEXT_CELL)._replace(updated_at=later(hours=5))
    _, heard = _merged(an_incident(C), into, "street")
    assert (heard.events[0].at, heard.after.updated_at) == (later(hours=5), later(hours=5))
