"""How much of an incident each of those who see it sees: full, shared or masked (contract-reach §4)."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.rules import approval, sight
from service.rules.looks import IncidentLook, look_of, pseudonym
from service.rules.model import Actor
from service.rules.words import Arrow, Level, Role, State
from tests.rules.builders import (
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    FIRM,
    LEADER,
    PEOPLE,
    STATION,
    STREET,
    a_unit,
    act,
    an_incident,
)

FULL_FOR_ALL = {"reporter", "reporter_moved", "community", "street", "ops", "ops_reporting"} | {
    *("community_reporting", "street_reporting")
}
CALLED = {Level.DEPARTMENT: "department", Level.LEADER: "leader"}


@pytest.mark.parametrize("state", sorted(set(State) - {State.ON_HOLD}))
@pytest.mark.parametrize("level", Level)
def test_who_sees_it_whole(level: Level, state: State) -> None:
    """The called unit, at whatever level, beside those who always do; a department that was called before is masked."""
    incident = an_incident(state, level)
    looks = {who: look_of(actor, incident) for who, actor in PEOPLE.items() if sight.sees(actor, incident)}
    whole = {who for who, look in looks.items() if look is IncidentLook.FULL}
    assert whole == FULL_FOR_ALL | ({CALLED[level]} if level in CALLED else set())
    assert {who: look for who, look in looks.items() if who not in whole} == {
        **dict.fromkeys(("colleague", "auditor"), IncidentLook.MASKED),
        **({"department": IncidentLook.MASKED} if level is Level.LEADER else {}),
        **({"firm": IncidentLook.SHARED} if "firm" in looks else {}),
    }


def test_the_approver_sees_it_whole_while_it_is_asked() -> None:
    asked = act(an_incident(State.CALLING, Level.DEPARTMENT), "department", Arrow.HOLD).after
    assert approval.approver_now(asked) == LEADER
    assert look_of(a_unit(LEADER), asked) is IncidentLook.FULL
    decided = act(asked, "leader", Arrow.APPROVE).after
    assert look_of(a_unit(LEADER), decided) is IncidentLook.MASKED


@pytest.mark.parametrize(
    ("state", "look"),
    [
        (State.CALLING, IncidentLook.SHARED),
        (State.ANSWERED, IncidentLook.SHARED),
        (State.ON_HOLD, IncidentLook.SHARED),
        (State.RESOLVED, IncidentLook.MASKED),
        (State.CLOSED, IncidentLook.MASKED),
    ],
)
def test_whoever_assists_shares_it_while_the_call_is_open(state: State, look: IncidentLook) -> None:
    plain = an_incident(state)
    incident = plain._replace(assisting=(STATION, FIRM), audience=(*plain.audience, STATION, FIRM))
    assert look_of(a_unit(STATION), incident) is look_of(PEOPLE["firm"], incident) is look
    declined = incident._replace(assisting=())
    assert look_of(a_unit(STATION), declined) is IncidentLook.MASKED


def test_a_partner_shares_what_it_may_answer() -> None:
    incident = an_incident(State.CALLING)
    assert look_of(PEOPLE["firm"], incident) is IncidentLook.SHARED
    assert look_of(PEOPLE["firm"], incident._replace(category="x")) is IncidentLook.MASKED
    assert look_of(PEOPLE["firm"], incident._replace(unit=FIRM)) is IncidentLook.MASKED, "a partner is never in charge"
    assert look_of(PEOPLE["firm"], incident._replace(reporter=FIRM)) is IncidentLook.FULL


def test_a_unit_of_the_same_street_is_not_the_street() -> None:
    plain = an_incident(State.CALLING)
    incident = plain._replace(audience=(*plain.audience, COMMITTEE, DEPARTMENT))
    for unit, look in (
        (COMMITTEE, IncidentLook.MASKED),
        (DEPARTMENT, IncidentLook.MASKED),
        (STREET, IncidentLook.FULL),
        (COMMUNITY, IncidentLook.FULL),
    ):
        assert look_of(a_unit(unit), incident) is look


def test_a_follower_sees_the_other_report_masked() -> None:
    follower = Actor(Role.REPORTER, "neighbour")
    incident = an_incident(State.CALLING)._replace(audience=(COMMUNITY, "@neighbour"))
    assert sight.sees(follower, incident)
    assert look_of(follower, incident) is IncidentLook.MASKED


def test_a_pseudonym_is_of_one_incident_and_deployment() -> None:
    here, there = UUID(int=1), UUID(int=2)
    name = pseudonym(b"secret" * 4, "worker", here)
    assert name == pseudonym(b"secret" * 4, "worker", here)
    others = {
        pseudonym(b"secret" * 4, "worker", there),
        pseudonym(b"secret" * 4, "colleague", here),
        pseudonym(b"another" * 4, "worker", here),
    }
    assert len({name, *others}) == 4
    assert all(len(each) == len("reporter-") + 10 and each.startswith("reporter-") for each in (name, *others))
