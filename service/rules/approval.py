"""The approver of a hold or an extension (contract §2, "Approver"): always above the unit that asks, never with a stake
in what it decides.

Which unit that is depends on who is in charge of whom at that moment, so it is decided when a request is made, and
stored with the request.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.rules import fair_play
from service.rules.model import AnyIncident, Incident, Request
from service.rules.words import Level, RequestKind, State, Verdict
from service.rules.world import World

MAX_HELD = timedelta(days=30)
"""The longest that all holds of one incident may last together without a word of ops."""


def approver(incident: AnyIncident, world: World, at: datetime, *, until: datetime | None = None) -> str | None:
    """The unit that decides what the called unit asks for at `at`; None: only ops do. `until` is the end of a hold that
    is asked for."""
    if until is not None and hold_time(incident.requests) + (until - at) > MAX_HELD:
        return None
    if incident.level is Level.LEADER:
        return None
    if incident.level is not Level.COMMUNITY:
        return _leader_above(incident.unit, world, at)
    return incident.street if world.unit(incident.street, at) is not None else None


def hold_time(requests: Iterable[Request]) -> timedelta:
    """The time for which an incident was on hold because somebody approved it; the wait of a suggestion or a
    deliberation is nobody's decision."""
    holds = (each for each in requests if each.kind is RequestKind.HOLD and each.outcome is Verdict.APPROVED)
    decided = (each for each in holds if each.decided_by is not None)
    lengths = (min(each.resumed_at or each.until, each.until) - (each.decided_at or each.asked_at) for each in decided)
    return sum(lengths, timedelta())


def _leader_above(called: str, world: World, at: datetime) -> str | None:
    """The leader in charge of the called unit, or of its nearest parent that has one; never one that belongs to the
    called unit."""
    for unit in fair_play.line(called, world, at):
        for leader in world.leaders_by_unit.get(unit, ()):
            if leader.validity.in_force_at(at) and called not in fair_play.line(leader.code, world, at):
                return leader.code
    return None


def approver_now(incident: AnyIncident) -> str | None:
    """The unit that decides, or has decided, the last request; None: only ops do, or nobody has asked yet."""
    return incident.requests[-1].approver if incident.requests else None


def may_ops_decide(incident: AnyIncident) -> bool:
    """Whether ops decide the last request: alone where no unit does, and beside a leader."""
    if not incident.requests:
        return False
    return incident.requests[-1].approver is None or incident.level is not Level.COMMUNITY


def with_approver(incident: Incident, world: World, now: datetime) -> Incident:
    """An incident whose last request names who decides it at `now`: also when a program from before 0025 has made it,
    which named nobody, and when the unit that it names has ended since. Then ops decide: nobody else was told of it."""
    if not incident.requests:
        return incident
    *before, last = incident.requests
    if last.outcome is not None and incident.state is not State.ON_HOLD:
        return incident
    by_request = last.kind is RequestKind.HOLD and (last.decided_at is None or last.decided_by is not None)
    earlier, until = incident._replace(requests=tuple(before)), last.until if by_request else None
    unit = last.approver or approver(earlier, world, last.asked_at, until=until)
    if unit is not None and world.unit(unit, now) is None:
        unit = None
    if unit == last.approver:
        return incident
    return incident._replace(requests=(*before, last._replace(approver=unit)))
