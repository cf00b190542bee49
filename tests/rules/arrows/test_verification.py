"""Arrows k to n: accepted, rejected, closed by itself, reopened (contract §2, k to n)."""

from __future__ import annotations

import pytest

from service.rules.decisions import Decision
from service.rules.words import Arrow, Cause, ClosedAs, Credit, Level, State
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOW,
    REPORTER,
    STREET,
    UNIT_AT,
    WORLD,
    a_void,
    a_world,
    act,
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
    for _ in range(times - 1):
        incident = act(incident, "reporter", Arrow.REJECT).after
        incident = act(incident, UNIT_AT[incident.level], Arrow.RESOLVE).after
    return act(incident, "reporter", Arrow.REJECT)


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
    for _ in range(6):
        incident = act(incident, "reporter", Arrow.REJECT).after
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


def test_it_may_be_reopened_to_the_last_instant_of_its_window_any_number_of_times() -> None:
    incident = an_incident(X)
    for _ in range(3):
        assert incident.reopen_until is not None
        reopened = act(incident, "reporter", Arrow.REOPEN, at=incident.reopen_until).after
        assert (reopened.closed_at, reopened.closed_as, reopened.reopen_until) == (None, None, None)
        assert reopened.call.reason == "because"
        resolved = act(reopened, "community", Arrow.RESOLVE, at=incident.reopen_until).after
        incident = act(resolved, "street", Arrow.ACCEPT, at=incident.reopen_until).after
    assert incident.call.round == 4


def test_a_void_incident_comes_back_at_the_street_once_and_then_lives_like_any_other() -> None:
    reopened = act(a_void(), "reporter", Arrow.REOPEN).after
    assert (reopened.state, reopened.level, reopened.unit, reopened.reopened_void) == (C, L2, STREET, True)
    closed = act(act(reopened, "street", Arrow.RESOLVE).after, "reporter", Arrow.ACCEPT).after
    assert act(closed, "reporter", Arrow.REOPEN).after.unit == STREET
    assert "reopen" not in deciding.allowed(closed._replace(closed_as=ClosedAs.VOID), REPORTER, WORLD, NOW)


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
