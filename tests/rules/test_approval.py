"""Who decides a hold or an extension, by who is in charge of whom (contract §2, "Approver")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from service.rules import access, approval, lifecycle
from service.rules.access import Relation
from service.rules.acts import Act, Draft
from service.rules.model import Incident, Request
from service.rules.words import Arrow, Kind, Level, State, UnitKind, Verdict
from service.rules.world import Unit, World
from tests.rules import deciding
from tests.rules.builders import (
    ALWAYS,
    CATEGORY,
    CELL,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    ENDED,
    LEADER,
    NEVER,
    NOW,
    PEOPLE,
    SPECIAL,
    STATION,
    STREET,
    STREET_LEADER,
    WORLD,
    a_unit,
    a_world,
    act,
    an_incident,
    approver,
    later,
)

DAY = timedelta(days=1)


def _leader(code: str, *in_charge_of: str, parent: str = DISTRICT, since: bool = True) -> Unit:
    validity = ALWAYS if since else ENDED
    return Unit(code, code, UnitKind.LEADER, Level.LEADER, validity, parent, None, in_charge_of=in_charge_of)


def _at(unit: str, level: Level) -> Incident:
    """As if this unit were called at this level."""
    incident = an_incident(State.CALLING, level)
    return incident._replace(unit=unit, call=incident.call._replace(unit=unit))


@pytest.mark.parametrize(
    ("unit", "level", "who"),
    [
        (COMMUNITY, Level.COMMUNITY, STREET),
        (STREET, Level.STREET, STREET_LEADER),
        (STATION, Level.STREET, STREET_LEADER),  # nobody is in charge of the station itself
        (DEPARTMENT, Level.DEPARTMENT, LEADER),
        (SPECIAL, Level.DEPARTMENT, "leader-b"),
        ("gone", Level.DEPARTMENT, None),
        (LEADER, Level.LEADER, None),
        (DISTRICT, Level.LEADER, None),
    ],
)
def test_the_nearest_leader_above_decides(unit: str, level: Level, who: str | None) -> None:
    assert approval.approver(_at(unit, level), WORLD, NOW) == who


@pytest.mark.parametrize(
    ("units", "who"),
    [
        ((), None),
        ((_leader("mayor", DISTRICT),), "mayor"),
        ((_leader("mayor", DISTRICT), _leader("z", NEVER)), "z"),
        ((_leader("y", NEVER), _leader("z", NEVER)), "y"),
        ((_leader("y", NEVER, since=False), _leader("z", NEVER)), "z"),
        ((_leader("y", NEVER, parent=NEVER),), None),  # a post of the department is below it
        ((_leader("y", NEVER, parent=NEVER), _leader("mayor", DISTRICT)), "mayor"),
    ],
)
def test_where_nobody_is_in_charge_the_next_parent_counts(units: Sequence[Unit], who: str | None) -> None:
    world = a_world(without=(LEADER,), units=tuple(units))
    assert approval.approver(_at(NEVER, Level.DEPARTMENT), world, NOW) == who


def test_without_a_street_ops_decide() -> None:
    asked = act(an_incident(State.CALLING), "community", Arrow.EXTEND, world=a_world(without=(STREET,))).after
    assert asked.requests[-1].approver is None
    assert act(asked, "ops", Arrow.APPROVE).after.requests[-1].outcome == "approved"


def _hold(incident: Incident, length: timedelta, at: timedelta = timedelta()) -> Incident:
    until = NOW + at + length
    return deciding.decide(incident, Act(Arrow.HOLD, "why", until=until), a_unit(incident.unit), WORLD, NOW + at).after


def _approved(incident: Incident, at: timedelta = timedelta()) -> Incident:
    verb = Act(Arrow.APPROVE, request=len(incident.requests))
    return deciding.decide(incident, verb, approver(incident), WORLD, NOW + at).after


@pytest.mark.parametrize(
    ("level", "who"), [(Level.COMMUNITY, STREET), (Level.STREET, STREET_LEADER), (Level.DEPARTMENT, LEADER)]
)
def test_holds_of_more_than_thirty_days_in_sum_are_for_ops(level: Level, who: str) -> None:
    incident = an_incident(State.ANSWERED, level)
    assert _hold(incident, 30 * DAY).requests[-1].approver == who
    long = _hold(incident, 30 * DAY + timedelta(microseconds=1))
    assert long.requests[-1].approver is None
    assert who not in long.audience or who in incident.audience
    decides = {name for name, each in PEOPLE.items() if "approve" in deciding.allowed(long, each, WORLD, NOW)}
    assert decides == {"ops", "ops_reporting"}


def test_a_hold_counts_as_long_as_it_lasted() -> None:
    held = _approved(_hold(an_incident(State.ANSWERED), 30 * DAY))
    resumed = deciding.decide(held, Act(Arrow.RESUME), a_unit(COMMUNITY), WORLD, later(days=20)).after
    assert approval.hold_time(resumed.requests) == 20 * DAY
    assert _hold(resumed, 10 * DAY, 20 * DAY).requests[-1].approver == STREET
    assert _hold(resumed, 10 * DAY + timedelta(seconds=1), 20 * DAY).requests[-1].approver is None
    raised = deciding.decide(resumed, Act(Arrow.RAISE, "up"), a_unit(COMMUNITY), WORLD, later(days=20)).after
    assert _hold(raised, 11 * DAY, 20 * DAY).requests[-1].approver is None, "whichever call it was of"
    extended = deciding.decide(
        resumed,
        Act(Arrow.EXTEND, "why", until=(resumed.due_at or NOW) + timedelta(hours=1)),
        a_unit(COMMUNITY),
        WORLD,
        later(days=20),
    ).after
    assert extended.requests[-1].approver == STREET, "an extension is no hold"


def test_refused_and_lapsed_holds_count_nothing() -> None:
    asked = _hold(an_incident(State.ANSWERED), 30 * DAY)
    refused = deciding.decide(asked, Act(Arrow.REFUSE, request=1), a_unit(STREET), WORLD, NOW).after
    assert approval.hold_time(refused.requests) == timedelta()
    assert _hold(refused, 30 * DAY).requests[-1].approver == STREET


def test_the_wait_of_a_deliberation_is_nobodys_hold() -> None:
    waiting = _deliberation()
    assert waiting.requests[-1].approver == STREET
    assert STREET not in waiting.audience, "nobody was asked"
    assert "resume" in deciding.allowed(waiting, PEOPLE["street"], WORLD, NOW)
    woken = deciding.decide(waiting, Act(Arrow.RESUME), a_unit(STREET), WORLD, later(days=59)).after
    assert approval.hold_time(woken.requests) == timedelta()
    assert _hold(woken, 30 * DAY, 59 * DAY).requests[-1].approver == STREET


# --- what a program of before has left -------------------------------------------------------------------------------


def _unnamed(incident: Incident) -> Incident:
    requests = tuple(each._replace(approver=None) for each in incident.requests)
    return incident._replace(requests=requests)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("state", [State.CALLING, State.ON_HOLD])
def test_a_request_from_before_is_decided_by_whoever_is_above(level: Level, state: State) -> None:
    incident = act(an_incident(State.CALLING, level), str(PEOPLE_AT[level]), Arrow.HOLD).after
    if state is State.ON_HOLD:
        incident = _approved(incident)
    assert approval.with_approver(_unnamed(incident), WORLD, NOW) == incident
    assert approval.with_approver(incident, WORLD, NOW) is incident


@pytest.mark.parametrize("state", [State.CALLING, State.ON_HOLD])
def test_no_request_is_left_to_an_ended_unit(state: State) -> None:
    """Ops decide what waits for a street or a leader that is no more: no successor was told of it."""
    at_community = act(an_incident(State.CALLING), "community", Arrow.HOLD).after
    at_department = act(an_incident(State.CALLING, Level.DEPARTMENT), "department", Arrow.HOLD).after
    if state is State.ON_HOLD:
        at_community, at_department = _approved(at_community), _approved(at_department)
    found = approval.with_approver(at_community, a_world(without=(STREET,)), NOW)
    assert found.requests[-1].approver is None
    assert Relation.APPROVER in access.relations(PEOPLE["ops"], found)
    assert Relation.APPROVER not in access.relations(PEOPLE["street"], found)
    world = a_world(without=(LEADER,), units=(_leader("leader-n", DEPARTMENT),))
    found = approval.with_approver(at_department, world, NOW)
    assert found.requests[-1].approver is None
    assert Relation.APPROVER not in access.relations(a_unit("leader-n"), found)
    assert Relation.APPROVER in access.relations(PEOPLE["ops"], found)
    before = approval.with_approver(at_department, world, later(days=-1))
    assert before is at_department, "until then it is the old one's"


PEOPLE_AT = {1: "community", 2: "street", 3: "department", 4: "leader"}


def test_what_is_over_stays_as_it_is() -> None:
    asked = _unnamed(act(an_incident(State.CALLING), "community", Arrow.HOLD).after)
    for over in (an_incident(State.CALLING), asked._replace(requests=tuple(map(_lapsed, asked.requests)))):
        assert approval.with_approver(over, WORLD, NOW) is over
    parked = _unnamed(_deliberation())
    assert approval.with_approver(parked, WORLD, NOW).requests[-1].approver == STREET, (
        "sixty days, which nobody decided"
    )


def _lapsed(request: Request) -> Request:
    return request._replace(outcome=Verdict.LAPSED, decided_at=NOW)


def _deliberation() -> Incident:
    draft = Draft(CELL, CATEGORY, "worker", Kind.DELIBERATION)
    return lifecycle.report(draft, PEOPLE["reporter"], WORLD, incident_id=UUID(int=5), number="5", now=NOW).after


def test_the_registry_of_the_moment_of_asking_counts() -> None:
    old = (_leader("old", DEPARTMENT, since=False),)
    leaders = {**WORLD.leaders_by_unit, DEPARTMENT: old}
    world: World = replace(WORLD, units={**WORLD.units, "old": old}, leaders_by_unit=leaders)
    asked = act(an_incident(State.CALLING, Level.DEPARTMENT), "department", Arrow.EXTEND).after
    before = _unnamed(asked)._replace(requests=(asked.requests[-1]._replace(approver=None, asked_at=later(days=-1)),))
    assert approval.with_approver(before, world, later(days=-1)).requests[-1].approver == "old"
    assert approval.with_approver(before, world, NOW) is before, "it has ended since: ops decide"
