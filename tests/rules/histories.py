"""Everything ever written about one incident, checked as it is written: the state machine's memory.

What is checked here is what each decision owes to the one before; it is written from contract §2 and §3, not from the
code. What must hold at every moment is in `test_machine`.
"""

from __future__ import annotations

from datetime import timedelta

from service.rules.decisions import Decision, Event
from service.rules.model import Call, Incident, Request
from service.rules.policy import Policy
from service.rules.words import Cause, Level, Outcome, State, Urgency
from service.rules.world import World
from tests.rules import debts, fair
from tests.rules.builders import POLICIES
from tests.rules.debts import Debt

BY_THE_CLOCK = (Outcome.NO_ANSWER, Outcome.NOT_RESOLVED)
_QUIET = tuple(
    f"sihu.{kind}"
    for kind in ("incident.commented", "incident.urged", "incident.rated", "incident.merged", "call.warned")
)
_MERGED = "sihu.incident.merged"
_OF_ANY_CALL = ("incident.rated", "call.appealed", "call.exempted", "call.appeal_refused")
_AFTER_ITS_END = (
    *("rating", "outcome_rating", "outcome_mean", "outcome_ratings"),
    *("appeal", "exempt", "credit", "late_exit"),
)
"""What may still change of a call that has ended."""
_OPENS = ("sihu.incident.reported", "sihu.incident.reopened", "sihu.call.unrouted", "sihu.call.opened")
_FIXED = (
    *("seq", "level", "round", "unit", "from_unit", "cause", "opened_at", "clock", "ground", "reason"),
    *("urgency", "category", "self_reported", "accountable", "accountable_seq"),
)
"""What a call bears from its opening to its end."""

CREDITS = {
    (None, "pending"),
    ("pending", "verified"),
    ("pending", "unverified"),
    ("pending", "rejected"),
    ("unverified", "verified"),
    ("unverified", "rejected"),
    ("verified", "reopened"),
    ("unverified", "reopened"),
}
"""The only ways of a credit."""

_POLICIES: dict[tuple[str, int], Policy] = {(each.code, each.version): each for each in POLICIES}


