"""Several at one call: who assists, what they do, and when they are no longer at its side (contract §1, assist)."""

from __future__ import annotations

import pytest

from service.rules import access
from service.rules.acts import Act
from service.rules.arrows.joint import MAX_ASSISTING
from service.rules.decisions import Decision
from service.rules.errors import IllegalTransition, NotYours, UnknownUnit, ValidationFailed
from service.rules.model import Actor, AssistingPart, Incident
from service.rules.words import Arrow, Ground, Level, Role, State, UnitKind
from service.rules.world import Unit, World
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    ALWAYS,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    FIRM,
    LEADER,
    NEVER,
    NEXT_COMMUNITY,
    NOW,
    OTHER_STREET,
    PEOPLE,
    SPECIAL,
    STATION,
    STREET,
    UNIT_AT,
    WORLD,
    a_unit,
    a_world,
    act,
    an_incident,
    fired,
    later,
    types,
)
from tests.rules.deciding import changed

C, A, H, R, X = State
L1, L2, L3, L4 = Level
LATE = later(minutes=7)
BESIDE = {L1: (FIRM, NEXT_COMMUNITY), L2: (FIRM, COMMITTEE), L3: (NEVER, COMMITTEE), L4: (NEVER, COMMITTEE)}
"""Who may be asked to assist at each level: nobody from above it."""
TEAMS = tuple(f"team-{n}" for n in range(MAX_ASSISTING + 1))
MANY = a_world(units=tuple(Unit(code, code, UnitKind.TEAM, L2, ALWAYS, STREET) for code in TEAMS))


def _assist(incident: Incident, *units: str, world: World = WORLD) -> Decision:
    return deciding.decide(incident, Act(Arrow.ASSIST, "help", units=units), a_unit(incident.unit), world, LATE)


def _done(incident: Incident, unit: str, comment: str | None = "done") -> Decision:
    return deciding.decide(incident, Act(Arrow.PART_DONE, comment), a_unit(unit), WORLD, LATE)


def _told_not_to(pointer: str, incident: Incident, *units: str, world: World = WORLD) -> str:
    with pytest.raises((ValidationFailed, UnknownUnit)) as refused:
        _assist(incident, *units, world=world)
    assert [each.pointer for each in refused.value.errors] == [pointer]
    return type(refused.value).__name__


# --- assist -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [C, A])
@pytest.mark.parametrize("level", Level)
def test_units_at_the_side_of_a_call_change_neither_who_is_responsible_nor_when(state: State, level: Level) -> None:
    incident = an_incident(state, level)._replace(category=ADMITTED_CATEGORY)
    decision = _assist(incident, *BESIDE[level])
    after = decision.after
    assert after == incident._replace(
        assisting=BESIDE[level],
        call=incident.call._replace(assisting=BESIDE[level]),
        audience=(*incident.audience, *BESIDE[level]),
        version=incident.version + 1,
        updated_at=LATE,
        sequence=incident.sequence + 1,
    )
    assert types(decision) == ["call.assisted"]
    assert (decision.events[0].facts, decision.events[0].note) == ({"units": list(BESIDE[level])}, "help")
    assert decision.events[0].at_state.audience == after.audience, "they hear of it themselves"
    assert (changed(decision), decision.opened) == (after.call, None)


def test_more_join_later_and_nobody_twice() -> None:
    first = _assist(an_incident(C, L3)._replace(category=ADMITTED_CATEGORY), SPECIAL, SPECIAL).after
    assert first.assisting == (SPECIAL,)
    second = _assist(first, STATION, STREET).after
    assert second.assisting == second.call.assisting == (SPECIAL, STATION, STREET)
    assert second.audience == (*first.audience, STATION), "the street has long been in it"
    assert _told_not_to("/units/1", second, NEVER, SPECIAL) == "ValidationFailed"


def test_from_above_nobody_of_a_street_is_brought_in_for_what_it_never_admitted_but_whoever_had_it() -> None:
    for level in (L3, L4):
        incident = an_incident(C, level)
        for unit in (STATION, COMMITTEE, NEXT_COMMUNITY, OTHER_STREET):
            assert _told_not_to("/units/1", incident, NEVER, unit) == "ValidationFailed"
        assert _assist(incident, NEVER, STREET, COMMUNITY, FIRM).after.assisting == (NEVER, STREET, COMMUNITY, FIRM)
    assert _assist(an_incident(C, L2), COMMITTEE, OTHER_STREET).after.assisting == (COMMITTEE, OTHER_STREET)


