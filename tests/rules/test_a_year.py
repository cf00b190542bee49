"""2026 day by day under the shipped policy, all clocks and both boxes, with answers and holds between: nothing fires
outside working hours, nothing early.

The walker below knows nothing of `worktime`: it asks the published holidays, minute by minute.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple
from uuid import UUID

import chinese_calendar
import pytest

from service.commands import sample
from service.rules import lifecycle
from service.rules import world as worlds
from service.rules.acts import Act, Draft
from service.rules.model import Incident
from service.rules.policy import Activation
from service.rules.words import Arrow, ClockKind, Level, Outcome, State, Urgency
from service.rules.worktime import WorkCalendar
from service.rules.world import World
from service.times import day_sources
from service.times.policy_checks import read_policy
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    CELL,
    REPORTER,
    URGENT_CATEGORY,
    a_unit,
    a_world,
    approver,
)
from tests.rules.deciding import changed_call

EAST = timedelta(hours=8)
OFFICE = ((timedelta(hours=8), timedelta(hours=12)), (timedelta(hours=14), timedelta(hours=18)))
END = datetime(2026, 12, 20, tzinfo=UTC)
"""Far enough from the year's end for every box to lie in days that are known."""


_MISSED = {State.CALLING: Outcome.NO_ANSWER, State.ANSWERED: Outcome.NOT_RESOLVED}


@cache
def _works(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day))


