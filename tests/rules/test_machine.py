"""Random people, random acts, random time, a registry that changes under way: the contract's "Never" list holds always.

The invariants are written from contract §2, not from the code. A run drives some seven thousand steps in seconds.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from service.rules import lifecycle
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Arrow, Call, Cause, Decision, Draft, DueKind, Event, Incident, Level, Outcome, State
from service.rules.world import World
from tests.rules.builders import (
    CELL,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOW,
    PEOPLE,
    REPORTER,
    STREET,
    STREET_LEADER,
    UNITS,
    a_world,
    an_act,
)

_DUE = {
    State.CALLING: DueKind.ANSWER,
    State.ANSWERED: DueKind.RESOLVE,
    State.ON_HOLD: DueKind.RESUME,
    State.RESOLVED: DueKind.VERIFY,
    State.CLOSED: None,
}
_WITHOUT = [
    (),
    (COMMUNITY,),
    (STREET,),
    (DEPARTMENT,),
    (LEADER,),
    (STREET_LEADER,),
    (DEPARTMENT, LEADER, STREET_LEADER),
]
_WORLDS = [a_world(without=without, version=n) for n, without in enumerate(_WITHOUT, start=1)]
_CLOCKS = (Outcome.NO_ANSWER, Outcome.NOT_RESOLVED)


class _History:
    """Everything that was ever written about one incident."""

    def __init__(self, decision: Decision) -> None:
        self.now: Incident = decision.after
        self.calls: dict[int, Call] = {}
        self.events: list[Event] = []
        self.take(decision)

    def take(self, decision: Decision) -> None:
        assert decision.after.sequence == len(self.events) + len(decision.events)
        for call in (decision.ended, decision.opened):
            if call is not None:
                self.calls[call.seq] = call
        self.events += decision.events
        self.now = decision.after


class FourCalls(RuleBasedStateMachine):
    """Some incidents, and everybody who could do anything to them."""

    incidents = Bundle("incidents")

    def __init__(self) -> None:
        super().__init__()
        self.time = NOW
        self.world = _WORLDS[0]
        self.histories: list[_History] = []

    @rule(target=incidents, category=st.sampled_from(["u-0101", "u-0201", "x"]))
    def report(self, category: str) -> _History:
        draft = Draft(CELL, category, REPORTER.subject)
        number = len(self.histories) + 1
        decision = lifecycle.report(
            draft, REPORTER, self.world, incident_id=UUID(int=number), number=str(number), now=self.time
        )
        history = _History(decision)
        self.histories.append(history)
        return history

    @rule(history=incidents, who=st.sampled_from(sorted(PEOPLE)), arrow=st.sampled_from(list(Arrow)))
    def act(self, history: _History, who: str, arrow: Arrow) -> None:
        before = history.now
        offered = arrow.value in lifecycle.allowed(before, PEOPLE[who], self.time)
        try:
            decision = lifecycle.decide(before, an_act(arrow), PEOPLE[who], self.world, self.time)
        except (NotYours, IllegalTransition):
            assert not offered
            assert history.now is before
            return
        assert offered
        quiet = arrow in (Arrow.COMMENT, Arrow.URGE)
        assert decision.after.version == before.version + (not quiet)
        assert decision.after.updated_at >= before.updated_at
        history.take(decision)

    @rule(history=incidents, verb=st.sampled_from([Arrow.ANSWER, Arrow.RESOLVE, Arrow.RAISE]))
    def the_called_unit_acts(self, history: _History, verb: Arrow) -> None:
        """Random people rarely are the right ones: this keeps the story moving."""
        holder = [name for name, actor in PEOPLE.items() if actor.unit == history.now.unit]
        if holder:
            self.act(history, holder[0], verb)

    @rule(seconds=st.integers(0, 40 * 3600))
    def time_passes(self, seconds: int) -> None:
        self.time += timedelta(seconds=seconds)

    @rule(history=incidents)
    def the_clock_looks(self, history: _History) -> None:
        before = history.now
        decision = lifecycle.tick(before, self.world, self.time)
        due = before.due_at is not None and before.due_at <= self.time
        assert (decision is not None) == due
        if decision is not None:
            climbed = decision.after.level - before.level
            assert climbed >= 0
            if decision.ended is not None:
                assert decision.ended.outcome in _CLOCKS
                assert decision.ended.late_s == round((self.time - (before.due_at or self.time)).total_seconds(), 3)
            history.take(decision)

    @rule(world=st.sampled_from(_WORLDS))
    def the_registry_changes(self, world: World) -> None:
        self.world = world

    @invariant()
    def never_an_open_incident_without_owner_or_deadline(self) -> None:
        for history in self.histories:
            now = history.now
            assert now.unit in UNITS
            assert now.due_kind is _DUE[now.state]
            assert (now.due_at is None) == (now.state is State.CLOSED)
            assert now.wake_at == now.due_at
            assert (now.closed_at is None) == (now.closed_as is None) == now.is_open

    @invariant()
    def never_two_open_calls_and_never_a_call_without_an_outcome_once_the_next_one_opens(self) -> None:
        for history in self.histories:
            calls = [history.calls[seq] for seq in sorted(history.calls)]
            assert [call.seq for call in calls] == list(range(1, len(calls) + 1))
            expected = history.now.state in (State.CALLING, State.ANSWERED, State.ON_HOLD)
            assert [call.outcome is None for call in calls] == [False] * (len(calls) - 1) + [expected]
            assert len({(call.level, call.round) for call in calls}) == len(calls)
            assert (history.now.unit, history.now.level) == (calls[-1].unit, calls[-1].level)
            assert history.now.call == calls[-1]
            assert {call.unit for call in calls} == set(history.now.audience)
            for level in Level:
                assert history.now.calls_at[level - 1] == sum(call.level is level for call in calls)

    @invariant()
    def raised_is_never_missed_and_only_the_clock_is_late(self) -> None:
        for history in self.histories:
            for call in history.calls.values():
                assert (call.late_s is not None) == (call.outcome in _CLOCKS)
                assert (call.answered_at is None) == (call.resolve_by is None)
                assert call.outcome is not Outcome.NOT_RESOLVED or call.answered_at is not None
                assert call.cause is not Cause.RAISED or call.ground is not None
                if call.ended_at is not None:
                    assert call.opened_at <= call.ended_at

    @invariant()
    def the_log_is_gapless_and_ends_where_the_incident_stands(self) -> None:
        for history in self.histories:
            assert [event.sequence for event in history.events] == list(range(1, len(history.events) + 1))
            assert all(one.at <= other.at for one, other in zip(history.events, history.events[1:], strict=False))
            last = history.events[-1].at_state
            now = history.now
            assert (last.state, last.level, last.unit, last.due_at, last.version) == (
                now.state,
                now.level,
                now.unit,
                now.due_at,
                now.version,
            )


FourCalls.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestFourCalls = FourCalls.TestCase