def test_the_lead_does_not_assist_itself_and_nobody_who_is_not_there_does() -> None:
    incident = an_incident(C, L3)
    assert _told_not_to("/units/0", incident, DEPARTMENT) == "ValidationFailed"
    assert _told_not_to("/units/1", incident, SPECIAL, "nobody") == "UnknownUnit"
    assert _told_not_to("/units/0", incident, NEVER, world=a_world(without=(NEVER,))) == "UnknownUnit"


def test_a_partner_assists_and_a_unit_of_any_street() -> None:
    incident = _assist(an_incident(C, L2), FIRM, NEXT_COMMUNITY, OTHER_STREET).after
    assert incident.assisting == (FIRM, NEXT_COMMUNITY, OTHER_STREET)
    partner = Actor(Role.UNIT, FIRM, unit=FIRM)
    assert access.relations(partner, incident) == {"assisting", "audience"}
    assert deciding.allowed(incident, partner, WORLD, NOW) == ("part_done", "decline", "comment", "urge")
    assert deciding.allowed(incident, PEOPLE["firm"], WORLD, NOW) == ("part_done", "decline", "comment", "urge")


@pytest.mark.parametrize(
    ("level", "above"), [(L1, STREET), (L1, COMMITTEE), (L1, NEVER), (L1, LEADER), (L2, NEVER), (L3, LEADER)]
)
def test_nobody_is_asked_from_above(level: Level, above: str) -> None:
    """Not even who had a part in it: whoever is above is called, by a raise."""
    incident = an_incident(C, level)
    assert _told_not_to("/units/1", incident, FIRM, above) == "ValidationFailed"
    known = incident._replace(audience=(*incident.audience, above))
    assert _told_not_to("/units/1", known, FIRM, above) == "ValidationFailed"


def test_no_more_than_twenty_assist_in_one_call_however_they_came() -> None:
    incident = an_incident(C, L2)
    most = _assist(incident, *TEAMS[:MAX_ASSISTING], world=MANY).after
    assert len(most.assisting) == MAX_ASSISTING == 20
    assert _told_not_to("/units", most, TEAMS[-1], world=MANY) == "ValidationFailed"
    assert _told_not_to("/units", incident, *TEAMS, world=MANY) == "ValidationFailed"
    raised = act(most, "street", Arrow.RAISE, world=MANY).after
    assert _assist(raised, *TEAMS[:MAX_ASSISTING], world=MANY).after.audience == (*most.audience, DEPARTMENT)


def test_the_log_names_each_that_joined_once() -> None:
    assert _assist(an_incident(C, L3), SPECIAL, SPECIAL).events[0].facts == {"units": [SPECIAL]}


# --- part done ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [C, A, H])
def test_a_part_that_is_done_is_written_on_the_call_and_moves_nothing_else(state: State) -> None:
    incident = _assist(an_incident(C, L3), SPECIAL, NEVER).after
    if state is not C:
        incident = act(incident, "department", Arrow.ANSWER).after
    if state is H:
        incident = act(act(incident, "department", Arrow.HOLD).after, "leader", Arrow.APPROVE).after
    decision = _done(incident, SPECIAL)
    parts = (AssistingPart(SPECIAL, LATE, "done"),)
    assert decision.after == incident._replace(
        call=incident.call._replace(parts_done=parts),
        version=incident.version + 1,
        updated_at=LATE,
        sequence=incident.sequence + 1,
    )
    assert types(decision) == ["call.part_done"]
    assert decision.events[0].by == access.by_of(a_unit(SPECIAL))
    both = _done(decision.after, NEVER, None).after
    assert both.call.parts_done == (*parts, AssistingPart(NEVER, LATE, None))
    assert (both.state, both.unit) == (state, DEPARTMENT), "the lead resolves, not they"


