"""The one entry: who chooses the arrow, what is refused first, and that the clock needs no more than it loads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from service.rules import access, lifecycle
from service.rules.acts import Act
from service.rules.errors import Conflict, IllegalTransition, NotYours
from service.rules.lifecycle import TRANSITIONS
from service.rules.transition import ClockTransition
from service.rules.words import Arrow, DueKind, EventType, Level, State
from tests.rules import deciding
from tests.rules.builders import (
    NOW,
    PEOPLE,
    WORLD,
    a_void,
    a_world,
    act,
    an_act,
    an_incident,
    half,
    later,
    plain_days,
    reported,
    types,
)
from tests.rules.deciding import decide

WARNING, WORKING = a_world(policy=2), a_world(policy=3)
OFF = a_world(policy=3, days=plain_days(NOW.date()))


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("state", State)
def test_the_clock_decides_the_same_without_the_earlier_calls(state: State, level: Level) -> None:
    incident = an_incident(state, level)
    for at in (NOW, *((incident.due_at, incident.due_at + timedelta(days=3)) if incident.due_at else ())):
        whole, other = lifecycle.tick(incident, WORLD, at), lifecycle.tick(half(incident), WORLD, at)
        if whole is None or other is None:
            assert (whole, other) == (None, None)
            continue
        assert other.after == half(whole.after)
        assert (other.changed, other.opened, other.request) == (whole.changed, whole.opened, whole.request)
        assert [event.type for event in other.events] == [event.type for event in whole.events]


def test_every_arrow_of_the_clock_leaves_from_its_sources() -> None:
    """Each deadline, a warning and a changed calendar: the arrow that is chosen is one the table has for the state."""
    chosen = set()
    for state in State:
        for world in (WORLD, WARNING):
            incident = an_incident(state)
            if incident.due_at is None:
                assert lifecycle.clock_arrow(incident, world, NOW) is None
                continue
            for at in (incident.due_at, incident.due_at - timedelta(microseconds=1)):
                arrow = lifecycle.clock_arrow(incident, world, at)
                assert arrow is not None
                assert isinstance(TRANSITIONS[arrow], ClockTransition)
                assert state in TRANSITIONS[arrow].sources
                chosen.add(arrow)
    incident = reported(WORKING).after
    arrow = lifecycle.clock_arrow(incident, OFF, NOW)
    assert arrow is Arrow.RESCHEDULED
    assert incident.state in TRANSITIONS[arrow].sources
    clocks = {each for each, row in TRANSITIONS.items() if isinstance(row, ClockTransition)}
    assert chosen | {arrow} == clocks


@pytest.mark.parametrize("arrow", [each for each in Arrow if not TRANSITIONS[each].by])
def test_nobody_does_what_is_the_clocks_alone(arrow: Arrow) -> None:
    incident = an_incident(State.CALLING)
    for actor in PEOPLE.values():
        with pytest.raises(NotYours):
            decide(incident, Act(arrow), actor, WORLD, NOW)


def test_a_deadline_that_has_passed_is_never_moved_further_back() -> None:
    """The day it was due was declared a day off afterwards: it fires, and was late already."""
    incident = reported(WORKING).after
    assert incident.due_at is not None
    assert lifecycle.clock_arrow(incident, OFF, incident.due_at) is Arrow.RESCHEDULED, "a later deadline always counts"
    behind = incident._replace(due_at=incident.due_at + timedelta(hours=1))
    assert lifecycle.clock_arrow(behind, WORKING, NOW) is Arrow.RESCHEDULED
    assert lifecycle.clock_arrow(behind, WORKING, incident.due_at + timedelta(minutes=59)) is Arrow.RESCHEDULED
    assert behind.due_at is not None
    assert lifecycle.clock_arrow(behind, WORKING, behind.due_at) is Arrow.NO_ANSWER


def test_only_a_running_working_box_is_rescheduled() -> None:
    incident = reported(WORKING).after
    for state in State:
        arrow = lifecycle.clock_arrow(incident._replace(state=state), OFF, NOW)
        assert (arrow is Arrow.RESCHEDULED) == (state in (State.CALLING, State.ANSWERED))
    moved = reported().after._replace(due_at=later(hours=2))
    assert lifecycle.clock_arrow(moved, WORLD, NOW) is Arrow.WARNED, "a continuous one stays as it is stored"


def test_a_deadline_that_only_became_sure_is_put_right_too() -> None:
    incident = reported(WORKING).after._replace(provisional=True)
    decision = lifecycle.tick(incident, WORKING, NOW)
    assert decision is not None
    assert types(decision) == ["call.rescheduled"]
    assert (decision.after.due_at, decision.after.provisional) == (incident.due_at, False)


def test_the_clock_has_nothing_for_what_is_not_due() -> None:
    incident = reported().after
    assert lifecycle.tick(incident, WORLD, NOW) is None
    assert lifecycle.tick(incident._replace(due_kind=None), WORLD, later(days=9)) is None
    assert lifecycle.tick(incident._replace(due_at=None), WORLD, later(days=9)) is None


def test_a_clock_that_is_behind_still_fires() -> None:
    """Another process' clock was ahead when the incident was last written: its time counts."""
    incident = reported().after._replace(updated_at=later(hours=1), due_kind=DueKind.ANSWER)
    decision = lifecycle.tick(incident, WORLD, NOW)
    assert decision is not None
    assert types(decision) == ["call.missed", "call.opened"]
    assert decision.after.updated_at == later(hours=1)


