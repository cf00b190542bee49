"""How a decision is told: a story starts from the incident as it was and collects what becomes of it, the call that
ends, the call that opens, the request that changes, the events in the contract's order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from service.rules import deadlines
from service.rules.model import By, Call, Decision, Event, Incident, Request
from service.rules.routing import Route
from service.rules.words import (
    Cause,
    ClockKind,
    ClosedAs,
    DueKind,
    EventType,
    Ground,
    Level,
    Outcome,
    State,
    Verdict,
)
from service.rules.world import World

REOPENABLE = frozenset({ClosedAs.VERIFIED, ClosedAs.UNVERIFIED, ClosedAs.VOID})


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
        self._request: Request | None = None
        self._opened: Call | None = None
        self._events: list[Event] = []

    def told(self) -> Decision:
        events = tuple(self._events)
        return Decision(self.before, self.incident, self._ended, self._opened, events, self.because, self._request)

    @property
    def incident(self) -> Incident:
        """As it stands at this point of the story."""
        if self._moved:
            self._incident = self._incident._replace(**self._moved)
            self._moved = {}
        return self._incident

    def tell(self, event_type: EventType, note: str | None = None, *, call: int | None = None, **facts: Any) -> None:
        """Write one event: the incident as it stands, and the event's own number with it. `call`: the last one's
        `seq` unless given."""
        self._moved["sequence"] = sequence = self._incident.sequence + 1
        at_state = self.incident
        seq = at_state.call.seq if call is None else call
        self._events.append(Event(event_type, sequence, self.now, at_state, seq, self.by, note, facts or None))

    def move(self, **fields: Any) -> None:
        """A step of the incident itself. Its version rises by one in a decision, however many steps that takes."""
        self._moved.update(fields, version=self.before.version + 1, updated_at=self.now)

    def note(self, **fields: Any) -> None:
        """A step that nobody's `If-Match` should stumble over: the version stays."""
        self._moved.update(fields)

    def change_call(self, **fields: Any) -> None:
        self._ended = self.incident.call._replace(**fields)
        self.move(call=self._ended)

    def change_any_call(self, call: Call, *, silently: bool = False) -> None:
        """One call of any age, changed. `silently`: nobody's `If-Match` should stumble over it."""
        incident = self.incident
        last = call.seq == incident.call.seq
        earlier = tuple(call if each.seq == call.seq else each for each in incident.earlier)
        self._ended = call
        step = self.note if silently else self.move
        step(call=call if last else incident.call, earlier=earlier)

    def end_call(self, outcome: Outcome, **fields: Any) -> None:
        self.change_call(outcome=outcome, ended_at=self.now, ended_by=self.by, **fields)
        if self.before.open_request is not None:
            self.change_request(outcome=Verdict.LAPSED, decided_at=self.now)

    def change_request(self, **fields: Any) -> Request:
        """The last request, changed: the only one that can be open, or can hold."""
        *before, last = self.incident.requests
        self._request = last._replace(**fields)
        self.move(requests=(*before, self._request))
        return self._request

    def add_request(self, request: Request) -> None:
        self._request = request
        self.move(requests=(*self.incident.requests, request))

    def open_call(
        self,
        route: Route,
        cause: Cause,
        *,
        from_unit: str | None,
        ground: Ground | None = None,
        reason: str | None = None,
        announce: tuple[EventType, str | None] | None = None,
        binding: bool = False,
        assisting: tuple[str, ...] = (),
        **fields: Any,
    ) -> None:
        """Open the next call and tell it. A route that skipped a level is called `unrouted`, and said so first.

        `announce` is an event (type, note) that goes before both but already shows where the incident is going.
        """
        incident = self.incident
        call, box_s = _new_call(self.world, incident, route, cause, from_unit, self.now)
        if ground or reason or binding or assisting:
            call = call._replace(ground=ground, reason=reason, binding=binding, assisting=assisting)
        self._opened = call
        due = running(self.world, incident, call.clock, self.now, call.answer_by, DueKind.ANSWER, box_s)
        audience = incident.audience if route.unit in incident.audience else (*incident.audience, route.unit)
        calls_at = counted(incident.calls_at, route.level)
        where = {"state": State.CALLING, "level": route.level, "unit": route.unit}
        calls = {"call": call, "calls_at": calls_at, "earlier": (*incident.earlier, incident.call)}
        self.move(**where, **due, **calls, audience=audience, assisting=assisting, **fields)
        self.because = route.because
        if announce:
            self.tell(*announce)
        if route.unrouted:
            self.tell(EventType.CALL_UNROUTED, route.because)
        self.tell(EventType.CALL_OPENED, **opened_facts(call))

    def close(self, closed_as: ClosedAs, note: str | None, **facts: Any) -> None:
        policy = self.world.policy(*self.incident.policy)
        until = self.now + timedelta(seconds=policy.reopen_s) if closed_as in REOPENABLE else None
        self.move(
            state=State.CLOSED,
            closed_as=closed_as,
            closed_at=self.now,
            reopen_until=until,
            due_at=None,
            due_kind=None,
            wake_at=None,
            provisional=False,
        )
        self.tell(EventType.INCIDENT_CLOSED, note, closed_as=closed_as.value, **facts)


def opened_facts(call: Call) -> dict[str, Any]:
    """What the log says of how a call began, so that it alone can tell the figures."""
    return {"cause": call.cause.value, "binding": True} if call.binding else {"cause": call.cause.value}


def running(
    world: World, incident: Incident, clock: ClockKind, start: datetime, due_at: datetime, kind: DueKind, box_s: int
) -> dict[str, Any]:
    """The fields of an incident whose call's box has just begun: its deadline, and when the clock must look next."""
    timer = world.timer(incident.policy, clock)
    mark = deadlines.next_mark(due_at, box_s, world.policies[incident.policy].warn, 0, timer)
    provisional = timer.is_provisional(start, due_at)
    return {"due_at": due_at, "due_kind": kind, "wake_at": mark or due_at, "warned": 0, "provisional": provisional}


def counted(calls_at: tuple[int, ...], level: Level) -> tuple[int, ...]:
    """The counts with one more call at this level."""
    return (*calls_at[: level - 1], calls_at[level - 1] + 1, *calls_at[level:])


def _new_call(
    world: World, incident: Incident, route: Route, cause: Cause, from_unit: str | None, now: datetime
) -> tuple[Call, int]:
    """A call and the seconds of its answer box."""
    box = world.box(incident.policy, route.level, incident.urgency, incident.category)
    call = Call(
        seq=sum(incident.calls_at) + 1,
        level=route.level,
        round=incident.calls_at[route.level - 1] + 1,
        unit=route.unit,
        from_unit=from_unit,
        cause=Cause.UNROUTED if route.unrouted else cause,
        opened_at=now,
        answer_by=world.timer(incident.policy, box.clock).due(now, timedelta(seconds=box.answer_s)),
        clock=box.clock,
    )
    return call, box.answer_s