def test_a_part_is_done_once_a_call_by_who_assists_in_it_while_it_is_open() -> None:
    incident = _assist(an_incident(C, L3), SPECIAL).after
    done = _done(incident, SPECIAL).after
    with pytest.raises(IllegalTransition, match="done already: comment instead") as refused:
        _done(done, SPECIAL)
    assert refused.value.allowed == ("comment", "urge")
    for unit in (DEPARTMENT, NEVER, STREET):
        with pytest.raises(NotYours, match="Only a unit that assists"):
            _done(incident, unit)
    resolved = act(incident, "department", Arrow.RESOLVE).after
    with pytest.raises(IllegalTransition, match="The incident is resolved"):
        _done(resolved, SPECIAL)
    again = act(act(done, "department", Arrow.RESOLVE).after, "reporter", Arrow.REJECT).after
    assert (again.call.parts_done, again.earlier[-1].parts_done) == ((), (AssistingPart(SPECIAL, LATE, "done"),))
    assert types(_done(again, SPECIAL)) == ["call.part_done"], "its part of the new call"


# --- decline ------------------------------------------------------------------------------------------------------


def _declined(incident: Incident, unit: str) -> Decision:
    return deciding.decide(incident, Act(Arrow.DECLINE, "not ours"), a_unit(unit), WORLD, LATE)


@pytest.mark.parametrize("state", [C, A, H])
def test_who_declines_assists_no_longer_and_goes_on_seeing_it(state: State) -> None:
    incident = _assist(an_incident(C, L3), SPECIAL, NEVER).after
    if state is not C:
        incident = act(incident, "department", Arrow.ANSWER).after
    if state is H:
        incident = act(act(incident, "department", Arrow.HOLD).after, "leader", Arrow.APPROVE).after
    decision = _declined(incident, SPECIAL)
    assert decision.after == incident._replace(
        assisting=(NEVER,),
        call=incident.call._replace(declined=(SPECIAL,)),
        version=incident.version + 1,
        updated_at=LATE,
        sequence=incident.sequence + 1,
    )
    assert types(decision) == ["call.declined"]
    assert (decision.events[0].by, decision.events[0].note) == (access.by_of(a_unit(SPECIAL)), "not ours")
    assert access.relations(a_unit(SPECIAL), decision.after) == {"audience"}
    for again in (_declined, _done):
        with pytest.raises(NotYours, match="Only a unit that assists"):
            again(decision.after, SPECIAL)


def test_nobody_declines_what_is_over() -> None:
    incident = _assist(an_incident(C, L3), SPECIAL, NEVER).after
    with pytest.raises(IllegalTransition, match="done already: comment instead"):
        _declined(_done(incident, SPECIAL).after, SPECIAL)
    for unit in (DEPARTMENT, STREET, COMMUNITY):
        with pytest.raises(NotYours, match="Only a unit that assists"):
            _declined(incident, unit)
    with pytest.raises(IllegalTransition, match="The incident is resolved"):
        _declined(act(incident, "department", Arrow.RESOLVE).after, SPECIAL)


def test_who_declined_may_be_asked_again() -> None:
    declined = _declined(_assist(an_incident(C, L3), SPECIAL, NEVER).after, SPECIAL).after
    again = _assist(declined, SPECIAL).after
    assert (again.assisting, again.call.assisting, again.call.declined) == ((NEVER, SPECIAL), (SPECIAL, NEVER), ())


def test_the_next_round_is_without_who_declined() -> None:
    declined = _declined(_assist(an_incident(C, L3), SPECIAL, NEVER).after, SPECIAL).after
    rejected = act(act(declined, "department", Arrow.RESOLVE).after, "reporter", Arrow.REJECT).after
    assert (rejected.call.assisting, rejected.call.declined) == ((NEVER,), ())
    assert rejected.earlier[-1].declined == (SPECIAL,)


# --- joint action -------------------------------------------------------------------------------------------------


def _raised(incident: Incident, *units: str, ground: Ground = Ground.JOINT_ACTION, world: World = WORLD) -> Decision:
    act = Act(Arrow.RAISE, "together", ground=ground, units=units)
    return deciding.decide(incident, act, a_unit(incident.unit), world, LATE)


@pytest.mark.parametrize("state", [C, A])
@pytest.mark.parametrize(("level", "up"), [(L1, STREET), (L2, DEPARTMENT), (L3, LEADER)])
def test_a_raise_for_joint_action_names_departments(level: Level, up: str, state: State) -> None:
    decision = _raised(an_incident(state, level), NEVER, SPECIAL, NEVER)
    after = decision.after
    assert types(decision) == ["call.raised", "call.opened"]
    assert (after.unit, after.assisting, after.call.assisting) == (up, (NEVER, SPECIAL), (NEVER, SPECIAL))
    assert decision.events[0].facts is not None
    assert decision.events[0].facts["units"] == [NEVER, SPECIAL]
    for event in decision.events:
        assert {NEVER, SPECIAL} <= set(event.at_state.audience), "they hear of it at once"
    assert len(set(after.audience)) == len(after.audience)
    assert access.relations(a_unit(NEVER), after) == {"assisting", "audience"}
    assert _declined(after, NEVER).after.assisting == (SPECIAL,)


