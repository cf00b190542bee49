"""Half of the state machine: what time and a changing registry do to some incidents, and what must follow from it."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from service.rules import lifecycle
from service.rules.decisions import Decision
from service.rules.figures.definition import Period
from service.rules.model import Incident
from service.rules.words import Arrow, DueKind, Level, Outcome, State
from tests.rules.builders import NOW, POLICIES, SEEDS
from tests.rules.deciding import changed, changed_call
from tests.rules.histories import History
from tests.rules.never import Never
from tests.rules.worlds import WORLDS

_BEFORE_THE_DEADLINE = ("sihu.call.warned", "sihu.call.rescheduled")
_FIRED = {
    DueKind.ANSWER: Arrow.NO_ANSWER,
    DueKind.RESOLVE: Arrow.NOT_RESOLVED,
    DueKind.RESUME: "resume by the clock",
    DueKind.VERIFY: Arrow.VERIFY_TIMEOUT,
}


def _is_drawn(incident: Incident, at: datetime) -> bool:
    """What the contract says of a draw, reckoned once more. The month is that of Guangzhou, eight hours ahead."""
    [policy] = [each for each in POLICIES if each.version == incident.policy[1]]
    month = at + timedelta(hours=8)
    seed = SEEDS[Period(month.year, month.month)]
    code = hmac.new(seed, str(incident.id).encode(), hashlib.sha256).hexdigest()
    return Fraction(int(code[:16], 16), 2**64) < Fraction(policy.fair_play.spot_check, 100)


class Clockwork(Never):
    """Some incidents, the clock, and the world it looks at them in."""

    incidents = Bundle("incidents")
    done: ClassVar[Counter[str]] = Counter()
    """How often each arrow was carried out, in all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.time = NOW
        self.world = WORLDS["whole"]
        self.histories: list[History] = []

    def _takes(self, history: History, decision: Decision, *arrows: str) -> None:
        history.take(decision, self.world)
        self.done.update(arrows)

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
        decision = lifecycle.tick(before, self.world, self.time, SEEDS)
        if before.due_at is None or before.due_kind is None:
            assert decision is None
            return
        if decision is None or not decision.events or decision.events[0].type in _BEFORE_THE_DEADLINE:
            self._looks(history, decision)
            return
        assert before.due_at <= self.time
        fires_at = max(self.time, before.updated_at)
        self._takes(history, decision, _FIRED[before.due_kind])
        assert {event.by.as_dict()["kind"] for event in decision.events} == {"clock"}
        if before.state is State.ON_HOLD:
            assert decision.after.state in (State.CALLING, State.ANSWERED)
            return
        if before.state is State.RESOLVED:
            assert (decision.after.state, decision.after.closed_as) == (State.CLOSED, "unverified")
            assert decision.after.drawn == _is_drawn(before, fires_at)
            return
        assert changed_call(decision).outcome is (
            Outcome.NO_ANSWER if before.state is State.CALLING else Outcome.NOT_RESOLVED
        )
        assert changed_call(decision).late_s == round((fires_at - before.due_at).total_seconds(), 3)
        assert decision.after.level > before.level or before.level is Level.LEADER is decision.after.level
        again = lifecycle.tick(decision.after, self.world, self.time)
        assert again is None, "climbed two levels at once"

    def _looks(self, history: History, decision: Decision | None) -> None:
        """The clock looked before the deadline, or put the deadline right first."""
        before = history.now
        if decision is None:
            assert before.due_at is not None and self.time < before.due_at
            return
        self._takes(history, decision, *(event.type.rpartition(".")[2] for event in decision.events))
        after = decision.after
        assert (after.state, after.level, after.unit) == (before.state, before.level, before.unit)
        assert decision.opened is None
        if decision.events and decision.events[0].type == "sihu.call.rescheduled":
            assert (after.due_at, after.provisional) != (before.due_at, before.provisional)
        else:
            assert (after.due_at, changed(decision)) == (before.due_at, None)
            assert (after.warned > before.warned) == bool(decision.events)

    @rule(name=st.sampled_from(sorted(WORLDS)))
    def the_registry_changes(self, name: str) -> None:
        self.world = WORLDS[name]

    @rule(name=st.sampled_from(["working time", "a week off", "another week off"]))
    def the_calendar_changes(self, name: str) -> None:
        """And the clock looks at whatever it moved."""
        self.world = WORLDS[name]
        self.the_clock_sweeps()
