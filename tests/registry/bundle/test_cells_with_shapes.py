"""Cells and their outlines in a bundle: cells.geojson alone or beside cells.csv, later changes, and calendar.csv."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from service.registry.bundle import checks
from service.registry.bundle.changes import ALWAYS
from service.registry.bundle.checks import StoredCodes
from service.registry.bundle.parse import bundle_of
from service.registry.bundle.report import ImportReport
from service.store.database import Database
from service.worlds import CurrentWorld
from tests.registry.bundles import DAY, NOW, bring, everything, files, in_yaml, working, written

pytestmark = pytest.mark.anyio

FIRST, SECOND, COMMUNITY = "440402001001001", "440402001001002", "440402001001"
TWO_CELLS = f"code,name,community\n{FIRST},网格,{COMMUNITY}\n{SECOND},二,{COMMUNITY}\n"
# as a bundle with a fault in cells.geojson crashes: KeyError in checks.check, which _REFERS_TO leaves out


def square(west: float = 113.0) -> list[list[float]]:
    return [[west, 23.0], [west + 0.1, 23.0], [west + 0.1, 23.1], [west, 23.1], [west, 23.0]]


def feature(code: str = FIRST, west: float = 113.0, name: str = "网格", community: str = COMMUNITY) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"code": code, "name": name, "community": community},
        "geometry": {"type": "Polygon", "coordinates": [square(west)]},
    }


def shapes(*features: dict[str, Any]) -> dict[str, bytes]:
    return {"cells.geojson": json.dumps({"type": "FeatureCollection", "features": features}).encode()}


def without(name: str, bundle: Mapping[str, bytes]) -> dict[str, bytes]:
    return {each: content for each, content in bundle.items() if each != name}


async def cells(database: Database, code: str = FIRST) -> list[tuple[str, datetime, datetime | None, float | None]]:
    """The rows of a cell, oldest first: name, from, to, and the west of its outline."""
    wanted = text("SELECT name, valid_from, valid_to, shape FROM cell WHERE code = :code ORDER BY valid_from")
    async with database.read() as connection:
        found = await connection.execute(wanted, {"code": code})
        return [(row.name, row.valid_from, row.valid_to, row.shape[0][0][0] if row.shape else None) for row in found]


def lines_at_fault(report: ImportReport) -> Sequence[tuple[str, int]]:
    return [(fault.file, fault.row) for fault in report.faults]


async def test_cells_geojson_alone_brings_cells_and_shapes(database: Database) -> None:
    report = await bring(database, without("cells.csv", files()) | shapes(feature(), feature(SECOND, 113.1, "二")))
    assert report.changes["cells"].added == [FIRST, SECOND]
    assert await cells(database) == [("网格", ALWAYS, None, 113.0)]
    worlds = CurrentWorld()
    await worlds.reload(database)
    cell = worlds.world.cell(SECOND, NOW)
    assert cell is not None
    assert (cell.name, cell.community) == ("二", COMMUNITY)
    assert cell.shape == (tuple((lon, lat) for lon, lat in square(113.1)),)


async def test_cells_csv_names_the_cells_and_cells_geojson_draws_some_of_them(database: Database) -> None:
    report = await bring(database, files(cells=TWO_CELLS) | shapes(feature()))
    assert report.changes["cells"].added == [FIRST, SECOND]
    assert [each[3] for each in await cells(database)] == [113.0]
    assert [each[3] for each in await cells(database, SECOND)] == [None]


@pytest.mark.parametrize("bundle", [files(), without("cells.csv", files())])
async def test_the_same_shapes_twice_change_nothing(database: Database, bundle: dict[str, bytes]) -> None:
    await bring(database, bundle | shapes(feature()))
    before = await everything(database)
    for again in (bundle | shapes(feature()), shapes(feature())):
        assert not (await bring(database, again, NOW + DAY)).changes_anything
    assert await everything(database) == before


async def test_whole_degrees_and_heights_are_the_same_shape_again(database: Database) -> None:
    await bring(database, files() | shapes(feature()))
    other = feature()
    other["geometry"] = {
        "type": "MultiPolygon",
        "coordinates": [[[[*map(int_if_whole, each), 7] for each in square()]]],
    }
    assert not (await bring(database, shapes(other), NOW + DAY)).changes_anything


def int_if_whole(number: float) -> float:
    return int(number) if number == int(number) else number


async def test_cells_csv_alone_keeps_the_shapes(database: Database) -> None:
    await bring(database, files() | shapes(feature()))
    assert not (await bring(database, {"cells.csv": files()["cells.csv"]}, NOW + DAY)).changes_anything
    renamed = {"cells.csv": f"code,name,community\n{FIRST},新名,{COMMUNITY}\n".encode()}
    assert (await bring(database, renamed, NOW + DAY)).changes["cells"].changed == [FIRST]
    assert await cells(database) == [("网格", ALWAYS, NOW + DAY, 113.0), ("新名", NOW + DAY, None, 113.0)]


async def test_a_shape_that_changes_closes_the_row_and_opens_the_next(database: Database) -> None:
    await bring(database, files(cells=TWO_CELLS) | shapes(feature(), feature(SECOND, 113.1, "二")))
    both = shapes(feature(west=112.0), feature(SECOND, 113.1, "二"))
    report = await bring(database, both, NOW + DAY)
    assert (report.changes["cells"].changed, report.changes["cells"].unchanged) == ([FIRST], 1)
    assert await cells(database) == [("网格", ALWAYS, NOW + DAY, 113.0), ("网格", NOW + DAY, None, 112.0)]
    assert len(await cells(database, SECOND)) == 1
    worlds = CurrentWorld()
    await worlds.reload(database)
    then, now = (worlds.world.cell(FIRST, at) for at in (NOW, NOW + DAY))
    assert then is not None and then.shape is not None and then.shape[0][0] == (113.0, 23.0)
    assert now is not None and now.shape is not None and now.shape[0][0] == (112.0, 23.0)


async def test_a_cell_without_a_shape_is_drawn_later_by_cells_geojson_beside_cells_csv(database: Database) -> None:
    await bring(database, files())
    one_more = f"code,name,community\n{SECOND},二,{COMMUNITY}\n"
    part = {"cells.csv": one_more.encode()} | shapes(feature(), feature(SECOND, 113.1, "二"))
    report = await bring(database, part, NOW + DAY)
    assert (report.changes["cells"].added, report.changes["cells"].changed) == ([SECOND], [FIRST])
    assert [each[3] for each in await cells(database)] == [None, 113.0]


async def test_a_dry_run_says_what_shapes_would_change_and_writes_nothing(database: Database) -> None:
    await bring(database, files())
    before = await everything(database)
    dry = await bring(database, shapes(feature()), NOW + DAY, dry_run=True)
    assert dry.changes["cells"].changed == [FIRST]
    assert await everything(database) == before


@pytest.mark.parametrize("other", [feature(SECOND, 113.1, "别名"), feature(SECOND, 113.1, "二", "440402001002")])
async def test_another_name_or_community_than_in_cells_csv_is_told_with_the_feature(
    database: Database, other: dict[str, Any]
) -> None:
    before = await everything(database)
    report = await bring(database, files(cells=TWO_CELLS) | shapes(feature(), other))
    assert lines_at_fault(report) == [("cells.geojson", 2)]
    assert report.faults[0].detail == f"cell {SECOND} has another name or community in cells.csv"
    assert await everything(database) == before


async def test_all_that_disagrees_is_told_at_once(database: Database) -> None:
    wrong = feature(SECOND, 113.1, "别名"), feature(name="又")
    assert lines_at_fault(await bring(database, files(cells=TWO_CELLS) | shapes(*wrong))) == [
        ("cells.geojson", 1),
        ("cells.geojson", 2),
    ]


async def test_a_shape_for_a_cell_that_cells_csv_does_not_name_is_told(database: Database) -> None:
    report = await bring(database, files() | shapes(feature(), feature(SECOND, 113.1)))
    assert lines_at_fault(report) == [("cells.geojson", 2)]
    assert f"unknown cell '{SECOND}'" in report.faults[0].detail


async def test_a_shape_may_draw_a_cell_that_only_the_database_knows(database: Database) -> None:
    await bring(database, files(cells=TWO_CELLS))
    part = {"cells.csv": files()["cells.csv"]} | shapes(feature(SECOND, 113.1, "二"))
    assert (await bring(database, part, NOW + DAY)).changes["cells"].changed == [SECOND]


@pytest.mark.parametrize(
    "wrong",
    [
        feature("12", 113.1),
        feature("440402001002001", 113.1),
        feature("440402001009001", 113.1, community="440402001009"),
    ],
)
async def test_a_cell_of_cells_geojson_is_checked_as_one_of_cells_csv(
    database: Database, wrong: dict[str, Any]
) -> None:
    report = await bring(database, without("cells.csv", files()) | shapes(feature(), wrong))
    assert set(lines_at_fault(report)) == {("cells.geojson", 2)}


def test_the_checks_between_files_know_cells_geojson() -> None:
    read = bundle_of(files() | shapes(feature(SECOND)))
    assert [fault.row for fault in checks.check(read, StoredCodes({}))] == [1]


async def test_a_feature_that_cannot_be_drawn_is_told_with_its_number(database: Database) -> None:
    open_ring = feature(SECOND, name="二")
    open_ring["geometry"]["coordinates"][0].pop()
    report = await bring(database, files(cells=TWO_CELLS) | shapes(feature(), open_ring, {"type": "Point"}))
    assert lines_at_fault(report) == [("cells.geojson", 2), ("cells.geojson", 3)]
    assert "not closed" in report.faults[0].detail


async def test_two_cells_in_one_place_are_told_with_the_second_and_nothing_is_written(database: Database) -> None:
    before = await everything(database)
    report = await bring(database, files(cells=TWO_CELLS) | shapes(feature(), feature(SECOND, name="二")))
    assert lines_at_fault(report) == [("cells.geojson", 2)]
    assert report.faults[0].detail.startswith("it has the outline of feature 1")
    assert await everything(database) == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"type": "Feature"}', b"[]"])
async def test_a_file_that_is_no_feature_collection_is_one_fault_of_the_file(
    database: Database, content: bytes
) -> None:
    assert lines_at_fault(await bring(database, files() | {"cells.geojson": content})) == [("cells.geojson", 0)]


DAYS = "code,day,workday,note\nown,2026-11-23,false,停电\nown,2026-11-28,true,\nother,2026-11-23,true,\n"
OWN = in_yaml(written(working(category="u"), calendar="own", hours=["08:00-12:00"]))


async def test_calendar_csv_brings_days_of_several_calendars(database: Database) -> None:
    report = await bring(database, files() | {"calendar.csv": DAYS.encode(), "policy.yaml": OWN})
    assert (report.days, report.view()["calendar_days"]) == (3, 3)
    assert "calendar: 3 days added or changed" in report.lines()
    worlds = CurrentWorld()
    await worlds.reload(database)
    active = worlds.world.active(NOW)
    assert active is not None and active.hours is not None
    calendar = worlds.world.calendars[active.hours]
    assert [calendar.is_workday(date(2026, 11, day)) for day in (23, 24, 28, 29)] == [False, True, True, False]


async def test_calendar_csv_twice_changes_nothing_and_a_changed_day_alone_is_counted(database: Database) -> None:
    await bring(database, files())
    assert (await bring(database, {"calendar.csv": DAYS.encode()})).days == 3
    before = await everything(database)
    assert not (await bring(database, {"calendar.csv": DAYS.encode()}, NOW + DAY)).changes_anything
    changed = DAYS.replace("11-28,true", "11-28,false").encode()
    assert (await bring(database, {"calendar.csv": changed}, NOW + DAY, dry_run=True)).days == 1
    assert await everything(database) == before
    assert (await bring(database, {"calendar.csv": changed}, NOW + DAY)).days == 1


async def test_faults_of_calendar_csv_are_told_with_their_line_and_nothing_is_written(database: Database) -> None:
    await bring(database, files())
    before = await everything(database)
    wrong = (
        f"{DAYS}own,2026-11-28,true,\nown,2026-02-30,true,\nown,5,true,\nown,2026-11-30,perhaps,\n,2026-12-01,true,\n"
    )
    report = await bring(database, {"calendar.csv": wrong.encode()})
    assert lines_at_fault(report) == [("calendar.csv", row) for row in (5, 6, 7, 8, 9)]
    assert await everything(database) == before
