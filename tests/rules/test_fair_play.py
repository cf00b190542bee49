"""What decides how much a call counts: each fact is stored when it happens, on the call that it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from service.rules import fair_play, lifecycle
from service.rules.acts import Act, Draft
from service.rules.model import Actor, Incident
from service.rules.policy import FairPlay
from service.rules.words import Arrow, Cause, Credit, Ground, Level, State, Urgency
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    CELL,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    FIRM,
    HOUR,
    LEADER,
    NEXT_COMMUNITY,
    NOW,
    OTHER_STREET,
    PEOPLE,
    STATION,
    STREET,
    STREET_LEADER,
    UNIT_AT,
    URGENT_CATEGORY,
    WORLD,
    a_unit,
    a_world,
    act,
    an_incident,
    fired,
    later,
    reported,
)
from tests.rules.deciding import changed_call

BOX = timedelta(seconds=HOUR)
"""The answer box of level 1. That of level 2 is twice as long."""
HALF_A_MINUTE = timedelta(seconds=30)


def _under(**changes: int) -> World:
    policies = {key: replace(each, fair_play=FairPlay(**changes)) for key, each in WORLD.policies.items()}
    return replace(WORLD, policies=policies)


def _raise(incident: Incident, at: datetime, ground: Ground = Ground.OTHER, world: World = WORLD) -> Incident:
    return deciding.decide(incident, Act(Arrow.RAISE, "why", ground=ground), a_unit(incident.unit), world, at).after


@pytest.mark.parametrize(
    ("passed", "used"),
    [
        (timedelta(), 0),
        (timedelta(microseconds=1), 1),
        (0.5 * BOX, 50),
        (0.8 * BOX, 80),
        (0.8 * BOX + timedelta(microseconds=1), 81),
        (BOX, 100),
        (1.5 * BOX, 150),
    ],
)
def test_what_was_used_of_a_box_is_rounded_up(passed: timedelta, used: int) -> None:
    assert fair_play.box_used(an_incident(State.CALLING, Level.COMMUNITY), WORLD, NOW + passed) == used


def test_a_hold_uses_nothing_of_the_box() -> None:
    asked = deciding.decide(
        an_incident(State.CALLING, Level.COMMUNITY),
        Act(Arrow.HOLD, "why", until=later(days=2)),
        a_unit(COMMUNITY),
        WORLD,
        NOW + BOX / 4,
    ).after
    held = deciding.decide(asked, Act(Arrow.APPROVE, request=1), a_unit(STREET), WORLD, NOW + BOX / 4).after
    assert [fair_play.box_used(held, WORLD, later(days=days)) for days in (1, 2)] == [25, 25]
    resumed = deciding.decide(held, Act(Arrow.RESUME), a_unit(COMMUNITY), WORLD, later(days=1)).after
    at = later(days=1) + BOX / 4
    assert fair_play.box_used(resumed, WORLD, at) == 50
    left = changed_call(act(resumed, "community", Arrow.RAISE, at=at))
    assert (left.box_used, left.held_s) == (50, round((timedelta(days=1) - BOX / 4).total_seconds()))


def test_what_the_clock_ends_was_on_hold_as_well() -> None:
    held = an_incident(State.ON_HOLD, Level.COMMUNITY)
    resumed = act(held, "community", Arrow.RESUME, at=later(hours=5)).after
    assert changed_call(fired(resumed)).held_s == 5 * HOUR


def test_an_extension_lengthens_the_box_that_is_used() -> None:
    incident = an_incident(State.CALLING, Level.COMMUNITY)
    asked = deciding.decide(incident, Act(Arrow.EXTEND, "why", until=NOW + 2 * BOX), a_unit(COMMUNITY), WORLD, NOW)
    extended = deciding.decide(asked.after, Act(Arrow.APPROVE, request=1), a_unit(STREET), WORLD, NOW).after
    assert fair_play.box_used(extended, WORLD, NOW + BOX) == 50


def test_working_time_counts_in_its_own_clock() -> None:
    """A box that stands still over noon is used no further after it than before."""
    world = a_world(policy=3)
    noon = NOW + timedelta(hours=2, minutes=30)  # 11:30 in Asia/Shanghai, half an hour before the working hours end
    incident = reported(world, at=noon).after
    evening, morning = noon + timedelta(hours=1), noon + timedelta(hours=2)
    assert [fair_play.box_used(incident, world, at) for at in (noon, evening, morning)] == [0, 50, 50]


@pytest.mark.parametrize("late", [1, 50, 80, 99])
def test_who_leaves_after_the_mark_leaves_late(late: int) -> None:
    incident, world = an_incident(State.CALLING, Level.COMMUNITY), _under(late=late)
    on_the_mark = NOW + BOX * late / 100
    assert not _raise(incident, on_the_mark, world=world).earlier[-1].late_exit
    assert _raise(incident, on_the_mark + HALF_A_MINUTE, world=world).earlier[-1].late_exit


@pytest.mark.parametrize(
    ("verb", "level"), [(Arrow.RETURN, Level.STREET), (Arrow.ASSIGN, Level.STREET), (Arrow.VOID, Level.COMMUNITY)]
)
def test_every_way_out_of_a_call_is_measured(verb: Arrow, level: Level) -> None:
    incident = an_incident(State.CALLING, level)
    assert incident.due_at is not None
    early, late = (act(incident, UNIT_AT[level], verb, at=at) for at in (NOW, incident.due_at))
    assert (changed_call(early).late_exit, changed_call(late).late_exit) == (False, True)
    facts = [decision.events[0].facts or {} for decision in (early, late)]
    assert [(each.get("box_used"), each.get("late_exit")) for each in facts] == [(0, None), (100, True)]


def test_ops_who_assign_a_call_make_nobody_late() -> None:
    incident = an_incident(State.CALLING, Level.COMMUNITY)
    assert incident.due_at is not None
    assert not changed_call(act(incident, "ops", Arrow.ASSIGN, at=incident.due_at)).late_exit


@pytest.mark.parametrize("verb", [Arrow.ANSWER, Arrow.RESOLVE])
def test_a_late_emergency_is_forgiven_once_it_is_answered(verb: Arrow) -> None:
    late = NOW + BOX - HALF_A_MINUTE
    raised = _raise(an_incident(State.CALLING, Level.COMMUNITY), late, Ground.EMERGENCY)
    assert raised.earlier[-1].late_exit
    assert not act(raised, "street", verb, at=late).after.earlier[-1].late_exit


def test_an_emergency_that_skips_a_level_is_forgiven_too() -> None:
    """Nobody is at level 2, so that the call of level 3 has the cause `unrouted`."""
    world, late = a_world(without=(STREET,)), NOW + BOX - HALF_A_MINUTE
    raised = _raise(an_incident(State.CALLING, Level.COMMUNITY), late, Ground.EMERGENCY, world)
    assert (raised.call.cause, raised.level, raised.earlier[-1].late_exit) == (Cause.UNROUTED, Level.DEPARTMENT, True)
    assert not act(raised, "department", Arrow.ANSWER, world=world, at=late).after.earlier[-1].late_exit


def test_another_ground_is_not_forgiven_nor_an_emergency_nobody_answers() -> None:
    late = NOW + BOX - HALF_A_MINUTE
    incident = an_incident(State.CALLING, Level.COMMUNITY)
    raised = _raise(incident, late, Ground.BEYOND_POWERS)
    assert act(raised, "street", Arrow.ANSWER, at=late).after.earlier[-1].late_exit
    missed = fired(_raise(incident, late, Ground.EMERGENCY)).after
    assert act(missed, "department", Arrow.ANSWER, at=missed.updated_at).after.earlier[0].late_exit


def test_what_the_clock_ends_has_used_its_whole_box() -> None:
    missed = fired(an_incident(State.CALLING, Level.COMMUNITY))
    assert (changed_call(missed).box_used, changed_call(missed).late_exit) == (100, False)


def test_a_credit_waits_for_the_other_side() -> None:
    resolved = an_incident(State.RESOLVED, Level.COMMUNITY)
    assert resolved.call.credit is Credit.PENDING
    verified = act(resolved, "reporter", Arrow.ACCEPT).after
    rejected = act(resolved, "reporter", Arrow.REJECT).after
    unverified = fired(resolved).after
    assert (verified.call.credit, unverified.call.credit) == (Credit.VERIFIED, Credit.UNVERIFIED)
    assert [each.credit for each in (*rejected.earlier, rejected.call)] == [Credit.REJECTED, None]
    for closed in (verified, unverified):
        assert act(closed, "reporter", Arrow.REOPEN).after.earlier[-1].credit is Credit.REOPENED


def _assigned(incident: Incident, to: str, *, by: Actor | None = None) -> Incident:
    act = Act(Arrow.ASSIGN, "yours", units=(to,))
    return deciding.decide(incident, act, by or a_unit(incident.unit), WORLD, NOW).after


def _accountable(incident: Incident) -> tuple[str | None, int | None]:
    return incident.call.accountable, incident.call.accountable_seq


def test_who_passes_a_call_on_stays_accountable_until_somebody_answers() -> None:
    street = an_incident(State.CALLING, Level.STREET)
    committee = _assigned(street, COMMITTEE)
    station = _assigned(committee, STATION)
    assert _accountable(committee) == _accountable(station) == (STREET, 2)
    answered = deciding.decide(committee, Act(Arrow.ANSWER, answer={"measure": "go"}), a_unit(COMMITTEE), WORLD, NOW)
    assert _accountable(_assigned(answered.after, STATION)) == (COMMITTEE, 3), "who answered has taken it on"
    missed = fired(station).after
    assert missed.earlier[-1].accountable == STREET
    assert _accountable(missed) == (None, None), "a call from below begins anew"


def test_a_call_given_back_unanswered_has_the_same_one_accountable() -> None:
    given_on = _assigned(_assigned(an_incident(State.CALLING, Level.STREET), COMMITTEE), STATION)
    back = Act(Arrow.RETURN, "not ours", code="not_our_duty")
    returned = deciding.decide(given_on, back, a_unit(STATION), WORLD, NOW).after
    assert (returned.unit, _accountable(returned)) == (COMMITTEE, (STREET, 2))
    assert fired(returned).after.earlier[-1].accountable == STREET


def test_leaders_and_ops_are_never_accountable() -> None:
    leader = an_incident(State.CALLING, Level.LEADER)
    assert _accountable(_assigned(leader, DEPARTMENT)) == (None, None)
    community = an_incident(State.CALLING, Level.COMMUNITY)
    assert _accountable(_assigned(community, NEXT_COMMUNITY, by=PEOPLE["ops"])) == (None, None)


@pytest.mark.parametrize(
    ("reporter", "called", "is_self", "is_own"),
    [
        (None, COMMUNITY, False, False),
        (COMMUNITY, COMMUNITY, True, True),
        (FIRM, COMMUNITY, True, True),
        (COMMUNITY, FIRM, True, False),
        (COMMUNITY, NEXT_COMMUNITY, False, False),
        (STREET, COMMITTEE, True, False),
        (COMMITTEE, STREET, True, True),
        (STREET, OTHER_STREET, False, False),
        (STREET_LEADER, STATION, True, False),
        (STATION, STREET_LEADER, True, True),
        (LEADER, STREET, False, False),
        (DEPARTMENT, LEADER, True, True),
        ("gone", "gone", True, True),
        ("gone", STREET, False, False),
    ],
)
def test_a_unit_reports_to_itself_above_and_below(
    reporter: str | None, called: str, is_self: bool, is_own: bool
) -> None:
    call = fair_play.mark(an_incident(State.CALLING).call._replace(unit=called), reporter, None, WORLD)
    assert (call.self_reported, call.own_report) == (is_self, is_own)


def test_units_that_are_above_each_other_in_a_circle_end() -> None:
    units = {code: (replace(WORLD.units[code][-1], parent=parent),) for code, parent in ((STREET, COMMITTEE),)}
    circle = replace(WORLD, units={**WORLD.units, **units})
    assert fair_play.above(STREET, circle, NOW) == {COMMITTEE, STREET_LEADER}


def test_what_a_unit_reports_itself_is_marked_on_each_call() -> None:
    draft = Draft(CELL, CATEGORY, COMMUNITY)
    decision = lifecycle.report(draft, a_unit(COMMUNITY), WORLD, incident_id=UUID(int=7), number="2026-7", now=NOW)
    own, opened = decision.after, decision.events[-1]
    assert (own.reporter_unit, own.call.self_reported) == (COMMUNITY, True)
    assert opened.facts == {"cause": "report", "self_reported": True, "own_report": True}
    raised = act(own, "community", Arrow.RAISE).after
    assert (raised.unit, raised.call.self_reported) == (STREET, True), "the street is above its community"
    above = act(raised, "street", Arrow.RAISE).after
    assert (above.unit, above.call.self_reported) == (DEPARTMENT, False)
    assert not reported().after.call.self_reported, "what a reporter's key reports never is"


def test_a_call_keeps_the_urgency_it_was_opened_with() -> None:
    incident = reported(category=URGENT_CATEGORY).after
    assert incident.call.urgency is Urgency.URGENT
    assert fired(incident).after.call.urgency is Urgency.URGENT
    calmer = incident._replace(urgency=Urgency.NORMAL)
    answered = act(calmer, "community", Arrow.ANSWER).after
    assert answered.call.resolve_by == NOW + 10 * BOX / 4, "its resolve box is that of an urgent call"
    assert fair_play.box_used(calmer, WORLD, NOW + BOX / 8) == 50
