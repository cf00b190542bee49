"""Random people, acts and time, a registry and a policy that change under way: the "Never" list holds after each step,
and each decision is `fair`.

The invariants are written from contract §2, not from the code. A run drives some five thousand steps in seconds;
`pytest tests/rules --hypothesis-profile thorough` some three hundred thousand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from service.rules import lifecycle
from service.rules.acts import Act, Correction, Draft
from service.rules.errors import Conflict, IllegalTransition, Invalid, NotYours, SihuError
from service.rules.model import Actor, Incident
from service.rules.words import Arrow, Ground, Kind, Level, State, Urgency
from tests.rules import debts, deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    CATEGORY,
    CELL,
    NEXT_CELL,
    NOBODYS_CATEGORY,
    OTHER_CELL,
    PEOPLE,
    SPECIAL,
    UNITS,
    URGENT_CATEGORY,
    a_unit,
    an_act,
    approver,
)
from tests.rules.clockwork import Clockwork
from tests.rules.deciding import changed, changed_call
from tests.rules.histories import History
from tests.rules.worlds import WORLDS

_EVERYTHING = {*Arrow, "report", "merged into", "resume by the clock", "rescheduled", "accept drawn", "reject drawn"}
_TO = st.none() | st.sampled_from(sorted(UNITS))
"""Whom an act names: whoever `an_act` does, or anybody."""
_MOST_INCIDENTS = 4
_DULL = {each.value for each in (Arrow.COMMENT, Arrow.URGE, Arrow.WITHDRAW, Arrow.VOID, Arrow.FLOOD)}
_CORRECTIONS = st.builds(
    Correction,
    category=st.sampled_from([None, None, CATEGORY, URGENT_CATEGORY, ADMITTED_CATEGORY, NOBODYS_CATEGORY, "old"]),
    grid_code=st.sampled_from([None, None, CELL, NEXT_CELL, OTHER_CELL, "440105001001009"]),
    urgency=st.sampled_from([None, None, *Urgency]),
    kind=st.sampled_from([None] * 6 + [*Kind]),
)
"""Some of them to what was never there, or has ended."""
_JUDGEMENTS = (
    (Arrow.ACCEPT,),
    (Arrow.REJECT,),
    (Arrow.REJECT, Arrow.REJECT),
    (Arrow.REJECT, Arrow.ACCEPT, Arrow.REOPEN, Arrow.REJECT, Arrow.REJECT),
    (Arrow.REJECT, Arrow.REJECT, Arrow.REJECT),
    (Arrow.ACCEPT, Arrow.REOPEN, Arrow.ACCEPT, Arrow.REOPEN),
)
_DRAWN = {Arrow.ACCEPT: "accept drawn", Arrow.REJECT: "reject drawn"}
_SAID_AFTERWARDS = (Arrow.RATE, Arrow.APPEAL, Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL)
_OF_ONES_OWN = (Arrow.APPEAL, Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL, Arrow.CORRECT)
"""Offered for one call or cell, and refused for another: the body says which."""
_MAY_BE_WRONG: dict[Arrow, set[str]] = {
    Arrow.HOLD: {"until"},
    Arrow.EXTEND: {"until"},
    Arrow.ASSIGN: {"unit"},
    Arrow.ASSIST: {"units"},
    Arrow.CORRECT: {"category", "grid_code", "urgency", "kind"},
    Arrow.RAISE: {"units"},
    Arrow.RATE: {"score", "call"},
    Arrow.APPEAL: {"call"},
    Arrow.APPROVE_APPEAL: {"", "call"},
    Arrow.REFUSE_APPEAL: {"", "call"},
}
"""What of a body only the registry and the calls can tell to be wrong: offered, and refused all the same."""


class FourCalls(Clockwork):
    """Some incidents, and everybody who could do anything to them."""

    incidents = Clockwork.incidents

    @initialize(target=incidents, name=st.sampled_from(sorted(WORLDS)))
    def the_first_report(self, name: str) -> History:
        self.world = WORLDS[name]
        return self._reported("reporter", CELL, CATEGORY, Kind.INCIDENT)

    @initialize(target=incidents)
    def another_report(self) -> History:
        return self._reported("colleague", CELL, ADMITTED_CATEGORY, Kind.INCIDENT)

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
        self.done["report"] += 1
        return history

    @rule(history=incidents, who=st.sampled_from(sorted(PEOPLE)), arrow=st.sampled_from(list(Arrow)), to=_TO)
    def anybody_tries_anything(self, history: History, who: str, arrow: Arrow, to: str | None) -> None:
        self._tries(history, PEOPLE[who], arrow, self.time, to)

    @rule(history=incidents, n=st.integers(0, 1_000), to=_TO)
    def somebody_does_what_they_may(self, history: History, n: int, to: str | None) -> None:
        """Whatever is possible now, but seldom what ends or changes nothing: stories grow long."""
        units = {unit for unit in (*history.now.audience, *history.now.assisting) if not unit.startswith("@")}
        people = [*PEOPLE.values(), *(a_unit(unit) for unit in sorted(units))]
        may = [
            (actor, verb)
            for actor in people
            for verb in deciding.allowed(history.now, actor, self.world, self.time)
            if (verb in _DULL) == (n % 8 == 0) and verb != Arrow.MERGE
        ]
        if may:
            # every verb as likely as any other, however many may use it
            verbs = sorted({verb for _, verb in may})
            verb = verbs[n % len(verbs)]
            actors = [actor for actor, theirs in may if theirs == verb]
            self._tries(history, actors[n % len(actors)], Arrow(verb), self.time, to)

    @rule(
        history=incidents,
        verb=st.sampled_from(
            [Arrow.ANSWER, Arrow.RESOLVE, Arrow.RAISE, Arrow.RETURN, Arrow.ASSIGN, Arrow.ASSIST, Arrow.VOID, Arrow.VOID]
        ),
        behind_ms=st.sampled_from([0, 0, 5, 80]),
        to=_TO,
    )
    def the_called_unit_acts(self, history: History, verb: Arrow, behind_ms: int, to: str | None) -> None:
        """Of random people few are the right ones: this keeps the story moving. Its process' clock may be behind."""
        self._tries(history, a_unit(history.now.unit), verb, self.time - timedelta(milliseconds=behind_ms), to)

    @rule(
        history=incidents,
        who=st.sampled_from(["reporter", "street", "colleague"]),
        verb=st.sampled_from(
            [Arrow.ACCEPT, Arrow.REJECT, Arrow.REJECT, Arrow.REOPEN, Arrow.URGE, Arrow.WITHDRAW, Arrow.RATE]
        ),
    )
    def the_other_side_acts(self, history: History, who: str, verb: Arrow) -> None:
        self._tries(history, PEOPLE[who], verb, self.time)

    @rule(history=incidents, verb=st.sampled_from([Arrow.HOLD, Arrow.EXTEND]), decision=st.integers(0, 2))
    def the_called_unit_asks(self, history: History, verb: Arrow, decision: int) -> None:
        """And whoever is above decides at once, or later."""
        self._tries(history, a_unit(history.now.unit), verb, self.time)
        if history.now.requests and decision < 2:
            self._tries(history, approver(history.now), (Arrow.APPROVE, Arrow.REFUSE)[decision], self.time)

    @rule(history=incidents, verb=st.sampled_from([Arrow.APPROVE, Arrow.REFUSE, Arrow.RESUME, Arrow.RESUME]))
    def whoever_was_asked_acts(self, history: History, verb: Arrow) -> None:
        if history.now.requests:
            self._tries(history, approver(history.now), verb, self.time)

    @rule(history=incidents, times=st.integers(2, 8))
    def nobody_wants_it(self, history: History, times: int) -> None:
        """Up and back again, until the leader decides: binding for whoever gets it then."""
        for _ in range(times):
            verb = {Level.COMMUNITY: Arrow.RAISE, Level.STREET: Arrow.RAISE, Level.LEADER: Arrow.ASSIGN}.get(
                history.now.level, Arrow.RETURN
            )
            self._tries(history, a_unit(history.now.unit), verb, self.time)

    @rule(history=incidents, whom=st.lists(_TO, min_size=1, max_size=3))
    def it_is_given_on(self, history: History, whom: list[str | None]) -> None:
        """By whoever has it, and where that is a community, by ops."""
        for to in whom:
            by = PEOPLE["ops"] if history.now.level is Level.COMMUNITY else a_unit(history.now.unit)
            self._tries(history, by, Arrow.ASSIGN, self.time, to)

    @rule(
        history=incidents,
        subject=st.sampled_from([None, "worker"]),
        who=st.sampled_from(["reporter", "reporter", "street", "street_reporting", "community", "ops"]),
        verbs=st.sampled_from(_JUDGEMENTS),
        waits=st.booleans(),
    )
    def it_is_done_and_judged(
        self, history: History, subject: str | None, who: str, verbs: tuple[Arrow, ...], waits: bool
    ) -> None:
        """The reporter may be the one who did it, with another key; the street of the cell may be, too. Whoever else
        judges may wait until half of the time to do so has passed."""
        for verb in verbs:
            self._tries(history, a_unit(history.now.unit, subject), Arrow.RESOLVE, self.time)
            if waits and history.now.state is State.RESOLVED and history.now.due_at is not None:
                self.time += max(history.now.due_at - self.time, timedelta()) / 2
            self._tries(history, PEOPLE[who], verb, self.time)

    @rule(history=incidents, first=st.sampled_from([None, Arrow.ANSWER, Arrow.RESOLVE]), times=st.integers(1, 3))
    def nobody_follows_it_up(self, history: History, first: Arrow | None, times: int) -> None:
        """Answered or resolved perhaps, and then left to the clock, which warns on the way."""
        if first is not None:
            self._tries(history, a_unit(history.now.unit), first, self.time)
        for _ in range(times):
            if history.now.wake_at is not None:
                self.time = max(self.time, history.now.wake_at)
                self._fires(history)

    @rule(
        history=incidents,
        verbs=st.sampled_from([(Arrow.ACCEPT,), (Arrow.REJECT,), (Arrow.ACCEPT, Arrow.REJECT), (Arrow.REJECT,) * 2]),
        then=st.sampled_from([None, "reporter", "street"]),
        days=st.sampled_from([0, 5, 40]),
    )
    def ops_look_at_what_was_drawn(
        self, history: History, verbs: tuple[Arrow, ...], then: str | None, days: int
    ) -> None:
        """Nobody verifies it, and perhaps it is drawn. What ops have said of it can be said once; others may still
        reopen it."""
        self._tries(history, a_unit(history.now.unit), Arrow.RESOLVE, self.time)
        if history.now.state is State.RESOLVED:
            self.time = max(self.time, history.now.due_at or self.time)
            self._fires(history)
            self.time += timedelta(days=days)
        for verb in verbs:
            self._tries(history, PEOPLE["ops"], verb, self.time)
        if then is not None:
            self._tries(history, PEOPLE[then], Arrow.REOPEN, self.time)

    @rule(history=incidents, n=st.integers(0, 9), verb=st.sampled_from([Arrow.PART_DONE, Arrow.DECLINE, Arrow.COMMENT]))
    def whoever_assists_acts(self, history: History, n: int, verb: Arrow) -> None:
        if not history.now.assisting:
            self._tries(history, a_unit(history.now.unit), Arrow.ASSIST, self.time)
        if assisting := history.now.assisting:
            self._tries(history, a_unit(assisting[n % len(assisting)]), verb, self.time)

    @rule(
        history=incidents,
        many=st.integers(1, 3),
        who=st.sampled_from(["ops", "ops", "street"]),
        decided=st.lists(st.sampled_from([Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL]), max_size=2),
        later=st.sampled_from([0, 0, 3, 9]),
    )
    def calls_are_appealed_against(
        self, history: History, many: int, who: str, decided: list[Arrow], later: int
    ) -> None:
        """Those that were missed or left late, at once or some days later."""
        for _ in range(many):
            self.time = max(self.time, history.now.due_at or self.time)
            self._fires(history)
        self.time += timedelta(days=later)
        for call in history.calls:
            if (call.late_s is not None or call.late_exit) and call.appeal is None:
                self._tries(history, a_unit(call.unit), Arrow.APPEAL, self.time)
        for granted in decided:
            self._tries(history, PEOPLE[who], granted, self.time)

    @rule(
        one=incidents,
        other=incidents,
        who=st.sampled_from(["street", "ops", "ops", "community"]),
        is_near=st.sampled_from([True, True, True, False]),
    )
    def one_is_merged_into_another(self, one: History, other: History, who: str, is_near: bool) -> None:
        source, target, as_it_was = one.now, other.now, repr((one.now, other.now))
        act, likeness = replace(an_act(Arrow.MERGE), into=target.id), deciding.ALIKE._replace(is_near=is_near)
        try:
            closed, heard = deciding.merge(source, target, act, PEOPLE[who], self.world, self.time, likeness)
        except (NotYours, Conflict, Invalid):
            assert repr((source, target)) == as_it_was
            return
        assert is_near or who == "ops"
        assert target.state in (State.CALLING, State.ANSWERED)
        assert target.level >= source.level
        brought = debts.of_merged(source, one.debt, self.world, max(self.time, target.updated_at))
        self._takes(one, closed, Arrow.MERGE)
        self._takes(other, heard, "merged into")
        other.debt = debts.taken_over(other.debt, brought, target, self.world, max(self.time, target.updated_at))
        assert (closed.after.closed_as, closed.after.merged_into) == ("merged", target.id)
        own = {f"@{target.reporter}"}
        assert set(source.audience) - own <= set(heard.after.audience), "who followed the one follows the other"
        assert source.reporter in (target.reporter, *(each.removeprefix("@") for each in heard.after.audience))

    @rule(history=incidents, who=st.sampled_from(["street", "ops", "ops", "other_street"]), correction=_CORRECTIONS)
    def it_is_put_right(self, history: History, who: str, correction: Correction) -> None:
        act = replace(an_act(Arrow.CORRECT), correction=correction)
        self._does(history, PEOPLE[who], act, self.time)

    @rule(history=incidents, seldom=st.integers(0, 3))
    def its_reporter_has_flooded_the_district(self, history: History, seldom: int) -> None:
        if not seldom:
            self._tries(history, PEOPLE["ops"], Arrow.FLOOD, self.time)

    def _tries(self, history: History, actor: Actor, arrow: Arrow, at: datetime, to: str | None = None) -> None:
        self._does(history, actor, self._act(arrow, history.now, to), at)

    def _does(self, history: History, actor: Actor, act: Act, at: datetime) -> None:
        before, as_it_was, arrow = history.now, repr(history.now), act.arrow
        offered = deciding.allowed(before, actor, self.world, at)
        told: SihuError | None = None
        try:
            decision = deciding.decide(before, act, actor, self.world, at)
        except (NotYours, IllegalTransition) as refused:
            told = refused
            if arrow in _OF_ONES_OWN and arrow.value in offered and isinstance(refused, NotYours):
                return
        except Conflict:
            # this call's time has passed, another's has not; or another unit would be called too late
            assert arrow in (Arrow.APPEAL, Arrow.CORRECT) and arrow.value in offered
            return
        except Invalid as wrong:
            pointers = {each.pointer.split("/")[1] if each.pointer else "" for each in wrong.errors}
            if not (pointers <= _MAY_BE_WRONG.get(arrow, set()) and arrow.value in offered):
                raise
            return
        else:
            if arrow is not Arrow.FLOOD:  # which may exempt several
                assert changed(decision) is None or changed_call(decision).late_s is None or arrow in _SAID_AFTERWARDS
            self._takes(history, decision, arrow if not before.drawn else _DRAWN.get(arrow, arrow))
        assert (told is None) == (arrow.value in offered)
        if isinstance(told, IllegalTransition):
            assert (told.state, told.allowed) == (before.state.value, offered)
        assert repr(before) == as_it_was

    def _act(self, arrow: Arrow, incident: Incident, to: str | None) -> Act:
        """Until a date that lies near now: what was asked for in November means nothing in spring. Every second time a
        long one, of which two are more than thirty days."""
        act = an_act(arrow, incident)
        if to is not None and arrow in (Arrow.ASSIGN, Arrow.ASSIST):
            return replace(act, units=(to,))
        if to is not None and arrow is Arrow.RAISE:
            return replace(act, units=(to, SPECIAL), ground=Ground.JOINT_ACTION)
        length = timedelta(hours=30) if len(incident.requests) % 2 else timedelta(days=16)
        return replace(act, until=self.time + length) if arrow is Arrow.HOLD else act


FourCalls.TestCase.settings = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestFourCalls = FourCalls.TestCase


@pytest.mark.slow
def test_a_run_that_is_always_the_same_carries_out_every_arrow() -> None:
    """What it finds beside is not made smaller here: the random run does that."""

    class Counted(FourCalls):
        done = Counter()

    usual = FourCalls.TestCase.settings
    same = settings(usual, derandomize=True, database=None, phases=(Phase.generate,), max_examples=400)
    run_state_machine_as_test(Counted, settings=same)

    assert set(Counted.done) == _EVERYTHING, "each at least once, and nothing that has no name"
