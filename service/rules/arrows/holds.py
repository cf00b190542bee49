"""Arrows i and j, and what the clock does before a deadline: hold, extend, resume, warn, reschedule (挂账 · 延期).

The called unit asks for a hold or an extension, a unit above it or ops decide (`approval`), and the clock runs on while
the request waits. The time that a hold keeps is counted in the clock of the box that it stops (`deadlines`), so that
exactly this much is left afterwards.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.rules import approval, deadlines, pinning
from service.rules.acts import Act
from service.rules.arrows import moving
from service.rules.errors import Conflict, Rule, wrong_field
from service.rules.model import Actor, AnyIncident, Earlier, Incident, Request
from service.rules.policy import Policy
from service.rules.sentences import Sentence
from service.rules.story import Story, StoryOf
from service.rules.timers import Timer
from service.rules.words import RUNNING_STATES, Arrow, ClockKind, DueKind, EventType, RequestKind, State, Verdict
from service.rules.world import World

_TICK = timedelta(microseconds=1)
_REQUESTED_BY = {Arrow.HOLD: RequestKind.HOLD, Arrow.EXTEND: RequestKind.EXTEND}


def may_ask(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of hold and extend (arrow i): no other request waits, the deadline has not passed, and the policy
    allows this incident one more request of the kind."""
    if (waiting := incident.open_request) is not None:
        return Sentence("Request {n} still waits to be decided: one at a time.", n=waiting.n)
    if incident.due_at is not None and now >= incident.due_at:
        passed = incident.due_at
        return Sentence("The deadline passed at {due_at}: it cannot be stopped or moved any more.", due_at=passed)
    policy, kind = pinning.policy_of(world, incident), _REQUESTED_BY[arrow]
    if kind is RequestKind.EXTEND and incident.due_at == deadlines.cap_of(incident.call):
        return Sentence("The deadline may not move: a merge or a correction keeps it where it is. Raise it instead.")
    limit = policy.holds if kind is RequestKind.HOLD else policy.extensions
    # the hold that came with the incident's kind was decided by nobody, and does not count
    had = [each for each in incident.requests if each.outcome is Verdict.APPROVED and each.decided_by is not None]
    if sum(each.kind is kind for each in had) >= limit:
        return _no_more(kind, limit)
    return None


def _no_more(kind: RequestKind, limit: int) -> Sentence:
    if kind is RequestKind.HOLD:
        return Sentence(
            "This incident has had its {limit} {limit:hold|holds}: the policy allows no more. Raise it instead.",
            limit=limit,
        )
    return Sentence(
        "This incident has had its {limit} {limit:extension|extensions}: the policy allows no more. Raise it instead.",
        limit=limit,
    )


