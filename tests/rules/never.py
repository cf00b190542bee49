"""The "Never" list of contract §2 and what follows from it, as invariants of the state machine: true after every step.

Written from the contract, not from the code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from hypothesis.stateful import RuleBasedStateMachine, invariant

from service.rules import deadlines, fair_play
from service.rules.figures import ledger
from service.rules.model import Request
from service.rules.words import Cause, Credit, DueKind, EventType, Level, Outcome, State
from service.rules.world import World
from tests.rules import debts
from tests.rules.builders import UNITS
from tests.rules.figures.logged import facts_of, logged
from tests.rules.histories import BY_THE_CLOCK, History

_DUE = {
    State.CALLING: DueKind.ANSWER,
    State.ANSWERED: DueKind.RESOLVE,
    State.ON_HOLD: DueKind.RESUME,
    State.RESOLVED: DueKind.VERIFY,
    State.CLOSED: None,
}
DAY, OPS = timedelta(days=1), "ops"
LEAVES = (Outcome.RAISED, Outcome.RETURNED, Outcome.ASSIGNED, Outcome.CORRECTED, Outcome.CLOSED)
"""The outcomes by which a unit passes its call on, or refuses it."""
_CALL_IS_OPEN = (State.CALLING, State.ANSWERED, State.ON_HOLD)
_RUNNING = (State.CALLING, State.ANSWERED)


def held(requests: Sequence[Request]) -> timedelta:
    """How long an incident was on hold, or will be, because somebody decided so; a clock that is late adds nothing."""
    holds = [each for each in requests if each.kind == "hold" and each.decided_by and each.outcome == "approved"]
    ends = ((min(each.resumed_at or each.until, each.until), each.decided_at) for each in holds)
    return sum((end - start for end, start in ends if start), timedelta())


class Never(RuleBasedStateMachine):
    """What must hold of every history, whatever was done to it."""

    world: World
    histories: list[History]

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
            assert now.is_open or not now.provisional, "nothing is due any more that could still move"
            assert now.reopen_until is None or not now.is_open
            assert now.closed_as == "unverified" or not now.drawn
            assert [each.outcome for each in now.requests].count(None) <= (now.state in _RUNNING)
            assert now.open_request is None or now.open_request.call == now.call.seq
            if now.state in _RUNNING:
                standing = deadlines.standing(now, history.reckoned_in)
                assert now.due_at is not None
                if now.due_at > now.updated_at:
                    assert (standing.due_at, standing.provisional) == (now.due_at, now.provisional)
                else:  # a day that was declared afterwards puts it on that moment, not before
                    assert standing.due_at <= now.due_at
            deadline = {State.CALLING: now.call.answer_by, State.ANSWERED: now.call.resolve_by}
            assert now.due_at == deadline.get(now.state, now.due_at)

    @invariant()
    def a_survivor_owes_at_least_what_each_merged_one_owed(self) -> None:
        for history in self.histories:
            debts.demand_owed(history.debt, history.now)

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
                assert rounds == list(range(1, now.calls_per_level[level - 1] + 1))
            assert (now.unit, now.level, now.call) == (calls[-1].unit, calls[-1].level, calls[-1])

    @invariant()
    def everybody_who_was_called_hears_of_it_for_ever(self) -> None:
        for history in self.histories:
            called = [call.unit for call in history.calls]
            helping = [unit for call in history.calls for unit in call.assisting]
            asked = [each.approver for each in history.now.requests if each.approver and each.reason == "because"]
            units = [each for each in history.now.audience if not each.startswith("@")]
            assert {*called, *helping, *asked} <= set(units), "the one who escalated still sees it"
            assert len(set(history.now.audience)) == len(history.now.audience)
            may_resume = [each.approver for each in history.now.requests if each.approver]
            assert history.merged or set(units) <= {*called, *helping, *may_resume}

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
            assert (now.rating, now.rating_mean) in ((None, None), (now.call.outcome_rating, now.call.outcome_mean))
            assert now.assisting == tuple(unit for unit in now.call.assisting if unit not in now.call.declined)
            for call in history.calls:
                failed = call.credit in (Credit.REJECTED, Credit.REOPENED) or call.answered_at or call.credit
                assert not call.exempt or call.late_s is not None or call.late_exit or failed
                left = call.outcome in LEAVES  # late, unless the next unit has answered an emergency since
                assert call.appeal is None or call.outcome in BY_THE_CLOCK or left
                assert call.rating is None or call.level is Level.DEPARTMENT
                assert {part.unit for part in call.parts_done} <= set(call.assisting) - set(call.declined)
                assert set(call.declined) <= set(call.assisting) and len(set(call.declined)) == len(call.declined)
                assert call.unit not in call.assisting
                assert not call.answered_by_member or call.answered_at is not None

    @invariant()
    def who_decides_a_request_is_above_and_never_the_asker(self) -> None:
        for history in self.histories:
            for request in history.now.requests:
                asker = history.calls[request.call - 1].unit
                assert request.approver != asker
                if request.approver is not None:
                    assert asker not in fair_play.above(request.approver, self.world, history.now.updated_at)
                if request.decided_by is None:
                    continue
                assert request.decided_by.unit == request.approver or request.decided_by.kind == "ops"
                assert request.decided_by.subject != request.asked_by.subject
            assert held(history.now.requests) <= 30 * DAY or OPS in [
                each.decided_by and each.decided_by.kind for each in history.now.requests
            ]

    @invariant()
    def nothing_is_void_twice_or_reopened_more_than_twice(self) -> None:
        for history in self.histories:
            told = Counter(event.type for event in history.events)
            voided = [facts for each in history.events if (facts := each.facts or {}).get("closed_as") == "void"]
            assert told[EventType.INCIDENT_REOPENED] <= 2
            by_units = [facts for facts in voided if facts["reason_code"] != "flood"]
            assert len(by_units) <= 1, "ops may end a flood again"
            is_void = history.now.closed_as == "void" and history.now.call.end_code != "flood"
            assert history.now.reopened_void == (len(by_units) > is_void)

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
    def a_credit_is_open_as_long_as_nobody_has_judged(self) -> None:
        for history in self.histories:
            for call in history.calls:
                assert (call.credit is not None) == (call.outcome is Outcome.RESOLVED)
                assert (call.box_used is None) == (call.outcome is None)
                assert not call.late_exit or call.outcome in LEAVES
            last = history.now.call
            judged = {"verified": Credit.VERIFIED, "unverified": Credit.UNVERIFIED}
            if history.now.state is State.RESOLVED:
                assert last.credit is Credit.PENDING
            is_checked = history.now.drawn and last.credit is Credit.VERIFIED
            assert is_checked or last.credit is judged.get(history.now.closed_as or "", last.credit)
            assert all(call.credit not in (Credit.PENDING, *judged.values()) for call in history.calls[:-1])

    @invariant()
    def who_is_accountable_passed_it_on_unanswered(self) -> None:
        for history in self.histories:
            for call in history.calls:
                if call.accountable is None or call.accountable_seq is None:
                    continue
                before = history.calls[call.accountable_seq - 1]
                run = history.calls[call.accountable_seq : call.seq - 1]
                assert (before.unit, before.outcome) == (call.accountable, Outcome.ASSIGNED)
                assert before.level is not Level.LEADER
                assert call.cause in (Cause.ASSIGNED, Cause.RETURNED), "given on, or given back by who had it last"
                assert all(each.answered_at is None for each in run)

    @invariant()
    def the_log_replays_to_where_the_incident_stands(self) -> None:
        for history in self.histories:
            now, told = history.now, history.replay
            assert not told.opening
            assert (told.state, told.level, told.unit, told.call) == (now.state, now.level, now.unit, now.call.seq)
            assert [event.sequence for event in history.events[-3:]] == list(range(1, now.sequence + 1))[-3:]
            last = history.events[-1].at_state
            assert last._replace(sequence=now.sequence, wake_at=now.wake_at, warned=now.warned) == now

    def teardown(self) -> None:
        """At the end of a life the log alone gives the facts of every call, as the appraisal counts them."""
        for history in self.histories:
            assert ledger.calls_of(map(logged, history.events)) == facts_of(history.now, history.cells)
