"""Making a decision: a story starts from the incident as it was and collects what becomes of it, the calls that change,
the call that opens, the request that changes, and the events in the contract's order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, Unpack, cast
from uuid import UUID

from service.rules import deadlines, fair_play, pinning
from service.rules.changes import BoxStart, CallChange, CallEnd, CapChange, IncidentChange, RequestChange
from service.rules.decisions import DecisionOf, Event
from service.rules.fair_play import Accountable
from service.rules.logged import EventFacts, LeavingFacts
from service.rules.model import CLOCK, AnyIncident, By, Call, Earlier, IncidentOf, Request
from service.rules.routing import Route
from service.rules.sentences import NO_WORDS
from service.rules.spot_checks import Seeds
from service.rules.words import Cause, ClockKind, ClosedAs, DueKind, EventType, Ground, Level, Outcome, State, Verdict
from service.rules.world import World

_PLACES = {name: place for place, name in enumerate(IncidentOf._fields)}
_CALL_PLACES = {name: place for place, name in enumerate(Call._fields)}
"""The place of each field in the tuple of an incident, and in that of a call. A copy made by place takes half the time
of `_replace`, which looks for every field."""
_VERSION, _UPDATED_AT, _SEQUENCE = _PLACES["version"], _PLACES["updated_at"], _PLACES["sequence"]
_EARLIER = _PLACES["earlier"]

REOPENABLE = frozenset({ClosedAs.VERIFIED, ClosedAs.UNVERIFIED, ClosedAs.VOID})


class StoryOf(Generic[Earlier]):
    """One decision that is being made. A story lives for one act or one deadline, so unlike the model it may change.

    An effect that the clock runs takes a `StoryOf[Earlier]`, so the type checker refuses a look at calls that were not
    loaded.
    """

    def __init__(
        self, incident: IncidentOf[Earlier], by: By, world: World, now: datetime, seeds: Seeds | None = None
    ) -> None:
        self.before = incident
        self._incident = incident
        self._row: list[Any] = list(incident)
        self._is_changed = False
        self.by = by
        self.world = world
        self.now = now
        self.seeds = seeds
        self.because = NO_WORDS
        self._changed: dict[int, Call] = {}
        self._opened: Call | None = None
        self._request: Request | None = None
        self._events: list[Event] = []

    def decision(self) -> DecisionOf[Earlier]:
        """The decision that the story has come to so far."""
        changed = self._changes() if self._changed else ()
        events = tuple(self._events)
        return DecisionOf(self.before, self.incident, changed, self._opened, events, self.because, self._request)

    def _changes(self) -> tuple[Call, ...]:
        """The calls that differ from what they were before, oldest first."""
        earlier: tuple[Call, ...] | None = self.before.earlier
        before = (self.before.call, *(earlier or ()))
        return tuple([call for _, call in sorted(self._changed.items()) if call not in before])

    @property
    def incident(self) -> IncidentOf[Earlier]:
        """The incident as it stands at this point of the story."""
        if self._is_changed:
            self._incident, self._is_changed = IncidentOf._make(self._row), False
        return self._incident

    def record(
        self, event_type: EventType, note: str | None = None, *, call: int | None = None, **facts: Unpack[EventFacts]
    ) -> None:
        """Write one event, which shows the incident as it stands now. The event is about the last call unless `call`
        names the `seq` of another."""
        self._row[_SEQUENCE] = sequence = self._row[_SEQUENCE] + 1
        self._is_changed = True
        at_state = self.incident
        seq = at_state.call.seq if call is None else call
        self._events.append(Event(event_type, sequence, self.now, at_state, seq, self.by, note, facts or None))

    def change(self, **fields: Unpack[IncidentChange]) -> None:
        """Change the incident. In one decision the version rises by one, however many changes there are."""
        self._write(fields)
        self._row[_VERSION] = self.before.version + 1
        self._row[_UPDATED_AT] = self.now

    def change_quietly(self, **fields: Unpack[IncidentChange]) -> None:
        """Change the incident without raising its version: nobody's `If-Match` fails because of it."""
        self._write(fields)

    def _write(self, fields: IncidentChange) -> None:
        row = self._row
        for name, value in fields.items():
            row[_PLACES[name]] = value
        self._is_changed = True

    def change_call(self, **fields: Unpack[CallChange]) -> None:
        """Change the last call."""
        self.change(call=self._changed_last(fields))

    def change_call_numbered(self: Story, seq: int, *, quietly: bool = False, **fields: Unpack[CallChange]) -> None:
        """Change one call of any age; `quietly` leaves the incident's version as it is."""
        call = self.incident.call
        if seq == call.seq:
            call = self._changed_last(fields)
        else:
            earlier = list(self._row[_EARLIER])
            self._changed[seq] = earlier[seq - 1] = _changed(earlier[seq - 1], fields)
            self._row[_EARLIER] = tuple(earlier)
        step = self.change_quietly if quietly else self.change
        step(call=call)

    def _changed_last(self, fields: CallChange) -> Call:
        call = _changed(self.incident.call, fields)
        if self._opened is None:
            self._changed[call.seq] = call
        else:
            self._opened = call
        return call

    def end_call(self, outcome: Outcome, **fields: Unpack[CallEnd]) -> None:
        """End the last call. A request that still waits on it lapses."""
        incident, now = self.incident, self.now
        used = fair_play.WHOLE_BOX if self.by is CLOCK else fair_play.box_used(incident, self.world, now)
        held_s = fair_play.held_s(incident, now)
        self.change_call(**fields, outcome=outcome, ended_at=now, ended_by=self.by, box_used=used, held_s=held_s)
        if self.before.open_request is not None:
            self.change_request(outcome=Verdict.LAPSED, decided_at=self.now)
        elif incident.state is State.ON_HOLD:
            self.change_request(resumed_at=now)

    def leave_call(self, outcome: Outcome, **fields: Unpack[CallEnd]) -> LeavingFacts:
        """End the last call, which its unit passes on or refuses. Returns the facts for the event."""
        self.end_call(outcome, **fields)
        facts: LeavingFacts = {"box_used": self.incident.call.box_used or 0}
        if fair_play.is_late_exit(self.incident, self.by, self.world):
            self.change_call(late_exit=True)
            facts["late_exit"] = True
        return facts

    def change_request(self, **fields: Unpack[RequestChange]) -> Request:
        """Change the last request, the only one that can be waiting or on hold."""
        *before, last = self.incident.requests
        self._set_requests(tuple(before), last._replace(**fields))
        return self.incident.requests[-1]

    def add_request(self, request: Request) -> None:
        """Add a request that the called unit makes."""
        self._set_requests(self.incident.requests, request)

    def _set_requests(self, before: tuple[Request, ...], last: Request) -> None:
        self._request = last
        self.change(requests=(*before, last))

    def open_call(
        self,
        route: Route,
        cause: Cause,
        *,
        from_unit: str | None,
        ground: Ground | None = None,
        reason: str | None = None,
        first: tuple[EventType, str | None] | None = None,
        binding: bool = False,
        assisting: tuple[str, ...] = (),
        accountable: Accountable | None = None,
        caps: CapChange | None = None,
    ) -> None:
        """Open the next call and record it. When the route skipped a level, an `unrouted` event is recorded first.
        `first` is an event (type, note) that goes before both, but already shows where the incident is going."""
        incident, key = self.incident, pinning.key_of(self.world, self.incident)
        call, box_s = _new_call(self.world, key, incident, route, cause, from_unit, self.now, caps)
        if ground or reason or binding or assisting:
            call = call._replace(ground=ground, reason=reason, binding=binding, assisting=assisting)
        self._opened = call = fair_play.marked(call, incident.reporter_unit, accountable, self.world)
        if incident.earlier is not None:
            self._row[_EARLIER] = (*incident.earlier, incident.call)
        audience = incident.audience if route.unit in incident.audience else (*incident.audience, route.unit)
        self.change(
            state=State.CALLING,
            level=route.level,
            unit=route.unit,
            call=call,
            calls_per_level=with_one_more(incident.calls_per_level, route.level),
            audience=audience,
            assisting=assisting,
            **box_start(self.world, key, call.clock, self.now, call.answer_by, DueKind.ANSWER, box_s),
        )
        self.because = route.because
        if first:
            self.record(*first)
        if route.unrouted:
            self.record(EventType.CALL_UNROUTED, route.because)
        self.record(EventType.CALL_OPENED, **opening_facts(call))

    def close(
        self,
        closed_as: ClosedAs,
        note: str | None,
        *,
        into: UUID | None = None,
        reason_code: str | None = None,
        **left: Unpack[LeavingFacts],
    ) -> None:
        """Close the incident and record it. When `closed_as` is one of `REOPENABLE`, it can be reopened for a while.
        `left` are the facts of a call that ended with it."""
        policy = pinning.policy_of(self.world, self.incident)
        until = self.now + timedelta(seconds=policy.reopen_s) if closed_as in REOPENABLE else None
        self.change(
            state=State.CLOSED,
            closed_as=closed_as,
            closed_at=self.now,
            reopen_until=until,
            due_at=None,
            due_kind=None,
            wake_at=None,
            provisional=False,
        )
        facts = cast("EventFacts", {"closed_as": closed_as, **left})
        if into is not None:
            facts["into"] = into
        if reason_code is not None:
            facts["reason_code"] = reason_code
        self.record(EventType.INCIDENT_CLOSED, note, **facts)