def bars_deciding(incident: AnyIncident, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The bar of approve and refuse (arrow i): nobody decides its own request, by whichever key."""
    request = incident.open_request
    is_own = request is not None and request.asked_by.subject == actor.subject
    return Sentence("Nobody decides its own request.") if is_own else None


def may_decide(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of approve and refuse (arrow i): a request waits, and to approve it would still change a deadline."""
    request = incident.open_request
    if request is None:
        return Sentence("No request waits to be decided.")
    if arrow is Arrow.REFUSE or incident.due_at is None:
        return None
    if now >= incident.due_at:
        return Sentence(
            "The deadline passed at {due_at}: it is too late to approve request {n}.",
            due_at=incident.due_at,
            n=request.n,
        )
    since, timer = incident.due_at, pinning.timer_of(world, incident, incident.call.clock)
    until = _within_cap(incident, request.until)
    moves = request.until > now if request.kind is RequestKind.HOLD else bool(timer.counted(since, until))
    if not moves:
        return Sentence(
            "Request {n} asks for {until}, which moves nothing any more: refuse it.", n=request.n, until=request.until
        )
    return None


def ask(story: Story, act: Act) -> None:
    """Arrow i: the called unit asks for a hold or an extension. Whoever has to decide sees the incident from now on.

    Raises:
        ValidationFailed: `until` is too early to move anything, or later than the policy allows.
    """
    incident, kind = story.incident, _REQUESTED_BY[act.arrow]
    until = _until(story, kind, act.until or story.now)
    ends = until if kind is RequestKind.HOLD else None
    approver = approval.approver(incident, story.world, story.now, until=ends)
    request = Request(
        n=len(incident.requests) + 1,
        kind=kind,
        call=incident.call.seq,
        until=until,
        reason=act.words or "",
        asked_by=story.by,
        asked_at=story.now,
        approver=approver,
    )
    story.add_request(request)
    if approver is not None and approver not in incident.audience:
        story.change(audience=(*incident.audience, approver))
    story.record(EventType.CALL_REQUESTED, act.words)


def _until(story: Story, kind: RequestKind, until: datetime) -> datetime:
    """The instant that a request asks for. An extension ends in working time: an `until` outside the working hours
    becomes the end of the hours before it.

    Raises:
        ValidationFailed: see `ask`.
    """
    incident, now = story.incident, story.now
    policy = pinning.policy_of(story.world, incident)
    timer = pinning.timer_of(story.world, incident, incident.call.clock)
    if kind is RequestKind.HOLD:
        if until <= now:
            detail = Sentence("Name a time after {now}.", now=now)
            raise wrong_field("/until", detail, Rule.NOT_IN_FUTURE, min=now)
        latest = now + timedelta(seconds=policy.hold_s)
        if until > latest:
            detail = Sentence("The policy lets a hold last until {latest} at most.", latest=latest)
            raise wrong_field("/until", detail, Rule.OUT_OF_RANGE, max=latest)
        return until
    due_at, added = incident.due_at or now, _max_added(story, policy)
    # nothing is counted as far as `until`: it may lie outside the years of every calendar
    if until >= timer.due(due_at, added + _TICK):
        latest = timer.due(due_at, added)
        detail = Sentence("The policy lets this deadline move to {latest} at most.", latest=latest)
        raise wrong_field("/until", detail, Rule.OUT_OF_RANGE, max=latest)
    settled = _worked_until(timer, due_at, max(until, due_at))
    if settled <= due_at:
        detail = Sentence("Name a time after the deadline, {due_at}, with working time between.", due_at=due_at)
        raise wrong_field("/until", detail, Rule.OUT_OF_RANGE, min=due_at)
    cap = _within_cap(incident, settled)
    if settled > cap:
        detail = Sentence("A merge or a correction lets this deadline move to {latest} at most.", latest=cap)
        raise wrong_field("/until", detail, Rule.OUT_OF_RANGE, max=cap)
    return settled


def _within_cap(incident: AnyIncident, until: datetime) -> datetime:
    """The instant itself, or the cap of the running deadline when that is earlier."""
    cap = deadlines.cap_of(incident.call)
    return until if cap is None else min(until, cap)


def _worked_until(timer: Timer, due_at: datetime, until: datetime) -> datetime:
    """The earliest instant with as much time counted since the deadline as at `until`: the end of working hours, not
    the start of the next."""
    return timer.due(due_at, timer.counted(due_at, until))


def _max_added(story: Story, policy: Policy) -> timedelta:
    """The most that an extension may add to the running box."""
    _, seconds = deadlines.box_of(story.incident.call, story.incident, story.world)
    return timedelta(seconds=seconds * policy.extend_percent / 100)


def approve(story: Story, act: Act) -> None:
    """Arrow i: the approver approves the request. A hold stops the clock until its date, an extension moves the
    deadline. Raises `Conflict` when another request waits than the one that is named."""
    _demand_waiting(story, act)
    kind = DueKind.ANSWER if story.incident.state is State.CALLING else DueKind.RESOLVE
    request = story.change_request(
        outcome=Verdict.APPROVED,
        decided_by=story.by,
        decided_at=story.now,
        decided_reason=act.words,
        box=kind,
        granted=_granted(story),
    )
    if request.kind is RequestKind.HOLD:
        _hold(story, request)
        story.record(EventType.INCIDENT_HELD, act.words)
    else:
        _extend(story)
        story.change_call(extended=True)
        story.record(EventType.CALL_EXTENDED, act.words)


def _demand_waiting(story: Story, act: Act) -> None:
    """Raises `Conflict` unless the request that waits is the one that the act names."""
    waiting = story.incident.open_request
    if waiting is not None and act.request not in (None, waiting.n):
        raise Conflict(
            Sentence("Request {n} was decided already: request {waiting} waits.", n=act.request, waiting=waiting.n)
        )


def _granted(story: Story) -> timedelta | None:
    """The time that an extension adds to the box; None for a hold. The calendar may have moved the deadline since the
    unit asked, so the limit of the policy is applied here again."""
    incident, request = story.incident, story.incident.open_request
    if request is None or request.kind is RequestKind.HOLD:
        return None
    timer = pinning.timer_of(story.world, incident, incident.call.clock)
    policy = pinning.policy_of(story.world, incident)
    until = _within_cap(incident, request.until)
    return min(timer.counted(incident.due_at or story.now, until), _max_added(story, policy))


def _hold(story: Story, request: Request) -> None:
    until = request.until
    story.change(state=State.ON_HOLD, due_at=until, due_kind=DueKind.RESUME, wake_at=until, provisional=False)


def _extend(story: Story) -> None:
    """Move the deadline. Warning marks are counted back from the new one."""
    moving.set_due(story, deadlines.standing(story.incident, story.world).due_at)
    moving.wake_afresh(story)


def refuse(story: Story, act: Act) -> None:
    """Arrow i: the approver refuses the request, and nothing moves. Raises `Conflict` when another request waits than
    the one that is named."""
    _demand_waiting(story, act)
    story.change_request(outcome=Verdict.REFUSED, decided_by=story.by, decided_at=story.now, decided_reason=act.words)
    story.record(EventType.CALL_REFUSED, act.words)


def resume(story: StoryOf[Earlier], act: Act) -> None:
    """Arrow j: the hold is over. The incident is again in the state before the hold, with the time that was left."""
    caps = deadlines.caps_after_hold(story.incident, story.world, story.now)
    story.change_request(resumed_at=story.now)
    if caps:
        story.change_call(**caps)
    state = State.CALLING if story.incident.call.answered_at is None else State.ANSWERED
    story.change(state=state)
    moving.set_due(story, deadlines.standing(story.incident, story.world).due_at)
    moving.wake(story, story.incident.warned)
    story.because = Sentence("the hold is over: the clock runs on with the time that was left")
    story.record(EventType.INCIDENT_RESUMED, act.words)


def look_again(story: StoryOf[Earlier], act: Act) -> None:
    """Arrow `warned`: the clock woke before the deadline, since a warning mark was passed or it only has to look again
    later.

    The called unit hears which mark it was, in percent of its box, counted back from the deadline. After downtime it
    hears of the last mark alone.
    """
    incident = story.incident
    if incident.state not in RUNNING_STATES or incident.due_at is None:
        story.change_quietly(wake_at=incident.due_at)
        return
    warn, warned = pinning.policy_of(story.world, incident).warn, moving.marks_passed(story)
    moving.wake(story, max(warned, incident.warned))
    if warned > incident.warned:
        story.because = Sentence("{percent} % of the box is left", percent=100 - warn[warned - 1])
        story.record(EventType.CALL_WARNED, mark=warn[warned - 1])


def must_reschedule(incident: AnyIncident, world: World, now: datetime) -> bool:
    """The guard of arrow `rescheduled`: by the calendar as it is now, a running working-time box has another deadline.
    A deadline that has already passed is never moved to an earlier instant."""
    if incident.call.clock is not ClockKind.WORKING or incident.state not in RUNNING_STATES or incident.due_at is None:
        return False
    standing = deadlines.standing(incident, world)
    moved = (standing.due_at, standing.provisional) != (incident.due_at, incident.provisional)
    return moved and not standing.due_at < incident.due_at <= now


def reschedule(story: StoryOf[Earlier], act: Act) -> None:
    """Arrow `rescheduled`: the calendar changed under a running box.

    The deadline becomes what it would have been from the start, but is never moved back past this moment: a day that is
    declared a workday afterwards makes nobody late.
    """
    due_at = deadlines.standing(story.incident, story.world).due_at
    was_due_at = story.incident.due_at or story.now
    moving.set_due(story, max(due_at, min(was_due_at, story.now)))
    moving.wake(story, story.incident.warned)
    story.record(EventType.CALL_RESCHEDULED, was_due_at=was_due_at, provisional=story.incident.provisional)
