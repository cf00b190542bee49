"""Who may see a contact, and what is written of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.rules import access, personal
from service.rules.errors import NotYours
from service.rules.model import By
from service.rules.words import Arrow, Level, State
from tests.rules.builders import (
    DEPARTMENT,
    LEADER,
    NOW,
    PEOPLE,
    WORLD,
    a_unit,
    act,
    an_incident,
    types,
)

MAY = {
    Level.COMMUNITY: {"community", "street", "ops", "auditor"},
    Level.STREET: {"community", "street", "ops", "auditor"},
    Level.DEPARTMENT: {"community", "street", "department", "ops", "auditor"},
    Level.LEADER: {"community", "street", "department", "leader", "ops", "auditor"},
}
WHO = ("reporter", "colleague", "community", "street", "department", "leader", "firm", "ops", "auditor")


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("state", list(State))
def test_the_chain_may_see_a_contact_and_no_one_else(level: Level, state: State) -> None:
    incident = an_incident(state, level)
    found = set()
    for who in WHO:
        actor = {"department": a_unit(DEPARTMENT), "leader": a_unit(LEADER)}.get(who) or PEOPLE[who]
        try:
            personal.demand_may_reveal(incident, access.party(actor, incident))
        except NotYours:
            continue
        found.add(who)
    approves = {"leader"} if (state, level) == (State.ON_HOLD, Level.DEPARTMENT) else set()
    assert found == MAY[level] | approves


def test_a_unit_that_only_assists_may_not() -> None:
    incident = act(an_incident(State.CALLING, Level.DEPARTMENT), "department", Arrow.ASSIST).after
    [assisting] = incident.assisting
    with pytest.raises(NotYours, match="ask one of them to get in touch"):
        personal.demand_may_reveal(incident, access.party(a_unit(assisting), incident))


def test_of_a_report_in_confidence_only_ops_may() -> None:
    """A contact says who reported."""
    incident = an_incident(State.ANSWERED)._replace(confidential=True)
    for who in WHO:
        if who == "ops":
            personal.demand_may_reveal(incident, access.party(PEOPLE[who], incident))
            continue
        with pytest.raises(NotYours):
            personal.demand_may_reveal(
                incident, access.party(PEOPLE[who] if who in PEOPLE else a_unit(LEADER), incident)
            )


def test_a_contact_that_was_revealed_moves_no_version() -> None:
    incident = an_incident(State.ANSWERED)
    party = access.party(PEOPLE["community"], incident)
    decision = personal.reveal(incident, "找不到位置", party, WORLD, NOW - timedelta(days=1))
    [event] = decision.events
    assert (event.type, event.note, event.by.unit) == ("sihu.incident.revealed", "找不到位置", incident.unit)
    assert event.at == incident.updated_at and decision.after == incident._replace(sequence=incident.sequence + 1)


@pytest.mark.parametrize("state", list(State))
def test_an_erasure_moves_the_version_and_nothing_else(state: State) -> None:
    incident = an_incident(state)
    later = incident.updated_at + timedelta(days=1)
    decision = personal.erase(incident, By("clock"), WORLD, later)
    assert types(decision) == ["incident.erased"] and decision.events[0].note is None
    moved = incident._replace(version=incident.version + 1, updated_at=later, sequence=incident.sequence + 1)
    assert decision.after == moved and decision.changed == () and decision.opened is None
