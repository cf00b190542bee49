"""However often and whenever a call is held and resumed, both of its boxes keep exactly the time they had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import deadlines, lifecycle
from service.rules.acts import Act
from service.rules.model import Incident
from service.rules.timers import Timer
from service.rules.words import Arrow, DueKind, Level, State
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    NOW,
    PEOPLE,
    URGENT_CATEGORY,
    a_world,
    act,
    approver,
    reported,
    types,
)

MOST = 5
"""Pauses of each of the two boxes."""
_US = timedelta(microseconds=1)
_PARTS = 10**9


class Pause(NamedTuple):
    """Asked for and approved after these parts (of `_PARTS`) of the time left. Ended by the clock, this much late; or
    by hand, before its time, by the unit that is called or the one that approved."""

    asked: int
    approved: int
    lasts: timedelta
    late: timedelta
    by_hand: str | None
    early: int


_part = st.sampled_from([0, 1, _PARTS // 2, _PARTS - 1]) | st.integers(0, _PARTS - 1)
_lasts = st.sampled_from([_US, timedelta(hours=1), timedelta(days=1)]) | st.timedeltas(_US, timedelta(days=40))
_late = st.just(timedelta()) | st.timedeltas(timedelta(), timedelta(days=3))
_by_clock = st.tuples(_part, _part, _lasts, _late, st.none(), st.just(0)).map(Pause._make)
_by_hand = st.tuples(_part, _part, _lasts, st.just(timedelta()), st.sampled_from(["called", "approver"]), _part).map(
    Pause._make
)
_pauses = st.lists(_by_clock | _by_hand, max_size=MOST)


def _lenient(policy: int) -> World:
    """A world under this policy, which allows a call two times `MOST` holds."""
    world = a_world(policy=policy)
    changed = replace(world.policies["p", policy], holds=2 * MOST, hold_s=365 * 86_400)
    return replace(world, policies={**world.policies, ("p", policy): changed})


WORLDS = {"continuous": _lenient(1), "with warnings": _lenient(2), "working": _lenient(3)}


def _after(since: datetime, until: datetime, part: int) -> datetime:
    """This part of the way, to the microsecond, and before its end."""
    return since + (until - since) // _US * part // _PARTS * _US


def _runs(incident: Incident, world: World) -> datetime:
    """Its deadline, which is as stored, on the call and reckoned anew."""
    assert incident.due_at is not None
    box_by = incident.call.answer_by if incident.state is State.CALLING else incident.call.resolve_by
    standing = deadlines.standing(incident, world)
    assert incident.due_at == box_by == standing.due_at
    granted = (each.granted or timedelta() for each in standing.adjusted_by)
    whole = timedelta(seconds=standing.box_s) + sum(granted, timedelta())
    timer = world.timer(incident.policy, incident.call.clock)
    assert sum((timer.counted(*stretch) for stretch in standing.stretches), timedelta()) == whole
    return incident.due_at


def _paused(
    incident: Incident, since: datetime, pause: Pause, level: Level, world: World
) -> tuple[Incident, datetime, datetime]:
    """Held and resumed by the arrows, and when: `since` is when it last began to run."""
    called = "community" if level is Level.COMMUNITY else "street"
    asked_at = _after(since, _runs(incident, world), pause.asked)
    held_at = _after(asked_at, _runs(incident, world), pause.approved)
    until, n = held_at + pause.lasts, len(incident.requests) + 1
    asked = deciding.decide(incident, Act(Arrow.HOLD, "why", until=until), PEOPLE[called], world, asked_at).after
    assert _runs(asked, world) == incident.due_at, "the clock runs on while it waits"
    held = deciding.decide(asked, Act(Arrow.APPROVE, request=n), approver(asked), world, held_at).after
    assert (held.state, held.due_kind, held.due_at, held.wake_at) == (State.ON_HOLD, DueKind.RESUME, until, until)
    if pause.by_hand is None:
        resumed_at = until + pause.late
        decision = lifecycle.tick(held, world, resumed_at)
    else:
        resumed_at = _after(held_at, until, pause.early)
        who = PEOPLE[called] if pause.by_hand == "called" else approver(asked)
        decision = deciding.decide(held, Act(Arrow.RESUME), who, world, resumed_at)
    assert decision is not None and types(decision) == ["incident.resumed"]
    assert (decision.after.state, decision.after.due_kind) == (incident.state, incident.due_kind)
    return decision.after, held_at, resumed_at


def _through(
    incident: Incident, since: datetime, pauses: Sequence[Pause], timer: Timer, world: World
) -> tuple[Incident, datetime, timedelta]:
    """After all pauses of a box: the incident, since when it runs, and what it used up until then."""
    used = timedelta()
    for pause in pauses:
        incident, held_at, resumed_at = _paused(incident, since, pause, incident.level, world)
        used += timer.counted(since, held_at)
        since = resumed_at
    return incident, since, used


@pytest.mark.parametrize("level", [Level.COMMUNITY, Level.STREET])
@pytest.mark.parametrize(
    ("clock", "category"), [*((clock, CATEGORY) for clock in WORLDS), ("working", URGENT_CATEGORY)]
)
@given(start=st.timedeltas(timedelta(), timedelta(days=7)), before=_pauses, answered=st.none() | _part, after=_pauses)
def test_both_boxes_have_exactly_their_time_however_often_they_were_held(
    clock: str,
    category: str,
    level: Level,
    start: timedelta,
    before: list[Pause],
    answered: int | None,
    after: list[Pause],
) -> None:
    world = WORLDS[clock]
    began = NOW + start
    incident = reported(world, category=category, at=began).after
    if level is Level.STREET:
        incident = act(incident, "community", Arrow.RAISE, world=world, at=began).after
    timer = world.timer(incident.policy, incident.call.clock)
    box = world.policy(incident.policy).box(level, incident.urgency, category)
    incident, since, used = _through(incident, began, before, timer, world)
    assert used + timer.counted(since, _runs(incident, world)) == timedelta(seconds=box.answer_s)
    if answered is not None:
        since = _after(since, _runs(incident, world), answered)
        who = "community" if level is Level.COMMUNITY else "street"
        incident = act(incident, who, Arrow.ANSWER, world=world, at=since).after
        incident, since, used = _through(incident, since, after, timer, world)
        assert used + timer.counted(since, _runs(incident, world)) == timedelta(seconds=box.resolve_s)
    due_at = _runs(incident, world)
    earlier = lifecycle.tick(incident, world, due_at - _US)
    assert earlier is None or types(earlier) in ([], ["call.warned"])
    missed = lifecycle.tick(incident, world, due_at)
    assert missed is not None and types(missed)[0] == "call.missed"
