"""Fair play (contract §2): the facts that decide how much a call counts, each stored on the call when it happens.

credit          what a resolution is worth: pending until the other side has looked at it (`arrows.verification`)
box_used        percent of the running box that was used when the call ended, in the clock of that box, rounded up
late_exit       the called unit passed it on (raised, returned, assigned, voided, corrected) after the policy's late
                mark; an emergency that the next unit answers is forgiven (`forgiven_exit`)
withdrawn_late  its reporter took the incident back after that mark
held_s          seconds that the call was on hold
extended        its deadline was moved by an extension
self_reported   reported by a unit's own key, and that unit is the called one, above or below it
own_report      and that unit is the called one or below it: then not even a miss counts
accountable     the unit, with its call, that first passed it on by assigning, while nobody has answered since
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from service.rules import deadlines, pinning
from service.rules.deadlines import Deadline
from service.rules.model import AnyIncident, By, Call, Incident
from service.rules.timers import Timer
from service.rules.words import Ground, Level, RequestKind, Verdict
from service.rules.world import World

_SECOND = timedelta(seconds=1)
WHOLE_BOX = 100
"""The percentage of a box that ran out."""


class Accountable(NamedTuple):
    """The unit that answers for an assigned call as long as nobody has answered it, and the call that it had."""

    unit: str
    seq: int


def box_used(incident: AnyIncident, world: World, now: datetime) -> int:
    """Percent of the running box that is used at `now`, with what extensions added to it and without holds: rounded up,
    so that a call that ended later than a mark shows more than the mark.

    Where a cap ends the call earlier, two boxes run side by side (`deadlines`), and the one of which more is used
    counts. So a cap makes nobody late by the time before it came, takes no lateness away, and the percentage still
    rises to the whole at the deadline and not before.
    """
    own = deadlines.own_box(incident, world)
    standing = deadlines.capped(own, incident, world)
    timer = pinning.timer_of(world, incident, incident.call.clock)
    whole = _counted(own, timer)
    used = whole - _left(own, timer, now)
    if standing.is_capped:
        return max(_percent(used, whole), _used_until_cap(incident, standing, world, now))
    if incident.due_at is not None and own.left is None and now > incident.due_at:
        used = whole + timer.counted(incident.due_at, now)
    return _percent(used, whole)


def _used_until_cap(incident: AnyIncident, capped: Deadline, world: World, now: datetime) -> int:
    """Percent that is used of the box that ends at the cap. It began with the running box, or where it is shorter than
    that, as long before the cap as it lasts."""
    cap = deadlines.cap_of(incident.call) or capped.due_at
    timer, box_s = deadlines.capping_box(cap, incident, world)
    whole = min(_counted(capped, timer), timedelta(seconds=box_s))
    used = max(whole - _left(capped, timer, now), timedelta())
    if capped.left is None:
        used += timer.counted(cap, now)
    return _percent(used, whole)


def _counted(box: Deadline, timer: Timer) -> timedelta:
    """The whole length of a box."""
    return sum((timer.counted(*each) for each in box.stretches), box.left or timedelta())


def _left(box: Deadline, timer: Timer, now: datetime) -> timedelta:
    """What is left of a box, none after its end."""
    return timer.counted(now, box.due_at) if box.left is None else box.left


def _percent(used: timedelta, whole: timedelta) -> int:
    return WHOLE_BOX if not whole else -(-WHOLE_BOX * used // whole)


def held_s(incident: AnyIncident, now: datetime) -> int | None:
    """Seconds that the open call was on hold until `now`; None when it never was."""
    if not incident.requests:  # as nearly always: a sweep asks for every call
        return None
    own = [each for each in incident.requests if each.call == incident.call.seq and each.outcome is Verdict.APPROVED]
    holds = [each for each in own if each.kind is RequestKind.HOLD]
    lengths = (min(each.resumed_at or now, now) - (each.decided_at or each.asked_at) for each in holds)
    return sum(lengths, timedelta()) // _SECOND if holds else None


def is_late(incident: AnyIncident, world: World) -> bool:
    """Whether the last call ended after the late mark."""
    return (incident.call.box_used or 0) > pinning.policy_of(world, incident).fair_play.late


def is_late_exit(incident: AnyIncident, by: By, world: World) -> bool:
    """Whether the called unit itself has left its call after the late mark."""
    return by.unit == incident.unit and is_late(incident, world)


def forgiven_exit(incident: Incident) -> Call | None:
    """The late exit that the answer to the last call forgives: the call before was raised as an emergency, and its
    receiver takes it for one."""
    if incident.call.ground is not Ground.EMERGENCY:  # which a raise alone has, also one that skips a level
        return None
    before = incident.earlier[-1]
    return before if before.late_exit else None


def accountable(incident: AnyIncident, by: By) -> Accountable | None:
    """Who answers for the call that opens when the last one is assigned: who passed it on first since the last answer.
    Leaders and ops are never accountable."""
    call = incident.call
    if (before := accountable_before(call)) is not None:
        return before
    return Accountable(call.unit, call.seq) if by.unit == call.unit and call.level is not Level.LEADER else None


def accountable_before(call: Call) -> Accountable | None:
    """Who is accountable for this call as long as nobody answers it; None when its own unit is."""
    if call.answered_at is not None or call.accountable is None or call.accountable_seq is None:
        return None
    return Accountable(call.accountable, call.accountable_seq)


def mark(call: Call, reported_by: str | None, answers_for: Accountable | None, world: World) -> Call:
    """A call that opens, with what is known then of how it counts. `reported_by` is the unit that reported,
    `answers_for` who is accountable."""
    if answers_for is not None:
        call = call._replace(accountable=answers_for.unit, accountable_seq=answers_for.seq)
    if reported_by is None:
        return call
    from_below = reported_by == call.unit or call.unit in above(reported_by, world, call.opened_at)
    if from_below or reported_by in above(call.unit, world, call.opened_at):
        return call._replace(self_reported=True, own_report=from_below)
    return call


def is_of_one_side(reported_by: str | None, unit: str, world: World, now: datetime) -> bool:
    """Whether the unit that reported an incident is this one, or one above or below it."""
    if reported_by is None:
        return False
    return reported_by == unit or unit in above(reported_by, world, now) or reported_by in above(unit, world, now)


def above(code: str, world: World, now: datetime) -> frozenset[str]:
    """The units above a unit: its parent, the parent of that one, and the leaders in charge of any of them."""
    whole = line(code, world, now)
    leaders = (each for below in whole for each in world.leaders_by_unit.get(below, ()))
    return frozenset([*whole[1:], *(each.code for each in leaders if each.validity.in_force_at(now))]) - {code}


def line(code: str, world: World, now: datetime) -> list[str]:
    """A unit, its parent, the parent of that one, and so on, as far as they are in force."""
    found: list[str] = []
    unit = world.unit(code, now)
    while unit is not None and unit.code not in found:
        found.append(unit.code)
        unit = world.unit(unit.parent, now) if unit.parent else None
    return found
