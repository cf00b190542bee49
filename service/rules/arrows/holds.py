"""Arrows i and j, and what the clock does before a deadline: hold, extend, resume, warn, reschedule (挂账 · 延期).

A unit asks, the side that called approves; the clock runs on meanwhile. What a hold keeps is counted in the call's own
clock, so that the time left survives it exactly.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.rules import access, deadlines
from service.rules.errors import Pointer, ValidationFailed
from service.rules.model import Act, Actor, Incident, Request
from service.rules.policy import Policy
from service.rules.story import Story
from service.rules.timers import Timer
from service.rules.words import Arrow, DueKind, EventType, RequestKind, State, Verdict
from service.rules.world import World

_ASKED = {Arrow.HOLD: RequestKind.HOLD, Arrow.EXTEND: RequestKind.EXTEND}


def may_ask(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """i, its guard: why the called unit cannot ask now; None when it can."""
    if (waiting := incident.open_request) is not None:
        return f"Request {waiting.n} still waits to be decided: one at a time."
    if incident.due_at is not None and now >= incident.due_at:
        return f"The deadline passed at {incident.due_at.isoformat()}: it cannot be stopped or moved any more."
    policy, kind = world.policies[incident.policy], _ASKED[arrow]
    most = policy.holds if kind is RequestKind.HOLD else policy.extensions
    # nobody decided the wait that came with its kind: it is not one of them
    if sum(each.kind is kind and each.decided_by is not None for each in _approved(incident)) >= most:
        return f"This call has had its {most} {kind.value}s: the policy allows no more. Raise it instead."
    return None


def may_decide(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """i, its second half: why there is nothing to approve or refuse now."""
    request = incident.open_request
    if request is None:
        return "No request waits to be decided."
    if arrow is Arrow.REFUSE or incident.due_at is None:
        return None
    if now >= incident.due_at:
        return f"The deadline passed at {incident.due_at.isoformat()}: it is too late to approve request {request.n}."
    since, timer = incident.due_at, world.timer(incident.policy, incident.call.clock)
    moves = request.until > now if request.kind is RequestKind.HOLD else bool(timer.counted(since, request.until))
    if not moves:
        return f"Request {request.n} asked for {request.until.isoformat()}, which moves nothing any more: refuse it."
    return None


def _approved(incident: Incident) -> list[Request]:
    """What this call was granted so far."""
    mine = (each for each in incident.requests if each.call == incident.call.seq)
    return [each for each in mine if each.outcome is Verdict.APPROVED]


def ask(story: Story, act: Act) -> None:
    """i. The called unit asks for a hold or an extension. Who has nobody above decides for itself.

    Raises:
        ValidationFailed: `until` is not later, or later than the policy lets it be.
    """
    incident, kind = story.incident, _ASKED[act.arrow]
    request = Request(
        n=len(incident.requests) + 1,
        kind=kind,
        call=incident.call.seq,
        until=_until(story, kind, act.until or story.now),
        reason=act.words or "",
        asked_by=story.by,
        asked_at=story.now,
    )
    story.add_request(request)
    story.tell(EventType.CALL_REQUESTED, act.words)
    if not access.approvers(incident):
        approve(story, Act(Arrow.APPROVE))


def _until(story: Story, kind: RequestKind, until: datetime) -> datetime:
    """The instant asked for. An extension ends in working time: at the end of the hours that `until` lies after."""
    incident, now = story.incident, story.now
    policy, timer = story.world.policies[incident.policy], story.world.timer(incident.policy, incident.call.clock)
    if kind is RequestKind.HOLD:
        _demand(until > now, f"Name a time after {now.isoformat()}.")
        latest = now + timedelta(seconds=policy.hold_s)
        _demand(until <= latest, f"The policy lets a hold last until {latest.isoformat()} at most.")
        return until
    due_at = incident.due_at or now
    latest, settled = timer.due(due_at, _most_added(story, policy)), _in_time(timer, due_at, until)
    _demand(settled <= latest, f"The policy lets this deadline move to {latest.isoformat()} at most.")
    _demand(settled > due_at, f"Name a time after the deadline, {due_at.isoformat()}, with working time between.")
    return settled


def _in_time(timer: Timer, due_at: datetime, until: datetime) -> datetime:
    return timer.due(due_at, timer.counted(due_at, until))


def _most_added(story: Story, policy: Policy) -> timedelta:
    _, seconds = deadlines.box_of(story.incident.call, story.incident, story.world)
    return timedelta(seconds=seconds * policy.extend_percent / 100)


def _demand(holds: bool, detail: str) -> None:
    if not holds:
        raise ValidationFailed(detail, errors=(Pointer("/until", detail),))


def approve(story: Story, act: Act) -> None:
    """i. The calling side approves: the clock stops until the date, or the deadline moves to it."""
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
        story.tell(EventType.INCIDENT_HELD, act.words)
    else:
        _extend(story)
        story.tell(EventType.CALL_EXTENDED, act.words)


def _granted(story: Story) -> timedelta | None:
    """What the open request adds to the box, should it be an extension: never more than the policy lets it, wherever
    the calendar moved the deadline since it was asked."""
    incident, request = story.incident, story.incident.open_request
    if request is None or request.kind is RequestKind.HOLD:
        return None
    timer = story.world.timer(incident.policy, incident.call.clock)
    policy = story.world.policies[incident.policy]
    return min(timer.counted(incident.due_at or story.now, request.until), _most_added(story, policy))


def _hold(story: Story, request: Request) -> None:
    until = request.until
    story.move(state=State.ON_HOLD, due_at=until, due_kind=DueKind.RESUME, wake_at=until, provisional=False)


def _extend(story: Story) -> None:
    """Marks that the new deadline leaves behind are not told again."""
    incident = story.incident
    due_at = deadlines.standing(incident, story.world).due_at
    _set_due(story, due_at)
    _, seconds = deadlines.box_of(incident.call, incident, story.world)
    timer = story.world.timer(incident.policy, incident.call.clock)
    warn = story.world.policies[incident.policy].warn
    _wake(story, deadlines.marks_passed(due_at, seconds, warn, story.now, timer))


def _set_due(story: Story, due_at: datetime) -> None:
    """Move the deadline of the open call, and the box on the call with it."""
    incident = story.incident
    answered = incident.call.answered_at is not None
    story.change_call(**{"resolve_by" if answered else "answer_by": due_at})
    kind = DueKind.RESOLVE if answered else DueKind.ANSWER
    timer = story.world.timer(incident.policy, incident.call.clock)
    start, _ = deadlines.box_of(incident.call, incident, story.world)
    story.move(due_at=due_at, due_kind=kind, provisional=timer.is_provisional(start, due_at))


def _wake(story: Story, warned: int) -> None:
    """Look next at the next mark, or at the deadline."""
    incident = story.incident
    _, seconds = deadlines.box_of(incident.call, incident, story.world)
    timer = story.world.timer(incident.policy, incident.call.clock)
    due_at = incident.due_at or story.now
    mark = deadlines.next_mark(due_at, seconds, story.world.policies[incident.policy].warn, warned, timer)
    story.note(warned=warned, wake_at=mark or due_at)


def refuse(story: Story, act: Act) -> None:
    """i. The calling side refuses: nothing moves."""
    story.change_request(outcome=Verdict.REFUSED, decided_by=story.by, decided_at=story.now, decided_reason=act.words)
    story.tell(EventType.CALL_REFUSED, act.words)


def resume(story: Story, act: Act) -> None:
    """j. On with it: the state before, with the time that was left."""
    story.change_request(resumed_at=story.now)
    state = State.CALLING if story.incident.call.answered_at is None else State.ANSWERED
    story.move(state=state)
    _set_due(story, deadlines.standing(story.incident, story.world).due_at)
    _wake(story, story.incident.warned)
    story.because = "the hold is over: the clock runs on with the time that was left"
    story.tell(EventType.INCIDENT_RESUMED, act.words)


def look_again(story: Story) -> None:
    """The clock woke before the deadline: a warning mark was passed, or there is nothing but to sleep on.

    The called unit is told which mark, in percent of its box, counted back from the deadline; after downtime the last
    one alone.
    """
    incident = story.incident
    if incident.state not in (State.CALLING, State.ANSWERED) or incident.due_at is None:
        story.note(wake_at=incident.due_at)
        return
    timer = story.world.timer(incident.policy, incident.call.clock)
    warn = story.world.policies[incident.policy].warn
    _, seconds = deadlines.box_of(incident.call, incident, story.world)
    warned = deadlines.marks_passed(incident.due_at, seconds, warn, story.now, timer)
    _wake(story, max(warned, incident.warned))
    if warned > incident.warned:
        story.because = f"{100 - warn[warned - 1]} % of the box is left"
        story.tell(EventType.CALL_WARNED, str(warn[warned - 1]))


def reschedule(story: Story, due_at: datetime) -> None:
    """The calendar changed under a running box: its deadline is what it would have been from the start, but never
    before this moment: nobody has been late already by a day that is declared afterwards."""
    was_due_at = story.incident.due_at or story.now
    _set_due(story, max(due_at, min(was_due_at, story.now)))
    _wake(story, story.incident.warned)
    story.tell(EventType.CALL_RESCHEDULED, was_due_at=was_due_at, provisional=story.incident.provisional)
