"""Working days: written and read; who is told and woken when one changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.clock import VirtualClock
from service.main import create_app
from service.settings import Settings
from service.store.database import Database
from service.store.registry.calendars import Day
from service.times import calendar_changes
from tests.house import START, House
from tests.registry.bundles import DAY, NOW, OPS, everything, stored_days

pytestmark = pytest.mark.anyio

DAYS = "/v1/calendars/cn/days"
LAST_DAY = datetime(2026, 12, 31, 1, tzinfo=UTC)
"""Thursday 09:00 in Guangzhou; the days after it are not known."""


def put(*days: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"source": "国务院办公厅", "days": list(days), **more}


def off(day: str, note: str | None = "元旦") -> dict[str, Any]:
    return {"day": day, "workday": False, "note": note}


@asynccontextmanager
async def opened(url: str, start: datetime = START) -> AsyncIterator[House]:
    """The service on the sample with working time, its virtual clock at `start`."""
    app = create_app(Settings(database_url=url, virtual_clock=start), VirtualClock(start))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        house = House(app)
        yield house
        await house.close()


def _fresh(workday: bool, note: str | None) -> dict[str, Any]:
    """What becomes of a day that the calendar did not know."""
    changes = {"workday": {"from": None, "to": workday}, "source": {"from": None, "to": "国务院办公厅"}}
    return changes | ({} if note is None else {"note": {"from": None, "to": note}})


async def test_days_are_written_read_back_and_told_in_the_feed(house: House) -> None:
    body = put(off("2027-01-01"), {"day": "2027-01-02", "workday": True})
    done = await house.send("ops", "PUT", DAYS, body)
    answer = {"calendar": "cn", "days_changed": 2, "deadlines_looked_at": 0, "warnings": []}
    assert (done.status_code, done.json()) == (200, answer)
    read = await house.get("worker", DAYS, first="2026-12-31", last="2027-01-03")
    assert read["items"] == [
        {"day": "2027-01-01", "workday": False, "source": "国务院办公厅", "note": "元旦"},
        {"day": "2027-01-02", "workday": True, "source": "国务院办公厅", "note": None},
    ]
    await house.sealed()
    (event,) = (await house.get("auditor", "/v1/events", types="sihu.calendar.changed"))["items"]
    assert event["data"] == {
        "calendar": "cn",
        "days": 2,
        "first": "2027-01-01",
        "last": "2027-01-02",
        "sources": ["国务院办公厅"],
        "deadlines_looked_at": 0,
        "rows": [
            {"of": "calendar", "row": "2027-01-01", "changes": _fresh(False, "元旦")},
            {"of": "calendar", "row": "2027-01-02", "changes": _fresh(True, None)},
        ],
        "rows_left_out": 0,
        "by": {"kind": "ops", "subject": "ops"},
    }
    before = await everything(house.process.database)
    again = await house.send("ops", "PUT", DAYS, body)
    assert again.json()["days_changed"] == 0
    after = await everything(house.process.database)
    assert (after["calendar_day"], after["event"]) == (before["calendar_day"], before["event"])


async def test_only_the_days_that_are_other_than_before_are_written(database: Database) -> None:
    first = [Day(date(2027, 1, n), n > 3, "a") for n in range(1, 8)]
    assert (await calendar_changes.change_days(database, "cn", first, NOW, OPS)).days == 7
    second = [*first[:3], Day(date(2027, 1, 4), False, "b"), *first[4:], Day(date(2027, 1, 8), True, "b")]
    assert (await calendar_changes.change_days(database, "cn", second, NOW + DAY, OPS)).days == 2
    async with database.read() as connection:
        wanted = text("SELECT day FROM calendar_day WHERE changed_at > :at ORDER BY day")
        assert list((await connection.execute(wanted, {"at": NOW})).scalars()) == [date(2027, 1, 4), date(2027, 1, 8)]


async def test_a_filled_year_is_monday_to_friday_but_for_what_is_named(house: House) -> None:
    done = await house.send(
        "ops", "PUT", DAYS, put(off("2028-01-03"), {"day": "2028-01-08", "workday": True}, fill_years=[2028])
    )
    assert done.json()["days_changed"] == 366
    items = (await house.get("worker", DAYS, first="2028-01-01", last="2028-01-10"))["items"]
    assert [each["day"][-2:] for each in items if each["workday"]] == ["04", "05", "06", "07", "08", "10"]
    assert (await house.get("worker", "/v1/calendars/cn/coverage"))["years"] == [
        {"year": 2028, "days_known": 366, "covered": True}
    ]


async def test_filling_a_year_leaves_every_day_that_is_known(house: House) -> None:
    await house.send("ops", "PUT", DAYS, put(off("2026-07-08", "台风")))
    for changed in (364, 0):
        done = await house.send("ops", "PUT", DAYS, put(fill_years=[2026]))
        assert (done.status_code, done.json()["days_changed"]) == (200, changed)
    (typhoon,) = (await house.get("worker", DAYS, first="2026-07-08", last="2026-07-08"))["items"]
    assert (typhoon["workday"], typhoon["note"]) == (False, "台风")


async def test_a_year_is_covered_once_every_day_of_it_is_known(house: House) -> None:
    assert (await house.send("worker", "GET", "/v1/calendars/cn/coverage")).status_code == 404
    await house.send("ops", "PUT", DAYS, put(off("2027-01-01"), fill_years=[2026]))
    assert await house.get("worker", "/v1/calendars/cn/coverage") == {
        "calendar": "cn",
        "years": [
            {"year": 2026, "days_known": 365, "covered": True},
            {"year": 2027, "days_known": 1, "covered": False},
        ],
    }


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (put(off("2027-01-01"), off("2027-01-02"), off("2027-01-01")), ["/days/2/day"]),
        (put(off("2027-01-01"), {"day": 1_798_761_600, "workday": False}), ["/days/1/day"]),
        (put({"day": "1798761600", "workday": False}), ["/days/0/day"]),
        (put(off("2027-01-01T00:00:00+08:00")), ["/days/0/day"]),
        (put(off("2027-02-29")), ["/days/0/day"]),
        (put(off("1999-12-31")), ["/days/0/day"]),
        (put({"day": "2027-01-01", "workday": 0}), ["/days/0/workday"]),
        (put({"day": "2027-01-01"}), ["/days/0/workday"]),
        (put(off("2027-01-01", "一\n二")), ["/days/0/note"]),
        (put({**off("2027-01-01"), "holiday": True}), ["/days/0/holiday"]),
        (put(), ["/days"]),
        ({"days": [off("2027-01-01")]}, ["/source"]),
        (put(fill_years=[1999]), ["/fill_years/0"]),
        (put(fill_years=["2027"]), ["/fill_years/0"]),
        (put(off("2027-01-01"), off("x"), off("y")), ["/days/1/day", "/days/2/day"]),
    ],
)
async def test_days_are_written_all_or_not_at_all(house: House, body: dict[str, Any], pointers: list[str]) -> None:
    answer = await house.send("ops", "PUT", DAYS, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [each["pointer"] for each in answer.json()["errors"]] == pointers
    assert await stored_days(house.process.database) == {}


async def wakes(database: Database) -> dict[str, datetime | None]:
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT id, wake_at FROM incident"))
        return {str(row.id): row.wake_at for row in rows}


async def six(house: House) -> dict[str, str]:
    """Incidents by what they are: calling and answered, one of which is due in a year nobody knows; and the others."""
    made = {
        name: await house.report(source={"system": "grid-app", "ref": name})
        for name in ("calling", "provisional", "held", "resolved", "closed")
    }
    made["urgent"] = await house.report(urgency="urgent")
    made["provisional"] = await house.act("community", made["provisional"], "answer", measure="清理")
    assert (made["provisional"]["provisional"], made["calling"]["provisional"]) == (True, False)
    await house.act("community", made["held"], "hold", until="2027-01-20T01:00:00Z", reason="等待")
    on_hold = await house.act("street", made["held"], "requests/1/approve")
    assert on_hold["state"] == "on_hold"
    await house.act("community", made["resolved"], "resolve", result="已清理")
    await house.act("worker", made["closed"], "withdraw", reason="误报")
    return {name: each["id"] for name, each in made.items()}


@pytest.mark.parametrize(
    ("calendar", "day", "woken"),
    [
        ("cn", date(2026, 12, 31), {"calling", "urgent", "provisional"}),
        ("cn", date(2027, 1, 1), {"provisional"}),
        ("cn", date(2027, 6, 1), {"provisional"}),  # due before it, but nothing is sure
        ("other", date(2026, 12, 31), set()),
    ],
)
async def test_who_runs_beyond_a_changed_day_or_is_provisional_is_woken_and_nobody_else(
    office_url: str, calendar: str, day: date, woken: set[str]
) -> None:
    async with opened(office_url, LAST_DAY) as house:
        ids = await six(house)
    database = Database(office_url, pool_size=2)  # the engine is gone: what is woken stays as it was put
    try:
        before = await wakes(database)
        now = LAST_DAY + timedelta(minutes=1)
        done = await calendar_changes.change_days(database, calendar, [Day(day, False, "t")], now, OPS)
        after = await wakes(database)
    finally:
        await database.close()
    assert {name for name, each in ids.items() if after[each] != before[each]} == woken
    assert {after[ids[name]] for name in woken} <= {now}
    assert done.deadlines == len(woken)
    assert done.committed is not None
    assert done.committed.wake_at == (now if woken else None)


async def test_a_running_deadline_moves_with_the_day_and_is_sure_once_the_year_is_known(office_url: str) -> None:
    async with opened(office_url, LAST_DAY) as house:
        made = await house.report()
        made = await house.act("community", made, "answer", measure="清理")
        assert (made["due_at"], made["provisional"]) == ("2027-01-01T01:00:00Z", True)
        await house.send("ops", "PUT", DAYS, put(off("2027-01-01"), fill_years=[2027]))
        await house.advance(seconds=1)
        now = await house.get("worker", f"/v1/incidents/{made['id']}")
        assert (now["due_at"], now["provisional"]) == ("2027-01-04T01:00:00Z", False)
        events = (await house.get("street", f"/v1/incidents/{made['id']}/timeline"))["items"]
        assert events[-1]["type"] == "sihu.call.rescheduled"
