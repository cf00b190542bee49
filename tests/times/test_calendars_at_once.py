"""A calendar that changes while somebody decides by the old one: no deadline keeps the old day."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from service.rules import lifecycle
from service.rules.acts import Draft
from service.rules.model import Actor, By
from service.rules.words import Role
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.incidents import claiming, saving
from service.store.registry.calendars import Day
from service.times import calendar_changes
from service.worlds import CurrentWorld
from tests.house import CATEGORY, CELL, STREET
from tests.test_worlds import somebody_waits

pytestmark = pytest.mark.anyio

FRIDAY = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
"""17:00 in Guangzhou: four working hours end on Monday, or on Saturday if that becomes a working day."""
SATURDAY = Day(date(2026, 11, 28), True, "通知", "调休")
BY = By("ops", "ops")


async def _report(tx: Transaction, world: World) -> None:
    worker = Actor(Role.REPORTER, "worker", area=STREET)
    draft = Draft(CELL, CATEGORY, worker.subject)
    decision = lifecycle.report(draft, worker, world, incident_id=UUID(int=1), number="2026-000001", now=FRIDAY)
    await saving.save(tx, [decision])


async def _wake(database: Database) -> datetime | None:
    async with database.read() as connection:
        return await claiming.next_wake(connection)


async def test_a_change_waits_for_who_decides_by_the_old_days_and_then_wakes_what_they_wrote(office: Database) -> None:
    worlds = CurrentWorld()
    async with office.begin() as tx:
        world = await worlds.fresh(tx)
        changing = asyncio.create_task(calendar_changes.change_days(office, "cn", [SATURDAY], FRIDAY, BY))
        await somebody_waits(office)
        await _report(tx, world)
    assert (await changing).deadlines == 1
    assert await _wake(office) == FRIDAY


async def test_who_decides_after_a_change_decides_by_the_new_days(office: Database) -> None:
    worlds = CurrentWorld()
    await worlds.reload(office)
    changed = await calendar_changes.change_days(office, "cn", [SATURDAY], FRIDAY, BY)
    async with office.begin() as tx:
        await _report(tx, await worlds.fresh(tx))
    assert changed.deadlines == 0
    # half of four hours: one on Friday, one on Saturday morning
    assert await _wake(office) == FRIDAY + timedelta(hours=16)