class Replay:
    """The state an incident must be in, told by the types of its events alone."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.before_hold: State | None = None
        self.opening = False
        self.call = 0
        self.level: Level | None = None
        self.unit = ""
        self.is_refuted = False
        """A spot check has just found that it was not so."""

    def hear(self, event: Event) -> None:
        kind = event.type.removeprefix("sihu.")
        assert self.opening == (kind in ("call.unrouted", "call.opened")), kind
        getattr(self, kind.partition(".")[2])(event)
        if kind in _OF_ANY_CALL:
            assert 1 <= event.call <= self.call, kind
        else:
            assert event.call == self.call + (event.type in _OPENS and kind != "call.opened"), kind

    def reported(self, event: Event) -> None:
        assert self.state is None
        self.opening = True

    def reopened(self, event: Event) -> None:
        assert self.state is State.CLOSED
        self.opening = True

    def checked(self, event: Event) -> None:
        assert self.state is State.CLOSED
        assert event.facts is not None
        self.is_refuted = event.facts["credit"] == "rejected"

    def rejected(self, event: Event) -> None:
        assert self.state is (State.CLOSED if self.is_refuted else State.RESOLVED)
        self.opening, self.is_refuted = True, False

    def raised(self, event: Event) -> None:
        assert self.state in (State.CALLING, State.ANSWERED)
        self.opening = True

    missed = returned = assigned = raised

    def unrouted(self, event: Event) -> None:
        pass

    def opened(self, event: Event) -> None:
        self.state, self.opening, self.call = State.CALLING, False, self.call + 1
        self.level, self.unit = event.at_state.level, event.at_state.unit

    def answered(self, event: Event) -> None:
        assert self.state is State.CALLING
        self.state = State.ANSWERED

    def resolved(self, event: Event) -> None:
        assert self.state is State.ANSWERED
        self.state = State.RESOLVED

    def corrected(self, event: Event) -> None:
        assert self.state in (State.CALLING, State.ANSWERED)
        self.opening = "box_used" in (event.facts or {})

    def closed(self, event: Event) -> None:
        assert self.state not in (None, State.CLOSED)
        self.state = State.CLOSED

    def commented(self, event: Event) -> None:
        pass

    urged = requested = extended = refused = warned = rescheduled = commented
    assisted = part_done = declined = rated = merged = appealed = exempted = appeal_refused = commented
    revealed = erased = commented

    def held(self, event: Event) -> None:
        assert self.state in (State.CALLING, State.ANSWERED)
        self.before_hold, self.state = self.state, State.ON_HOLD

    def resumed(self, event: Event) -> None:
        assert self.state is State.ON_HOLD
        self.state = self.before_hold


class History:
    """One incident: where it stands, its calls, its events, and what they replay to."""

    def __init__(self, decision: Decision, world: World) -> None:
        assert decision.before is None
        assert decision.after.version == 1
        self.now: Incident = decision.after
        self.calls: list[Call] = []
        self.cells: list[str] = []
        """Where the incident was when each call was opened."""
        self.events: list[Event] = []
        self.replay = Replay()
        self.merged = False
        """Somebody else's incident was merged into this one."""
        self.reckoned_in = world
        """The world in which the deadline was last computed: a calendar may have changed since."""
        self.debt = Debt(None, None)
        """What its open call owes for incidents that were merged into it."""
        self._write(decision, world)

    def take(self, decision: Decision, world: World) -> None:
        before, after = self.now, decision.after
        assert decision.before is before
        quiet = not decision.events or decision.events[0].type in _QUIET
        if decision.events and decision.events[0].type == _MERGED:  # its call or its urgency may change by that
            quiet = (after.call, after.urgency) == (before.call, before.urgency)
        assert after.version == before.version + (0 if quiet else 1)
        assert after.updated_at >= before.updated_at
        assert quiet or after.updated_at == decision.events[0].at
        corrected = {
            name
            for event in decision.events
            if event.type == "sihu.incident.corrected" and event.facts
            for name in event.facts["changes"]
        }
        is_raised = (before.urgency, after.urgency) == (Urgency.NORMAL, Urgency.URGENT)
        if is_raised and decision.events[0].type == _MERGED:
            corrected = {"urgency"}
        for name in ("id", "number", "kind", "grid_code", "category", "urgency", "reporter", "policy", "reported_at"):
            assert (getattr(after, name) == getattr(before, name)) == (name not in corrected), name
        if after.due_at != before.due_at or after.provisional != before.provisional:
            self.reckoned_in = world
        self._asked(decision, before.requests, after.requests)
        self._owes(before, after, world)
        self.now = after
        self._write(decision, world)
        fair.demand(before, decision, self.events, world)

    def _owes(self, before: Incident, after: Incident, world: World) -> None:
        """What was taken over belongs to one call; an answer and a hold move it."""
        if after.call.seq != before.call.seq:
            self.debt = Debt(None, None)
        elif before.call.answered_at is None and after.call.answered_at is not None:
            self.debt = debts.after_answer(self.debt, before, world, after.call.answered_at)
        elif before.state is State.ON_HOLD and after.state in (State.CALLING, State.ANSWERED):
            self.debt = debts.after_hold(self.debt, before, world, after.updated_at)

    def _asked(self, decision: Decision, before: tuple[Request, ...], after: tuple[Request, ...]) -> None:
        """One request a decision at most: a new one at the end, or the last one changed."""
        assert after[: len(before) - 1] == before[:-1]
        assert len(after) - len(before) in (0, 1)
        assert (decision.request is None) == (after == before)
        assert decision.request is None or decision.request == after[-1]
        assert [each.n for each in after] == list(range(1, len(after) + 1))

    def _write(self, decision: Decision, world: World) -> None:
        self.merged |= any(event.type == "sihu.incident.merged" for event in decision.events)
        for event in decision.events:
            assert event.sequence == len(self.events) + 1
            self.events.append(event)
            self.replay.hear(event)
        assert decision.after.sequence == len(self.events)
        for call in decision.changed:
            self._ended(call)
        if decision.opened is not None:
            self._opened(decision.opened, world)

    def _ended(self, call: Call) -> None:
        """Only the last call changes, only while it is open, and never in what it was opened with. What others say of
        it, ratings and an appeal, may come later, of any call; each stands once it is said."""
        before = self.calls[call.seq - 1]
        assert [getattr(call, name) for name in _FIXED] == [getattr(before, name) for name in _FIXED]
        if before.outcome is not None:
            for name in Call._fields:
                assert name in _AFTER_ITS_END or getattr(call, name) == getattr(before, name), name
            assert before.rating in (None, call.rating)
            assert call.outcome_ratings[: len(before.outcome_ratings)] == before.outcome_ratings
            subjects = [each.subject for each in call.outcome_ratings]
            assert len(set(subjects)) == len(subjects), "each reporter once"
            assert call.exempt or not before.exempt
            assert before.late_exit or not call.late_exit, "nobody leaves late afterwards"
        assert call.credit is before.credit or (before.credit, call.credit) in CREDITS
        self.calls[call.seq - 1] = call

    def _opened(self, call: Call, world: World) -> None:
        before = self.calls[-1] if self.calls else None
        assert world.unit(call.unit, call.opened_at) is not None, "a unit that is no longer in force was called"
        assert call.from_unit in self._callers(call, before)
        downwards = (Cause.RETURNED, Cause.ASSIGNED, Cause.REOPENED, Cause.UNROUTED)
        assert before is None or call.level >= before.level or call.cause in downwards
        assert not call.binding or call.cause in (Cause.ASSIGNED, Cause.RETURNED, Cause.REJECTED, Cause.REOPENED)
        assert call.round == 1 + sum(each.level is call.level for each in self.calls)
        box = _POLICIES[self.now.policy].box(call.level, self.now.urgency, self.now.category)
        timer = world.timer(self.now.policy, call.clock)
        boxed = timer.counted(call.opened_at, call.answer_by), timedelta(seconds=box.answer_s)
        assert boxed[0] == boxed[1] or (boxed[0] < boxed[1] and call.answer_by == call.answer_cap)
        self.calls.append(call)
        self.cells.append(self.now.grid_code)

    def _callers(self, call: Call, before: Call | None) -> tuple[str | None, ...]:
        """Who may be written as the caller (contract §2, "Call numbers")."""
        if before is None:
            return (None,)
        if call.cause in (Cause.RAISED, Cause.NO_ANSWER, Cause.NOT_RESOLVED, Cause.ARBITRATION):
            return (before.unit,)
        if call.cause in (Cause.REJECTED, Cause.REOPENED):
            return (before.unit if call.level > before.level else before.from_unit,)
        if call.cause is Cause.CORRECTED:
            return (before.from_unit,)
        if call.cause is Cause.ASSIGNED:
            return (before.unit, None)  # None: ops did
        if call.cause is Cause.RETURNED:
            back = next((each for each in reversed(self.calls[:-1]) if each.unit == call.unit), None)
            return (None,) if back is None else (back.from_unit, None)
        return (before.unit, before.from_unit, None)  # unrouted: whichever it would have been
