"""CSV as spreadsheets write it: the rows with their lines, and each fault with the line it stands on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.sheets.tables import SheetColumns, read_sheet

COLUMNS = SheetColumns(("code", "name", "covers"), ("code", "name"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("code,name\na,b\n", [2]),
        ("﻿code,name\r\n\r\na,b\r\n", [3]),
        ("code,name\ra,b\r", [2]),
        ('"code","name"\n"a","b"\n', [2]),
        ("code,name,,\na,b,,\n,,,\n \t, \n", [2]),
        ("code,name,covers\na,b\n", [2]),
        ("\n,,\ncode,name\na,b\n", [4]),
        (" Code , NAME\n a\t,\u3000b\xa0\n", [2]),
        ("code,name\n\u200ba,\ufeffb\u202c\n", [2]),
        ("code;name;covers\na;b;\n", [2]),
        ("code\tname\na\tb\n", [2]),
        ("sep=;\r\ncode;name\r\na;b\r\n", [3]),
        ("SEP=,\ncode,name\na,b\n", [3]),
        ('code,name\n"=""a""",b\n', [2]),
        ('code,name\n="a",b\n', [2]),
        ("covers,name,code\n,b,a\n", [2]),
        ("code,,name\na,,b\n", [2]),
    ],
)
def test_a_row_is_read_however_an_office_writes_it(text: str, lines: list[int]) -> None:
    for content in (text.encode(), text.encode("utf-16")):
        sheet = read_sheet(content, COLUMNS)
        assert (sheet.faults, sheet.whole) == ([], True)
        assert sheet.rows == [(line, {"code": "a", "name": "b"}) for line in lines]


def test_a_list_stands_in_a_sheet_separated_by_semicolons() -> None:
    sheet = read_sheet(b'code;name;covers\na;b;"c;d"\n', COLUMNS)
    assert sheet.rows == [(2, {"code": "a", "name": "b", "covers": "c;d"})]


def test_a_row_has_the_line_on_which_it_begins() -> None:
    sheet = read_sheet(b'code,name\na,"b\nb"\n\nc,d\n', COLUMNS)
    assert [line for line, _ in sheet.rows] == [2, 5]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "the header should be code,name,covers (missing: code, name)"),
        ("\n\ncode,nmae\n", 3, "the header should be code,name,covers (unknown: nmae; missing: name)"),
        ("code,name,Name\n", 1, "(more than once: name)"),
        ("code，name\n", 1, "write an ordinary comma for ，"),
        ("code,name,,\na,b,,x\n", 2, "'x' stands in column D, which has no name in the header"),
        ("code,,name\na,x,b\n", 2, "'x' stands in column B"),
        ("code,name\na" + "," * 27 + "x\n", 2, "column AB"),
        ('code,name\na,"b\nc,d\n', 2, "not CSV: a value of this row does not end"),
        ('code,name\n\na,"b"c\n', 3, "not CSV: text follows a closing quote"),
        ("code,name\na," + "x" * 140_000, 2, "not CSV: a value of this row does not end"),
        ("sep=;\ncode;name\na;b;c\n", 3, "'c' stands in column C"),
    ],
)
def test_a_fault_has_its_line_and_its_column(text: str, line: int, part: str) -> None:
    [(number, fault)] = read_sheet(text.encode(), COLUMNS).faults
    assert (number, part in fault) == (line, True), fault


def test_other_columns_are_passed_over_where_they_may_be() -> None:
    sheet = read_sheet(b"code,extra,name\na,x,b\n", SheetColumns(("code", "name"), ("code",), others=True))
    assert sheet.rows == [(2, {"code": "a", "name": "b"})]


@given(st.text() | st.binary())
def test_no_content_raises(content: str | bytes) -> None:
    read_sheet(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"), COLUMNS)
