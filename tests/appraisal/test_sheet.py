"""Figures as a file for a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from service.appraisal.sheet import sheet
from service.rules.figures.definition import Grouping, Measure, Tallies, Tally, summed
from tests.rules.builders import COMMUNITY
from tests.shown.test_row import VIEWER

TALLY = Tally(summed({Measure.CALLS: 3, Measure.STREET_RATED: 2}), street_stars=7)


def _lines(found: Tallies) -> list[dict[str, str]]:
    text = sheet(VIEWER, found, Grouping.UNIT, None).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_sheet_has_one_line_a_group_by_its_code() -> None:
    lines = _lines(Tallies({COMMUNITY: TALLY, "dept-a": TALLY}, TALLY))
    assert [line["group_code"] for line in lines] == [COMMUNITY, "dept-a"]
    assert (lines[0]["calls"], lines[0]["street_rating_mean"], lines[0]["score"]) == ("3", "3.5", "70.0")


def test_a_month_without_calls_has_a_header_alone() -> None:
    assert _lines(Tallies({}, TALLY)) == []
    content = sheet(VIEWER, Tallies({}, TALLY), Grouping.UNIT, None)
    assert content.startswith(b"\xef\xbb\xbfgroup_code,group_name,calls,")


_FORMULAS = ["=1+1", "+86", "-x", "@SUM(1)", "＝1+1", "＋86", "－x", "＠SUM(1)", "﹦1", "﹢1", "﹣1", "﹫1"]
_UNSEEN = [
    *" \u00a0\u3000\u2003",  # blanks
    *"\t\r\n\x00\x1b\x85\u2028",  # controls and line breaks
    *"\ufeff\u200b\u200d\u2060\u00ad\u202e\u2066\u061c",  # no width, soft hyphen, direction
    *"\u034f\ufe0f\U000e0100\u0301\u115f\u3164\uffa0\u2800",  # joiner, selectors, marks, fillers
]


@pytest.mark.parametrize("before", ["", *_UNSEEN, " \u200b\ufeff"], ids=ascii)
@pytest.mark.parametrize("formula", _FORMULAS)
def test_no_name_is_a_formula(before: str, formula: str) -> None:
    text = before + formula
    [line] = _lines(Tallies({text: TALLY}, TALLY))
    assert (line["group_code"], line["group_name"]) == (f"'{text}", f"'{text}")


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", " \tx", "\u200b\rx", "\t"], ids=ascii)
def test_no_name_starts_a_new_cell(text: str) -> None:
    [line] = _lines(Tallies({text: TALLY}, TALLY))
    assert line["group_name"] == f"'{text}"


@pytest.mark.parametrize("text", ["440105003", "a=b", "一街＝二街", " 街道", "\u200b社区", "", " ", "(-x)", "'=1"])
def test_any_other_name_stays_as_it_is(text: str) -> None:
    [line] = _lines(Tallies({text: TALLY}, TALLY))
    assert line["group_name"] == text
