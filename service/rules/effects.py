"""What each arrow does: one function an arrow, each a few sentences told by `Story`.

A story starts from the incident as it was and collects what becomes of it: the call that ends, the call that opens, the
events in the contract's order. Nothing here asks whether an arrow is allowed; `lifecycle` has done that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from service.rules import deadlines, routing
from service.rules.model import Act, By, Call, Decision, Draft, Event, Incident
from service.rules.routing import Route
from service.rules.words import (
    CALL_OPEN_STATES,
    Arrow,
    Cause,
    Clock,
    ClosedAs,
    DueKind,
    Ground,
    Level,
    Outcome,
    State,
    Urgency,
)
from service.rules.world import World

_REOPENABLE = frozenset({ClosedAs.VERIFIED, ClosedAs.UNVERIFIED, ClosedAs.VOID})


class Story:
    """Collects one decision. Local to one call of `lifecycle.decide`, so it may change as it goes."""

    def __init__(self, incident: Incident, by: By, world: World, now: datetime) -> None:
        self.before = incident
        self._incident = incident
        self._moved: dict[str, Any] = {}
        self.by = by
        self.world = world
        self.now = now
        self.because = ""
        self._ended: Call | None = None
        self._opened: Call | None = None
        self._events: list[Event] = []

    def told(self) -> Decision:
        return Decision(self.before, self.incident, self._ended, self._opened, tuple(self._events), self.because)

    @property
    def incident(self) -> Incident:
        """As it stands at this point of the story."""
        if self._moved:
            self._incident = self._incident._replace(**self._moved)
            self._moved = {}
        return self._incident

    def tell(self, kind: str, note: str | None = None) -> None:
        """Write one event: the incident as it stands, and the event's own number with it."""
        self._moved["sequence"] = sequence = self._incident.sequence + 1
        at_state = self.incident
        self._events.append(Event(kind, sequence, self.now, at_state, at_state.call.seq, self.by, note))

    def move(self, **fields: Any) -> None:
        """A step of the incident itself. Its version rises by one in a decision, however many steps that takes."""
        self._moved.update(fields, version=self.before.version + 1, updated_at=self.now)

    def change_call(self, **fields: Any) -> None:
        self._ended = self.incident.call._replace(**fields)
        self.move(call=self._ended)

    def end_call(self, outcome: Outcome, **fields: Any) -> None:
        self.change_call(outcome=outcome, ended_at=self.now, ended_by=self.by, **fields)

    def open_call(
        self,
        route: Route,
        cause: Cause,
        *,
        from_unit: str | None,
        ground: Ground | None = None,
        reason: str | None = None,
        announce: tuple[str, str | None] | None = None,
        **fields: Any,
    ) -> None:
        """Open the next call and tell it. A route that skipped a level is called `unrouted`, and said so first.

        `announce` is an event (type, note) that goes before both but already shows where the incident is going.
        """
        incident = self.incident
        call = _new_call(self.world, incident, route, cause, from_unit, self.now)
        self._opened = call = call._replace(ground=ground, reason=reason) if ground or reason else call
        due = {"due_at": call.answer_by, "due_kind": DueKind.ANSWER, "wake_at": call.answer_by}
        audience = incident.audience if route.unit in incident.audience else (*incident.audience, route.unit)
        calls_at = _counted(incident.calls_at, route.level)
        where = {"state": State.CALLING, "level": route.level, "unit": route.unit}
        self.move(**where, **due, call=call, calls_at=calls_at, audience=audience, **fields)
        self.because = route.because
        if announce:
            self.tell(*announce)
        if route.unrouted:
            self.tell("sihu.call.unrouted", route.because)
        self.tell("sihu.call.opened")

    def close(self, closed_as: ClosedAs, note: str | None) -> None:
        policy = self.world.policy(*self.incident.policy)
        until = deadlines.due(self.now, policy.reopen_s, Clock.CONTINUOUS) if closed_as in _REOPENABLE else None
        self.move(
            state=State.CLOSED,
            closed_as=closed_as,
            closed_at=self.now,
            reopen_until=until,
            due_at=None,
            due_kind=None,
            wake_at=None,
        )
        self.tell("sihu.incident.closed", note)


def _counted(calls_at: tuple[int, ...], level: Level) -> tuple[int, ...]:
    return (*calls_at[: level - 1], calls_at[level - 1] + 1, *calls_at[level:])


def _new_call(
    world: World, incident: Incident, route: Route, cause: Cause, from_unit: str | None, now: datetime
) -> Call:
    box = world.box(incident.policy, route.level, incident.urgency)
    return Call(
        seq=sum(incident.calls_at) + 1,
        level=route.level,
        round=incident.calls_at[route.level - 1] + 1,
        unit=route.unit,
        from_unit=from_unit,
        cause=Cause.UNROUTED if route.unrouted else cause,
        opened_at=now,
        answer_by=deadlines.due(now, box.answer_s, box.clock),
        clock=box.clock,
    )


