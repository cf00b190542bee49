"""Figures as a file for a spreadsheet."""

from __future__ import annotations

import csv
import io

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


def test_a_code_is_never_a_formula() -> None:
    [line] = _lines(Tallies({"=1+1": TALLY}, TALLY))
    assert (line["group_code"], line["group_name"]) == ("'=1+1", "'=1+1")
