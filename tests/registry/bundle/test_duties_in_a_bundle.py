"""Duties by import, on the Haizhu sample: an admission by itself, and by the same rules as one that was proposed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from service.commands import sample as demo
from service.registry.bundle import changes
from service.registry.bundle.files import read_folder
from service.store.database import Database
from tests.house import DEPARTMENT, START, House
from tests.registry.admissions import (
    ALWAYS,
    DUTIES,
    MOMENT,
    OTHER,
    faults,
    imported,
    in_file,
    later,
    lead,
    move,
    rows,
    stored,
)
from tests.registry.bundles import DAY, bring, files

pytestmark = pytest.mark.anyio

YESTERDAY = "2026-11-22T00:00:00+08:00"


# --- nothing is changed in the past ---------------------------------------------------------------------------------


async def test_who_was_responsible_yesterday_cannot_be_imported_today(house: House) -> None:
    for since in ("2020-09-02", "2025-01-01", "2026-11-22", "2026-11-23"):
        [fault] = await faults(house, in_file(OTHER, since))
        assert fault == (
            f"duties.csv:2: valid_from {since} is past by now, and nothing is changed in the past: "
            "leave valid_from out for now, or give a later one"
        )
    assert await lead(house, at=YESTERDAY) == [DEPARTMENT]


@pytest.mark.parametrize("since", ["", "2020-09-01", "2019-01-01"])
async def test_a_row_changed_in_the_file_it_came_in_changes_now(house: House, since: str) -> None:
    """The file still carries the day from which the row was in force at first."""
    assert (await imported(house, in_file(OTHER, since)))["changed"] == 1
    assert await rows(house) == [(DEPARTMENT, ALWAYS, START), (OTHER, START, None)]
    await house.advance(to=later(1))
    assert (await imported(house, in_file(OTHER, since)))["unchanged"] == 1
    assert (await imported(house, in_file("dept-water", since)))["changed"] == 1
    assert await lead(house, at=(START + DAY - MOMENT).isoformat()) == [OTHER]


async def test_a_change_that_was_planned_is_the_same_again_after_its_day(house: House) -> None:
    assert (await imported(house, in_file(OTHER, "2026-11-25")))["changed"] == 1
    await house.advance(to=later(5))
    assert (await imported(house, in_file(OTHER, "2026-11-25")))["unchanged"] == 1
    await move(house, "dept-water", 6)
    await house.advance(to=later(7))
    await imported(house, in_file(OTHER, "2026-11-25"))  # earlier than the row held: it is not asked to begin anew
    assert await lead(house, at=(START + 7 * DAY - MOMENT).isoformat()) == ["dept-water"]


async def test_a_duty_does_not_end_in_the_past_either(house: House) -> None:
    await imported(house, in_file(DEPARTMENT))
    await house.advance(to=later(2))
    for until in ("2026-11-24", "2026-11-25"):
        [fault] = await faults(house, in_file(DEPARTMENT, until=until))
        assert f"valid_to {until} is past by now" in fault
        assert "give a later one" in fault
    ended = in_file(DEPARTMENT, until="2026-11-26")
    assert (await imported(house, ended))["closed"] == 1
    await house.advance(to=later(5))
    assert (await imported(house, ended))["unchanged"] == 1
    assert len(await faults(house, in_file(DEPARTMENT, until="2026-11-27"))) == 1
    assert len(await faults(house, in_file(DEPARTMENT, "2026-11-27"))) == 1
    await imported(house, in_file(DEPARTMENT))
    assert await lead(house, at=(START + 5 * DAY - MOMENT).isoformat()) == []


async def test_a_new_duty_begins_now_once_there_are_duties(house: House) -> None:
    new: dict[str, Any] = {"code": "NEW", "category": "urban-0110"}
    assert "valid_from 2020-09-01 is past by now" in (await faults(house, in_file(OTHER, "2020-09-01", **new)))[0]
    assert (await imported(house, in_file(OTHER, **new)))["added"] == 1
    assert await rows(house, "NEW") == [(OTHER, START, None)]
    listed = await house.get("worker", DUTIES, category="urban-0110", at=YESTERDAY)
    assert [each["code"] for each in listed["items"]] == ["EX-001"]
    before = await stored(house)
    assert (await imported(house, in_file(OTHER, **new)))["unchanged"] == 1
    assert await stored(house) == before


async def test_the_first_duties_reach_back_whatever_else_is_there(database: Database) -> None:
    whole = files()
    duties = whole.pop("duties.csv")
    await bring(database, whole)
    assert not (await bring(database, {"duties.csv": duties})).faults
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT valid_from FROM duty"))).scalars().all() == [changes.ALWAYS]


async def test_the_sample_with_one_field_changed_changes_one_duty_from_now_on(office: Database) -> None:
    sample = read_folder(demo.SAMPLE)
    changed = {**sample, "duties.csv": sample["duties.csv"].replace("市容环境管理".encode(), "市容管理".encode())}
    report = await bring(office, changed, START + DAY)
    assert (report.faults, report.changes["duties"].changed) == ((), ["EX-001"])
    assert not (await bring(office, changed, START + 2 * DAY)).changes_anything
