"""Arrows k to n: accepted, rejected, closed by itself, reopened (contract §2, k to n)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from service.rules.acts import Act
from service.rules.arrows import verification
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Incident
from service.rules.words import Arrow, Cause, ClosedAs, Credit, Level, State
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOW,
    PEOPLE,
    REPORTER,
    STREET,
    STREET_LEADER,
    UNIT_AT,
    WORLD,
    a_unit,
    a_void,
    a_world,
    act,
    an_act,
    an_incident,
    fired,
    later,
)
from tests.rules.deciding import changed

C, A, R, X = State.CALLING, State.ANSWERED, State.RESOLVED, State.CLOSED

L1, L2, L3, L4 = Level


def _rejected(level: Level, times: int) -> Decision:
    """Rejected again and again: each time whoever is called resolves first."""
    incident = an_incident(R, level)
    for n in range(times - 1):
        incident = act(incident, "reporter" if n < 2 else "ops", Arrow.REJECT).after
        incident = act(incident, UNIT_AT[incident.level], Arrow.RESOLVE).after
    return act(incident, "reporter" if times <= 2 else "ops", Arrow.REJECT)


@pytest.mark.parametrize("level", Level)
def test_closing_leaves_no_deadline_and_the_unit_of_the_last_call(level: Level) -> None:
    resolved = an_incident(R, level)
    accepted = act(resolved, "reporter", Arrow.ACCEPT, at=later(hours=1))
    timed_out = fired(resolved)
    for decision, closed_as, credit in (
        (accepted, ClosedAs.VERIFIED, Credit.VERIFIED),
        (timed_out, ClosedAs.UNVERIFIED, Credit.UNVERIFIED),
    ):
        after = decision.after
        assert (after.state, after.closed_as) == (X, closed_as)
        assert (after.due_at, after.due_kind, after.wake_at) == (None, None, None)
        assert (after.level, after.unit) == (resolved.level, resolved.unit)
        assert after.call == resolved.call._replace(credit=credit)
        assert after.closed_at is not None
        assert after.reopen_until == after.closed_at + (later(hours=168) - NOW)
        assert (changed(decision), decision.opened) == (after.call, None)


def test_the_first_rejection_calls_the_same_unit_and_from_the_second_on_it_climbs_to_the_leader_and_stays() -> None:
    incident, called = an_incident(R, L1), []
    for n in range(6):
        incident = act(incident, "reporter" if n < 2 else "ops", Arrow.REJECT).after
        called.append((incident.level, incident.call.round))
        incident = act(incident, UNIT_AT[incident.level], Arrow.RESOLVE).after
    assert called == [(1, 2), (2, 1), (3, 1), (4, 1), (4, 2), (4, 3)]


def test_rejections_count_since_the_last_reopening() -> None:
    incident = act(_rejected(L1, 1).after, "community", Arrow.RESOLVE).after
    closed = act(incident, "reporter", Arrow.ACCEPT).after
    reopened = act(closed, "street", Arrow.REOPEN).after
    assert (closed.rejects, reopened.rejects) == (1, 0)
    again = act(act(reopened, "community", Arrow.RESOLVE).after, "reporter", Arrow.REJECT).after
    assert (again.level, again.unit) == (L1, COMMUNITY)


HALF = later(hours=36)
"""Half of the time to verify what was resolved at `NOW`."""


def _may(incident: Incident, verb: Arrow, at: datetime) -> set[str]:
    return {who for who, actor in PEOPLE.items() if verb.value in deciding.allowed(incident, actor, WORLD, at)}


@pytest.mark.parametrize("verb", [Arrow.ACCEPT, Arrow.REJECT])
def test_the_first_half_is_the_reporters(verb: Arrow) -> None:
    resolved, own = an_incident(R, L3), {"reporter", "reporter_moved", "community_reporting", "street_reporting"}
    for at in (NOW, HALF - timedelta(microseconds=1)):
        assert _may(resolved, verb, at) == own
        with pytest.raises(IllegalTransition, match=f"Until 2026-11-24T21:00.* only its reporter may {verb.value} it"):
            act(resolved, "street", verb, at=at)
    for at in (HALF, later(hours=72), later(hours=100)):
        assert _may(resolved, verb, at) == {*own, "community", "street"}
        assert act(resolved, "community", verb, at=at).after.state is not R


@pytest.mark.parametrize("verb", [Arrow.ACCEPT, Arrow.REJECT])
def test_nobody_below_judges_it_but_as_its_reporter(verb: Arrow) -> None:
    by_street, own = an_incident(R, L2), {"reporter", "reporter_moved", "community_reporting"}
    assert _may(by_street, verb, HALF) == own
    with pytest.raises(NotYours, match="440105001 is above you and has resolved it"):
        act(by_street, "community", verb, at=HALF)
    by_team = _assigned_and_resolved(an_incident(C, L2), COMMITTEE)
    assert _may(by_team, verb, HALF) == {*own, "community", "street", "street_reporting"}, "beside it, and above it"
    by_its_leader = _assigned_and_resolved(an_incident(C, L4), STREET_LEADER)
    assert _may(by_its_leader, verb, HALF) == {*own, "street_reporting"}, "who is in charge of the street is above it"
    with pytest.raises(IllegalTransition, match="is calling"):
        act(an_incident(C, L2), "community", verb, at=HALF)


def _assigned_and_resolved(incident: Incident, to: str) -> Incident:
    holder = a_unit(incident.unit)
    assigned = deciding.decide(incident, Act(Arrow.ASSIGN, "yours", units=(to,)), holder, WORLD, NOW).after
    return deciding.decide(assigned, Act(Arrow.RESOLVE, "done"), a_unit(to), WORLD, NOW).after


def test_a_third_reject_is_for_the_street_or_ops() -> None:
    twice = act(_rejected(L1, 2).after, "street", Arrow.RESOLVE).after
    assert (twice.rejects, _may(twice, Arrow.REJECT, NOW)) == (2, {"ops", "ops_reporting"}), "the street resolved it"
    with pytest.raises(IllegalTransition, match="rejected 2 times: from now on only the street of the cell or ops"):
        act(twice, "reporter", Arrow.REJECT, at=HALF)
    third = act(twice, "ops", Arrow.REJECT).after
    assert (third.rejects, third.unit) == (3, DEPARTMENT)
    by_dept = act(third, "department", Arrow.RESOLVE).after
    street = {"street", "street_reporting"}
    assert _may(by_dept, Arrow.REJECT, NOW) == {*street, "ops", "ops_reporting"}
    assert "reporter" in _may(by_dept, Arrow.ACCEPT, NOW)
    assert act(by_dept, "street", Arrow.REJECT).after.unit == LEADER


@pytest.mark.parametrize("rejects", [0, 1])
def test_before_the_third_time_ops_reject_nothing(rejects: int) -> None:
    with pytest.raises(IllegalTransition, match="Ops reject from the third time on"):
        act(an_incident(R, L3)._replace(rejects=rejects), "ops", Arrow.REJECT, at=HALF)


def test_ops_do_not_reject_what_they_resolved_with_another_key() -> None:
    resolved = deciding.decide(an_incident(C, L3), an_act(Arrow.RESOLVE), a_unit(DEPARTMENT, "ops"), WORLD, NOW).after
    with pytest.raises(NotYours, match="hoever resolved it"):
        act(resolved._replace(rejects=2), "ops", Arrow.REJECT)


def _closed_again(incident: Incident, at: datetime) -> Incident:
    resolved = deciding.decide(incident, an_act(Arrow.RESOLVE), a_unit(incident.unit), WORLD, at).after
    return act(resolved, "reporter", Arrow.ACCEPT, at=at).after


@pytest.mark.parametrize(
    ("level", "then"),
    [
        (L1, (L2, STREET, COMMUNITY)),
        (L2, (L3, DEPARTMENT, STREET)),
        (L3, (L4, LEADER, DEPARTMENT)),
        (L4, (L4, LEADER, DEPARTMENT)),
    ],
)
def test_it_is_reopened_twice_the_second_time_a_level_up(level: Level, then: tuple[Level, str, str]) -> None:
    """To the last instant of its window."""
    first = an_incident(X, level)
    assert first.reopen_until is not None
    again = act(first, "street", Arrow.REOPEN, at=first.reopen_until).after
    assert (again.closed_at, again.closed_as, again.reopen_until) == (None, None, None)
    assert (again.unit, again.level, again.call.round, again.call.reason) == (first.unit, level, 2, "because")
    second = _closed_again(again, first.reopen_until)
    assert second.reopen_until is not None
    up = act(second, "reporter", Arrow.REOPEN, at=second.reopen_until).after
    assert (up.level, up.unit, up.call.from_unit, up.call.cause) == (*then, Cause.REOPENED)
    third = _closed_again(up, second.reopen_until)
    for who in ("reporter", "street"):
        with pytest.raises(IllegalTransition, match="It was reopened 2 times: report it anew"):
            act(third, who, Arrow.REOPEN, at=third.closed_at or NOW)


def test_a_void_one_comes_back_and_that_counts() -> None:
    reopened = act(a_void(), "reporter", Arrow.REOPEN).after
    assert (reopened.state, reopened.level, reopened.unit, reopened.reopened_void) == (C, L2, STREET, True)
    assert reopened.call.from_unit == COMMUNITY
    assert "void" not in deciding.allowed(reopened, PEOPLE["street"], WORLD, NOW)
    again = act(_closed_again(reopened, NOW), "reporter", Arrow.REOPEN).after
    assert (again.level, again.unit, again.call.from_unit) == (L3, DEPARTMENT, STREET)
    assert "reopen" not in deciding.allowed(_closed_again(again, NOW), REPORTER, WORLD, NOW)


def test_a_reopened_one_that_is_void_comes_back() -> None:
    void = act(act(an_incident(X), "reporter", Arrow.REOPEN).after, "community", Arrow.VOID).after
    back = act(void, "reporter", Arrow.REOPEN).after
    assert (back.level, back.unit) == (L2, STREET)
    assert "reopen" not in deciding.allowed(_closed_again(back, NOW), REPORTER, WORLD, NOW), "twice altogether"


def test_reopenings_from_before_credits_are_counted_by_their_calls() -> None:
    again = act(an_incident(X), "reporter", Arrow.REOPEN).after
    old = again._replace(earlier=tuple(each._replace(credit=None) for each in again.earlier))
    assert (verification.reopenings(an_incident(X)), verification.reopenings(again), verification.reopenings(old)) == (
        0,
        1,
        1,
    )


@pytest.mark.parametrize(
    ("level", "heirs"),
    [
        (L1, (L2, STREET, Cause.UNROUTED)),
        (L2, (L3, DEPARTMENT, Cause.UNROUTED)),
        (L3, (L4, LEADER, Cause.UNROUTED)),
        (L4, (L4, "leader-s", None)),
    ],
)
def test_a_unit_no_longer_in_force_is_not_called_again(level: Level, heirs: tuple[Level, str, Cause | None]) -> None:
    world: World = a_world(without=(an_incident(R, level).unit,))
    to_level, unit, cause = heirs
    for state, arrow, usual in ((R, Arrow.REJECT, Cause.REJECTED), (X, Arrow.REOPEN, Cause.REOPENED)):
        after = act(an_incident(state, level), "reporter", arrow, world=world).after
        assert (after.level, after.unit, after.call.cause) == (to_level, unit, cause or usual)
