"""Calendar days as rows, and which incidents a changed day wakes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.store.database import Database
from service.store.incidents.tables import incident
from service.store.registry import calendars
from service.store.registry.calendars import Day
from service.store.registry.tables import calendar_day
from tests.store.rows import CLOSED, NOW, good, store

pytestmark = pytest.mark.anyio

FIRST = date(2026, 10, 1)
SECOND, LAST = date(2026, 10, 2), date(2027, 2, 20)
DAYS = [Day(FIRST, False, "gov.cn", "国庆"), Day(SECOND, False, "O'Hare"), Day(LAST, True, "x")]
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


async def test_days_come_back_in_order(database: Database) -> None:
    async with database.begin() as tx:
        await calendars.put(tx, "cn", list(reversed(DAYS)), NOW)
        await calendars.put(tx, "gz", DAYS[:1], NOW)
        await calendars.put(tx, "gz", [], NOW)
        assert await calendars.between(tx, "cn", FIRST, LAST) == DAYS, "both ends belong to it"
        assert await calendars.between(tx, "cn", SECOND, LAST - timedelta(days=1)) == DAYS[1:2]
        assert await calendars.between(tx, "nobody", FIRST, FIRST) == []
        known = {each.day: each.workday for each in DAYS}
        assert await calendars.days(tx) == {"cn": known, "gz": {FIRST: False}}


async def test_a_day_is_written_over_in_every_column(database: Database) -> None:
    async with database.begin() as tx:
        await calendars.put(tx, "cn", DAYS[:2], NOW)
        await calendars.put(tx, "cn", [Day(FIRST, True, "ops")], LATER)
        assert await calendars.between(tx, "cn", FIRST, FIRST) == [Day(FIRST, True, "ops", None)]
        moments = select(calendar_day.c.changed_at).order_by(calendar_day.c.day)
        assert list((await tx.execute(moments)).scalars()) == [LATER, NOW]


async def test_years_are_counted_by_their_days(database: Database) -> None:
    leap = [Day(date(2028, 1, 1) + timedelta(days=n), True, "x") for n in range(366)]
    async with database.begin() as tx:
        await calendars.put(tx, "cn", [*DAYS, *leap], NOW)
        await calendars.put(tx, "gz", [Day(date(2026, 1, 1), True, "x")], NOW)
        assert await calendars.years(tx, "cn") == [(2026, 2, 365), (2027, 1, 365), (2028, 366, 366)]
        assert await calendars.years(tx, "nobody") == []


RUNNING: dict[str, Any] = {"due_at": LATER, "wake_at": LATER}
WAKES: list[tuple[dict[str, Any], bool]] = [
    (RUNNING, True),
    ({**RUNNING, "state": "answered", "due_kind": "resolve"}, True),
    ({**RUNNING, "state": "on_hold", "due_kind": "resume"}, False),
    ({**RUNNING, "state": "resolved", "due_kind": "verify"}, False),
    (CLOSED, False),
    ({**RUNNING, "due_at": NOW}, True),  # at the very moment
    ({**RUNNING, "due_at": NOW - timedelta(microseconds=1)}, False),
    ({**RUNNING, "due_at": EARLIER, "provisional": True}, True),
    ({**RUNNING, "policy_version": 2}, True),
    ({**RUNNING, "policy_version": 3}, False),
    ({**RUNNING, "policy_code": "q", "policy_version": 1}, False),
]


@pytest.mark.parametrize(("changes", "woken"), WAKES)
async def test_a_change_wakes_running_boxes_of_its_policies(
    database: Database, changes: dict[str, Any], woken: bool
) -> None:
    row = good(incident, **changes)
    await store(database, incident, row)
    async with database.begin() as tx:
        assert await calendars.wake(tx, [("p", 1), ("p", 2)], NOW, NOW) == woken
        found = (await tx.execute(select(incident.c.wake_at, incident.c.due_at))).one()
    assert tuple(found) == (NOW if woken else row["wake_at"], row["due_at"])


async def test_a_wake_puts_nothing_off_and_needs_a_policy(database: Database) -> None:
    await store(database, incident, good(incident, **{**RUNNING, "wake_at": EARLIER}))
    async with database.begin() as tx:
        assert await calendars.wake(tx, [], NOW, NOW) == 0
        assert await calendars.wake(tx, [("p", 1)], NOW, NOW) == 1
        assert (await tx.execute(select(incident.c.wake_at))).scalar_one() == EARLIER


async def test_open_incidents_pin_their_policies(database: Database) -> None:
    pins: list[dict[str, Any]] = [{}, {}, {"policy_version": 2}, {**CLOSED, "policy_version": 3}]
    await store(database, incident, *(good(incident, **each) for each in pins))
    async with database.read() as connection:
        assert await calendars.pinned(connection) == {("p", 1), ("p", 2)}