def test_a_retry_after_a_fault_only_looks_again() -> None:
    for state in (State.ON_HOLD, State.RESOLVED, State.CALLING):
        incident = an_incident(state)._replace(wake_at=NOW)
        decision = lifecycle.tick(incident, WORLD, NOW)
        assert decision is not None
        assert (decision.events, decision.after) == ((), incident._replace(wake_at=incident.due_at))


def test_a_void_incident_is_its_reporters_alone_to_reopen() -> None:
    """The refusal is "not yours", and comes before anything the state says."""
    void = a_void()
    for incident in (void, void._replace(reopen_until=None), void._replace(reopened_void=True)):
        with pytest.raises(NotYours, match="Only its reporter may reopen"):
            act(incident, "street", Arrow.REOPEN)
    with pytest.raises(IllegalTransition):
        act(void._replace(reopened_void=True), "reporter", Arrow.REOPEN)
    assert act(an_incident(State.CLOSED), "street", Arrow.REOPEN).after.state is State.CALLING
    assert "reopen" not in lifecycle.allowed(void, access.party(PEOPLE["street"], void), WORLD, NOW)
    assert "reopen" in lifecycle.allowed(void, access.party(PEOPLE["reporter"], void), WORLD, NOW)


def test_relations_are_computed_once_an_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a party needs no second look: neither to decide, nor to be offered what else there is."""
    incident, resolved = an_incident(State.CALLING), an_incident(State.RESOLVED)
    party, other = access.party(PEOPLE["community"], incident), access.party(PEOPLE["ops"], resolved)
    own = access.party(PEOPLE["ops"], incident)
    monkeypatch.setattr(access, "relations", None)
    lifecycle.decide(incident, an_act(Arrow.ANSWER), party, WORLD, NOW)
    with pytest.raises(IllegalTransition) as refused:
        lifecycle.decide(resolved, an_act(Arrow.ANSWER), party, WORLD, NOW)
    assert refused.value.allowed == lifecycle.allowed(resolved, party, WORLD, NOW)
    merge = replace(an_act(Arrow.MERGE), into=UUID(int=2))
    target = incident._replace(id=UUID(int=2))
    both = incident, target
    assert lifecycle.merge(*both, merge, own, other, deciding.ALIKE, WORLD, NOW)[0].after.state is State.CLOSED


def test_a_merge_asks_for_the_right_on_both_sides() -> None:
    incident, target = an_incident(State.CALLING), an_incident(State.CALLING)._replace(id=UUID(int=2))
    merge = replace(an_act(Arrow.MERGE), into=target.id)
    mine, theirs = access.party(PEOPLE["street"], incident), access.party(PEOPLE["community"], target)
    with pytest.raises(NotYours) as refused:
        lifecycle.merge(incident, target, merge, mine, theirs, deciding.ALIKE, WORLD, NOW)
    assert [each.pointer for each in refused.value.errors] == ["/into"]
    assert target.number in refused.value.detail
    with pytest.raises(NotYours):
        lifecycle.merge(incident, target, merge, theirs, mine, deciding.ALIKE, WORLD, NOW)
    closed, heard = lifecycle.merge(incident, target, merge, mine, mine, deciding.ALIKE, WORLD, NOW)
    assert (closed.after.merged_into, types(heard)) == (target.id, ["incident.merged"])
    assert heard.events[0].type is EventType.INCIDENT_MERGED


@pytest.mark.parametrize("missing", ["cells", "policy", "both"])
def test_a_report_without_registry_or_policy_is_a_clear_conflict(missing: str) -> None:
    world = WORLD
    if missing != "policy":
        world = replace(world, cells={})
    if missing != "cells":
        world = replace(world, activations=())
    with pytest.raises(Conflict, match="No registry is imported yet: ops do it with `sihu registry import DIR`"):
        reported(world)


def test_a_report_before_the_first_policy_names_its_begin() -> None:
    """The demo on a virtual clock that starts in the past: the registry is there."""
    begun = replace(WORLD.activations[0], at=NOW + timedelta(days=2))
    with pytest.raises(Conflict, match=r"^It is 2026-11-23.* begins at 2026-11-25.*: report from then on\.$"):
        reported(replace(WORLD, activations=(begun,)))
