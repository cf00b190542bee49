"""CSV files for spreadsheets: UTF-8 with its mark, and no text that is computed."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from service.sheets.columns import CellStyle, WrittenCell, WrittenColumn
from service.sheets.csv_files import CsvFile


def _written(*rows: list[WrittenCell]) -> bytes:
    with CsvFile() as file:
        file.begin("a name", [WrittenColumn("code", CellStyle.CODE), WrittenColumn("值", CellStyle.NUMBER)])
        file.add(rows)
        return file.content()


def _cell(value: WrittenCell) -> str:
    [line] = csv.DictReader(io.StringIO(_written([value, 1]).decode("utf-8-sig"), newline=""))
    return line["code"]


def test_a_file_has_a_mark_and_a_line_of_headings() -> None:
    assert _written() == "\ufeffcode,值\r\n".encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3, "3"),
        (-3, "-3"),
        (2.5, "2.5"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (datetime(2026, 11, 30, 16, 0, 0, tzinfo=UTC), "2026-12-01T00:00:00+08:00"),
        ("0100", "0100"),
    ],
)
def test_a_value_is_written_as_it_is_read(value: WrittenCell, written: str) -> None:
    assert _cell(value) == written


_FORMULAS = ["=1+1", "+86", "-x", "@SUM(1)", "＝1+1", "＋86", "－x", "＠SUM(1)", "﹦1", "﹢1", "﹣1", "﹫1"]
_UNSEEN = [
    *" \u00a0\u3000\u2003",  # blanks
    *"\t\r\n\x00\x1b\x85\u2028",  # controls and line breaks
    *"\ufeff\u200b\u200d\u2060\u00ad\u202e\u2066\u061c",  # no width, soft hyphen, direction
    *"\u034f\ufe0f\U000e0100\u0301\u115f\u3164\uffa0\u2800",  # joiner, selectors, marks, fillers
]


@pytest.mark.parametrize("before", ["", *_UNSEEN, " \u200b\ufeff"], ids=ascii)
@pytest.mark.parametrize("formula", _FORMULAS)
def test_no_text_is_a_formula(before: str, formula: str) -> None:
    assert _cell(before + formula) == f"'{before}{formula}"


@pytest.mark.clause("ASVS 1.1.2")
@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", " \tx", "\u200b\rx", "\t"], ids=ascii)
def test_no_text_starts_a_new_cell(text: str) -> None:
    assert _cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["440105003", "a=b", "一街＝二街", " 街道", "\u200b社区", "", " ", "(-x)", "'=1"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert _cell(text) == text
