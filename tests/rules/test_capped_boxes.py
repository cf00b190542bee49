"""A box that a merge or a correction ends earlier: how much of it is used, what a hold keeps of it, and when it warns;
in working hours, at night, over weekends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.rules import deadlines, fair_play, lifecycle
from service.rules.acts import Act, Correction
from service.rules.errors import Conflict
from service.rules.model import Incident
from service.rules.timers import CONTINUOUS
from service.rules.words import Arrow, ClockKind, Level, State, Urgency
from service.rules.world import World
from tests.rules import deciding
from tests.rules.arrows.merged import reported_by
from tests.rules.builders import CELL, COMMUNITY, NOW, PEOPLE, STREET, a_unit, a_world, fired, reported, types

TICK, SECOND, MINUTE, HOUR = (timedelta(**{unit: 1}) for unit in ("microseconds", "seconds", "minutes", "hours"))
MONDAY, FRIDAY = NOW, NOW + timedelta(days=4)  # both at 9:00 in Asia/Shanghai
NIGHT = NOW + timedelta(hours=13)


def _mixed() -> World:
    """Level 1 has an hour to answer and ten to resolve, in working hours (8-12, 14-18) and with warnings at 50 and
    80 %; what is urgent has a quarter of both, in continuous time."""
    world = a_world(policy=3)
    policy = world.policies["p", 3]
    boxes = {
        key: tuple(replace(box, clock=ClockKind.CONTINUOUS) for box in rows) if key[1] is Urgency.URGENT else rows
        for key, rows in policy.boxes.items()
    }
    return replace(world, policies={**world.policies, ("p", 3): replace(policy, boxes=boxes)})


WORLD = _mixed()
CLOCK = WORLD.timer(("p", 3), ClockKind.WORKING)


def _act(incident: Incident, arrow: Arrow, at: datetime, who: str = COMMUNITY, **fields: object) -> Incident:
    content = replace(Act(arrow, "because"), **fields)  # type: ignore[arg-type]
    actor = PEOPLE["ops"] if who == "ops" else a_unit(who)
    return deciding.decide(incident, content, actor, WORLD, at).after


def _called(at: datetime, *, is_answered: bool = False) -> Incident:
    incident = reported(WORLD, at=at).after
    return _act(incident, Arrow.ANSWER, at) if is_answered else incident


def _urgent(incident: Incident, at: datetime) -> Incident:
    return _act(incident, Arrow.CORRECT, at, STREET, correction=Correction(urgency=Urgency.URGENT))


def _merged(incident: Incident, at: datetime, *, before: timedelta = timedelta()) -> Incident:
    """One in continuous time, that has an hour from so long before, was merged into it."""
    other = reported_by(2, "neighbour", CELL, at=at - before, world=1)
    merge = Act(Arrow.MERGE, "the same", into=incident.id)
    return deciding.merge(other, incident, merge, PEOPLE["ops"], WORLD, at)[1].after


def _held(incident: Incident, at: datetime, until: datetime) -> Incident:
    asked = _act(incident, Arrow.HOLD, at, until=until)
    return _act(asked, Arrow.APPROVE, at, STREET, request=len(asked.requests))


def _used(incident: Incident, at: datetime) -> int:
    return fair_play.box_used(incident, WORLD, at)


# --- by example -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reported_at", [MONDAY, NIGHT])
def test_what_becomes_urgent_at_night_is_a_new_box(reported_at: datetime) -> None:
    at = NIGHT + MINUTE
    urgent = _urgent(_called(reported_at, is_answered=True), at)
    assert urgent.due_at == at + 2.5 * HOUR
    before = 70 if reported_at is MONDAY else 0  # seven of its ten working hours
    later = (at, at + SECOND, at + 1.25 * HOUR, at + 2 * HOUR, at + 2.5 * HOUR)
    assert [_used(urgent, each) for each in later] == [before, max(before, 1), max(before, 50), 80, 100]
    raised = _act(urgent, Arrow.RAISE, at + SECOND)
    assert not raised.earlier[-1].late_exit
    assert _act(urgent, Arrow.RAISE, at + 2 * HOUR + SECOND).earlier[-1].late_exit


def test_a_cap_takes_no_lateness_away() -> None:
    """Ten minutes before the end of the hours on Friday, nine tenths of the box are used; a cap at night lies hours
    ahead."""
    incident = _called(FRIDAY + 8 * HOUR + 4 * MINUTE)  # until Monday, 8:04
    at = FRIDAY + 8 * HOUR + 58 * MINUTE
    capped = _merged(incident, at)
    assert capped.due_at == at + HOUR
    assert [_used(each, at) for each in (incident, capped)] == [90, 90]


def test_a_hold_at_night_keeps_what_was_left() -> None:
    urgent = _urgent(_called(NIGHT), NIGHT)
    held = _held(urgent, NIGHT + 5 * MINUTE, NIGHT + timedelta(days=2))
    assert deadlines.standing(held, WORLD).left == 10 * MINUTE
    assert _used(held, NIGHT + HOUR) == 34
    for at in (NIGHT + HOUR, MONDAY + timedelta(days=1), FRIDAY + 9 * HOUR):
        resumed = _act(held, Arrow.RESUME, at)
        assert (resumed.due_at, resumed.call.answer_cap) == (at + 10 * MINUTE, at + 10 * MINUTE)
        assert (_used(resumed, at), _used(resumed, at + 10 * MINUTE)) == (34, 100)


def test_a_hold_in_working_hours_keeps_working_time() -> None:
    """Sixty minutes of the merged one, of which thirty are left when it is held on Friday."""
    merged = _merged(_called(FRIDAY + 30 * MINUTE), FRIDAY + 40 * MINUTE, before=20 * MINUTE)
    assert merged.due_at == FRIDAY + 80 * MINUTE
    held = _held(merged, FRIDAY + 50 * MINUTE, FRIDAY + timedelta(days=2))
    resumed = _act(held, Arrow.RESUME, FRIDAY + 8 * HOUR + 50 * MINUTE)  # 17:50
    assert resumed.due_at == FRIDAY + timedelta(days=3) - 40 * MINUTE  # Monday, 8:20


def test_what_becomes_urgent_warns_by_its_new_box() -> None:
    urgent = _urgent(_called(NIGHT), NIGHT)
    assert (urgent.warned, urgent.wake_at) == (0, NIGHT + 7.5 * MINUTE)
    warned = lifecycle.tick(urgent, WORLD, NIGHT + 7.5 * MINUTE)
    assert warned is not None
    assert (types(warned), warned.events[0].facts) == (["call.warned"], {"mark": 50})


def test_a_box_that_opens_short_warns_of_nothing_past() -> None:
    """Another unit is called ten minutes before the deadline, and has answered five minutes later."""
    incident = _act(_called(MONDAY), Arrow.ASSIST, MONDAY, units=("firm-1",))
    at = MONDAY + 50 * MINUTE
    moved = _act(incident, Arrow.CORRECT, at, STREET, correction=Correction(grid_code="440105001002001"))
    assert (moved.call.seq, moved.due_at, moved.warned, moved.wake_at) == (2, MONDAY + HOUR, 2, MONDAY + HOUR)
    assert lifecycle.tick(moved, WORLD, at) is None
    urgent = _urgent(_called(MONDAY), MONDAY)
    answered = _act(urgent, Arrow.ANSWER, MONDAY + MINUTE)
    assert (answered.due_at, answered.warned) == (MONDAY + 165 * MINUTE, 0)
    assert answered.wake_at == MONDAY + (165 - 75) * MINUTE


def test_a_merge_into_a_corrected_call_leaves_an_hour() -> None:
    """What the merged one owed has passed when the call is answered: the deadline does not lie in the past."""
    urgent = _called(MONDAY)
    corrected = _act(urgent, Arrow.CORRECT, MONDAY, STREET, correction=Correction(grid_code="440105001002001"))
    other = reported_by(2, "neighbour", CELL, at=MONDAY - 10 * HOUR, world=1)
    other = deciding.decide(other, Act(Arrow.ANSWER), a_unit(COMMUNITY), WORLD, MONDAY - 9.9 * HOUR).after
    merge = Act(Arrow.MERGE, "the same", into=corrected.id)
    capped = deciding.merge(other, corrected, merge, PEOPLE["ops"], WORLD, MONDAY + MINUTE)[1].after
    assert capped.call.resolve_cap == MONDAY + 6 * MINUTE
    at = MONDAY + 20 * MINUTE
    answered = _act(capped, Arrow.ANSWER, at, corrected.unit)
    assert (answered.due_at, answered.call.resolve_cap) == (at + HOUR, at + HOUR)
    soon = _act(capped, Arrow.ANSWER, MONDAY + 5 * MINUTE, corrected.unit)
    assert soon.due_at == MONDAY + 6 * MINUTE, "a correction moves no deadline later"


# --- whatever is drawn ------------------------------------------------------------------------------------------------

_PARTS = st.integers(0, 999).map(lambda n: n / 1000)


@st.composite
def _capped(draw: st.DrawFn) -> tuple[Incident, datetime]:
    """An incident whose running box ends at a cap, and the moment at which the cap came."""
    at = MONDAY + draw(st.timedeltas(timedelta(), timedelta(days=9)))
    incident = _called(at, is_answered=draw(st.booleans()))
    assert incident.due_at is not None
    at += draw(_PARTS) * (incident.due_at - at)
    capped = _urgent(incident, at) if draw(st.booleans()) else _merged(incident, at, before=draw(_PARTS) * HOUR)
    assert capped.due_at is not None and incident.due_at is not None
    assume(at < capped.due_at < incident.due_at)
    assert capped.due_at == deadlines.cap_of(capped.call)
    assert _used(incident, at) <= _used(capped, at)
    return capped, at


def _uses_up(incident: Incident, since: datetime) -> None:
    """From now until its deadline more and more of the box is used, and all of it then alone."""
    assert incident.due_at is not None
    timer, box_s = deadlines.marked_box(incident, WORLD)
    own = deadlines.own_box(incident, WORLD)
    steps = [since + n / 16 * (incident.due_at - since) for n in range(16)]
    used = [_used(incident, each) for each in steps]
    assert used == sorted(used)
    assert _used(incident, incident.due_at) == 100
    for at, percent in zip(steps, used, strict=True):
        left = (timer.counted(at, incident.due_at) / box_s, CLOCK.counted(at, own.due_at) / own.box_s)
        assert percent < 100 or min(left) < SECOND / 100, "rounded up, the last hundredth is all of it"
    assert timer.counted(incident.due_at - TICK, incident.due_at) == TICK


@given(drawn=_capped())
def test_a_capped_box_is_used_up_at_its_deadline(drawn: tuple[Incident, datetime]) -> None:
    capped, at = drawn
    _uses_up(capped, at)
    assert fired(capped, world=WORLD).changed[0].box_used == 100


@given(drawn=_capped(), part=_PARTS, days=st.floats(0, 9), again=_PARTS)
def test_a_hold_leaves_what_was_left(drawn: tuple[Incident, datetime], part: float, days: float, again: float) -> None:
    """In the clock of the box that the cap ends, and whatever the hours of the hold."""
    incident, at = drawn
    for share in (part, again):
        assert incident.due_at is not None
        at += share * (incident.due_at - at)
        timer, _ = deadlines.marked_box(incident, WORLD)
        left, used = timer.counted(at, incident.due_at), _used(incident, at)
        own = CLOCK.counted(at, deadlines.own_box(incident, WORLD).due_at)
        held = _held(incident, at, at + timedelta(days=10))
        assert (deadlines.standing(held, WORLD).left, _used(held, at + HOUR)) == (left, used)
        at += timedelta(days=days)
        assert (
            deadlines.due_if_resumed(held, WORLD, at) == deadlines.standing(_act(held, Arrow.RESUME, at), WORLD).due_at
        )
        incident = _act(held, Arrow.RESUME, at)
        cap = deadlines.cap_of(incident.call)
        assert cap is not None
        assert timer.counted(at, cap) == left
        assert incident.due_at == min(cap, CLOCK.due(at, own))
        assert timer is not CONTINUOUS or cap == at + left
        assume(incident.due_at == cap)
        _uses_up(incident, at)


def test_nothing_of_this_moves_a_box_without_a_cap() -> None:
    incident = _called(FRIDAY + 8.5 * HOUR)
    assert incident.state is State.CALLING
    assert incident.level is Level.COMMUNITY
    assert [_used(incident, FRIDAY + each * HOUR) for each in (8.5, 8.75, 9, 30)] == [0, 25, 50, 50]


def test_no_unit_corrects_its_lateness_away() -> None:
    """A cap at 10:00 ends an hour's box of which 83 % is used; of an urgent one, a quarter as long, 60 % is."""
    other = _called(MONDAY)._replace(id=UUID(int=9), number="9")
    act = replace(Act(Arrow.MERGE, "the same"), into=other.id)
    _, merged = deciding.merge(other, _called(MONDAY + 25 * MINUTE), act, PEOPLE["ops"], WORLD, MONDAY + 27 * MINUTE)
    late, urgent = MONDAY + 54 * MINUTE, Correction(urgency=Urgency.URGENT)
    assert fair_play.box_used(merged.after, WORLD, late) == 83
    with pytest.raises(Conflict, match="83 % of the time is used"):
        _act(merged.after, Arrow.CORRECT, late, STREET, correction=urgent)
    early = _act(merged.after, Arrow.CORRECT, late - 5 * MINUTE, STREET, correction=urgent)
    assert early.due_at == merged.after.due_at
    by_ops = _act(merged.after, Arrow.CORRECT, late, "ops", correction=urgent)
    assert fair_play.box_used(by_ops, WORLD, late) == 60
