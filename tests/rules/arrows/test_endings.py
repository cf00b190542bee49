"""Arrows o to q: withdrawn, refused as no incident, merged into another (contract §2, arrows o to q)."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.rules import lifecycle
from service.rules.acts import Act, Draft
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Actor, By, Incident
from service.rules.words import Arrow, ClosedAs, Level, Outcome, Role, State
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    CATEGORY,
    COMMUNITY,
    NOW,
    OTHER_CELL,
    PEOPLE,
    STREET,
    UNIT_AT,
    WORLD,
    a_void,
    act,
    an_incident,
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
