"""What each is to an incident, who may report where, and who is written as having acted (contract §2)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from service.rules import access, lifecycle, sight
from service.rules import world as worlds
from service.rules.access import Relation
from service.rules.acts import Act, Draft
from service.rules.decisions import Decision
from service.rules.errors import Conflict, NotYours, UnknownCategory, UnknownCell
from service.rules.model import Actor, By, Incident
from service.rules.words import Arrow, Level, Role, State
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    CELL,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    FIRM,
    NEVER,
    NEXT_CELL,
    NEXT_COMMUNITY,
    NOW,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    PEOPLE,
    REPORTER,
    SPECIAL,
    STREET,
    WORLD,
    a_unit,
    a_world,
    act,
    an_act,
    an_incident,
    later,
)


def _relations(who: str, incident: Incident) -> set[str]:
    return {relation.value for relation in access.relations(PEOPLE[who], incident)}


def test_what_each_is_to_an_incident_at_the_department() -> None:
    incident = an_incident(State.CALLING, Level.DEPARTMENT)
    assert {who: _relations(who, incident) for who in PEOPLE} == {
        "reporter": {"reporter", "area"},
        "reporter_moved": {"reporter"},
        "colleague": {"area"},
        "elsewhere": set(),
        "community": {"cell_community", "audience"},
        "street": {"cell_street", "audience"},
        "department": {"called_unit", "audience"},
        "leader": set(),
        "next_community": set(),
        "other_street": set(),
        "special": set(),
        "committee": set(),
        "firm": set(),
        "community_reporting": {"reporter", "cell_community", "audience"},
        "street_reporting": {"reporter", "cell_street", "audience"},
        "auditor": {"auditor"},
        "ops": {"ops"},
        "ops_reporting": {"ops"},
    }


def test_a_street_sees_its_prefix_though_it_was_never_called() -> None:
    assert access.relations(a_unit(STREET), an_incident(State.CALLING)) == {Relation.CELL_STREET}


@pytest.mark.parametrize("code", [DISTRICT, CELL, CELL[:7], STREET[:-1], COMMUNITY + "0", f"{STREET} ", ""])
def test_a_unit_whose_code_is_only_like_the_cells_sees_nothing(code: str) -> None:
    assert not sight.sees(a_unit(code), an_incident(State.CALLING))


REPORTS_IN = {
    # which of the three cells each may report in: its own, the next community's, the other street's
    "reporter": {CELL, NEXT_CELL},
    "reporter_moved": {OTHER_CELL},
    "colleague": {CELL, NEXT_CELL},
    "elsewhere": {OTHER_CELL},
    "community": {CELL},
    "street": {CELL, NEXT_CELL},
    "department": set(),
    "leader": set(),
    "next_community": {NEXT_CELL},
    "other_street": {OTHER_CELL},
    "special": set(),
    "committee": set(),
    "firm": set(),
    "community_reporting": {CELL},
    "street_reporting": {CELL, NEXT_CELL},
    "auditor": set(),
    "ops": {CELL, NEXT_CELL, OTHER_CELL},
    "ops_reporting": {CELL, NEXT_CELL, OTHER_CELL},
}


def _report(who: str, cell: str, category: str = CATEGORY, world: World = WORLD) -> Decision:
    draft = Draft(cell, category, PEOPLE[who].subject)
    return lifecycle.report(draft, PEOPLE[who], world, incident_id=UUID(int=7), number="n", now=NOW)


@pytest.mark.parametrize("cell", [CELL, NEXT_CELL, OTHER_CELL])
@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_reports_inside_their_area_only(who: str, cell: str) -> None:
    if cell in REPORTS_IN[who]:
        incident = _report(who, cell).after
        assert (incident.reporter, incident.unit) == (PEOPLE[who].subject, cell[:12])
        return
    with pytest.raises(NotYours):
        _report(who, cell)


@pytest.mark.parametrize(
    ("who", "cell", "category", "error"),
    [
        ("reporter", "440105001001999", CATEGORY, UnknownCell),
        ("reporter", "440105001001009", CATEGORY, UnknownCell),  # no longer in force
        ("reporter", CELL, "nothing", UnknownCategory),
        ("reporter", CELL, "old", UnknownCategory),  # no longer in force
        ("reporter", "440105002001999", "nothing", NotYours),  # whose it is comes before what the registry knows
        ("auditor", "440105001001999", "nothing", NotYours),
        ("ops", "440106001001001", CATEGORY, UnknownCell),
    ],
)
def test_a_report_that_may_not_be_is_refused(who: str, cell: str, category: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _report(who, cell, category)


def test_before_the_first_import_a_report_is_told_what_is_missing() -> None:
    with pytest.raises(Conflict, match="registry import"):
        _report("reporter", CELL, world=worlds.build(0))


def test_only_the_subject_makes_an_incident_ones_own() -> None:
    rotated = Actor(Role.REPORTER, REPORTER.subject, area=OTHER_COMMUNITY)
    colleague = PEOPLE["colleague"]
    incident = an_incident(State.CALLING)
    deciding.authorize(incident, Arrow.WITHDRAW, rotated, WORLD, NOW)
    with pytest.raises(NotYours):
        deciding.authorize(incident, Arrow.WITHDRAW, colleague, WORLD, NOW)


def test_a_unit_that_reported_may_take_it_back_but_not_verify_its_own_work() -> None:
    deciding.authorize(an_incident(State.CALLING), Arrow.WITHDRAW, PEOPLE["community_reporting"], WORLD, NOW)
    with pytest.raises(NotYours):
        deciding.authorize(an_incident(State.RESOLVED), Arrow.ACCEPT, PEOPLE["community_reporting"], WORLD, NOW)
    deciding.authorize(an_incident(State.RESOLVED), Arrow.ACCEPT, PEOPLE["street_reporting"], WORLD, NOW)


def test_a_unit_called_once_sees_it_for_ever_and_one_never_called_never() -> None:
    incident = an_incident(State.CALLING, Level.DEPARTMENT)
    world = a_world(without=(DEPARTMENT,))
    closed = act(act(incident, "department", Arrow.RESOLVE).after, "reporter", Arrow.ACCEPT).after
    elsewhere = act(closed, "reporter", Arrow.REOPEN, world=world).after
    assert elsewhere.unit != DEPARTMENT
    assert sight.sees(PEOPLE["department"], elsewhere)
    assert not any(sight.sees(a_unit(code), elsewhere) for code in (NEVER, SPECIAL, NEXT_COMMUNITY, OTHER_STREET))


def test_a_partner_answers_for_the_unit_it_is_a_member_of_under_its_own_name_and_does_nothing_else_for_it() -> None:
    incident = an_incident(State.CALLING)
    assert _relations("firm", incident) == {"member"}
    answered = act(incident, "firm", Arrow.ANSWER)
    assert (answered.after.unit, answered.after.call.unit) == (COMMUNITY, COMMUNITY), "the unit stays responsible"
    assert answered.events[0].by == By("unit", FIRM, FIRM)
    assert answered.after.audience == (COMMUNITY,)
    assert (answered.after.call.answered_by_member, answered.events[0].facts) == (True, {"answered_by_member": True})
    own = act(incident, "community", Arrow.ANSWER)
    assert (own.after.call.answered_by_member, own.events[0].facts) == (False, None)
    with pytest.raises(NotYours):
        act(answered.after, "firm", Arrow.RESOLVE)
    with pytest.raises(NotYours):
        act(answered.after, "firm", Arrow.COMMENT)
    stranger = Actor(Role.UNIT, "firm-2", unit="firm-2", member_of=NEXT_COMMUNITY, answers_for=("u",))
    alone = Actor(Role.UNIT, FIRM, unit=FIRM)
    assert not sight.sees(stranger, incident)
    assert not sight.sees(alone, incident), "a partner that belongs to nobody answers for nobody"
    for categories in ((), ("u-02", "u-0101-1"), None):
        other = replace(PEOPLE["firm"], answers_for=categories)
        assert not sight.sees(other, incident), "it answers for nothing of this kind"
    for own_ones in (("x", "u-01"), ("u-0101",)):
        assert sight.sees(replace(PEOPLE["firm"], answers_for=own_ones), incident)


def test_who_assists_sees_it_from_then_on_and_assists_until_the_next_call() -> None:
    assisted = act(an_incident(State.CALLING, Level.DEPARTMENT), "department", Arrow.ASSIST).after
    helper = a_unit(NEVER)
    its_member = Actor(Role.UNIT, "m", unit="m", member_of=NEVER, answers_for=("u",))
    assert not sight.sees(helper, an_incident(State.CALLING, Level.DEPARTMENT))
    assert access.relations(helper, assisted) == {Relation.ASSISTING, Relation.AUDIENCE}
    assert access.relations(its_member, assisted) == set(), "nobody stands in for a unit that assists"
    raised = act(assisted, "department", Arrow.RAISE).after
    assert access.relations(helper, raised) == {Relation.AUDIENCE}


def _merged() -> tuple[Incident, Incident]:
    """The neighbour's, of the other street, closed into ours, which is at the street."""
    draft = Draft(OTHER_CELL, CATEGORY, "elsewhere")
    other = lifecycle.report(draft, PEOPLE["elsewhere"], WORLD, incident_id=UUID(int=2), number="2", now=NOW).after
    into = an_incident(State.CALLING, Level.STREET)
    merge = Act(Arrow.MERGE, "the same", into=into.id)
    closed, heard = deciding.merge(other, into, merge, PEOPLE["ops"], WORLD, NOW)
    return closed.after, heard.after


