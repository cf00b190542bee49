"""2026 day by day under the shipped policy, all clocks: nothing fires outside working hours, nothing early.

The walker below knows nothing of `worktime`: it asks the published holidays, minute by minute.
"""

from __future__ import annotations

import heapq
import itertools
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from uuid import UUID

import chinese_calendar
import pytest

from service import demo
from service.registry import calendars
from service.registry.policy_checks import read_policy
from service.rules import lifecycle
from service.rules import world as worlds
from service.rules.model import Draft, Incident
from service.rules.policy import Activation
from service.rules.words import Clock, State, Urgency
from service.rules.worktime import WorkCalendar
from service.rules.world import World
from tests.rules.builders import CATEGORY, CELL, REPORTER, URGENT_CATEGORY, a_world

EAST = timedelta(hours=8)
OFFICE = ((timedelta(hours=8), timedelta(hours=12)), (timedelta(hours=14), timedelta(hours=18)))
END = datetime(2026, 12, 20, tzinfo=UTC)
"""Far enough from the year's end for every box to lie in days that are known."""


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


def _office() -> World:
    """The world of the other tests, under the policy that is shipped."""
    read, wrong = read_policy((demo.SAMPLE / "policy.yaml").read_bytes())
    assert read is not None, wrong
    policy = read.policy(1)
    assert policy.hours is not None
    days = {each.day: each.workday for each in calendars.official()}
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


@pytest.mark.parametrize("category", [CATEGORY, URGENT_CATEGORY])
def test_a_whole_year_nothing_fires_outside_working_hours_and_nothing_early(category: str) -> None:
    world, chance = _office(), Random(2026)
    numbers = itertools.count(1)
    queue: list[tuple[datetime, int, Incident]] = []
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
        heapq.heappush(queue, (reported.after.wake_at or start, number, reported.after))
    fired = warned = 0
    while queue and queue[0][0] < END:
        now, number, before = heapq.heappop(queue)
        decision = lifecycle.tick(before, world, now)
        assert decision is not None
        assert before.state is State.CALLING
        box = world.box(before.policy, before.level, before.urgency, before.category)
        start, call = before.call.opened_at, before.call
        passed = _worked(start, now) if call.clock is Clock.WORKING else now - start
        if decision.events[0].type == "sihu.call.warned":
            warned += 1
            assert passed == timedelta(seconds=box.answer_s) * int(decision.events[0].note or 0) / 100
        else:
            fired += 1
            assert now == before.due_at == call.answer_by
            assert passed == timedelta(seconds=box.answer_s), "neither early nor late"
            assert decision.ended is not None
            assert decision.ended.late_s == 0
        if call.clock is Clock.WORKING:
            local = now.astimezone(UTC).replace(tzinfo=None) + EAST
            assert any(since <= local <= until for since, until in _spans(now - timedelta(days=1), now)), now
            assert not before.provisional
        if decision.after.call.round > 3:
            continue  # the leader was called again and again: enough
        heapq.heappush(queue, (decision.after.wake_at or now, number, decision.after))
    assert fired > 6 * 300
    assert warned >= 2 * fired - 2 * 346
    assert (category == URGENT_CATEGORY) == (before.urgency is Urgency.URGENT)
