"""What each arrow does: one function an arrow, each a few sentences told by a `Story`.

Nothing here asks whether an arrow is allowed; `lifecycle` has done that.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.rules import deadlines, routing
from service.rules.model import Act, Actor, By, Call, Decision, Draft, Event, Incident, Request
from service.rules.policy import Policy
from service.rules.routing import Route
from service.rules.story import REOPENABLE, Story, counted, opened_facts, running
from service.rules.words import (
    CALL_OPEN_STATES,
    Arrow,
    Cause,
    ClosedAs,
    DueKind,
    EventType,
    Ground,
    Level,
    Outcome,
    RequestKind,
    State,
    Urgency,
    Verdict,
)
from service.rules.world import World


def report(
    draft: Draft,
    grid_code: str,
    urgency: Urgency,
    by: By,
    world: World,
    policy: Policy,
    *,
    incident_id: UUID,
    number: str,
    now: datetime,
) -> Decision:
    """a. The incident begins and calls the community of its cell."""
    route = routing.first(world, grid_code, draft.category, now)
    box = policy.box(route.level, urgency, draft.category)
    answer_by = world.timer((policy.code, policy.version), box.clock).due(now, timedelta(seconds=box.answer_s))
    cause = Cause.UNROUTED if route.unrouted else Cause.REPORT
    call = Call(1, route.level, 1, route.unit, None, cause, now, answer_by, box.clock)
    incident = Incident(
        id=incident_id,
        number=number,
        kind=draft.kind,
        state=State.CALLING,
        level=route.level,
        unit=route.unit,
        grid_code=grid_code,
        category=draft.category,
        urgency=urgency,
        reporter=draft.reporter,
        policy=(policy.code, policy.version),
        reported_at=now,
        updated_at=now,
        due_at=answer_by,
        due_kind=DueKind.ANSWER,
        wake_at=answer_by,
        call=call,
        calls_at=counted((0, 0, 0, 0), route.level),
        audience=(route.unit,),
    )
    incident = incident._replace(**running(world, incident, box.clock, now, answer_by, DueKind.ANSWER, box.answer_s))
    unrouted = (EventType.CALL_UNROUTED,) if route.unrouted else ()
    types = [EventType.INCIDENT_REPORTED, *unrouted, EventType.CALL_OPENED]
    waits_s = policy.parked_s(draft.kind)
    if waits_s:
        incident = _parked(incident, by, waits_s)
        types.append(EventType.INCIDENT_HELD)
    facts = {EventType.CALL_OPENED: {**opened_facts(call), **({"answer_by": answer_by} if waits_s else {})}}
    events = tuple(Event(each, n, now, incident, 1, by, facts=facts.get(each)) for n, each in enumerate(types, start=1))
    after = incident._replace(sequence=len(events))
    return Decision(None, after, None, call, events, route.because, *incident.requests)


def _parked(incident: Incident, by: By, waits_s: int) -> Incident:
    """A suggestion or a deliberation is not chased: it waits at its community like one on hold, and the longest time
    is its deadline (contract §1, kind). From then on, or once it is resumed, it goes the way of every other."""
    now = incident.reported_at
    until = now + timedelta(seconds=waits_s)
    hold = Request(
        n=1,
        kind=RequestKind.HOLD,
        call=1,
        until=until,
        reason=incident.kind.value,
        asked_by=by,
        asked_at=now,
        decided_at=now,
        outcome=Verdict.APPROVED,
        box=DueKind.ANSWER,
    )
    due: dict[str, Any] = {"due_at": until, "due_kind": DueKind.RESUME, "wake_at": until, "provisional": False}
    return incident._replace(state=State.ON_HOLD, requests=(hold,), **due)


def answer(story: Story, act: Act) -> None:
    """b. The called unit takes the call on; its resolve box starts."""
    _take_on(story, dict(act.answer or {}))
    story.tell(EventType.CALL_ANSWERED, act.words)


def _take_on(story: Story, said: dict[str, Any] | None) -> None:
    incident, now = story.incident, story.now
    seconds = story.world.box(incident.policy, incident.call.level, incident.urgency, incident.category).resolve_s
    clock = incident.call.clock
    by = story.world.timer(incident.policy, clock).due(now, timedelta(seconds=seconds))
    story.change_call(answered_at=now, resolve_by=by, answer=said, answer_us=deadlines.taken_us(incident, now))
    story.move(state=State.ANSWERED, **running(story.world, incident, clock, now, by, DueKind.RESOLVE, seconds))


def resolve(story: Story, act: Act) -> None:
    """c. The called unit says it is done; the calling side has the verify box to look. From calling: answered as
    well."""
    if story.incident.state is State.CALLING:
        _take_on(story, None)
        story.tell(EventType.CALL_ANSWERED)
    took = deadlines.taken_us(story.incident, story.now)
    story.end_call(Outcome.RESOLVED, result=act.words, attachments=act.attachments, resolve_us=took)
    verify_s = story.world.policy(*story.incident.policy).verify_s
    by = story.now + timedelta(seconds=verify_s)
    story.move(state=State.RESOLVED, due_at=by, due_kind=DueKind.VERIFY, wake_at=by, provisional=False)
    story.tell(EventType.INCIDENT_RESOLVED, act.words)


def raise_up(story: Story, act: Act) -> None:
    """d. The called unit calls the next level itself, with a ground. Not a failure."""
    ground = act.ground or Ground.OTHER
    story.end_call(Outcome.RAISED, end_code=ground.value, end_reason=act.words)
    story.tell(EventType.CALL_RAISED, act.words)
    route = routing.upwards(story.world, story.incident, story.now)
    story.open_call(route, Cause.RAISED, from_unit=story.incident.unit, ground=ground, reason=act.words)


_MISSED = {
    Arrow.NO_ANSWER: (Outcome.NO_ANSWER, Cause.NO_ANSWER),
    Arrow.NOT_RESOLVED: (Outcome.NOT_RESOLVED, Cause.NOT_RESOLVED),
}


def missed(story: Story, act: Act) -> None:
    """e, f. A deadline passed: the clock raises, or at level 4 calls again. A failure, with its lateness."""
    outcome, cause = _MISSED[act.arrow]
    due_at = story.incident.due_at or story.now
    story.end_call(outcome, late_s=deadlines.late_s(due_at, story.now))
    story.tell(EventType.CALL_MISSED)
    incident = story.incident
    route = routing.upwards(story.world, incident, story.now)
    beside = incident.assisting if route.unit == incident.unit else ()
    story.open_call(route, cause, from_unit=incident.unit, assisting=beside)


def accept(story: Story, act: Act) -> None:
    """k. The calling side confirms: closed, verified."""
    story.close(ClosedAs.VERIFIED, act.words)


def verify_timeout(story: Story, act: Act) -> None:
    """m. Nobody looked in time: closed, unverified."""
    story.because = "nobody verified it in time: it closes by itself"
    story.close(ClosedAs.UNVERIFIED, None)


def reject(story: Story, act: Act) -> None:
    """l. Not done: the same unit is called again; from the second rejection since the last reopening, the next
    level."""
    incident = story.incident
    again = incident.rejects == 0
    story.move(rejects=incident.rejects + 1, rating=None)
    story.tell(EventType.INCIDENT_REJECTED, act.words)
    route = (routing.again if again else routing.upwards)(story.world, incident, story.now)
    from_unit = incident.call.from_unit if again or incident.level is Level.LEADER else incident.unit
    story.open_call(route, Cause.REJECTED, from_unit=from_unit, reason=act.words, **_same_team(incident, route))


def _same_team(incident: Incident, route: Route) -> dict[str, Any]:
    """A call repeated to the same unit binds it as before, and finds the same units at its side."""
    if route.unit != incident.unit:
        return {}
    return {"binding": incident.call.binding, "assisting": incident.assisting}


def may_reopen(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """n, its guard: inside the window, and a void one only once."""
    until = incident.reopen_until
    if incident.closed_as not in REOPENABLE or until is None:
        return "It cannot be reopened: report it anew."
    if incident.closed_as is ClosedAs.VOID and incident.reopened_void:
        return "It was reopened from void once: report it anew."
    return None if now <= until else f"It could be reopened until {until.isoformat()}: report it anew."


def reopen(story: Story, act: Act) -> None:
    """n. Closed but not fixed: the unit it closed at is called again; a void one goes to the street."""
    incident = story.incident
    void = incident.closed_as is ClosedAs.VOID
    route = (routing.street_level if void else routing.again)(story.world, incident, story.now)
    story.open_call(
        route,
        Cause.REOPENED,
        from_unit=incident.call.from_unit,
        reason=act.words,
        announce=(EventType.INCIDENT_REOPENED, act.words),
        closed_at=None,
        closed_as=None,
        reopen_until=None,
        rejects=0,
        reopened_void=incident.reopened_void or void,
        rating=None,
        **_same_team(incident, route),
    )


def may_withdraw(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """o, its guard: it is not one reporter's alone once another's was merged into it."""
    others = any(each.startswith("@") for each in incident.audience)
    return "Another reporter's incident was merged into it: comment instead." if others else None


def withdraw(story: Story, act: Act) -> None:
    """o. The reporter takes it back."""
    if story.incident.state in CALL_OPEN_STATES:
        story.end_call(Outcome.CLOSED, end_code=ClosedAs.WITHDRAWN.value, end_reason=act.words)
    story.close(ClosedAs.WITHDRAWN, act.words)


def comment(story: Story, act: Act) -> None:
    """Changes nothing but the timeline: the version stays."""
    story.tell(EventType.INCIDENT_COMMENTED, act.words)


def urge(story: Story, act: Act) -> None:
    """A push that changes no state: the version stays."""
    story.tell(EventType.INCIDENT_URGED, act.words)