Story: TypeAlias = StoryOf[tuple[Call, ...]]
"""The story of a person's act, with all calls of the incident loaded."""


def _changed(call: Call, fields: CallChange) -> Call:
    row: list[Any] = list(call)
    for name, value in fields.items():
        row[_CALL_PLACES[name]] = value
    return Call._make(row)


def box_start(
    world: World, key: tuple[str, int], clock: ClockKind, start: datetime, due_at: datetime, kind: DueKind, box_s: int
) -> BoxStart:
    """The deadline of a box that begins at `start` under the policy `key`, and when the clock must look next."""
    timer = world.timer(key, clock)
    mark = deadlines.next_mark(due_at, box_s, world.policy(key).warn, 0, timer)
    provisional = timer.is_provisional(start, due_at)
    return {"due_at": due_at, "due_kind": kind, "wake_at": mark or due_at, "warned": 0, "provisional": provisional}


def opening_facts(call: Call) -> EventFacts:
    """The facts of a call's opening that the log keeps, so that the figures can be counted from the log alone."""
    facts: EventFacts = {"cause": call.cause}
    if call.binding:
        facts["binding"] = True
    if call.self_reported:
        facts["self_reported"] = True
    if call.own_report:
        facts["own_report"] = True
    if call.accountable is not None and call.accountable_seq is not None:
        facts["accountable"] = {"unit": call.accountable, "seq": call.accountable_seq}
    return facts


def with_one_more(calls_per_level: tuple[int, ...], level: Level) -> tuple[int, ...]:
    """The counts with one more call at this level."""
    counts = list(calls_per_level)
    counts[level - 1] += 1
    return tuple(counts)


def _new_call(
    world: World,
    key: tuple[str, int],
    incident: AnyIncident,
    route: Route,
    cause: Cause,
    from_unit: str | None,
    now: datetime,
    caps: CapChange | None,
) -> tuple[Call, int]:
    """The next call of an incident under the policy `key`, and the seconds of its answer box."""
    box = world.policy(key).box(route.level, incident.urgency, incident.category)
    call = Call(
        seq=sum(incident.calls_per_level) + 1,
        level=route.level,
        round=incident.calls_per_level[route.level - 1] + 1,
        unit=route.unit,
        from_unit=from_unit,
        cause=Cause.UNROUTED if route.unrouted else cause,
        opened_at=now,
        answer_by=world.timer(key, box.clock).due(now, timedelta(seconds=box.answer_s)),
        clock=box.clock,
        urgency=incident.urgency,
        category=incident.category,
    )
    return deadlines.capped(call, caps), box.answer_s