def report(
    draft: Draft, urgency: Urgency, by: By, world: World, *, incident_id: UUID, number: str, now: datetime
) -> Decision:
    """a. The incident begins and calls the community of its cell."""
    route = routing.first(world, draft.grid_code, draft.category, now)
    policy = world.active()
    box = policy.boxes[route.level, urgency]
    answer_by = deadlines.due(now, box.answer_s, box.clock)
    cause = Cause.UNROUTED if route.unrouted else Cause.REPORT
    call = Call(1, route.level, 1, route.unit, None, cause, now, answer_by, box.clock)
    incident = Incident(
        id=incident_id,
        number=number,
        kind=draft.kind,
        state=State.CALLING,
        level=route.level,
        unit=route.unit,
        grid_code=draft.grid_code,
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
        calls_at=_counted((0, 0, 0, 0), route.level),
        audience=(route.unit,),
    )
    kinds = ["sihu.incident.reported", *(["sihu.call.unrouted"] if route.unrouted else []), "sihu.call.opened"]
    events = tuple(Event(kind, n, now, incident, 1, by) for n, kind in enumerate(kinds, start=1))
    return Decision(None, incident._replace(sequence=len(events)), None, call, events, route.because)


def answer(story: Story, act: Act) -> None:
    """b. The called unit takes the call on; its resolve box starts."""
    _take_on(story, dict(act.answer or {}))
    story.tell("sihu.call.answered", act.words)


def _take_on(story: Story, said: dict[str, Any] | None) -> None:
    incident, now = story.incident, story.now
    box = story.world.box(incident.policy, incident.level, incident.urgency)
    by = deadlines.due(now, box.resolve_s, incident.call.clock)
    story.change_call(answered_at=now, resolve_by=by, answer=said)
    story.move(state=State.ANSWERED, due_at=by, due_kind=DueKind.RESOLVE, wake_at=by)


def resolve(story: Story, act: Act) -> None:
    """c. The called unit says it is done; the calling side has the verify box to look. From calling: answered as
    well."""
    if story.incident.state is State.CALLING:
        _take_on(story, None)
        story.tell("sihu.call.answered")
    story.end_call(Outcome.RESOLVED, result=act.words, attachments=act.attachments)
    verify_s = story.world.policy(*story.incident.policy).verify_s
    by = deadlines.due(story.now, verify_s, Clock.CONTINUOUS)
    story.move(state=State.RESOLVED, due_at=by, due_kind=DueKind.VERIFY, wake_at=by)
    story.tell("sihu.incident.resolved", act.words)


def raise_up(story: Story, act: Act) -> None:
    """d. The called unit calls the next level itself, with a ground. Not a failure."""
    ground = act.ground or Ground.OTHER
    story.end_call(Outcome.RAISED, end_code=ground.value, end_reason=act.words)
    story.tell("sihu.call.raised", act.words)
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
    story.tell("sihu.call.missed")
    route = routing.upwards(story.world, story.incident, story.now)
    story.open_call(route, cause, from_unit=story.incident.unit)


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
    story.move(rejects=incident.rejects + 1)
    story.tell("sihu.incident.rejected", act.words)
    find = routing.again if again else routing.upwards
    from_unit = incident.call.from_unit if again or incident.level is Level.LEADER else incident.unit
    story.open_call(find(story.world, incident, story.now), Cause.REJECTED, from_unit=from_unit, reason=act.words)


def may_reopen(incident: Incident, now: datetime) -> bool:
    """n, its guard: inside the window, and a void one only once."""
    if incident.closed_as not in _REOPENABLE or incident.reopen_until is None:
        return False
    if incident.closed_as is ClosedAs.VOID and incident.reopened_void:
        return False
    return now <= incident.reopen_until


def reopen(story: Story, act: Act) -> None:
    """n. Closed but not fixed: the unit it closed at is called again; a void one goes to the street."""
    incident = story.incident
    void = incident.closed_as is ClosedAs.VOID
    find = routing.street_level if void else routing.again
    story.open_call(
        find(story.world, incident, story.now),
        Cause.REOPENED,
        from_unit=incident.call.from_unit,
        reason=act.words,
        announce=("sihu.incident.reopened", act.words),
        closed_at=None,
        closed_as=None,
        reopen_until=None,
        rejects=0,
        reopened_void=incident.reopened_void or void,
    )


def withdraw(story: Story, act: Act) -> None:
    """o. The reporter takes it back."""
    if story.incident.state in CALL_OPEN_STATES:
        story.end_call(Outcome.CLOSED, end_code=ClosedAs.WITHDRAWN.value, end_reason=act.words)
    story.close(ClosedAs.WITHDRAWN, act.words)


def comment(story: Story, act: Act) -> None:
    """Changes nothing but the timeline: the version stays."""
    story.tell("sihu.incident.commented", act.words)


def urge(story: Story, act: Act) -> None:
    """A push that changes no state: the version stays."""
    story.tell("sihu.incident.urged", act.words)
