"""When a deadline falls, and how it came about: the box of the policy, counted without the holds and lengthened by the
extensions; and never later than the cap that a merge or a correction brought.

`standing` is the only computation of a call's deadline. The stored deadline equals it, except where a changed calendar
would have moved it back into the past (`arrows.holds.reschedule`).

A cap is the instant at which another box ends: that of a merged incident, of the unit that was called before, or a new
one for what has become urgent. From then on two boxes run side by side, and whichever ends first is the deadline.

The box that ends at the cap (`capping_box`) is as long as the policy has it for the incident as it is now. A single
clock counts how much of it is used (`fair_play.box_used`), its warning marks, and the time that a hold keeps: that of
the call; but the continuous one where the policy now says so, or where the cap lies outside the working hours, since
working time would be used up long before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from service.rules import pinning
from service.rules.changes import CapChange
from service.rules.model import AnyIncident, Call, Request
from service.rules.policy import Box
from service.rules.timers import CONTINUOUS, Timer
from service.rules.words import Cause, ClockKind, DueKind, RequestKind, Verdict
from service.rules.world import World

_TICK = timedelta(microseconds=1)
MIN_AFTER_ANSWER = timedelta(hours=1)
"""The time that an answer leaves for the resolution, however early an incident merged before it was due."""


class Deadline(NamedTuple):
    """The deadline of a call and how it came about. The `stretches` are the times that count, one after the other;
    between them the call was on hold. `left` is the time that a running hold keeps: of the call's own box, or where
    `is_capped`, of that which ends at the cap. A deadline is `provisional` when its box reaches into a year whose
    holidays are not published. `is_capped`: it would be later without the cap."""

    due_at: datetime
    start: datetime
    box_s: int
    stretches: tuple[tuple[datetime, datetime], ...]
    adjusted_by: tuple[Request, ...]
    provisional: bool
    left: timedelta | None = None
    is_capped: bool = False


def boxes_of(call: Call, incident: AnyIncident, world: World) -> Box:
    """The time boxes of a call, by the urgency and the category with which it was opened."""
    policy = pinning.policy_of(world, incident)
    return policy.box(call.level, call.urgency or incident.urgency, call.category or incident.category)


def box_of(call: Call, incident: AnyIncident, world: World) -> tuple[datetime, int]:
    """The start and the seconds of the running box: of the answer box until the call is answered, of the resolve box
    from then on."""
    box = boxes_of(call, incident, world)
    return (call.opened_at, box.answer_s) if call.answered_at is None else (call.answered_at, box.resolve_s)


def cap_of(call: Call) -> datetime | None:
    """The latest that the running deadline of a call may be; None: nothing but its box limits it."""
    return call.answer_cap if call.answered_at is None else call.resolve_cap


def capping_box(cap: datetime, incident: AnyIncident, world: World) -> tuple[Timer, int]:
    """The clock and the seconds of the box that ends at a cap of the open call."""
    call = incident.call
    box = pinning.policy_of(world, incident).box(call.level, incident.urgency, incident.category)
    timer = pinning.timer_of(world, incident, call.clock)
    is_worked = box.clock is ClockKind.WORKING and timer.counted(cap - _TICK, cap) > timedelta()
    return timer if is_worked else CONTINUOUS, box.answer_s if call.answered_at is None else box.resolve_s


def marked_box(incident: AnyIncident, world: World) -> tuple[Timer, int]:
    """The clock and the seconds of the box that ends at the running deadline, from which its warning marks are counted
    back."""
    cap = cap_of(incident.call)
    if cap is not None and cap == incident.due_at:
        return capping_box(cap, incident, world)
    return pinning.timer_of(world, incident, incident.call.clock), box_of(incident.call, incident, world)[1]


def standing(incident: AnyIncident, world: World) -> Deadline:
    """The deadline of the open call by the calendar as it is now, from its box, everything that moved it, and its
    cap."""
    return capped(own_box(incident, world), incident, world)


def capped(found: Deadline, incident: AnyIncident, world: World) -> Deadline:
    """The deadline of the open call, whose own box has this one."""
    cap = cap_of(incident.call)
    if cap is None:
        return found
    found = _until(cap, found, incident, world)
    timer = pinning.timer_of(world, incident, incident.call.clock)
    return found._replace(provisional=found.left is None and timer.is_provisional(found.start, found.due_at))


def own_box(incident: AnyIncident, world: World) -> Deadline:
    """The deadline of the open call if nothing but its own box and what moved that counted."""
    timer = pinning.timer_of(world, incident, incident.call.clock)
    start, box_s = box_of(incident.call, incident, world)
    due_at = timer.due(start, timedelta(seconds=box_s))
    found = Deadline(due_at, start, box_s, ((start, due_at),), (), timer.is_provisional(start, due_at))
    if not incident.requests:  # nearly always so, and the clock comes here for every call it ends
        return found
    found = _moved(incident, found, timer)
    return found._replace(provisional=found.left is None and timer.is_provisional(start, found.due_at))


def _moved(incident: AnyIncident, box: Deadline, timer: Timer) -> Deadline:
    """The deadline of a box after the holds and extensions of its call."""
    kind = DueKind.ANSWER if incident.call.answered_at is None else DueKind.RESOLVE
    due_at, since, left = box.due_at, box.start, None
    stretches, moved = [], []
    for request in incident.requests:
        if request.call != incident.call.seq or request.outcome is not Verdict.APPROVED or request.box is not kind:
            continue
        moved.append(request)
        if request.kind is RequestKind.EXTEND:
            due_at = request.until if request.granted is None else timer.due(due_at, request.granted)
            continue
        stopped_at = request.decided_at or request.asked_at
        stretches.append((since, stopped_at))
        left = timer.counted(stopped_at, due_at)
        if request.resumed_at is None:
            since = due_at = request.until
        else:
            since, due_at, left = request.resumed_at, timer.due(request.resumed_at, left), None
    if left is None:
        stretches.append((since, due_at))
    return box._replace(due_at=due_at, stretches=tuple(stretches), adjusted_by=tuple(moved), left=left)


def _until(cap: datetime, found: Deadline, incident: AnyIncident, world: World) -> Deadline:
    """The deadline, no later than the cap; of a call on hold, the time that is left until then."""
    if found.left is not None:
        _, stopped_at = found.stretches[-1]
        if pinning.timer_of(world, incident, incident.call.clock).due(stopped_at, found.left) <= cap:
            return found
        timer, _ = capping_box(cap, incident, world)
        return found._replace(left=timer.counted(stopped_at, cap), is_capped=True)
    if found.due_at <= cap:
        return found
    *before, (since, _) = found.stretches
    return found._replace(due_at=cap, stretches=(*before, (since, max(since, cap))), is_capped=True)


def cap_call(call: Call, caps: CapChange | None) -> Call:
    """A call that opens under these caps: it is to be answered no later than they say."""
    if not caps:
        return call
    return call._replace(answer_by=min(call.answer_by, caps.get("answer_cap", call.answer_by)), **caps)


def caps_after_hold(incident: AnyIncident, world: World, resumed_at: datetime) -> CapChange:
    """The caps of a call on hold when it is resumed: a hold stops them like the box, and as much time is left until
    each as there was, in the clock of its box."""
    call, hold = incident.call, incident.requests[-1]
    stopped_at = hold.decided_at or hold.asked_at

    def moved(cap: datetime) -> datetime:
        timer, _ = capping_box(cap, incident, world)
        return timer.due(resumed_at, timer.counted(stopped_at, cap))

    caps: CapChange = {}
    if call.answer_cap is not None:
        caps["answer_cap"] = moved(call.answer_cap)
    if call.resolve_cap is not None:
        caps["resolve_cap"] = moved(call.resolve_cap)
    return caps


def due_if_resumed(incident: AnyIncident, world: World, now: datetime) -> datetime:
    """The deadline that a call on hold would have if it were resumed now."""
    *before, hold = incident.requests
    call = incident.call._replace(**caps_after_hold(incident, world, now))
    resumed = incident._replace(call=call, requests=(*before, hold._replace(resumed_at=now)))
    return standing(resumed, world).due_at


def leaves_an_hour(call: Call, cap: datetime, now: datetime) -> bool:
    """Whether an answer at `now` leaves `MIN_AFTER_ANSWER`, however early the cap of the resolution is. A correction
    moves no deadline later, not even by an hour; but nobody takes on what is due already."""
    return call.cause is not Cause.CORRECTED or cap <= now


def cap_after_answer(incident: AnyIncident, world: World, cap: datetime, answered_at: datetime) -> datetime:
    """The cap of a resolution that was owed before the answer: whoever answers has `MIN_AFTER_ANSWER` in any case, in
    the call's own clock."""
    timer = pinning.timer_of(world, incident, incident.call.clock)
    return max(cap, timer.due(answered_at, MIN_AFTER_ANSWER))


