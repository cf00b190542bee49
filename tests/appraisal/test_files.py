"""The figures, and the calls behind one of them, as files: through real handlers, read by another program."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import openpyxl
import pytest
from sqlalchemy import text

from service.appraisal import files
from service.appraisal.accept import FileType
from service.rules.figures.definition import Measure
from tests.appraisal.calls import store
from tests.house import DEPARTMENT, House
from tests.rules.figures.facts import CALLS, COMMUNITY, a_call, at_random

pytestmark = pytest.mark.anyio

PATH = "/v1/appraisal"
CHINESE = {"Accept-Language": "zh-CN"}
SHANGHAI = timedelta(hours=8)
FORMULA = '=HYPERLINK("http://evil","a,b")'


async def _answer(house: House, path: str, kind: FileType, who: str = "auditor", **query: Any) -> httpx.Response:
    headers = {"Accept": kind.value, **query.pop("headers", {})}
    return await house.send(who, "GET", path, headers=headers, period="2026-11", **query)


async def _sheets(house: House, path: str, **query: Any) -> dict[str, list[list[Any]]]:
    """The rows of every sheet of a workbook, the headings first."""
    answer = await _answer(house, path, FileType.XLSX, **query)
    assert answer.status_code == 200, answer.text
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}


async def _lines(house: House, path: str, **query: Any) -> list[list[str]]:
    answer = await _answer(house, path, FileType.CSV, **query)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def _evil(house: House) -> None:
    """Give the community a name that a spreadsheet would compute."""
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE unit SET name = :name WHERE code = :code"), {"name": FORMULA, "code": COMMUNITY})
        await tx.execute(text("UPDATE deployment SET world_version = world_version + 1"))
    await house.process.worlds.reload(house.process.database)


# --- the figures ------------------------------------------------------------------------------------------------------


async def test_a_workbook_says_what_the_json_says(house: House) -> None:
    await store(house.process.database, at_random(3, 30))
    answer = await _answer(house, PATH, FileType.XLSX, group_by="line")
    told = await house.get("auditor", PATH, period="2026-11", group_by="line")
    sheets = await _sheets(house, PATH, group_by="line")

    assert answer.headers["content-type"] == FileType.XLSX
    assert answer.headers["content-disposition"] == 'attachment; filename="appraisal-2026-11-line.xlsx"'
    assert "Accept" in answer.headers["vary"]
    assert [*sheets] == ["Figures"], "an open month has no corrections"
    heading, *rows = sheets["Figures"]
    for line, row in zip((dict(zip(heading, each, strict=True)) for each in rows), told["items"], strict=True):
        assert (line["group_code"], line["group_name"]) == (row["group"]["code"], row["group"]["name"])
        assert all(line[name] == row[name]["n"] for name in Measure if name in row)
        assert (line["answer_s_p90"], line["score"]) == (row["answer_s"]["p90"], row["score"])
        for name, rate in row["rates"].items():
            assert {end: line[f"{name}_{end}"] for end in rate} == rate


async def test_a_workbook_and_a_csv_have_one_table(house: House) -> None:
    await store(house.process.database, CALLS)
    (sheet,) = (await _sheets(house, PATH, headers=CHINESE)).values()
    lines = await _lines(house, PATH, headers=CHINESE)
    assert sheet[0] == lines[0]
    for row, line in zip(sheet[1:], lines[1:], strict=True):
        assert row[:2] == line[:2]
        assert row[2:] == [float(cell) if cell else None for cell in line[2:]]


async def test_headings_and_sheets_are_in_the_language(house: House) -> None:
    ((title, (heading, *_)),) = (await _sheets(house, PATH, headers=CHINESE)).items()
    assert (title, heading[:4], heading[-2:]) == ("考核数据", ["编码", "名称", "呼叫数", "已应"], ["口径", "封账时间"])
    ((title, (heading, *_)),) = (await _sheets(house, f"{PATH}/calls", headers=CHINESE)).items()
    assert (title, heading[:3]) == ("呼叫明细", ["事件编号", "呼次", "呼级"])


async def test_a_name_is_never_computed(house: House) -> None:
    await _evil(house)
    await store(house.process.database, [a_call(1)])
    for path, column in ((PATH, 1), (f"{PATH}/calls", 4)):
        (sheet,) = (await _sheets(house, path)).values()
        assert sheet[1][column] == FORMULA
        assert (await _lines(house, path))[1][column] == f"'{FORMULA}"


# --- the calls behind a figure ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [1, 3, 5000])
async def test_a_file_has_all_calls_of_a_figure(house: House, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(files, "_PAGE", page)
    await store(house.process.database, CALLS)
    query = {"measure": "missed", "group_by": "level"}
    told = (await house.get("auditor", f"{PATH}/calls", period="2026-11", **query))["items"]
    (sheet,) = (await _sheets(house, f"{PATH}/calls", **query)).values()
    lines = await _lines(house, f"{PATH}/calls", **query)
    found = [dict(zip(sheet[0], row, strict=True)) for row in sheet[1:]]
    keys = [(each["incident"]["number"], each["seq"]) for each in told]
    assert [(row["number"], row["seq"]) for row in found] == keys
    assert [(line[0], int(line[1])) for line in lines[1:]] == keys
    assert len(keys) == 4
    for row, call in zip(found, told, strict=True):
        for name in ("opened_at", "answered_at"):
            at = datetime.fromisoformat(call[name]) + SHANGHAI if call[name] else None
            assert row[name] == (at.replace(tzinfo=None) if at else None)
        assert (row["unit_code"], row["exempt"]) == (call["unit"]["code"], call["exempt"])
    assert lines[1][lines[0].index("opened_at")] == "2026-11-10T09:00:00+08:00"


@pytest.mark.clause("ASVS 5.4.1", "ASVS 5.4.2")
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({}, "calls-2026-11-unit-calls.csv"),
        ({"group": COMMUNITY, "measure": "open"}, f"calls-2026-11-unit-{COMMUNITY}-open.csv"),
    ],
)
async def test_a_file_of_calls_is_named_by_its_figure(house: House, query: dict[str, str], name: str) -> None:
    answer = await _answer(house, f"{PATH}/calls", FileType.CSV, **query)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


async def test_a_file_goes_as_far_as_the_sight(house: House) -> None:
    await store(house.process.database, [a_call(1), a_call(2, level=3, unit=DEPARTMENT)])
    for who, seen in (("auditor", 2), ("community", 2), ("department", 1)):
        assert len(await _lines(house, f"{PATH}/calls", who=who)) == 1 + seen
    assert (await _answer(house, f"{PATH}/calls", FileType.XLSX, "worker")).status_code == 403
    assert (await _answer(house, PATH, FileType.XLSX, "worker")).status_code == 403


async def test_a_figure_may_be_too_large_for_a_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_CALLS", 3)
    monkeypatch.setattr(files, "_PAGE", 2)
    await store(house.process.database, [a_call(n) for n in range(1, 4)])
    assert len(await _lines(house, f"{PATH}/calls")) == 4
    await store(house.process.database, [a_call(4)])
    for kind in FileType:
        refused = (await _answer(house, f"{PATH}/calls", kind)).json()
        assert (refused["status"], refused["errors"][0]["pointer"]) == (422, "?group")
        assert "more than 3 calls" in refused["detail"]


@pytest.mark.parametrize("query", [{"limit": 5}, {"cursor": "x"}])
async def test_a_file_has_no_pages(house: House, query: dict[str, Any]) -> None:
    refused = await _answer(house, f"{PATH}/calls", FileType.CSV, **query)
    (fault,) = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"], fault["rule"]) == (422, f"?{next(iter(query))}", "not_allowed")