def test_after_a_merge_who_followed_the_one_sees_both_and_who_followed_the_other_only_theirs() -> None:
    closed, target = _merged()
    joined = a_unit(OTHER_COMMUNITY)
    assert access.relations(PEOPLE["elsewhere"], target) == {Relation.FOLLOWER}
    assert access.relations(joined, target) == {Relation.AUDIENCE}
    assert all(sight.sees(each, closed) for each in (PEOPLE["elsewhere"], joined, PEOPLE["other_street"]))
    assert not sight.sees(PEOPLE["other_street"], target), "it was never called: its prefix alone says what it sees"
    assert not any(sight.sees(PEOPLE[who], closed) for who in ("reporter", "colleague", "community", "street", "firm"))
    for who, actor in PEOPLE.items():
        assert bool(access.relations(actor, target)) == sight.sees(actor, target), who


def test_a_follower_is_its_subject_under_any_key_and_does_no_more_than_speak() -> None:
    _, target = _merged()
    as_a_unit = a_unit(NEVER, subject="elsewhere")
    assert access.relations(as_a_unit, target) == {Relation.FOLLOWER}
    assert deciding.allowed(target, as_a_unit, WORLD, NOW) == ("comment", "urge")
    assert access.relations(Actor(Role.AUDITOR, "elsewhere"), target) == {Relation.AUDITOR}
    assert not sight.sees(Actor(Role.REPORTER, OTHER_COMMUNITY, area=OTHER_STREET), target), "a unit is no subject"


@pytest.mark.parametrize(
    ("who", "by"),
    [
        ("reporter", By("reporter", "worker")),
        ("street", By("unit", STREET, STREET)),
        ("community_reporting", By("unit", "worker", COMMUNITY)),
        ("ops", By("ops", "ops")),
    ],
)
def test_who_did_it_is_written_by_kind_subject_and_unit(who: str, by: By) -> None:
    assert access.by_of(PEOPLE[who]) == by


def test_nobody_judges_what_they_resolved_themselves_whatever_key_they_come_with() -> None:
    hers = Actor(Role.UNIT, REPORTER.subject, unit=DEPARTMENT)
    resolved = deciding.decide(an_incident(State.CALLING, Level.DEPARTMENT), an_act(Arrow.RESOLVE), hers, WORLD, NOW)
    for arrow in (Arrow.ACCEPT, Arrow.REJECT):
        with pytest.raises(NotYours, match="hoever resolved it"):
            deciding.decide(resolved.after, an_act(arrow), REPORTER, WORLD, NOW)
    assert act(resolved.after, "street", Arrow.ACCEPT, at=later(hours=36)).after.closed_as == "verified"
