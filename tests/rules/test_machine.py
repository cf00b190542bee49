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
from hypothesis.stateful import Bundle, initialize, rule

from service.rules import access, lifecycle
from service.rules.errors import Conflict, IllegalTransition, Invalid, NotYours, SihuError
from service.rules.model import Act, Actor, Decision, Draft, Incident
from service.rules.words import Arrow, Kind, Level, Outcome, State
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
    URGENT_CATEGORY,
    a_unit,
    a_world,
    an_act,
    plain_days,
)
from tests.rules.histories import History
from tests.rules.never import Never

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


class FourCalls(Never):
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


FourCalls.TestCase.settings = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestFourCalls = FourCalls.TestCase
