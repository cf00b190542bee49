"""Who sees an incident, an event and a call (contract §2): the one rule that lists, queues, feed and figures ask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.rules import access, sight
from service.rules.errors import NotYours
from service.rules.model import Actor
from service.rules.sight import EVERYTHING, NOTHING, Heard, Member, NoIncident, OwnOnly, Sight, Within
from service.rules.words import Level, Role, State
from tests.rules.builders import (
    CELL,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    FIRM,
    LEADER,
    NEXT_CELL,
    NEXT_COMMUNITY,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    PEOPLE,
    REPORTER,
    STATION,
    STREET,
    UNITS,
    a_unit,
    an_incident,
)

HEARD_BY_FIRM = (Heard((FIRM,), confidential=False), Heard((f"@{FIRM}",)))
SEES = {
    # at which level of the last call each sees the incident of CELL, reported by "worker"
    "reporter": {1, 2, 3, 4},
    "reporter_moved": {1, 2, 3, 4},
    "colleague": {1, 2, 3, 4},
    "elsewhere": set(),
    "community": {1, 2, 3, 4},
    "street": {1, 2, 3, 4},
    "department": {3, 4},
    "leader": {4},
    "next_community": set(),
    "other_street": set(),
    "special": set(),
    "committee": set(),  # of the same street, which makes it nothing
    "firm": {1},  # as a member of the community, while its call is open
    "community_reporting": {1, 2, 3, 4},
    "street_reporting": {1, 2, 3, 4},
    "auditor": {1, 2, 3, 4},
    "ops": {1, 2, 3, 4},
    "ops_reporting": {1, 2, 3, 4},
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("who", PEOPLE)
def test_who_sees_an_incident(who: str, state: State) -> None:
    seen = {int(level) for level in Level if sight.sees(PEOPLE[who], an_incident(state, level))}
    asked = {3} if (who, state) == ("leader", State.ON_HOLD) else set()
    gone = who == "firm" and state in (State.RESOLVED, State.CLOSED)  # with the open call of its parent
    assert seen == (set() if gone else SEES[who] | asked), "the leader was asked to let the department wait"


def test_security_sees_no_incident() -> None:
    """Not even one that names its subject: a subject has one role for ever."""
    actor = Actor(Role.SECURITY, "worker")
    for state in State:
        incident = an_incident(state, 1)
        assert not sight.sees(actor, incident) and not access.relations(actor, incident)
    with pytest.raises(NotYours):
        access.may_report_in(actor, CELL)


@pytest.mark.parametrize("who", PEOPLE)
def test_whoever_is_something_to_an_incident_sees_it(who: str) -> None:
    """What somebody may do hangs on relations, what somebody sees on the sight: 404 and 403 must not contradict."""
    for level in Level:
        incident = an_incident(State.CALLING, level)
        assert sight.sees(PEOPLE[who], incident) == bool(access.relations(PEOPLE[who], incident))


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (REPORTER, (Within(STREET, confidential=False), Heard(("@worker",)), OwnOnly("worker"))),
        (Actor(Role.REPORTER, "w"), (Heard(("@w",)), OwnOnly("w"))),
        (Actor(Role.REPORTER, "w", area=""), (Heard(("@w",)), OwnOnly("w"))),
        (a_unit(COMMUNITY), (Within(COMMUNITY), Heard((COMMUNITY, f"@{COMMUNITY}")), OwnOnly(COMMUNITY))),
        (a_unit(STREET, "s"), (Within(STREET), Heard((STREET, "@s")), OwnOnly("s"))),
        (a_unit(DEPARTMENT, "d"), (Heard((DEPARTMENT, "@d")), OwnOnly("d"))),
        (a_unit(LEADER, "l"), (Heard((LEADER, "@l")), OwnOnly("l"))),
        (a_unit(DISTRICT, "x"), (Heard((DISTRICT, "@x")), OwnOnly("x"))),
        (a_unit(COMMITTEE, "c"), (Heard((COMMITTEE, "@c")), OwnOnly("c"))),
        (PEOPLE["firm"], (Member(COMMUNITY, ("u",)), *HEARD_BY_FIRM, OwnOnly(FIRM))),
        (replace(PEOPLE["firm"], answers_for=()), (*HEARD_BY_FIRM, OwnOnly(FIRM))),
        (Actor(Role.AUDITOR, "a"), EVERYTHING),
        (Actor(Role.OPS, "o"), EVERYTHING),
        (Actor(Role.SECURITY, "s"), (NoIncident(),)),
    ],
)
def test_the_cases_of_everybodys_sight(actor: Actor, expected: Sight) -> None:
    assert sight.sight_of(actor) == expected
    assert sight.reads_all(actor) == (expected == EVERYTHING)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (REPORTER, NOTHING),
        (a_unit(STREET, "s"), (Within(STREET), Heard((STREET,)))),
        (a_unit(DEPARTMENT, "d"), (Heard((DEPARTMENT,)),)),
        (PEOPLE["firm"], (Heard((FIRM,)),)),
        (Actor(Role.AUDITOR, "a"), EVERYTHING),
        (Actor(Role.OPS, "o"), EVERYTHING),
        (Actor(Role.SECURITY, "s"), NOTHING),
    ],
)
def test_whose_calls_are_in_an_actors_figures(actor: Actor, expected: Sight) -> None:
    assert sight.figures_sight_of(actor) == expected


@pytest.mark.parametrize(
    ("actor", "queue", "expected"),
    [
        (a_unit(STREET), STREET, EVERYTHING),
        (a_unit(STREET), COMMUNITY, sight.sight_of(a_unit(STREET))),
        (a_unit(STREET), STATION, sight.sight_of(a_unit(STREET))),  # by its parent
        (a_unit(STREET), OTHER_STREET, NOTHING),
        (a_unit(STREET), DEPARTMENT, NOTHING),
        (a_unit(COMMUNITY), COMMUNITY, EVERYTHING),
        (a_unit(COMMUNITY), FIRM, sight.sight_of(a_unit(COMMUNITY))),
        (a_unit(COMMUNITY), STREET, NOTHING),
        (a_unit(COMMUNITY), NEXT_COMMUNITY, NOTHING),
        (a_unit(DEPARTMENT), DEPARTMENT, EVERYTHING),
        (a_unit(DEPARTMENT), STATION, NOTHING),
        (PEOPLE["firm"], FIRM, HEARD_BY_FIRM),
        (PEOPLE["firm"], COMMUNITY, (Member(COMMUNITY, ("u",)),)),
        (replace(PEOPLE["firm"], answers_for=()), COMMUNITY, NOTHING),
        (PEOPLE["firm"], STREET, NOTHING),
        (REPORTER, STREET, NOTHING),
        (PEOPLE["auditor"], DEPARTMENT, EVERYTHING),
        (PEOPLE["ops"], COMMUNITY, EVERYTHING),
    ],
)
def test_how_much_of_a_queue_an_actor_sees(actor: Actor, queue: str, expected: Sight) -> None:
    assert sight.queue_sight_of(actor, UNITS[queue]) == expected


@pytest.mark.parametrize("code", [DISTRICT, CELL, CELL[:7], STREET[:-1], COMMUNITY + "0", f"{STREET} ", ""])
def test_a_code_only_like_the_cells_grants_nothing(code: str) -> None:
    assert not sight.sees(a_unit(code), an_incident(State.CALLING))


def test_events_without_an_incident_are_for_auditors_and_ops() -> None:
    for actor in PEOPLE.values():
        mine = sight.sight_of(actor)
        for area in (DISTRICT, CELL):
            seen = sight.sees_event(mine, of_incident=False, area=area, audience=(DEPARTMENT, COMMUNITY, "@worker"))
            assert seen == sight.reads_all(actor)


def test_an_event_is_seen_by_its_area_or_its_audience() -> None:
    audience = (DEPARTMENT, "@elsewhere")
    sights = {who: sight.sight_of(actor) for who, actor in PEOPLE.items()}
    seen = {who for who in PEOPLE if sight.sees_event(sights[who], of_incident=True, area=NEXT_CELL, audience=audience)}
    of_the_street = {"reporter", "colleague", "street", "street_reporting", "next_community"}
    assert seen == of_the_street | {"department", "elsewhere", "auditor", "ops", "ops_reporting"}


def test_a_call_is_its_units_and_its_areas() -> None:
    def seen(actor: Actor) -> tuple[bool, ...]:
        mine = sight.figures_sight_of(actor)
        calls = ((COMMUNITY, CELL), (DEPARTMENT, CELL), (OTHER_COMMUNITY, OTHER_CELL))
        return tuple(sight.sees_call(mine, unit=unit, grid_code=cell) for unit, cell in calls)

    assert seen(a_unit(COMMUNITY)) == (True, True, False)
    assert seen(a_unit(STREET)) == (True, True, False)
    assert seen(a_unit(DEPARTMENT)) == (False, True, False)
    assert seen(PEOPLE["firm"]) == seen(REPORTER) == (False, False, False)
    assert seen(PEOPLE["auditor"]) == (True, True, True)


def test_an_empty_sight_sees_nothing() -> None:
    incident = an_incident(State.CALLING)
    assert not sight.sees_incident(NOTHING, incident)
    assert not sight.sees_event(NOTHING, of_incident=True, area=CELL, audience=incident.audience)
    assert not sight.sees_call(NOTHING, unit=COMMUNITY, grid_code=CELL)


IN_CONFIDENCE = {"reporter", "reporter_moved", "community", "street", "auditor", "ops"} | {
    *("community_reporting", "street_reporting", "ops_reporting")
}
"""Who sees what the worker reported in confidence to the community."""


@pytest.mark.parametrize("who", PEOPLE)
def test_what_is_confidential_is_for_few(who: str) -> None:
    incident = an_incident(State.CALLING)._replace(confidential=True)
    heard = (*incident.audience, f"@{incident.reporter}", sight.IN_CONFIDENCE)
    mine = sight.sight_of(PEOPLE[who])
    assert sight.sees(PEOPLE[who], incident) == (who in IN_CONFIDENCE)
    assert bool(access.relations(PEOPLE[who], incident)) == (who in IN_CONFIDENCE)
    assert sight.sees_event(mine, of_incident=True, area=CELL, audience=heard) == (who in IN_CONFIDENCE)


def test_a_partner_that_assists_sees_nothing_confidential() -> None:
    plain = an_incident(State.CALLING)
    asked = plain._replace(assisting=(FIRM,), audience=(*plain.audience, FIRM), category="x")
    confidential = asked._replace(confidential=True)
    mine = sight.queue_sight_of(PEOPLE["firm"], UNITS[FIRM])
    assert sight.sees(PEOPLE["firm"], asked) and sight.sees_incident(mine, asked)
    assert not sight.sees(PEOPLE["firm"], confidential) and not sight.sees_incident(mine, confidential)
    own = confidential._replace(reporter=FIRM)
    assert sight.sees(PEOPLE["firm"], own) and access.relations(PEOPLE["firm"], own) == {access.Relation.REPORTER}