def taken_us(incident: AnyIncident, now: datetime) -> int:
    """The time since the open call was opened, in microseconds, without the time on hold (arrow i)."""
    own = (each for each in incident.requests if each.call == incident.call.seq)
    on_hold = (each.resumed_at - (each.decided_at or each.asked_at) for each in own if each.resumed_at)
    return (now - incident.call.opened_at - sum(on_hold, timedelta())) // timedelta(microseconds=1)


def next_mark(due_at: datetime, box_s: int, warn: Sequence[int], warned: int, timer: Timer) -> datetime | None:
    """The instant of the warning mark that follows the first `warned` ones, counted back from the deadline; None when
    no mark is left."""
    if warned >= len(warn):
        return None
    return timer.before(due_at, timedelta(seconds=box_s * (100 - warn[warned]) / 100))


def marks_passed(due_at: datetime, box_s: int, warn: Sequence[int], now: datetime, timer: Timer) -> int:
    """The number of warning marks passed at `now`."""
    marks = (next_mark(due_at, box_s, warn, n, timer) for n in range(len(warn)))
    return sum(mark is not None and mark <= now for mark in marks)


def late_s(due_at: datetime, fired_at: datetime) -> float:
    """The lateness of the clock's firing, in seconds to the millisecond."""
    return round((fired_at - due_at).total_seconds(), 3)
