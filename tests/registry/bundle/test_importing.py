"""Importing on a real database: the whole bundle or nothing, and history that stays readable."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.commands import sample
from service.registry.bundle.changes import ALWAYS
from service.registry.bundle.files import read_folder
from service.rules.words import Level, Urgency
from service.store.database import Database
from service.worlds import CurrentWorld
from tests.registry.bundles import DAY, NOW, bring, everything, files, history, policy, water

pytestmark = pytest.mark.anyio
NEW_YEAR = datetime(2026, 12, 31, 16, tzinfo=UTC)  # 2027-01-01 in Guangzhou


async def event_types(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(text("SELECT type FROM event ORDER BY batch_id, ord"))).scalars())


async def version(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text("SELECT world_version FROM deployment"))).scalar_one())


async def test_the_first_import_stores_everything_and_tells_the_log_once(database: Database) -> None:
    report = await bring(database, files())
    assert {name: len(change.added) for name, change in report.changes.items()} == {
        "lines": 1,
        "units": 5,
        "cells": 1,
        "categories": 2,
        "duties": 1,
    }
    assert report.policy == ("example", 1)
    assert report.committed is not None
    assert report.committed.reload == ("world",)
    assert await event_types(database) == ["sihu.registry.imported", "sihu.policy.activated"]
    assert await version(database) == 2


async def _told(database: Database, event_type: str) -> list[dict[str, Any]]:
    """The data of the events of one type, oldest first."""
    async with database.read() as connection:
        wanted = text("SELECT data FROM event WHERE type = :type ORDER BY batch_id, ord")
        return list((await connection.execute(wanted, {"type": event_type})).scalars())


async def test_the_log_tells_who_put_which_policy_in_force_and_from_when(database: Database) -> None:
    await bring(database, files())
    async with database.read() as connection:
        wanted = text("SELECT data FROM event WHERE type = 'sihu.policy.activated'")
        (data,) = (await connection.execute(wanted)).scalars()
    by = {"kind": "ops", "subject": "tests"}
    own = {name: data.pop(name) for name in ("rows", "rows_left_out")}
    assert data == {"policy": {"code": "example", "version": 1}, "at": "2026-11-23T01:00:00Z", "before": None, "by": by}
    assert own["rows_left_out"] == 0
    boxes = {row["row"]: row["changes"] for row in own["rows"]}
    assert boxes["1 normal -"]["answer_s"] == {"from": None, "to": 3600}
    await bring(database, policy("2h"), NOW + DAY)
    changed = (await _told(database, "sihu.policy.activated"))[-1]
    assert changed["before"] == {"code": "example", "version": 1}
    (row,) = (row for row in changed["rows"] if row["row"] == "1 normal -")
    assert row == {"of": "policy", "row": "1 normal -", "changes": {"answer_s": {"from": 3600, "to": 7200}}}


async def test_the_log_tells_what_became_of_each_row(database: Database) -> None:
    await bring(database, files())
    (first,) = await _told(database, "sihu.registry.imported")
    assert (len(first["rows"]), first["rows_left_out"]) == (10, 0)
    assert first["rows"][0]["of"] == "lines.csv"
    assert {row["of"] for row in first["rows"]} == {f"{name}.csv" for name in first["changes"]}
    await bring(database, water("河涌办"), NOW + DAY)
    changed = (await _told(database, "sihu.registry.imported"))[-1]
    (row,) = changed["rows"]
    assert (row["of"], set(row["changes"])) == ("units.csv", {"name", "valid_from"})
    assert row["changes"]["name"]["to"] == "河涌办"
    assert row["changes"]["valid_from"]["to"] == "2026-11-24T09:00:00+08:00"


async def test_importing_twice_changes_nothing(database: Database) -> None:
    await bring(database, files())
    before = await everything(database)
    again = await bring(database, files(), NOW + DAY)
    assert not again.changes_anything
    assert again.committed is None
    assert await everything(database) == before


async def test_importing_the_haizhu_sample_twice_changes_nothing(office: Database) -> None:
    from_disk = read_folder(sample.SAMPLE)
    before = await everything(office)
    assert not (await bring(office, from_disk, NOW + DAY)).changes_anything
    assert await everything(office) == before


async def test_a_changed_name_closes_the_old_row_and_keeps_history(database: Database) -> None:
    await bring(database, files())
    report = await bring(database, water("水务与河道局"), NOW + DAY)
    assert report.changes["units"].changed == ["dept-water"]
    assert await history(database) == [("水务局", ALWAYS, NOW + DAY), ("水务与河道局", NOW + DAY, None)]
    worlds = CurrentWorld()
    await worlds.reload(database)
    before, after = worlds.world.unit("dept-water", NOW), worlds.world.unit("dept-water", NOW + DAY)
    assert before is not None
    assert after is not None
    assert (before.name, after.name) == ("水务局", "水务与河道局")


async def test_a_second_change_at_the_same_instant_takes_the_place_of_the_first(database: Database) -> None:
    await bring(database, files())
    await bring(database, water("错字"), NOW + DAY)
    await bring(database, water("水务中心"), NOW + DAY)  # the virtual clock stands still between the two
    assert await history(database) == [("水务局", ALWAYS, NOW + DAY), ("水务中心", NOW + DAY, None)]


async def test_a_change_that_lies_ahead_can_be_corrected_before_it_begins(database: Database) -> None:
    await bring(database, files())
    await bring(database, water("错字", since="2027-01-01"), NOW + DAY)
    planned = water("水务中心", since="2027-01-01")
    await bring(database, planned, NOW + 2 * DAY)
    assert await history(database) == [("水务局", ALWAYS, NEW_YEAR), ("水务中心", NEW_YEAR, None)]
    assert not (await bring(database, planned, NOW + 3 * DAY)).changes_anything


async def test_a_unit_that_only_ends_is_closed_even_as_of_last_week(database: Database) -> None:
    await bring(database, files())
    report = await bring(database, water(until="2026-11-20"), NOW)
    assert report.changes["units"].closed == ["dept-water"]
    assert await history(database) == [("水务局", ALWAYS, datetime(2026, 11, 19, 16, tzinfo=UTC))]
    assert not (await bring(database, water(until="2026-11-20"), NOW + DAY)).changes_anything


async def test_a_unit_that_comes_back_was_not_in_force_in_between(database: Database) -> None:
    await bring(database, files())
    await bring(database, water(until="2026-11-20"), NOW)
    await bring(database, water(), NOW + DAY)
    ended = datetime(2026, 11, 19, 16, tzinfo=UTC)
    assert await history(database) == [("水务局", ALWAYS, ended), ("水务局", NOW + DAY, None)]


async def test_a_row_that_would_end_before_it_begins_is_a_fault_and_not_a_crash(database: Database) -> None:
    await bring(database, files())
    report = await bring(database, water("新名", until="2026-11-20"), NOW)
    assert [(fault.file, fault.row) for fault in report.faults] == [("units.csv", 2)]
    assert "2026-11-20" in report.faults[0].detail


async def test_all_faults_are_told_at_once_and_nothing_is_written(database: Database) -> None:
    before = await everything(database)
    bad = files(
        cells="code,name,community\n440402001001001,网格,440402001009\n12,网格,440402001001\n",
        duties="code,title,category,area,lead_unit\nD1,排水,nothing,440402,nobody\n",
    )
    report = await bring(database, bad)
    assert {(fault.file, fault.row) for fault in report.faults} == {
        ("cells.csv", 2),
        ("cells.csv", 3),
        ("duties.csv", 2),
    }
    assert await everything(database) == before


async def test_a_part_is_checked_against_what_the_database_holds(database: Database) -> None:
    part = {"duties.csv": b"code,title,category,area,lead_unit\nD2,x,u-1,440402001,dept-water\n"}
    assert (await bring(database, part)).faults
    await bring(database, files())
    assert not (await bring(database, part)).faults


async def test_a_database_error_in_the_middle_leaves_nothing_behind(database: Database) -> None:
    before = await everything(database)
    async with database.begin() as tx:
        await tx.execute(text("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$"))
        await tx.execute(text("CREATE TRIGGER no BEFORE INSERT ON policy_activation EXECUTE FUNCTION no()"))
    with pytest.raises(DBAPIError):
        await bring(database, files())
    assert await everything(database) == before
    async with database.begin() as tx:
        await tx.execute(text("DROP TRIGGER no ON policy_activation"))
    assert (await bring(database, files())).committed


async def test_a_dry_run_says_the_same_and_writes_nothing(database: Database) -> None:
    before = await everything(database)
    dry = await bring(database, files(), dry_run=True)
    assert await everything(database) == before
    wet = await bring(database, files())
    assert {**dry.view(), "dry_run": False} == wet.view()
    assert dry.committed is None


async def test_of_two_imports_of_one_bundle_at_once_the_second_finds_nothing_to_do(database: Database) -> None:
    reports = await asyncio.gather(*(bring(database, files()) for _ in range(4)))
    assert sum(report.changes_anything for report in reports) == 1
    assert await version(database) == 2
    assert await event_types(database) == ["sihu.registry.imported", "sihu.policy.activated"]


async def test_two_different_imports_at_once_take_turns(database: Database) -> None:
    await bring(database, files())
    names = [f"水务{number}" for number in range(6)]
    times = [NOW + DAY * (number % 3 + 1) for number in range(6)]  # whoever comes first, their clocks may disagree
    await asyncio.gather(*(bring(database, water(n), at) for n, at in zip(names, times, strict=True)))
    rows = await history(database)
    assert [row[2] for row in rows] == [row[1] for row in rows[1:]] + [None]
    assert await version(database) == 2 + len(names)


async def test_another_policy_becomes_the_next_version_and_is_active_at_once(database: Database) -> None:
    await bring(database, files())
    report = await bring(database, policy("2h"), NOW + DAY)
    assert report.policy == ("example", 2)
    assert (await bring(database, policy("2h"), NOW + DAY)).policy is None
    worlds = CurrentWorld()
    await worlds.reload(database)
    active = worlds.world.active(NOW + DAY)
    assert active is not None
    assert active.version == 2
    key = Level.COMMUNITY, Urgency.NORMAL
    boxes = [worlds.world.policy(("example", number)).box(*key, "u").answer_s for number in (1, 2)]
    assert boxes == [3600, 7200]
    assert (await event_types(database))[2:] == ["sihu.registry.imported", "sihu.policy.activated"]
