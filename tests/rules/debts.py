"""What the survivor of a merge owes because of the merged ones: the invariant "a merge loosens nothing" in the state
machine, written from contract §2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.rules import lifecycle
from service.rules.acts import Act
from service.rules.model import Incident
from service.rules.words import Arrow, ClockKind, State
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import a_unit

_AFTER_THE_ANSWER = timedelta(hours=1)


@dataclass(frozen=True)
class Debt:
    """The moments by which a call has to be answered and resolved. None: only its own box says so."""

    answer_by: datetime | None
    resolve_by: datetime | None


def of_merged(incident: Incident, own: Debt, world: World, at: datetime) -> Debt:
    """What an incident brings along that is merged at this moment, with what it owed for others (`own`)."""
    resumed = own
    if incident.state is State.ON_HOLD:
        after = deciding.decide(incident, Act(Arrow.RESUME), a_unit(incident.unit), world, at).after
        resumed = after_hold(own, incident, world, at)
        incident = after
    elif lifecycle.clock_arrow(incident, world, at) is Arrow.RESCHEDULED:
        decision = lifecycle.tick(incident, world, at)
        assert decision is not None
        incident = decision.after
    assert incident.due_at is not None
    due_at = max(incident.due_at, at)
    return Debt(None, due_at) if incident.state is State.ANSWERED else Debt(due_at, resumed.resolve_by)


def taken_over(debt: Debt, brought: Debt, survivor: Incident, world: World, at: datetime) -> Debt:
    """What a survivor owes for others from now on."""
    resolve_by = brought.resolve_by
    if survivor.state is State.ANSWERED and brought.answer_by is not None and resolve_by is not None:
        resolve_by = _after_answer(survivor, resolve_by, world, at)
    answer_by = brought.answer_by if survivor.state is State.CALLING else None
    return Debt(_earlier(debt.answer_by, answer_by), _earlier(debt.resolve_by, resolve_by))


def after_answer(debt: Debt, incident: Incident, world: World, at: datetime) -> Debt:
    """Whoever answers has an hour in any case."""
    if debt.resolve_by is None:
        return debt
    return replace(debt, resolve_by=_after_answer(incident, debt.resolve_by, world, at))


def _after_answer(incident: Incident, cap: datetime, world: World, at: datetime) -> datetime:
    return max(cap, world.timer(incident.policy, incident.call.clock).due(at, _AFTER_THE_ANSWER))


def after_hold(debt: Debt, held: Incident, world: World, at: datetime) -> Debt:
    """As much time is left until each as there was when the hold began: working time until an instant in the working
    hours, else every hour."""
    hold = held.requests[-1]
    since = hold.decided_at or hold.asked_at

    def moved(owed: datetime | None) -> datetime | None:
        if owed is None:
            return None
        timer = world.timer(held.policy, held.call.clock)
        box = world.policies[held.policy].box(held.level, held.urgency, held.category)
        if box.clock is ClockKind.CONTINUOUS or not timer.counted(owed - timedelta(microseconds=1), owed):
            return at + max(owed - since, timedelta())
        return timer.due(at, timer.counted(since, owed))

    return Debt(moved(debt.answer_by), moved(debt.resolve_by))


def demand_owed(debt: Debt, incident: Incident) -> None:
    """A running deadline is no later than what was taken over."""
    bound = {State.CALLING: debt.answer_by, State.ANSWERED: debt.resolve_by}.get(incident.state)
    assert bound is None or incident.due_at is None or incident.due_at <= bound


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)
