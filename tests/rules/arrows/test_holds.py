"""Arrows i and j, warnings, and deadlines put right: contract §2, "Approver", and the caps of the policy."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import deadlines, lifecycle, plan
from service.rules.acts import Act
from service.rules.decisions import Decision
from service.rules.errors import Conflict, IllegalTransition, NotYours, ValidationFailed
from service.rules.model import Actor, Incident
from service.rules.words import Arrow, ClockKind, DueKind, Level, State, Verdict
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    HOUR,
    LEADER,
    NOW,
    PEOPLE,
    STREET,
    STREET_LEADER,
    UNIT_AT,
    URGENT_CATEGORY,
    WORLD,
    a_unit,
    a_world,
    act,
    an_act,
    an_incident,
    approver,
    fired,
    later,
    plain_days,
    reported,
    types,
)

WORKING = a_world(policy=3)
WARNING = a_world(policy=2)
TWO_HOURS = timedelta(hours=2)


def _ask(incident: Incident, verb: Arrow, until: datetime, *, world: World = WORLD, at: datetime = NOW) -> Decision:
    return deciding.decide(incident, Act(verb, "why", until=until), a_unit(incident.unit), world, at)


def _decide(incident: Incident, verb: Arrow, unit: str, *, world: World = WORLD, at: datetime = NOW) -> Decision:
    return deciding.decide(incident, Act(verb, "so", request=1), a_unit(unit), world, at)


def _held(incident: Incident, until: datetime, *, world: World = WORLD, at: datetime = NOW) -> Incident:
    asked = _ask(incident, Arrow.HOLD, until, world=world, at=at).after
    return act_as(asked, approver(asked), Arrow.APPROVE, world=world, at=at)


def act_as(incident: Incident, actor: Actor, verb: Arrow, *, world: World = WORLD, at: datetime = NOW) -> Incident:
    return deciding.decide(incident, an_act(verb, incident), actor, world, at).after


def _pointer(refused: pytest.ExceptionInfo[ValidationFailed]) -> str:
    return refused.value.errors[0].pointer


# --- who approves -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Arrow.HOLD, Arrow.EXTEND])
@pytest.mark.parametrize(
    ("level", "who", "may"),
    [
        (Level.COMMUNITY, STREET, {"street", "street_reporting"}),
        (Level.STREET, STREET_LEADER, {"ops", "ops_reporting"}),
        (Level.DEPARTMENT, LEADER, {"leader", "ops", "ops_reporting"}),
        (Level.LEADER, None, {"ops", "ops_reporting"}),
    ],
)
def test_whoever_is_above_is_asked_hears_of_it_and_decides(
    level: Level, who: str | None, may: set[str], verb: Arrow
) -> None:
    incident = an_incident(State.CALLING, level)
    decision = act(incident, UNIT_AT[level], verb)
    asked, told = decision.after, decision.events
    assert [event.type for event in told] == ["sihu.call.requested"], "no request decides itself"
    assert asked.requests[-1].approver == who
    assert (who is None) or who in told[0].at_state.audience
    for name, person in PEOPLE.items():
        offered = deciding.allowed(asked, person, WORLD, NOW)
        assert ("approve" in offered, "refuse" in offered) == (name in may, name in may), name
    assert act_as(asked, approver(asked), Arrow.APPROVE).requests[-1].outcome is Verdict.APPROVED
    assert act_as(asked, approver(asked), Arrow.REFUSE).requests[-1].outcome is Verdict.REFUSED


def test_nobody_decides_its_own_request_by_whichever_key() -> None:
    asked = deciding.decide(
        an_incident(State.CALLING, Level.STREET), an_act(Arrow.HOLD), a_unit(STREET, "ops"), WORLD, NOW
    ).after
    for verb in (Arrow.APPROVE, Arrow.REFUSE):
        with pytest.raises(NotYours, match="Nobody decides its own request"):
            act(asked, "ops", verb)
        assert act_as(asked, a_unit(STREET_LEADER), verb).requests[-1].outcome is not None


def test_a_decided_request_is_not_the_one_that_waits() -> None:
    asked = act(an_incident(State.CALLING), "community", Arrow.EXTEND).after
    extended = act(asked, "street", Arrow.APPROVE).after
    with pytest.raises(IllegalTransition, match="No request waits"):
        act(extended, "street", Arrow.APPROVE)
    again = act(extended, "community", Arrow.EXTEND).after
    for verb in (Arrow.APPROVE, Arrow.REFUSE):
        with pytest.raises(Conflict, match="Request 1 was decided already: request 2 waits"):
            deciding.decide(again, Act(verb, request=1), PEOPLE["street"], WORLD, NOW)


def test_a_request_waits_while_the_clock_runs_on_and_only_one_does() -> None:
    incident = an_incident(State.ANSWERED, Level.DEPARTMENT)
    asked = _ask(incident, Arrow.HOLD, later(days=10))
    assert types(asked) == ["call.requested"]
    assert (asked.after.state, asked.after.due_at, asked.after.version) == (
        State.ANSWERED,
        incident.due_at,
        incident.version + 1,
    )
    with pytest.raises(IllegalTransition, match="Request 1 still waits"):
        _ask(asked.after, Arrow.EXTEND, later(days=10))
    with pytest.raises(NotYours, match="Only whoever was asked to decide"):
        _decide(asked.after, Arrow.APPROVE, asked.after.unit)
    refused = _decide(asked.after, Arrow.REFUSE, LEADER)
    assert types(refused) == ["call.refused"]
    assert refused.after.requests[0].outcome is Verdict.REFUSED
    assert refused.after.requests[0].decided_reason == "so"
    assert refused.after.due_at == incident.due_at
    assert refused.after.open_request is None


@pytest.mark.parametrize("ends", [Arrow.RAISE, Arrow.RESOLVE, Arrow.WITHDRAW, Arrow.NO_ANSWER])
def test_a_request_lapses_when_its_call_ends(ends: Arrow) -> None:
    asked = _ask(an_incident(State.CALLING, Level.STREET), Arrow.HOLD, later(days=10)).after
    who = "reporter" if ends is Arrow.WITHDRAW else "street"
    decision = fired(asked) if ends is Arrow.NO_ANSWER else act(asked, who, ends)
    (request,) = decision.after.requests
    assert (request.outcome, request.decided_by, request.decided_at) == (Verdict.LAPSED, None, decision.events[0].at)
    assert decision.request == request


# --- caps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("until", [NOW, later(days=-1), later(days=365, microseconds=1)])
def test_a_hold_ends_in_the_future_and_within_what_the_policy_lets_it_last(until: datetime) -> None:
    with pytest.raises(ValidationFailed) as refused:
        _ask(an_incident(State.CALLING), Arrow.HOLD, until)
    assert _pointer(refused) == "/until"


def test_an_extension_moves_the_deadline_forward_by_one_more_box_at_most() -> None:
    incident = an_incident(State.CALLING, Level.STREET)
    assert incident.due_at is not None
    for until in (incident.due_at, incident.due_at + timedelta(seconds=2 * HOUR + 1)):
        with pytest.raises(ValidationFailed) as refused:
            _ask(incident, Arrow.EXTEND, until)
        assert _pointer(refused) == "/until"
    most = incident.due_at + timedelta(seconds=2 * HOUR)
    extended = _decide(_ask(incident, Arrow.EXTEND, most).after, Arrow.APPROVE, STREET_LEADER)
    assert types(extended) == ["call.extended"]
    assert extended.after.due_at == extended.after.call.answer_by == extended.after.wake_at == most


def test_nothing_is_asked_or_approved_once_the_deadline_has_passed() -> None:
    incident = an_incident(State.CALLING, Level.STREET)
    assert incident.due_at is not None
    with pytest.raises(IllegalTransition, match="The deadline passed"):
        _ask(incident, Arrow.HOLD, later(days=3), at=incident.due_at)
    asked = _ask(incident, Arrow.HOLD, later(days=3)).after
    with pytest.raises(IllegalTransition, match="too late to approve request 1"):
        _decide(asked, Arrow.APPROVE, STREET_LEADER, at=incident.due_at)
    assert _decide(asked, Arrow.REFUSE, STREET_LEADER, at=incident.due_at).after.open_request is None


def test_an_answer_after_its_deadline_but_before_the_clock_counts_and_opens_a_box_of_its_own() -> None:
    incident = an_incident(State.CALLING, Level.STREET)
    assert incident.due_at is not None
    late = incident.due_at + timedelta(minutes=1)
    answered = act(incident, "street", Arrow.ANSWER, at=late).after
    assert (answered.state, answered.call.answered_at) == (State.ANSWERED, late)
    assert _held(answered, late + timedelta(days=1), at=late).state is State.ON_HOLD


# --- what a hold keeps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "category"), [(WORLD, CATEGORY), (WORKING, CATEGORY), (WORKING, URGENT_CATEGORY)])
@given(pauses=st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 40 * 86_400 * 10**6)), min_size=1, max_size=2))
def test_holding_and_resuming_at_any_moment_leaves_the_same_time(
    world: World, category: str, pauses: list[tuple[int, int]]
) -> None:
    incident = reported(world, category=category).after._replace(policy=("p", 3) if world is WORKING else ("p", 2))
    incident = incident._replace(
        call=incident.call._replace(clock=ClockKind.WORKING if world is WORKING else ClockKind.CONTINUOUS)
    )
    standing = deadlines.standing(incident, world)
    incident = incident._replace(due_at=standing.due_at, call=incident.call._replace(answer_by=standing.due_at))
    timer = world.timer(incident.policy, incident.call.clock)
    box = timedelta(seconds=standing.box_s)
    now, counted = NOW, timedelta()
    for after_us, lasts_us in pauses:
        held_at = now + timedelta(microseconds=after_us)
        if incident.due_at is None or held_at >= incident.due_at:
            break
        counted += timer.counted(now, held_at)
        until = held_at + timedelta(microseconds=lasts_us)
        incident = _held(incident, until, world=world, at=held_at)
        assert (incident.state, incident.due_kind, incident.due_at) == (State.ON_HOLD, DueKind.RESUME, until)
        assert deadlines.standing(incident, world).left == box - counted
        resumed = fired(incident, world=world)
        assert types(resumed) == ["incident.resumed"]
        incident, now = resumed.after, until
        assert incident.state is State.CALLING
    assert incident.due_at is not None
    assert timer.counted(now, incident.due_at) == box - counted
    assert incident.due_at == incident.call.answer_by


def test_how_long_a_call_took_leaves_out_what_it_was_on_hold() -> None:
    incident = an_incident(State.CALLING, Level.STREET)
    held = _held(incident, later(hours=30), at=later(minutes=10))
    answered = act(fired(held).after, "street", Arrow.ANSWER, at=later(hours=30, minutes=20)).after
    assert (answered.call.answer_us, answered.call.resolve_us) == (30 * 60 * 10**6, None)
    resolved = act(answered, "street", Arrow.RESOLVE, at=later(hours=31)).after
    assert resolved.call.resolve_us == 70 * 60 * 10**6
    again = act(resolved, "reporter", Arrow.REJECT, at=later(hours=40)).after
    assert act(again, "street", Arrow.RESOLVE, at=later(hours=40.5)).after.call.resolve_us == 30 * 60 * 10**6


def test_a_hold_of_an_answered_call_goes_back_to_answered_and_who_approved_may_end_it_early() -> None:
    incident = an_incident(State.ANSWERED, Level.DEPARTMENT)
    held = _held(incident, later(days=10))
    early = deciding.decide(held, Act(Arrow.RESUME), a_unit(LEADER), WORLD, later(days=1)).after
    with pytest.raises(NotYours, match="may resume"):
        deciding.decide(held, Act(Arrow.RESUME), a_unit(STREET), WORLD, later(days=1))
    assert (early.state, early.due_kind) == (State.ANSWERED, DueKind.RESOLVE)
    assert incident.due_at is not None
    assert early.due_at == early.call.resolve_by == incident.due_at + timedelta(days=1)
    assert early.requests[0].resumed_at == later(days=1)


@pytest.mark.parametrize("level", Level)
def test_a_plan_goes_on_after_the_hold(level: Level) -> None:
    held = an_incident(State.ON_HOLD, level)
    steps = plan.plan(held, WORLD, NOW)
    assert (steps[0].arrow, steps[0].at, steps[0].unit) == (Arrow.RESUME, held.due_at, held.unit)
    assert [step.arrow for step in steps[1:]] == [Arrow.NO_ANSWER] * (len(Level) - level + 1)
    assert UNIT_AT[level] in PEOPLE


# --- warnings -------------------------------------------------------------------------------------------------------


def _wakes(incident: Incident, world: World) -> Decision:
    assert incident.wake_at is not None
    decision = lifecycle.tick(incident, world, incident.wake_at)
    assert decision is not None
    return decision


def test_a_unit_is_warned_at_each_mark_once_and_then_comes_the_deadline() -> None:
    incident = reported(WARNING).after
    told = []
    while incident.level is Level.COMMUNITY:
        decision = _wakes(incident, WARNING)
        told.append((types(decision)[0], decision.events[0].facts, decision.events[0].at - NOW))
        assert decision.after.version == incident.version + (types(decision)[0] == "call.missed")
        incident = decision.after
    box = timedelta(hours=7)
    assert told == [
        ("call.warned", {"mark": 25}, box / 4),
        ("call.warned", {"mark": 50}, box / 2),
        ("call.warned", {"mark": 80}, box * 4 / 5),
        ("call.missed", None, box),
    ]


def test_after_downtime_only_the_last_mark_is_told_and_past_the_deadline_none() -> None:
    incident = reported(WARNING).after
    late = lifecycle.tick(incident, WARNING, later(hours=6))
    assert late is not None
    assert [(event.type, event.facts) for event in late.events] == [("sihu.call.warned", {"mark": 80})]
    assert late.after.wake_at == incident.due_at
    assert lifecycle.tick(late.after, WARNING, later(hours=6)) is None
    assert types(fired(incident, world=WARNING)) == ["call.missed", "call.opened"]


def test_an_extension_silences_the_marks_its_deadline_leaves_behind() -> None:
    incident = reported(WARNING).after
    at = later(hours=5)  # 25 and 50 percent have passed
    assert incident.due_at is not None
    asked = _ask(incident, Arrow.EXTEND, incident.due_at + timedelta(hours=1), world=WARNING, at=at).after
    extended = _decide(asked, Arrow.APPROVE, STREET, world=WARNING, at=at).after
    assert (extended.warned, extended.wake_at) == (2, later(hours=8) - timedelta(hours=7) / 5)
    assert _wakes(extended, WARNING).events[0].facts == {"mark": 80}


# --- deadlines put right ----------------------------------------------------------------------------------------------


def test_a_day_off_that_is_declared_moves_a_running_deadline_before_it_can_fire() -> None:
    incident = reported(WORKING, at=datetime.fromisoformat("2026-11-24T09:30:00Z")).after  # 17:30, an hour
    assert incident.due_at == datetime.fromisoformat("2026-11-25T00:30:00Z")
    off = a_world(policy=3, days=plain_days(date(2026, 11, 25)))
    decision = lifecycle.tick(incident, off, incident.due_at)
    assert decision is not None
    assert types(decision) == ["call.rescheduled"]
    moved = decision.after
    assert moved.due_at == moved.call.answer_by == datetime.fromisoformat("2026-11-26T00:30:00Z")
    assert types(fired(moved, world=off)) == ["call.missed", "call.opened"]
    back = lifecycle.tick(moved, WORKING, incident.due_at - TWO_HOURS)
    assert back is not None
    assert back.after.due_at == incident.due_at


def test_a_deadline_is_provisional_until_its_year_is_known_even_when_it_stays_the_same() -> None:
    incident = reported(WORKING, at=datetime.fromisoformat("2026-12-31T09:30:00Z")).after
    assert (incident.provisional, incident.due_at) == (True, datetime.fromisoformat("2027-01-01T00:30:00Z"))
    days = {**plain_days(), **{date(2027, 1, 1) + timedelta(days=n): n < 300 for n in range(365)}}
    decision = lifecycle.tick(incident, a_world(policy=3, days=days), incident.reported_at)
    assert decision is not None
    assert types(decision) == ["call.rescheduled"]
    assert (decision.after.provisional, decision.after.due_at) == (False, incident.due_at)


def test_an_extension_in_working_time_ends_with_the_hours_that_it_lies_after() -> None:
    incident = reported(WORKING).after  # Monday 09:00 to 10:00
    asked = _ask(incident, Arrow.EXTEND, datetime.fromisoformat("2026-11-23T02:59:00Z"), world=WORKING).after
    assert asked.requests[0].until == datetime.fromisoformat("2026-11-23T02:59:00Z")
    friday = reported(WORKING, at=datetime.fromisoformat("2026-11-27T09:00:00Z")).after  # 17:00 to 18:00
    with pytest.raises(ValidationFailed, match="with working time between") as refused:
        _ask(friday, Arrow.EXTEND, datetime.fromisoformat("2026-11-28T03:00:00Z"), world=WORKING, at=friday.reported_at)
    assert _pointer(refused) == "/until"


@pytest.mark.parametrize("until", ["1999-12-31T10:00:00Z", "2100-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
def test_an_extension_outside_the_years_of_calendars_is_refused(until: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        _ask(reported(WORKING).after, Arrow.EXTEND, datetime.fromisoformat(until), world=WORKING)
    assert _pointer(refused) == "/until"


def test_an_extension_adds_as_much_whatever_the_calendar_becomes() -> None:
    """Granted until an instant that turns out to be a holiday, it would fire on it, or before what was due without."""
    at = datetime.fromisoformat("2026-11-25T08:30:00Z")  # Wednesday 16:30, an hour: due at 17:30
    incident = reported(WORKING, at=at).after
    asked = _ask(incident, Arrow.EXTEND, at + timedelta(hours=1, minutes=30), world=WORKING, at=at).after
    extended = _decide(asked, Arrow.APPROVE, STREET, world=WORKING, at=at).after
    assert (extended.due_at, extended.requests[0].granted) == (at + timedelta(minutes=90), timedelta(minutes=30))
    off = a_world(policy=3, days=plain_days(*(date(2026, 11, n) for n in (25, 26, 27))))
    moved = lifecycle.tick(extended, off, at)
    assert moved is not None
    assert moved.after.due_at == datetime.fromisoformat("2026-11-30T01:30:00Z"), "Monday 09:30: an hour and a half"
    assert moved.events[0].facts == {"was_due_at": extended.due_at, "provisional": False}
    held = _held(moved.after, datetime.fromisoformat("2026-12-01T00:00:00Z"), world=off, at=later(days=4))
    assert deadlines.standing(held, off).left == timedelta(minutes=90)
    back = lifecycle.tick(moved.after, WORKING, at)
    assert back is not None
    assert back.after.due_at == extended.due_at


def test_a_time_after_hours_asks_for_no_more_than_the_hours_before_it() -> None:
    late = reported(WORKING, at=datetime.fromisoformat("2026-11-23T09:00:00Z")).after  # 17:00 to 18:00
    early = reported(WORKING, at=datetime.fromisoformat("2026-11-23T02:00:00Z")).after  # 10:00 to 11:00
    assert early.due_at is not None
    lunch = datetime.fromisoformat("2026-11-23T05:00:00Z")
    asked = _ask(early, Arrow.EXTEND, lunch, world=WORKING, at=early.reported_at).after
    assert asked.requests[0].until == early.due_at + timedelta(hours=1), "12:00 is what 13:00 comes to"
    with pytest.raises(ValidationFailed, match="at most"):
        _ask(late, Arrow.EXTEND, datetime.fromisoformat("2026-11-24T03:00:00Z"), world=WORKING, at=late.reported_at)


def test_an_extension_is_never_more_than_the_policy_lets_it_wherever_the_deadline_went_meanwhile() -> None:
    off = a_world(policy=3, days=plain_days(*(date(2026, 11, n) for n in (24, 25))))
    at = datetime.fromisoformat("2026-11-23T09:30:00Z")  # Monday 17:30, an hour: Thursday 08:30
    incident = reported(off, at=at).after
    asked = _ask(incident, Arrow.EXTEND, datetime.fromisoformat("2026-11-26T01:30:00Z"), world=off, at=at).after
    moved = lifecycle.tick(asked, WORKING, at)
    assert moved is not None
    granted = _decide(moved.after, Arrow.APPROVE, STREET, world=WORKING, at=at).after
    assert granted.requests[0].granted == timedelta(hours=1), "one more box, and not the two days between"
    assert granted.due_at == datetime.fromisoformat("2026-11-24T01:30:00Z")