def _spans(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The working hours between two instants, walked day by day in plain local time."""
    here, there = (each.astimezone(UTC).replace(tzinfo=None) + EAST for each in (start, end))
    midnight = datetime(here.year, here.month, here.day)  # noqa: DTZ001 - local time on purpose
    found = []
    while midnight <= there:
        for opens, closes in OFFICE if _works(midnight.date()) else ():
            since, until = max(here, midnight + opens), min(there, midnight + closes)
            if since <= until:
                found.append((since, until))
        midnight += timedelta(days=1)
    return found


def _worked(start: datetime, end: datetime) -> timedelta:
    return sum((until - since for since, until in _spans(start, end)), timedelta())


def _year(moment: datetime | None) -> int:
    """In which year of Guangzhou it lies."""
    assert moment is not None
    return (moment.astimezone(UTC).replace(tzinfo=None) + EAST).year


def _office() -> World:
    """The world of the other tests, under the policy that is shipped."""
    read, wrong = read_policy((sample.SAMPLE / "policy.yaml").read_bytes())
    assert read is not None, wrong
    policy = read.policy(1)
    assert policy.hours is not None
    days = {each.day: each.workday for each in day_sources.official()}
    plain = a_world()
    return worlds.build(
        1,
        units=itertools.chain(*plain.units.values()),
        cells=itertools.chain(*plain.cells.values()),
        categories=itertools.chain(*plain.categories.values()),
        duties=itertools.chain(*plain.duties.values()),
        policies=[policy],
        activations=[Activation(datetime(2020, 1, 1, tzinfo=UTC), policy.code, 1)],
        calendars={policy.hours: WorkCalendar(policy.hours.spans, days)},
    )


class _Told(NamedTuple):
    """One incident on its way: what its running box should be, by who walks the days. `held`: when it was stopped."""

    incident: Incident
    start: datetime
    box_s: int
    held: tuple[tuple[datetime, datetime], ...] = ()


def _opened(incident: Incident, world: World) -> _Told:
    box = world.policy(incident.policy).box(incident.level, incident.urgency, incident.category)
    return _Told(incident, incident.call.opened_at, box.answer_s)


def _answered(told: _Told, world: World, at: datetime) -> _Told:
    before = told.incident
    act = Act(Arrow.ANSWER, answer={"measure": "go and look"})
    incident = deciding.decide(before, act, a_unit(before.unit), world, at).after
    return _Told(incident, at, world.policy(before.policy).box(before.level, before.urgency, before.category).resolve_s)


def _held(told: _Told, world: World, at: datetime, until: datetime) -> _Told:
    asked = deciding.decide(told.incident, Act(Arrow.HOLD, "why", until=until), a_unit(told.incident.unit), world, at)
    held = asked.after
    held = deciding.decide(held, Act(Arrow.APPROVE, request=len(held.requests)), approver(held), world, at).after
    assert held.state is State.ON_HOLD
    return told._replace(incident=held, held=(*told.held, (at, until)))


def _passed(told: _Told, now: datetime) -> timedelta:
    """The time of the call's own clock since its box began, without what it was held."""
    count = _worked if told.incident.call.clock is ClockKind.WORKING else lambda start, end: end - start
    return count(told.start, now) - sum((count(*each) for each in told.held), timedelta())


def _lived(told: _Told, world: World, chance: Random, now: datetime) -> _Told:
    """What its unit does before the clock looks again, as chance has it: answer it, have it held, or nothing."""
    incident = told.incident
    if incident.state not in (State.CALLING, State.ANSWERED):
        return told
    assert incident.wake_at is not None
    what = chance.choice(("answer", "hold", "nothing", "nothing"))
    at = now + chance.random() * (incident.wake_at - now)
    if what == "answer" and incident.state is State.CALLING:
        return _lived(_answered(told, world, at), world, chance, at)
    if what == "hold" and len(incident.requests) < world.policy(incident.policy).holds:
        return _held(told, world, at, at + timedelta(seconds=chance.randrange(60, 20 * 86_400)))
    return told


@pytest.mark.parametrize("category", [CATEGORY, URGENT_CATEGORY])
def test_a_whole_year_nothing_fires_outside_working_hours_and_nothing_early(category: str) -> None:
    world, chance = _office(), Random(2026)
    numbers = itertools.count(1)
    queue: list[tuple[datetime, int, _Told]] = []
    for day in range(346):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, seconds=chance.randrange(86_400))
        number = next(numbers)
        reported = lifecycle.report(
            Draft(CELL, category, REPORTER.subject),
            REPORTER,
            world,
            incident_id=UUID(int=number),
            number=str(number),
            now=start,
        )
        told = _lived(_opened(reported.after, world), world, chance, start)
        heapq.heappush(queue, (told.incident.wake_at or start, number, told))
    seen: Counter[str] = Counter()
    while queue and queue[0][0] < END:
        now, number, told = heapq.heappop(queue)
        before = told.incident
        decision = lifecycle.tick(before, world, now)
        assert decision is not None
        seen[arrow := decision.events[0].type.removeprefix("sihu.") if decision.events else "nothing"] += 1
        if arrow == "incident.resumed":
            assert now == told.held[-1][1]
        elif arrow == "call.warned":
            assert _passed(told, now) == timedelta(seconds=told.box_s) * (decision.events[0].facts or {})["mark"] / 100
        elif arrow == "call.missed":
            assert now == before.due_at == (before.call.resolve_by or before.call.answer_by)
            assert _passed(told, now) == timedelta(seconds=told.box_s), "neither early nor late"
            assert (changed_call(decision).late_s, changed_call(decision).outcome) == (0, _MISSED[before.state])
            seen[f"{changed_call(decision).outcome} at level {before.level}"] += 1
        if before.call.clock is ClockKind.WORKING and arrow in ("call.warned", "call.missed"):
            local = now.astimezone(UTC).replace(tzinfo=None) + EAST
            assert any(since <= local <= until for since, until in _spans(now - timedelta(days=1), now)), now
            assert before.provisional == (_year(before.due_at) > 2026)
        if decision.after.call.round > 3:
            continue  # the leader was called again and again: enough
        told = _opened(decision.after, world) if decision.opened else told._replace(incident=decision.after)
        told = _lived(told, world, chance, now)
        heapq.heappush(queue, (told.incident.wake_at or now, number, told))
    assert (category == URGENT_CATEGORY) == (before.urgency is Urgency.URGENT)
    for outcome, level in itertools.product(("no_answer", "not_resolved"), Level):
        assert seen[f"{outcome} at level {level}"] > 60, seen
    assert seen["incident.resumed"] > 300, seen
    assert seen["call.warned"] > seen["call.missed"], seen
    assert not seen["nothing"], "the clock never woke for nothing"
