"""What the survivor of a merge owes, and to whom: arrow q on the other side (contract §2, "Merge loosens nothing")."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.rules import access, deadlines, lifecycle
from service.rules.acts import Act
from service.rules.errors import IllegalTransition, ValidationFailed
from service.rules.model import Actor, Incident
from service.rules.words import Arrow, ClosedAs, DueKind, Level, Role, State, Urgency
from tests.rules import deciding
from tests.rules.arrows.merged import LATE, carried_out, merge_into, on_hold, reported_by, taken_on
from tests.rules.builders import (
    CELL,
    COMMUNITY,
    FIRM,
    NEXT_CELL,
    NEXT_COMMUNITY,
    NOW,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    PEOPLE,
    REPORTER,
    STREET,
    WORLD,
    a_unit,
    a_world,
    act,
    an_incident,
    fired,
    later,
    plain_days,
    types,
)
from tests.rules.deciding import changed_call

C, A, H, R, X = State
L1, L2, L3, L4 = Level
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


# --- what the survivor owes -------------------------------------------------------------------------------------------


def test_calling_into_calling_takes_the_earlier_answer() -> None:
    early, late = reported_by(2, "a", CELL), reported_by(3, "b", CELL, at=later(minutes=20))
    _, heard = merge_into(early, late)
    after = heard.after
    assert types(heard) == ["incident.merged", "call.rescheduled"]
    assert (after.due_at, after.due_kind, after.call.answer_by) == (later(hours=1), DueKind.ANSWER, later(hours=1))
    assert (after.call.answer_cap, after.call.resolve_cap) == (later(hours=1), None)
    assert (after.version, after.updated_at) == (late.version + 1, LATE)
    merged, moved = heard.events
    assert (merged.at_state.due_at, merged.facts) == (late.due_at, {"merged": early.id, "number": "2026-2"})
    assert (moved.at_state.due_at, moved.facts) == (after.due_at, {"was_due_at": late.due_at, "provisional": False})
    assert deadlines.standing(after, WORLD).due_at == after.due_at
    missed = fired(after)
    assert changed_call(missed).late_s == 0
    assert missed.after.call.answer_cap is None, "a cap is of one call"


def test_a_later_answer_limits_what_may_be_put_off() -> None:
    early, late = reported_by(2, "a", CELL), reported_by(3, "b", CELL, at=later(minutes=20))
    _, heard = merge_into(late, early)
    assert types(heard) == ["incident.merged"]
    assert (heard.after.due_at, heard.after.call.answer_cap) == (early.due_at, later(minutes=80))
    asked = carried_out(heard.after, Arrow.EXTEND, LATE, until=later(minutes=80))
    granted = carried_out(asked, Arrow.APPROVE, LATE, a_unit(STREET), request=1)
    assert granted.due_at == later(minutes=80)
    with pytest.raises(ValidationFailed, match="lets this deadline move to 2026-11-23T10:20"):
        carried_out(heard.after, Arrow.EXTEND, LATE, until=later(minutes=81))
    with pytest.raises(IllegalTransition, match="The deadline may not move"):
        carried_out(granted, Arrow.EXTEND, LATE, until=later(minutes=90))
    assert "extend" not in deciding.allowed(granted, a_unit(COMMUNITY), WORLD, LATE)


def test_answered_into_answered_takes_the_earlier_resolution() -> None:
    early, late = taken_on(reported_by(2, "a", CELL)), taken_on(reported_by(3, "b", CELL), LATE)
    after = merge_into(early, late)[1].after
    assert (after.due_at, after.due_kind) == (later(hours=10), DueKind.RESOLVE)
    assert (after.call.resolve_by, after.call.resolve_cap, after.call.answer_cap) == (*2 * (later(hours=10),), None)
    unchanged = merge_into(late, early)[1]
    assert types(unchanged) == ["incident.merged"]
    assert unchanged.after.due_at == early.due_at


def test_calling_into_answered_changes_nothing() -> None:
    into = taken_on(reported_by(2, "a", CELL))
    _, heard = merge_into(reported_by(3, "b", CELL), into)
    audience = (*into.audience, "@b")
    assert heard.after == into._replace(audience=audience, sequence=into.sequence + 1), "its version stays, too"
    assert heard.events[0].at_state.audience == audience, "they hear of the merge itself"


def test_answered_into_calling_caps_the_resolution() -> None:
    """At level 4 there are forty hours to resolve: the ten of level 1 stay."""
    into = an_incident(C, L4)
    _, heard = merge_into(taken_on(reported_by(2, "a", CELL)), into)
    assert types(heard) == ["incident.merged"]
    assert (heard.after.due_at, heard.after.call.resolve_cap) == (into.due_at, later(hours=10))
    for answered_at in (LATE, later(hours=3)):
        answered = taken_on(heard.after, answered_at)
        assert (answered.due_at, answered.call.resolve_by, answered.call.resolve_cap) == 3 * (later(hours=10),)


def test_whoever_answers_late_has_an_hour() -> None:
    old = taken_on(reported_by(2, "a", CELL))
    into = reported_by(3, "b", CELL, at=later(hours=9, minutes=30))
    capped = merge_into(old, into, at=later(hours=9, minutes=40))[1].after
    assert capped.call.resolve_cap == later(hours=10)
    answered = taken_on(capped, later(hours=9, minutes=50))
    assert (answered.call.resolve_by, answered.call.resolve_cap) == 2 * (later(hours=10, minutes=50),)
    with pytest.raises(IllegalTransition, match="The deadline may not move"):
        carried_out(answered, Arrow.EXTEND, later(hours=10), until=later(hours=12))


def test_what_was_merged_on_hold_counts_as_resumed_now() -> None:
    """Twenty minutes of its hour were used before the hold, so forty are left."""
    held = on_hold(reported_by(2, "a", CELL), later(hours=300), later(minutes=20))
    into = reported_by(3, "b", CELL, at=later(hours=5))
    after = merge_into(held, into, at=later(hours=5, minutes=1))[1].after
    assert after.due_at == later(hours=5, minutes=41)
    answered = on_hold(taken_on(reported_by(4, "c", CELL)), later(hours=300), later(hours=2))
    both = merge_into(answered, after, at=later(hours=5, minutes=2))[1].after
    assert both.call.resolve_cap == later(hours=13, minutes=2)


def test_a_deadline_that_has_passed_becomes_this_moment() -> None:
    early, late = reported_by(2, "a", CELL), reported_by(3, "b", CELL, at=later(minutes=30))
    now = later(minutes=61)
    after = merge_into(early, late, at=now)[1].after
    assert (after.due_at, after.wake_at) == (now, later(minutes=61))
    missed = lifecycle.tick(after, WORLD, now)
    assert missed is not None
    assert changed_call(missed).late_s == 0


def test_what_a_survivor_owes_goes_on_with_it() -> None:
    first = taken_on(reported_by(2, "a", CELL))
    second = merge_into(first, reported_by(3, "b", CELL))[1].after
    third = merge_into(second, reported_by(4, "c", CELL))[1].after
    assert third.call.resolve_cap == later(hours=10)
    answered = taken_on(reported_by(5, "d", CELL), later(minutes=20))
    assert merge_into(second, answered)[1].after.due_at == later(hours=10), "as if it were answered now"
    later_on = taken_on(reported_by(5, "d", CELL, at=later(hours=9, minutes=50)), later(hours=9, minutes=52))
    late = merge_into(second, later_on, at=later(hours=9, minutes=55))[1].after
    assert late.call.resolve_by == later(hours=10, minutes=55)


def test_a_hold_stops_the_cap_as_well() -> None:
    early, late = reported_by(2, "a", CELL), reported_by(3, "b", CELL, at=later(minutes=20))
    capped = merge_into(taken_on(reported_by(4, "c", CELL)), merge_into(early, late)[1].after)[1].after
    held = on_hold(capped, later(hours=9), later(minutes=40))
    left = deadlines.standing(held, WORLD)
    assert left.left == 20 * MINUTE, "the time until the cap"
    resumed = carried_out(held, Arrow.RESUME, later(hours=9))
    assert (resumed.due_at, resumed.call.answer_cap) == 2 * (later(hours=9, minutes=20),)
    assert resumed.call.resolve_cap == later(hours=18, minutes=20)
    assert deadlines.standing(resumed, WORLD).due_at == resumed.due_at


def test_an_extension_that_waited_is_granted_up_to_the_cap() -> None:
    early, late = reported_by(2, "a", CELL), reported_by(3, "b", CELL, at=later(minutes=20))
    asking = carried_out(early, Arrow.EXTEND, LATE, until=later(minutes=110))
    capped = merge_into(late, asking)[1].after
    granted = carried_out(capped, Arrow.APPROVE, LATE, a_unit(STREET), request=1)
    assert granted.due_at == later(minutes=80)
    asking = carried_out(late, Arrow.EXTEND, LATE, until=later(minutes=110))
    capped = merge_into(early, asking)[1].after
    with pytest.raises(IllegalTransition, match="which moves nothing any more: refuse it"):
        carried_out(capped, Arrow.APPROVE, LATE, a_unit(STREET), request=1)


def test_the_clock_warns_by_the_new_deadline() -> None:
    world = a_world(policy=2)  # warns after 25, 50 and 80 %
    early, late = reported_by(2, "a", CELL, world=2), reported_by(3, "b", CELL, at=later(hours=3), world=2)
    merge = Act(Arrow.MERGE, "the same", into=late.id)
    now = later(hours=4)
    after = deciding.merge(early, late, merge, PEOPLE["ops"], world, now)[1].after
    assert (after.due_at, after.warned) == (later(hours=7), 0)
    assert after.wake_at is not None
    assert after.wake_at <= now
    warned = lifecycle.tick(after, world, now)
    assert warned is not None
    assert types(warned) == ["call.warned"]
    assert warned.events[0].facts == {"mark": 50}, "of its seven hours, 3 are left"
    assert warned.after.wake_at == later(hours=7) - timedelta(hours=7) / 5


def test_a_calendar_that_gives_more_time_leaves_the_cap() -> None:
    busy, quiet = a_world(policy=3), a_world(policy=3, days=plain_days(NOW.date()))
    early, late = (reported_by(n, "a", CELL, at=later(minutes=9 * n), world=3) for n in (1, 2))
    merge = Act(Arrow.MERGE, "the same", into=late.id)
    after = deciding.merge(early, late, merge, PEOPLE["ops"], busy, later(minutes=20))[1].after
    assert after.due_at == early.due_at
    assert deadlines.standing(after, quiet).due_at == early.due_at
    assert deadlines.standing(late, quiet).due_at > later(days=1) - timedelta(hours=2)
    stale = deciding.merge(early, late, merge, PEOPLE["ops"], quiet, later(minutes=20))[1].after
    assert stale.call.answer_cap == deadlines.standing(early, quiet).due_at, "by the calendar as it is now"
    assert stale.due_at == late.due_at, "the clock puts that right"


# --- who follows it ---------------------------------------------------------------------------------------------------


def test_the_higher_urgency_counts_for_later_calls() -> None:
    calm = an_incident(C)
    urgent = reported_by(2, "a", CELL, urgency=Urgency.URGENT)
    _, heard = merge_into(urgent, calm, at=later(minutes=5))
    after = heard.after
    assert (after.urgency, after.call.urgency) == (Urgency.URGENT, Urgency.NORMAL)
    assert heard.events[0].at_state.urgency is Urgency.URGENT
    assert (after.due_at, after.version) == (later(minutes=15), calm.version + 1)
    answered = taken_on(after, later(minutes=10))
    assert answered.due_at == later(hours=10, minutes=10), "its call keeps the urgency with which it was opened"
    raised = carried_out(after, Arrow.RAISE, later(minutes=10))
    assert raised.due_at == later(minutes=40), "the next one has a quarter of two hours"
    old = calm._replace(call=calm.call._replace(urgency=None))
    assert merge_into(urgent, old, at=later(minutes=5))[1].after.call.urgency is Urgency.NORMAL
    assert merge_into(calm, urgent, at=later(minutes=5))[1].after.urgency is Urgency.URGENT


def test_nobody_is_in_the_audience_twice_and_its_own_reporter_is_no_follower() -> None:
    into = an_incident(C, L2)
    same_people = reported_by(2, REPORTER.subject, CELL)
    _, heard = merge_into(same_people, into, "street")
    assert heard.after.audience == into.audience == (COMMUNITY, STREET)
    for n in (3, 4):
        _, heard = merge_into(reported_by(n, "colleague", NEXT_CELL), heard.after, "street")
    assert heard.after.audience == (COMMUNITY, STREET, NEXT_COMMUNITY, "@colleague")


def test_who_followed_the_first_follows_the_last_of_a_chain() -> None:
    a, b, c = reported_by(2, "a"), reported_by(3, "b"), reported_by(4, "c", CELL)
    _, b_heard = merge_into(a, b)
    _, c_heard = merge_into(b_heard.after, c)
    assert c_heard.after.audience == (COMMUNITY, OTHER_COMMUNITY, "@a", "@b")
    follower = Actor(Role.REPORTER, "a", area=OTHER_CELL)
    assert access.relations(follower, c_heard.after) == {"follower"}
    assert deciding.allowed(c_heard.after, follower, WORLD, NOW) == ("comment", "urge")
    back = reported_by(5, "a", CELL)
    _, heard = merge_into(c_heard.after, back)
    assert heard.after.audience == (COMMUNITY, OTHER_COMMUNITY, "@b", "@c"), "a is its reporter"


def test_it_is_no_longer_its_reporters_alone_to_withdraw() -> None:
    target = an_incident(C)
    for who, withdrawn in (("neighbour", False), (target.reporter, True)):
        after = merge_into(reported_by(2, who), target)[1].after
        assert ("withdraw" in deciding.allowed(after, PEOPLE["reporter"], WORLD, LATE)) == withdrawn
        if not withdrawn:
            with pytest.raises(IllegalTransition, match="Another reporter's"):
                act(after, "reporter", Arrow.WITHDRAW, at=LATE)


def test_whoever_assisted_the_merged_one_follows_the_other() -> None:
    one = act(an_incident(C), "community", Arrow.ASSIST).after
    _, heard = merge_into(one, reported_by(2, "colleague", NEXT_CELL), "street")
    assert heard.after.audience == (NEXT_COMMUNITY, COMMUNITY, FIRM, "@worker")
    assert heard.after.assisting == (), "they hear of it, and assist no more"


def test_deciding_a_merge_alone_closes_the_one_and_the_clock_goes_on_with_the_other() -> None:
    incident, into = an_incident(A), reported_by(2, "elsewhere")
    decision = act(incident, "street", Arrow.MERGE)
    assert (decision.after.state, decision.after.closed_as) == (X, ClosedAs.MERGED)
    closed, heard = merge_into(incident, into)
    assert lifecycle.tick(closed.after, WORLD, later(days=99)) is None
    assert (heard.after.due_at, heard.after.due_kind) == (into.due_at, DueKind.ANSWER)
    assert fired(heard.after).after.audience[-2:] == ("@worker", OTHER_STREET)


def test_the_others_time_never_runs_backwards() -> None:
    into = reported_by(2, "colleague", NEXT_CELL)._replace(updated_at=later(hours=5))
    _, heard = merge_into(an_incident(C), into, "street")
    assert (heard.events[0].at, heard.after.updated_at) == (later(hours=5), later(hours=5))


def _resolved_for_two() -> tuple[Incident, Actor]:
    """A neighbour's was merged into the worker's, which is resolved now."""
    neighbour = Actor(Role.REPORTER, "neighbour", area=OTHER_STREET)
    into = merge_into(reported_by(2, "neighbour"), an_incident(C, L2))[1].after
    return carried_out(into, Arrow.RESOLVE, LATE), neighbour


def test_a_merged_ones_reporter_rejects_reopens_and_accepts_nothing() -> None:
    resolved, neighbour = _resolved_for_two()
    assert deciding.allowed(resolved, neighbour, WORLD, LATE) == ("reject", "rate", "comment")
    assert carried_out(resolved, Arrow.REJECT, LATE, neighbour).state is C
    closed = carried_out(resolved, Arrow.ACCEPT, LATE, PEOPLE["reporter"])
    assert deciding.allowed(closed, neighbour, WORLD, LATE) == ("reopen", "rate", "comment")
    assert carried_out(closed, Arrow.REOPEN, LATE, neighbour).state is C


def test_it_reopens_what_was_void_as_well() -> None:
    neighbour = Actor(Role.REPORTER, "neighbour", area=OTHER_STREET)
    into = merge_into(reported_by(2, "neighbour"), an_incident(C))[1].after
    void = carried_out(into, Arrow.VOID, LATE, code="other")
    assert "reopen" in deciding.allowed(void, neighbour, WORLD, LATE)


def test_each_reporter_rates_once_and_the_mean_counts() -> None:
    resolved, neighbour = _resolved_for_two()
    one = carried_out(resolved, Arrow.RATE, LATE, PEOPLE["reporter"], score=5)
    assert (one.rating, one.rating_mean, one.call.outcome_rating, one.call.outcome_mean) == (5, None, 5, None)
    with pytest.raises(IllegalTransition, match="rated 5 already"):
        carried_out(one, Arrow.RATE, LATE, PEOPLE["reporter"], score=1)
    both = carried_out(one, Arrow.RATE, LATE, neighbour, score=2)
    assert (both.rating, both.rating_mean, both.call.outcome_rating, both.call.outcome_mean) == (4, 350, 4, 350)
    assert both.version == resolved.version
    with pytest.raises(IllegalTransition, match="rated 2 already"):
        carried_out(both, Arrow.RATE, LATE, neighbour, score=1)
    rejected = carried_out(both, Arrow.REJECT, LATE, neighbour)
    assert (rejected.rating, rejected.rating_mean) == (None, None)
    old = resolved._replace(call=resolved.call._replace(outcome_rating=4), rating=4)
    with pytest.raises(IllegalTransition, match="rated 4 already"):
        carried_out(old, Arrow.RATE, LATE, PEOPLE["reporter"], score=1)
    assert carried_out(old, Arrow.RATE, LATE, neighbour, score=3).call.outcome_mean == 350, (
        "one from before counts, too"
    )
