"""Feed files of working days: what is read, and every fault by its file and row."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from service.rules.errors import ValidationFailed
from service.store.registry.calendars import Day
from service.times.calendar_feed import read_feed

CSV = "day,workday,note\n2027-01-01,false,元旦\n2027-01-02,TRUE,\n2027-01-03,off,\n2027-01-04,workday,\n"
JSON: dict[str, Any] = {
    "year": 2027,
    "days": [
        {"name": "元旦", "date": "2027-01-01", "isOffDay": True},
        {"name": "元旦", "date": "2027-01-02", "isOffDay": False},
    ],
}


def faults_of(name: str, content: bytes | str | dict[str, Any]) -> list[str]:
    """Every fault of the file."""
    if isinstance(content, dict):
        content = json.dumps(content)
    with pytest.raises(ValidationFailed) as refused:
        read_feed(name, content.encode() if isinstance(content, str) else content)
    return [each.detail for each in refused.value.errors]


def test_a_csv_feed_is_read() -> None:
    found, missing, _ = read_feed("a.csv", b"\xef\xbb\xbf" + CSV.encode())
    assert (found[0], missing) == (Day(date(2027, 1, 1), False, "a.csv", "元旦"), [])
    assert [each.workday for each in found] == [False, True, False, True]
    assert [len(each) for each in read_feed("a.csv", CSV.encode(), [2027])] == [4, 365, 0]


def test_a_feed_of_holiday_cn_is_read_and_its_year_filled_up() -> None:
    found, missing, _ = read_feed("2027.json", json.dumps({"$schema": "…", "papers": [], **JSON}).encode())
    assert found[0] == Day(date(2027, 1, 1), False, "2027.json", "元旦")
    assert [each.workday for each in found] == [False, True]
    assert [each.workday for each in missing[:5]] == [True, False, False, True, True]
    assert (len(missing), {each.note for each in missing}) == (365, {"Monday to Friday"})


BOOLEAN = "Send true or false (or 1/0, yes/no, workday/off, 是/否, 班/休)."
MISSING = "is missing: Add this field: it is required."
A_DAY = "Send a day from 2000 to 2099, such as 2026-11-23."
COLUMNS = "the header should be day,workday,note"


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("day,workday\n2027-01-01,true\n2027-01-02,perhaps\n", [f"a.csv:3: workday 'perhaps': {BOOLEAN}"]),
        (
            "day,workday\n2027-01-01,\n2027-01-02\n",
            [f"a.csv:2: workday {MISSING}", f"a.csv:3: workday {MISSING}"],
        ),
        ("day,workday\n1999/1/1,yea\n", [f"a.csv:2: day '1999-01-01': {A_DAY}", f"a.csv:2: workday 'yea': {BOOLEAN}"]),
        (
            "day,workday\n\n2027-02-29,1\n",
            ["a.csv:3: day '2027-02-29': There is no day 2027-02-29: send one such as 2026-11-23."],
        ),
        (
            'day,workday,note\n2027-01-01,1,"a\nb"\n',
            ["a.csv:2: note 'a\\nb': Remove the line break or tab (U+000A): this is one line of text."],
        ),
        (
            "day,workday\n2027-01-01,true\n2027-01-01,true\n",
            ["a.csv:3: 2027-01-01 stands at a.csv:2 already: keep one of them"],
        ),
        (
            "day,workday,note\n2027-01-01,1,a,b\n",
            [
                "a.csv:2: 'b' stands in column D, which has no name in the header: name the column, put quotes around "
                "a value with commas, and ; between the codes of a list"
            ],
        ),
        ("date,workday\n2027-01-01,true\n", [f"a.csv:1: {COLUMNS} (missing: day)"]),
        ("day|workday\n", [f"a.csv:1: {COLUMNS} (missing: day, workday)"]),
        ("", [f"a.csv:1: {COLUMNS} (missing: day, workday)"]),
        ("day,workday,day\n", [f"a.csv:1: {COLUMNS} (more than once: day)"]),
        ("day,workday\n", ["a.csv: it holds no day"]),
        (
            'day,workday\n"2027-01-01,true\n',
            ['a.csv:2: not CSV: a value of this row does not end: look for a quote (") that opens and does not close'],
        ),
        ("day,workday\n2027-01-01,工\n".encode("gb18030"), [f"a.csv:2: workday '工': {BOOLEAN}"]),
        (b"day,workday\n2027-01-01,\xff\n", ['a.csv:2: not UTF-8, and GB18030 neither: save the file as "CSV UTF-8"']),
        ("day,workday\n" + "2027-01-01,true\n" * 4001, ["a.csv: over 4000 days: load them in parts"]),
    ],
)
def test_faults_of_a_csv_feed_name_line_and_column(content: str | bytes, faults: list[str]) -> None:
    assert faults_of("a.csv", content) == faults


def test_every_fault_of_a_file_is_told_at_once() -> None:
    lines = [f"2027-01-{n:02},perhaps" for n in range(1, 31)]
    wrong = faults_of("a.csv", "day,workday\n" + "\n".join(lines))
    assert [each.split(": ")[0] for each in wrong] == [f"a.csv:{n}" for n in range(2, 32)]


def test_spaces_and_columns_of_other_names_do_not_matter() -> None:
    found, _, _ = read_feed("a.csv", b"no, day , workday\n1, 2027-01-01 , False \n")
    assert found == [Day(date(2027, 1, 1), False, "a.csv")]


LIKE_HOLIDAY_CN = 'it should hold {"year", "days": [{"date", "name", "isOffDay"}]}, as holiday-cn has it'


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ({"year": 2027, "days": []}, ["it holds no day: perhaps the notice of its year is not out yet"]),
        ("{", None),
        ("[" * 100_000, None),
        ('{"year": 2027, "year": 2028}', ['not JSON: the member "year" stands twice in one object']),
        ("[]", [LIKE_HOLIDAY_CN]),
        ("7", [LIKE_HOLIDAY_CN]),
        ({"year": 2027}, [LIKE_HOLIDAY_CN]),
        ({"days": JSON["days"]}, ["year None: say the year as a number from 2000 to 2099"]),
        ({**JSON, "year": "2027"}, ["year '2027': say the year as a number from 2000 to 2099"]),
        ({**JSON, "year": True}, ["year True: say the year as a number from 2000 to 2099"]),
        ({**JSON, "year": 1999}, ["year 1999: say the year as a number from 2000 to 2099"]),
        ({"year": 2027, "days": [7]}, ["entry 1: 7: say it as an object with date, name and isOffDay"]),
        (
            {"year": 2027, "days": [{"date": "2027-01-01"}, {"date": 20270101, "isOffDay": "false"}]},
            [
                f"entry 1: isOffDay {MISSING}",
                f"entry 2: date 20270101: {A_DAY}",
                "entry 2: isOffDay 'false': Send true or false, without quotes.",
            ],
        ),
        (
            {"year": 2027, "days": JSON["days"][:1] * 2},
            ["entry 2: 2027-01-01 stands at 2027.json: entry 1 already: keep one of them"],
        ),
    ],
)
def test_faults_of_a_json_feed_name_entry_and_field(content: str | dict[str, Any], faults: list[str] | None) -> None:
    wrong = faults_of("2027.json", content)
    if faults is None:
        assert len(wrong) == 1
        assert ": not JSON" in wrong[0]
    else:
        assert wrong == [f"2027.json: {each}" for each in faults]


def test_the_suffix_is_read_in_capitals_as_well() -> None:
    assert read_feed("2027.JSON", json.dumps(JSON).encode())[0][0].source == "2027.JSON"
    assert faults_of("2027.Json", "{")[0].startswith("2027.Json: not JSON: it ends before")


def test_a_name_that_cannot_be_a_source_is_told() -> None:
    assert "a name of 1 to 200 characters" in faults_of("a\n.csv", CSV)[0]
