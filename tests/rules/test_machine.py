"""Random people, acts and time, a registry and a policy that change under way: the "Never" list holds after each step.

The invariants are written from contract §2, not from the code. A run drives some five thousand steps in seconds;
`pytest tests/rules --hypothesis-profile thorough` some three hundred thousand.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from service.rules import access, deadlines, lifecycle
from service.rules.errors import Conflict, IllegalTransition, Invalid, NotYours, SihuError
from service.rules.model import Act, Actor, Decision, Draft, Incident
from service.rules.words import Arrow, Cause, DueKind, Kind, Level, Outcome, State
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    CATEGORY,
    CELL,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOBODYS_CATEGORY,
    NOW,
    OTHER_CELL,
    PEOPLE,
    STREET,
    STREET_LEADER,
    UNITS,
    URGENT_CATEGORY,
    a_unit,
    a_world,
    an_act,
    plain_days,
)
from tests.rules.histories import BY_THE_CLOCK, History

_DUE = {
    State.CALLING: DueKind.ANSWER,
    State.ANSWERED: DueKind.RESOLVE,
    State.ON_HOLD: DueKind.RESUME,
    State.RESOLVED: DueKind.VERIFY,
    State.CLOSED: None,
}
_CALL_IS_OPEN = (State.CALLING, State.ANSWERED, State.ON_HOLD)
_RUNNING = (State.CALLING, State.ANSWERED)
_BEFORE_THE_DEADLINE = ("sihu.call.warned", "sihu.call.rescheduled")
_WORLDS = {
    "whole": a_world(),
    "a new policy": a_world(version=2, policy=2),
    "no community": a_world(version=3, without=(COMMUNITY,)),
    "no street": a_world(version=4, without=(STREET,)),
    "no department": a_world(version=5, without=(DEPARTMENT,)),
    "no leader": a_world(version=6, without=(LEADER,)),
    "nobody above": a_world(version=7, without=(DEPARTMENT, LEADER, STREET_LEADER), policy=2),
    "working time": a_world(version=9, policy=3),
    "a week off": a_world(version=10, policy=3, days=plain_days(*(date(2026, 11, n) for n in range(23, 28)))),
    "another week off": a_world(version=11, policy=3, days=plain_days(*(date(2026, 12, n) for n in range(1, 8)))),
    "nobody": a_world(version=8, without=(COMMUNITY, STREET, DEPARTMENT, LEADER, STREET_LEADER)),
}


_MOST_INCIDENTS = 4
_DULL = {each.value for each in (Arrow.COMMENT, Arrow.URGE, Arrow.WITHDRAW, Arrow.MERGE, Arrow.VOID)}
_SAID_AFTERWARDS = (Arrow.RATE, Arrow.APPEAL, Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL)
_OF_ONES_OWN = (Arrow.APPEAL, Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL)
"""Offered for one call, and refused for another: the body says which."""
_MAY_BE_WRONG: dict[Arrow, set[str]] = {
    Arrow.HOLD: {"until"},
    Arrow.EXTEND: {"until"},
    Arrow.ASSIGN: {"unit"},
    Arrow.ASSIST: {"units"},
    Arrow.RATE: {"score", "call"},
    Arrow.APPEAL: {"call"},
    Arrow.APPROVE_APPEAL: {"", "call"},
    Arrow.REFUSE_APPEAL: {"", "call"},
}
"""What of a body only the registry and the calls can tell to be wrong: offered, and refused all the same."""


class FourCalls(RuleBasedStateMachine):
    """Some incidents, and everybody who could do anything to them."""

    incidents = Bundle("incidents")

    def __init__(self) -> None:
        super().__init__()
        self.time = NOW
        self.world = _WORLDS["whole"]
        self.histories: list[History] = []

    @initialize(target=incidents)
    def the_first_report(self) -> History:
        return self._reported("reporter", CELL, CATEGORY, Kind.INCIDENT)

    @rule(
        target=incidents,
        who=st.sampled_from(["reporter", "colleague", "reporter_moved", "street_reporting"]),
        category=st.sampled_from([CATEGORY, URGENT_CATEGORY, ADMITTED_CATEGORY, NOBODYS_CATEGORY]),
        kind=st.sampled_from([Kind.INCIDENT] * 6 + [Kind.SUGGESTION, Kind.DELIBERATION]),
    )
    def somebody_reports(self, who: str, category: str, kind: Kind) -> History:
        if len(self.histories) >= _MOST_INCIDENTS:
            return self.histories[-1]
        return self._reported(who, OTHER_CELL if who == "reporter_moved" else CELL, category, kind)

    def _reported(self, who: str, cell: str, category: str, kind: Kind) -> History:
        number = len(self.histories) + 1
        decision = lifecycle.report(
            Draft(cell, category, PEOPLE[who].subject, kind),
            PEOPLE[who],
            self.world,
            incident_id=UUID(int=number),
            number=str(number),
            now=self.time,
        )
        history = History(decision, self.world)
        self.histories.append(history)
        return history

    @rule(history=incidents, who=st.sampled_from(sorted(PEOPLE)), arrow=st.sampled_from(list(Arrow)))
    def anybody_tries_anything(self, history: History, who: str, arrow: Arrow) -> None:
        self._tries(history, PEOPLE[who], arrow, self.time)

    @rule(history=incidents, n=st.integers(0, 1_000))
    def somebody_does_what_they_may(self, history: History, n: int) -> None:
        """Whatever is possible now, but for what ends or changes nothing: stories grow long."""
        units = {unit for unit in (*history.now.audience, *history.now.assisting) if not unit.startswith("@")}
        people = [*PEOPLE.values(), *(a_unit(unit) for unit in sorted(units))]
        may = [
            (actor, verb)
            for actor in people
            for verb in lifecycle.allowed(history.now, actor, self.world, self.time)
            if verb not in _DULL
        ]
        if may:
            # every verb as likely as any other, however many may use it
            verbs = sorted({verb for _, verb in may})
            verb = verbs[n % len(verbs)]
            actors = [actor for actor, theirs in may if theirs == verb]
            self._tries(history, actors[n % len(actors)], Arrow(verb), self.time)

    @rule(
        history=incidents,
        verb=st.sampled_from(
            [Arrow.ANSWER, Arrow.RESOLVE, Arrow.RAISE, Arrow.RETURN, Arrow.ASSIGN, Arrow.ASSIST, Arrow.VOID]
        ),
        behind_ms=st.sampled_from([0, 0, 5, 80]),
    )
    def the_called_unit_acts(self, history: History, verb: Arrow, behind_ms: int) -> None:
        """Of random people few are the right ones: this keeps the story moving. Its process' clock may be behind."""
        self._tries(history, a_unit(history.now.unit), verb, self.time - timedelta(milliseconds=behind_ms))

    @rule(
        history=incidents,
        who=st.sampled_from(["reporter", "street"]),
        verb=st.sampled_from(
            [Arrow.ACCEPT, Arrow.REJECT, Arrow.REJECT, Arrow.REOPEN, Arrow.URGE, Arrow.WITHDRAW, Arrow.RATE]
        ),
    )
    def the_other_side_acts(self, history: History, who: str, verb: Arrow) -> None:
        self._tries(history, PEOPLE[who], verb, self.time)

    @rule(history=incidents, verb=st.sampled_from([Arrow.HOLD, Arrow.EXTEND]), decision=st.integers(0, 2))
    def the_called_unit_asks(self, history: History, verb: Arrow, decision: int) -> None:
        """And the side that called decides at once, or later."""
        self._tries(history, a_unit(history.now.unit), verb, self.time)
        for unit in sorted(access.approvers(history.now))[:1]:
            if decision < 2:
                self._tries(history, a_unit(unit), (Arrow.APPROVE, Arrow.REFUSE)[decision], self.time)

    @rule(history=incidents, verb=st.sampled_from([Arrow.APPROVE, Arrow.REFUSE, Arrow.RESUME]))
    def the_side_that_called_acts(self, history: History, verb: Arrow) -> None:
        for unit in sorted(access.approvers(history.now))[:1]:
            self._tries(history, a_unit(unit), verb, self.time)

    @rule(history=incidents, times=st.integers(2, 8))
    def nobody_wants_it(self, history: History, times: int) -> None:
        """Up and back again, until the leader decides: binding for whoever gets it then."""
        for _ in range(times):
            verb = {Level.COMMUNITY: Arrow.RAISE, Level.STREET: Arrow.RAISE, Level.LEADER: Arrow.ASSIGN}.get(
                history.now.level, Arrow.RETURN
            )
            self._tries(history, a_unit(history.now.unit), verb, self.time)

    @rule(history=incidents, n=st.integers(0, 9), verb=st.sampled_from([Arrow.PART_DONE, Arrow.COMMENT]))
    def whoever_assists_acts(self, history: History, n: int, verb: Arrow) -> None:
        if assisting := history.now.assisting:
            self._tries(history, a_unit(assisting[n % len(assisting)]), verb, self.time)

    @rule(history=incidents, granted=st.sampled_from([Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL, None]))
    def a_missed_call_is_appealed_against(self, history: History, granted: Arrow | None) -> None:
        missed = [call for call in history.calls if call.late_s is not None and call.appeal is None]
        for call in missed[:1]:
            self._tries(history, a_unit(call.unit), Arrow.APPEAL, self.time)
            if granted is not None:
                self._tries(history, PEOPLE["ops"], granted, self.time)

    @rule(one=incidents, other=incidents, who=st.sampled_from(["street", "ops", "ops", "community"]))
    def one_is_merged_into_another(self, one: History, other: History, who: str) -> None:
        source, target, as_it_was = one.now, other.now, repr((one.now, other.now))
        act = replace(an_act(Arrow.MERGE), into=target.id)
        try:
            closed, heard = lifecycle.merge(source, target, act, PEOPLE[who], self.world, self.time)
        except (NotYours, Conflict, Invalid):
            assert repr((source, target)) == as_it_was
            return
        one.take(closed, self.world)
        other.take(heard, self.world)
        assert (closed.after.closed_as, closed.after.merged_into) == ("merged", target.id)
        own = {f"@{target.reporter}"}
        assert set(source.audience) - own <= set(heard.after.audience), "who followed the one follows the other"
        assert source.reporter in (target.reporter, *(each.removeprefix("@") for each in heard.after.audience))

    def _tries(self, history: History, actor: Actor, arrow: Arrow, at: datetime) -> None:
        before, as_it_was = history.now, repr(history.now)
        offered = lifecycle.allowed(before, actor, self.world, at)
        told: SihuError | None = None
        try:
            decision = lifecycle.decide(before, self._act(arrow, before), actor, self.world, at)
        except (NotYours, IllegalTransition) as refused:
            told = refused
            if arrow in _OF_ONES_OWN and arrow.value in offered and isinstance(refused, NotYours):
                return
        except Invalid as wrong:
            pointers = {each.pointer.split("/")[1] if each.pointer else "" for each in wrong.errors}
            if not (pointers <= _MAY_BE_WRONG.get(arrow, set()) and arrow.value in offered):
                raise
            return
        else:
            assert decision.ended is None or decision.ended.late_s is None or arrow in _SAID_AFTERWARDS
            history.take(decision, self.world)
        assert (told is None) == (arrow.value in offered)
        if isinstance(told, IllegalTransition):
            assert (told.state, told.allowed) == (before.state.value, offered)
        assert repr(before) == as_it_was

    def _act(self, arrow: Arrow, incident: Incident) -> Act:
        """Until a date that lies near now: what was asked for in November means nothing in spring."""
        act = an_act(arrow, incident)
        return replace(act, until=self.time + timedelta(hours=30)) if arrow is Arrow.HOLD else act

    @rule(seconds=st.integers(0, 40 * 3600))
    def time_passes(self, seconds: int) -> None:
        self.time += timedelta(seconds=seconds)

    @rule(history=incidents, late_ms=st.sampled_from([-1, 0, 1, 250, 5_000_000]))
    def time_reaches_a_deadline(self, history: History, late_ms: int) -> None:
        if history.now.due_at is not None:
            self.time = max(self.time, history.now.due_at + timedelta(milliseconds=late_ms))

    @rule(history=incidents)
    def the_clock_looks_at_one(self, history: History) -> None:
        self._fires(history)

    @rule()
    def the_clock_sweeps(self) -> None:
        for history in self.histories:
            self._fires(history)

    def _fires(self, history: History) -> None:
        before = history.now
        decision = lifecycle.tick(before, self.world, self.time)
        if before.due_at is None or before.wake_at is None:
            assert decision is None
            return
        if decision is None or not decision.events or decision.events[0].type in _BEFORE_THE_DEADLINE:
            self._looks(history, decision)
            return
        assert before.due_at <= self.time
        fires_at = max(self.time, before.updated_at)
        history.take(decision, self.world)
        assert {event.by.as_dict()["kind"] for event in decision.events} == {"clock"}
        if before.state is State.ON_HOLD:
            assert decision.after.state in (State.CALLING, State.ANSWERED)
            return
        if before.state is State.RESOLVED:
            assert (decision.after.state, decision.after.closed_as) == (State.CLOSED, "unverified")
            return
        assert decision.ended is not None
        assert decision.ended.outcome is (Outcome.NO_ANSWER if before.state is State.CALLING else Outcome.NOT_RESOLVED)
        assert decision.ended.late_s == round((fires_at - before.due_at).total_seconds(), 3)
        assert decision.after.level > before.level or before.level is Level.LEADER is decision.after.level
        again = lifecycle.tick(decision.after, self.world, self.time)
        assert again is None, "climbed two levels at once"

    def _looks(self, history: History, decision: Decision | None) -> None:
        """The clock looked before the deadline, or put the deadline right first."""
        before = history.now
        if decision is None:
            assert before.due_at is not None and self.time < before.due_at
            return
        history.take(decision, self.world)
        after = decision.after
        assert (after.state, after.level, after.unit) == (before.state, before.level, before.unit)
        assert decision.opened is None
        if decision.events and decision.events[0].type == "sihu.call.rescheduled":
            assert (after.due_at, after.provisional) != (before.due_at, before.provisional)
        else:
            assert (after.due_at, decision.ended) == (before.due_at, None)
            assert (after.warned > before.warned) == bool(decision.events)

    @rule(name=st.sampled_from(sorted(_WORLDS)))
    def the_registry_changes(self, name: str) -> None:
        self.world = _WORLDS[name]

    @invariant()
    def never_an_open_incident_without_an_owner_and_its_one_deadline(self) -> None:
        for history in self.histories:
            now = history.now
            assert now.unit in UNITS
            assert now.due_kind is _DUE[now.state]
            assert (now.due_at is None) == (now.state is State.CLOSED)
            assert (now.wake_at is None) == (now.due_at is None)
            assert now.wake_at is None or now.due_at is None or now.wake_at <= now.due_at
            assert (now.closed_at is None) == (now.closed_as is None) == now.is_open
            assert now.reopen_until is None or not now.is_open
            assert [each.outcome for each in now.requests].count(None) <= (now.state in _RUNNING)
            assert now.open_request is None or now.open_request.call == now.call.seq
            if now.state in _RUNNING:
                standing = deadlines.standing(now, history.reckoned_in)
                assert (standing.due_at, standing.provisional) == (now.due_at, now.provisional)
            deadline = {State.CALLING: now.call.answer_by, State.ANSWERED: now.call.resolve_by}
            assert now.due_at == deadline.get(now.state, now.due_at)

    @invariant()
    def never_two_open_calls_and_none_without_an_outcome_once_the_next_one_opens(self) -> None:
        for history in self.histories:
            now, calls = history.now, history.calls
            assert [call.seq for call in calls] == list(range(1, len(calls) + 1))
            is_open = [call.outcome is None for call in calls]
            assert is_open == [False] * (len(calls) - 1) + [now.state in _CALL_IS_OPEN]
            assert len({(call.level, call.round) for call in calls}) == len(calls)
            for level in Level:
                rounds = [call.round for call in calls if call.level is level]
                assert rounds == list(range(1, now.calls_at[level - 1] + 1))
            assert (now.unit, now.level, now.call) == (calls[-1].unit, calls[-1].level, calls[-1])

    @invariant()
    def everybody_who_was_called_hears_of_it_for_ever(self) -> None:
        for history in self.histories:
            called = [call.unit for call in history.calls]
            helping = [unit for call in history.calls for unit in call.assisting]
            units = [each for each in history.now.audience if not each.startswith("@")]
            assert {*called, *helping} <= set(units), "the one who escalated still sees it"
            assert len(set(history.now.audience)) == len(history.now.audience)
            assert history.merged or set(units) == {*called, *helping}

    @invariant()
    def never_more_returns_than_the_policy_and_one_and_none_of_a_binding_call(self) -> None:
        for history in self.histories:
            returned = [call for call in history.calls if call.outcome is Outcome.RETURNED]
            assert history.now.returns == len(returned)
            assert not any(call.binding for call in returned)
            for n, call in enumerate(returned):
                after = history.calls[call.seq]
                disputed = n >= self.world.policies[history.now.policy].returns
                assert after.cause in ((Cause.ARBITRATION,) if disputed else (Cause.RETURNED,)) + (Cause.UNROUTED,)
                assert not disputed or after.level is Level.LEADER

    @invariant()
    def what_is_said_of_a_call_is_said_once_and_hides_nothing(self) -> None:
        for history in self.histories:
            now = history.now
            assert now.earlier == tuple(history.calls[:-1])
            assert (now.merged_into is not None) == (now.closed_as == "merged")
            assert now.assisting == now.call.assisting
            assert now.rating in (None, now.call.outcome_rating)
            for call in history.calls:
                assert not call.exempt or (call.late_s is not None and call.appeal is not None)
                assert call.appeal is None or call.outcome in BY_THE_CLOCK
                assert call.rating is None or call.level is Level.DEPARTMENT
                assert {part.unit for part in call.parts_done} <= set(call.assisting)

    @invariant()
    def raised_is_never_missed_and_only_the_clock_is_late(self) -> None:
        for history in self.histories:
            for call in history.calls:
                assert (call.late_s is not None) == (call.outcome in BY_THE_CLOCK)
                assert call.late_s is None or call.late_s >= 0
                assert (call.answered_at is None) == (call.resolve_by is None)
                assert call.outcome is not Outcome.NOT_RESOLVED or call.answered_at is not None
                assert call.outcome is not Outcome.NO_ANSWER or call.answered_at is None
                assert (call.ground is not None) if call.cause is Cause.RAISED else True
                assert (call.outcome is None) == (call.ended_at is None) == (call.ended_by is None)
                assert call.ended_at is None or call.opened_at <= (call.answered_at or call.opened_at) <= call.ended_at

    @invariant()
    def the_log_replays_to_where_the_incident_stands(self) -> None:
        for history in self.histories:
            now, told = history.now, history.replay
            assert not told.opening
            assert (told.state, told.level, told.unit, told.call) == (now.state, now.level, now.unit, now.call.seq)
            assert [event.sequence for event in history.events[-3:]] == list(range(1, now.sequence + 1))[-3:]
            last = history.events[-1].at_state
            assert last._replace(sequence=now.sequence, wake_at=now.wake_at, warned=now.warned) == now


FourCalls.TestCase.settings = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestFourCalls = FourCalls.TestCase
