"""What is told: per arrow which events, in which order, each with the incident as of then (contract §3, events)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.rules.access import Relation
from service.rules.decisions import Decision
from service.rules.lifecycle import TRANSITIONS
from service.rules.logged import may_be_of_reporter
from service.rules.model import By
from service.rules.words import Arrow, ClosedAs, EventType, Level, Role, State
from tests.rules.builders import (
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOW,
    STREET,
    a_drawn,
    a_void,
    a_world,
    act,
    an_incident,
    fired,
    later,
    reported,
)

C, A, H, R, X = State
L1, L2, L3, L4 = Level
NO_STREET = a_world(without=(STREET,))

Shown = tuple[str, State, int, str, int]

TOLD: list[tuple[str, Callable[[], Decision], list[Shown]]] = [
    # arrow, what happened, per event: type, and state, level, unit, call as of that event
    ("a", reported, [("incident.reported", C, 1, COMMUNITY, 1), ("call.opened", C, 1, COMMUNITY, 1)]),
    (
        "a unrouted",
        lambda: reported(a_world(without=(COMMUNITY,))),
        [("incident.reported", C, 2, STREET, 1), ("call.unrouted", C, 2, STREET, 1), ("call.opened", C, 2, STREET, 1)],
    ),
    ("b", lambda: act(an_incident(C), "community", Arrow.ANSWER), [("call.answered", A, 1, COMMUNITY, 1)]),
    (
        "c from calling",
        lambda: act(an_incident(C, L2), "street", Arrow.RESOLVE),
        [("call.answered", A, 2, STREET, 2), ("incident.resolved", R, 2, STREET, 2)],
    ),
    (
        "c from answered",
        lambda: act(an_incident(A, L2), "street", Arrow.RESOLVE),
        [("incident.resolved", R, 2, STREET, 2)],
    ),
    (
        "d",
        lambda: act(an_incident(C, L2), "street", Arrow.RAISE),
        [("call.raised", C, 2, STREET, 2), ("call.opened", C, 3, DEPARTMENT, 3)],
    ),
    (
        "d from answered, unrouted",
        lambda: act(an_incident(A), "community", Arrow.RAISE, world=NO_STREET),
        [
            ("call.raised", A, 1, COMMUNITY, 1),
            ("call.unrouted", C, 3, DEPARTMENT, 2),
            ("call.opened", C, 3, DEPARTMENT, 2),
        ],
    ),
    ("e", lambda: fired(an_incident(C)), [("call.missed", C, 1, COMMUNITY, 1), ("call.opened", C, 2, STREET, 2)]),
    (
        "e unrouted",
        lambda: fired(an_incident(C), world=NO_STREET),
        [
            ("call.missed", C, 1, COMMUNITY, 1),
            ("call.unrouted", C, 3, DEPARTMENT, 2),
            ("call.opened", C, 3, DEPARTMENT, 2),
        ],
    ),
    ("f", lambda: fired(an_incident(A, L4)), [("call.missed", A, 4, LEADER, 4), ("call.opened", C, 4, LEADER, 5)]),
    ("k", lambda: act(an_incident(R), "reporter", Arrow.ACCEPT), [("incident.closed", X, 1, COMMUNITY, 1)]),
    (
        "l",
        lambda: act(an_incident(R, L3), "reporter", Arrow.REJECT),
        [("incident.rejected", R, 3, DEPARTMENT, 3), ("call.opened", C, 3, DEPARTMENT, 4)],
    ),
    ("k of a spot check", lambda: act(a_drawn(L2), "ops", Arrow.ACCEPT), [("incident.checked", X, 2, STREET, 2)]),
    (
        "l of a spot check",
        lambda: act(a_drawn(L2), "ops", Arrow.REJECT),
        [
            ("incident.checked", X, 2, STREET, 2),
            ("incident.rejected", X, 2, STREET, 2),
            ("call.opened", C, 2, STREET, 3),
        ],
    ),
    ("m", lambda: fired(an_incident(R, L4)), [("incident.closed", X, 4, LEADER, 4)]),
    (
        "n",
        lambda: act(an_incident(X, L3), "reporter", Arrow.REOPEN),
        [("incident.reopened", C, 3, DEPARTMENT, 4), ("call.opened", C, 3, DEPARTMENT, 4)],
    ),
    (
        "n of a void one, unrouted",
        lambda: act(a_void(), "reporter", Arrow.REOPEN, world=NO_STREET),
        [
            ("incident.reopened", C, 3, DEPARTMENT, 2),
            ("call.unrouted", C, 3, DEPARTMENT, 2),
            ("call.opened", C, 3, DEPARTMENT, 2),
        ],
    ),
    ("o", lambda: act(an_incident(A, L2), "reporter", Arrow.WITHDRAW), [("incident.closed", X, 2, STREET, 2)]),
    ("comment", lambda: act(an_incident(X), "community", Arrow.COMMENT), [("incident.commented", X, 1, COMMUNITY, 1)]),
    ("urge", lambda: act(an_incident(H), "street", Arrow.URGE), [("incident.urged", H, 1, COMMUNITY, 1)]),
]
ALL = pytest.mark.parametrize(("story", "shown"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])


@pytest.mark.clause("GB/T 22239 8.1.4.3 a")
@ALL
def test_each_arrow_tells_its_events_in_the_contracts_order(story: Callable[[], Decision], shown: list[Shown]) -> None:
    told = [
        (each.type.removeprefix("sihu."), each.at_state.state, each.at_state.level, each.at_state.unit, each.call)
        for each in story().events
    ]
    assert told == shown


@ALL
def test_events_are_counted_on_and_carry_the_version_and_the_time_of_their_change(
    story: Callable[[], Decision], shown: list[Shown]
) -> None:
    decision = story()
    before = decision.before.sequence if decision.before else 0
    assert [each.sequence for each in decision.events] == [before + n for n in range(1, len(shown) + 1)]
    assert decision.after.sequence == before + len(shown)
    assert {each.at_state.version for each in decision.events} == {decision.after.version}
    assert len({(each.at, each.by) for each in decision.events}) == 1
    last = decision.events[-1].at_state
    assert last._replace(sequence=0) == decision.after._replace(sequence=0)


@ALL
def test_no_event_shows_an_open_incident_without_a_deadline(story: Callable[[], Decision], shown: list[Shown]) -> None:
    for each in story().events:
        assert (each.at_state.due_at is None) == (each.at_state.due_kind is None) == (each.at_state.state is X)


@ALL
def test_the_unit_an_event_is_about_is_in_the_audience_it_has_then(
    story: Callable[[], Decision], shown: list[Shown]
) -> None:
    for each in story().events:
        assert each.at_state.unit in each.at_state.audience
        assert each.at_state.call.seq == each.call


def test_the_new_unit_does_not_hear_of_the_call_before_its_own() -> None:
    missed, opened = fired(an_incident(C)).events
    assert missed.at_state.audience == (COMMUNITY,)
    assert opened.at_state.audience == (COMMUNITY, STREET)


@pytest.mark.clause("GB/T 22239 8.1.4.3 a")
@pytest.mark.parametrize(
    ("who", "state", "arrow", "by"),
    [
        ("reporter", R, Arrow.ACCEPT, By("reporter", "worker")),
        ("street_reporting", R, Arrow.ACCEPT, By("unit", "worker", STREET)),
        ("community_reporting", C, Arrow.ANSWER, By("unit", "worker", COMMUNITY)),
    ],
)
def test_an_event_says_who_did_it(who: str, state: State, arrow: Arrow, by: By) -> None:
    (event,) = act(an_incident(state), who, arrow, at=later(minutes=3)).events
    assert (event.by, event.at, event.note) == (by, later(minutes=3), "because")
    assert By(Role.OPS.value, "ops").as_dict() == {"kind": "ops", "subject": "ops"}


def test_what_the_clock_does_is_by_the_clock_and_bears_the_time_it_fired() -> None:
    for incident in (an_incident(C), an_incident(A), an_incident(R)):
        decision = fired(incident, late_s=60)
        assert incident.due_at is not None
        for event in decision.events:
            assert event.by.as_dict() == {"kind": "clock"}
            assert event.at == incident.due_at + (later(minutes=1) - NOW)


def test_what_a_reporter_may_do_is_known_to_the_log() -> None:
    """By the events of these arrows, and by what was reported, a unit that reports in confidence could be told."""
    theirs = {arrow for arrow, each in TRANSITIONS.items() if Relation.REPORTER in each.by}
    words = {Arrow.COMMENT, Arrow.URGE, Arrow.RATE}
    assert theirs == {Arrow.ACCEPT, Arrow.WITHDRAW, Arrow.REJECT, Arrow.REOPEN, *words}
    types = {each for each in EventType if may_be_of_reporter(each, None)}
    assert {each.split(".")[-1] for each in types} == {
        "reported",
        "rejected",
        "reopened",
        "rated",
        "commented",
        "urged",
    }
    ends = {each for each in ClosedAs if may_be_of_reporter(EventType.INCIDENT_CLOSED, {"closed_as": each})}
    assert ends == {ClosedAs.VERIFIED, ClosedAs.WITHDRAWN}