def test_the_department_that_is_called_leads_and_does_not_assist() -> None:
    after = _raised(an_incident(C, L2), DEPARTMENT, NEVER).after
    assert (after.unit, after.assisting) == (DEPARTMENT, (NEVER,))
    alone = _raised(an_incident(C, L2), DEPARTMENT)
    assert (alone.after.assisting, alone.events[0].facts) == ((), {"box_used": 6})


def test_who_raises_does_not_name_itself() -> None:
    with pytest.raises(ValidationFailed, match="raises this call itself") as refused:
        _raised(an_incident(C, L3), NEVER, DEPARTMENT)
    assert [each.pointer for each in refused.value.errors] == ["/units/1"]


@pytest.mark.parametrize("unit", [COMMITTEE, STATION, STREET, NEXT_COMMUNITY, LEADER, FIRM, "nobody"])
def test_a_raise_brings_in_departments_only(unit: str) -> None:
    with pytest.raises((ValidationFailed, UnknownUnit)) as refused:
        _raised(an_incident(C, L2), NEVER, unit)
    assert [each.pointer for each in refused.value.errors] == ["/units/1"]
    assert isinstance(refused.value, UnknownUnit) == (unit == "nobody")


@pytest.mark.parametrize("ground", [each for each in Ground if each is not Ground.JOINT_ACTION])
def test_on_another_ground_a_raise_names_nobody(ground: Ground) -> None:
    with pytest.raises(ValidationFailed) as refused:
        _raised(an_incident(C, L2), NEVER, ground=ground)
    assert [each.pointer for each in refused.value.errors] == ["/units"]
    assert _raised(an_incident(C, L2), ground=ground).after.assisting == ()


# --- until when ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrow", [Arrow.RAISE, Arrow.RETURN, Arrow.ASSIGN, Arrow.NO_ANSWER])
def test_with_the_next_call_they_assist_no_more_but_still_see_it(arrow: Arrow) -> None:
    incident = _assist(an_incident(C, L3), NEVER).after
    after = (fired(incident) if arrow is Arrow.NO_ANSWER else act(incident, "department", arrow)).after
    assert (after.assisting, after.call.assisting, after.earlier[-1].assisting) == ((), (), (NEVER,))
    assert access.relations(a_unit(NEVER), after) == {"audience"}
    with pytest.raises(NotYours):
        _done(after, NEVER)


@pytest.mark.parametrize("arrow", [Arrow.REJECT, Arrow.REOPEN])
@pytest.mark.parametrize("level", Level)
def test_a_call_repeated_to_the_same_unit_finds_them_at_its_side(level: Level, arrow: Arrow) -> None:
    helper = BESIDE[level][0]
    incident = act(_assist(an_incident(C, level), helper).after, UNIT_AT[level], Arrow.RESOLVE).after
    assert incident.assisting == (helper,)
    if arrow is Arrow.REOPEN:
        incident = fired(incident).after
    again = act(incident, "reporter", arrow, at=incident.updated_at).after
    assert (again.unit, again.assisting, again.call.assisting) == (incident.unit, (helper,), (helper,))
    world = a_world(without=(incident.unit,))
    other = act(incident, "reporter", arrow, at=incident.updated_at, world=world).after
    assert other.unit != incident.unit
    assert (other.assisting, other.call.assisting) == ((), ())


def test_the_second_rejection_goes_up_without_them() -> None:
    incident = act(_assist(an_incident(C, L2), COMMITTEE).after, "street", Arrow.RESOLVE).after
    again = act(act(incident, "reporter", Arrow.REJECT).after, "street", Arrow.RESOLVE).after
    up = act(again, "reporter", Arrow.REJECT).after
    assert (up.unit, up.assisting, up.call.assisting) == (DEPARTMENT, (), ())


@pytest.mark.parametrize("state", [C, A])
def test_the_leader_called_again_by_the_clock_finds_them_at_its_side(state: State) -> None:
    missed = fired(_assist(an_incident(state, L4), NEVER).after).after
    assert (missed.unit, missed.call.round) == (LEADER, 2)
    assert missed.assisting == (NEVER,)
