"""Travelling in virtual time: each deadline at its own instant, none lost, none twice, never backward."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from service import metrics
from service.bench.seeding import seed
from service.clock import VirtualClock
from service.escalation import sweep
from service.escalation.advance import Advancer
from service.rules import lifecycle
from service.rules.acts import Draft
from service.rules.errors import ValidationFailed
from service.rules.model import Actor, By
from service.rules.words import Role
from service.rules.worktime import LAST_START
from service.store.database import Database
from service.store.incidents import saving
from service.store.log.writing import Committed
from service.store.registry.calendars import Day
from service.times import calendar_changes
from service.worlds import CurrentWorld
from tests.house import CATEGORY, CELL, START, STREET

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
BOX = 4 * HOUR
"""The answer box at levels 1 and 2."""
FRIDAY = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
"""17:00 in Guangzhou: four working hours end on Monday, or on Saturday if that becomes a working day."""


class Travel:
    """One process that moves time: its clock, its advancer, and the commits it passed on."""

    def __init__(self, database: Database, start: datetime = START) -> None:
        self.committed: list[Committed] = []
        self.clock = VirtualClock(start)
        self.advancer = Advancer(database, CurrentWorld(), self.clock, self.committed.append, metrics.new())

    @property
    def swept(self) -> list[Committed]:
        """The commits that changed a queue; seeds are made in others."""
        return [each for each in self.committed if each.queues]


async def _rows(database: Database, question: str) -> list[Any]:
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(text(question))]


async def _seed_three(database: Database) -> None:
    """Incidents that are due one, two and three hours after the start."""
    for n in (1, 2, 3):
        await seed(database, 1, reported_at=START, due_at=START + n * HOUR, name=f"at-{n}")


_SECOND_CALLS = (
    "SELECT number, call.opened_at FROM call JOIN incident ON incident.id = call.incident_id WHERE call.seq = 2 "
    "ORDER BY number"
)
_EVENTS = "SELECT type FROM event WHERE incident_id IS NOT NULL ORDER BY batch_id, ord"


async def test_each_deadline_fires_at_its_own_instant(haizhu: Database) -> None:
    await _seed_three(haizhu)
    travel = Travel(haizhu)
    assert await travel.advancer.to(START + 2 * HOUR) == (START + 2 * HOUR, 2)
    assert await _rows(haizhu, _SECOND_CALLS) == [(f"at-{n}-1", START + n * HOUR) for n in (1, 2)]
    assert await travel.advancer.to(START + BOX) == (START + BOX, 1)
    assert await _rows(haizhu, _SECOND_CALLS) == [(f"at-{n}-1", START + n * HOUR) for n in (1, 2, 3)]
    assert await _rows(haizhu, "SELECT DISTINCT late_s FROM call WHERE seq = 1") == [(0.0,)]
    assert travel.clock.now() == START + BOX


async def test_what_fires_on_the_way_may_fire_again(haizhu: Database) -> None:
    """A call that is opened on the way has a deadline on the way as well."""
    await seed(haizhu, 3, reported_at=START, due_at=START + HOUR)
    assert (await Travel(haizhu).advancer.to(START + HOUR + 2 * BOX)).fired == 6
    assert await _rows(haizhu, "SELECT DISTINCT level FROM incident") == [(3,)]


async def test_a_travel_takes_page_after_page(haizhu: Database) -> None:
    await seed(haizhu, sweep.PAGE + 1, reported_at=START, due_at=START + HOUR)
    travel = Travel(haizhu)
    assert (await travel.advancer.to(START + HOUR)).fired == sweep.PAGE + 1
    assert len(travel.swept) == 2, "each page is a commit that the readers of the log hear of"


async def test_a_bad_row_stops_no_travel(haizhu: Database) -> None:
    """What cannot be decided backs off; the others fire at their instants, and the travel ends where it should."""
    await _seed_three(haizhu)
    async with haizhu.begin() as tx:
        await tx.execute(text("UPDATE incident SET calls_at = '{}' WHERE number = 'at-2-1'"))
    travel = Travel(haizhu)
    assert (await travel.advancer.to(START + BOX)).fired == 2
    assert await _rows(haizhu, _SECOND_CALLS) == [(f"at-{n}-1", START + n * HOUR) for n in (1, 3)]
    assert travel.clock.now() == START + BOX
    [(wake_at,)] = await _rows(haizhu, "SELECT wake_at FROM incident WHERE number = 'at-2-1'")
    assert wake_at > START + BOX


async def test_where_nothing_is_due_only_the_clock_moves(haizhu: Database) -> None:
    """An instant before the first deadline, and with an empty book of incidents."""
    travel = Travel(haizhu)
    assert (await travel.advancer.to(START + HOUR)).fired == 0
    await seed(haizhu, 3, reported_at=START, due_at=START + 2 * HOUR)
    before = await _rows(haizhu, "SELECT * FROM incident ORDER BY id")
    moment = START + 2 * HOUR - timedelta(microseconds=1)
    assert (await travel.advancer.to(moment)).fired == 0
    assert (travel.clock.now(), travel.swept) == (moment, [])
    assert await _rows(haizhu, "SELECT * FROM incident ORDER BY id") == before


async def test_time_goes_forward_only(haizhu: Database) -> None:
    """To a moment that has passed there is no way, not even for what is due by now."""
    await seed(haizhu, 1, reported_at=START, due_at=START)
    travel = Travel(haizhu)
    tick = timedelta(microseconds=1)
    for movement, pointer in ((travel.advancer.to(START - tick), "/to"), (travel.advancer.by(-tick), "/seconds")):
        with pytest.raises(ValidationFailed) as refused:
            await movement
        assert [each.pointer for each in refused.value.errors] == [pointer]
        assert "2026-11-23T09:00:00+08:00" in refused.value.detail
    assert (travel.clock.now(), travel.committed) == (START, [])


async def test_to_the_present_moment_fires_what_is_due(haizhu: Database) -> None:
    await seed(haizhu, 2, reported_at=START, due_at=START)
    travel = Travel(haizhu)
    assert [await travel.advancer.to(START) for _ in range(2)] == [(START, 2), (START, 0)]
    assert travel.clock.now() == START


async def test_two_travels_at_once_take_turns(haizhu: Database) -> None:
    """The second one begins where the first has arrived: every deadline fires once, at its own instant."""
    await _seed_three(haizhu)
    travel = Travel(haizhu)
    stops = [START + HOUR, START + 2 * HOUR, START + 2 * HOUR, START + 3 * HOUR]
    arrivals = await asyncio.gather(*(travel.advancer.to(each) for each in stops))
    assert arrivals == list(zip(stops, [1, 1, 0, 1], strict=True))
    assert await _rows(haizhu, _SECOND_CALLS) == [(f"at-{n}-1", START + n * HOUR) for n in (1, 2, 3)]
    assert travel.clock.now() == stops[-1]


async def test_a_shorter_travel_comes_too_late(haizhu: Database) -> None:
    """Who waited for a longer travel is told that its moment has passed; nothing is lost by it."""
    await _seed_three(haizhu)
    travel = Travel(haizhu)
    far, near = await asyncio.gather(
        travel.advancer.to(START + 3 * HOUR), travel.advancer.to(START + HOUR), return_exceptions=True
    )
    assert far == (START + 3 * HOUR, 3)
    assert isinstance(near, ValidationFailed) and near.errors[0].pointer == "/to"
    assert "It is already 2026-11-23T12:00:00+08:00" in near.detail
    assert travel.clock.now() == START + 3 * HOUR


async def test_steps_at_once_add_up(haizhu: Database) -> None:
    """Each step counts from where the step before has left the clock, and each answers where it arrived itself."""
    await _seed_three(haizhu)
    travel = Travel(haizhu)
    arrivals = await asyncio.gather(*(travel.advancer.by(HOUR) for _ in range(3)), travel.advancer.by(timedelta(0)))
    assert arrivals == [(START + n * HOUR, 1) for n in (1, 2, 3)] + [(START + 3 * HOUR, 0)]
    assert await _rows(haizhu, _SECOND_CALLS) == [(f"at-{n}-1", START + n * HOUR) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        (START, START + timedelta(days=3660, microseconds=1)),
        (START, datetime(2199, 1, 1, tzinfo=UTC)),
        (LAST_START - HOUR, LAST_START),
    ],
)
async def test_no_movement_goes_too_far(haizhu: Database, start: datetime, moment: datetime) -> None:
    travel = Travel(haizhu, start)
    for movement, pointer in ((travel.advancer.to(moment), "/to"), (travel.advancer.by(moment - start), "/seconds")):
        with pytest.raises(ValidationFailed) as refused:
            await movement
        assert [each.pointer for each in refused.value.errors] == [pointer]
    assert travel.clock.now() == start


async def _report_on_friday(database: Database) -> None:
    worker, worlds = Actor(Role.REPORTER, "worker", area=STREET), CurrentWorld()
    draft = Draft(CELL, CATEGORY, worker.subject)
    async with database.begin() as tx:
        world = await worlds.fresh(tx)
        made = lifecycle.report(draft, worker, world, incident_id=UUID(int=1), number="2026-000001", now=FRIDAY)
        await saving.save(tx, [made])


@pytest.mark.parametrize(
    ("hours", "due_after", "late_s", "events"),
    [
        # Saturday 08:00: due at 11:00
        (15, 18, None, ["sihu.call.rescheduled"]),
        # Saturday 15:00: missed there and then; the street has until Monday 09:00
        (22, 64, 0.0, ["sihu.call.rescheduled", "sihu.call.missed", "sihu.call.opened"]),
    ],
)
async def test_staying_fires_what_a_changed_calendar_woke(
    office: Database, hours: int, due_after: int, late_s: float | None, events: list[str]
) -> None:
    """Saturday becomes a working day while it is Saturday: the deadline of Monday moves, and may have passed by now."""
    await _report_on_friday(office)
    now = FRIDAY + timedelta(hours=hours)
    travel = Travel(office, FRIDAY)
    await travel.advancer.to(now)
    before = len(await _rows(office, _EVENTS))
    assert await travel.advancer.stay() == 0
    day = Day(date(2026, 11, 28), True, "通知", "调休")
    await calendar_changes.change_days(office, "cn", [day], now, By("ops", "ops"))
    assert await travel.advancer.stay() == events.count("sihu.call.missed")
    assert travel.clock.now() == now
    assert [each for (each,) in (await _rows(office, _EVENTS))[before:]] == events
    facts = "SELECT incident.due_at, late_s FROM incident JOIN call ON incident.id = incident_id WHERE call.seq = 1"
    assert await _rows(office, facts) == [(FRIDAY + timedelta(hours=due_after), late_s)]
    assert await travel.advancer.stay() == 0, "once"
