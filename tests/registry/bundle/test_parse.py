"""A bundle on its own, without a database: what is read, every fault with its file and row, and the shipped sample."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.commands import sample
from service.registry.bundle import parse
from service.registry.bundle.files import read_folder
from service.registry.bundle.parse import Fault
from service.rules.words import UnitKind
from tests.registry.bundle.test_checks import faults_of
from tests.registry.bundles import files

_SAMPLE = read_folder(sample.SAMPLE)


def test_the_sample_is_clean_and_whole() -> None:
    read = parse.bundle_of(_SAMPLE)
    assert faults_of(_SAMPLE) == []
    kinds = Counter(row.kind for _, row in read.units)
    assert kinds == {
        UnitKind.DISTRICT: 1,
        UnitKind.STREET: 18,
        UnitKind.COMMITTEE: 3 * 18,
        UnitKind.TEAM: 22,
        UnitKind.STATION: 18,
        UnitKind.COMMUNITY: 7 * 18,
        UnitKind.PARTNER: 18,
        UnitKind.DEPARTMENT: 17,
        UnitKind.LEADER: 4,
    }
    assert (len(read.lines), len(read.cells), len(read.categories), len(read.duties)) == (8, 2016, 144, 26)
    assert {row.community for _, row in read.cells} == {
        row.code for _, row in read.units if row.kind is UnitKind.COMMUNITY
    }


def test_in_the_sample_every_category_has_a_department_and_every_street_and_department_a_leader() -> None:
    read = parse.bundle_of(_SAMPLE)
    routed = tuple(row.category for _, row in read.duties if row.area == "440105")
    assert [row.code for _, row in read.categories if not row.code.startswith(routed)] == []
    charges = [code for _, row in read.units for code in row.in_charge_of]
    led = (UnitKind.STREET, UnitKind.DEPARTMENT)
    assert sorted(charges) == sorted(row.code for _, row in read.units if row.kind in led)


def test_nobody_can_mistake_the_sample_for_the_real_thing() -> None:
    read = parse.bundle_of(_SAMPLE)
    invented = [row.name for _, row in read.units if row.kind is UnitKind.COMMUNITY] + [r.name for _, r in read.cells]
    assert all(name.startswith("示例") for name in invented)
    assert all("example" in row.basis for _, row in read.duties)
    assert all("岗位" in row.name for _, row in read.units if row.kind is UnitKind.LEADER)
    assert "示例" in (text := _SAMPLE["policy.yaml"].decode()) and "Example" in text
    assert not any(b"\r" in content for content in _SAMPLE.values())


def test_rows_come_with_their_line_lists_and_days() -> None:
    rows = "﻿code,name,kind,covers,in_charge_of,valid_from\r\n\r\nl,领导,leader,440105;440106,a; b,2020-09-01\r\n"
    [(number, row)] = parse.bundle_of({"units.csv": rows.encode()}).units
    assert (number, row.covers, row.in_charge_of, row.valid_to) == (3, ("440105", "440106"), ("a", "b"), None)
    assert row.valid_from == datetime(2020, 8, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "content", "row", "detail"),
    [
        ("unit.csv", b"", 0, "unknown file"),
        ("cells.geojson", b"{}", 0, "not a FeatureCollection"),
        ("calendar.csv", b"", 1, "missing: code, day, workday"),
        ("lines.csv", b"", 1, "missing: code, name"),
        ("lines.csv", b"code,nmae\n", 1, "unknown: nmae; missing: name"),
        ("lines.csv", b"code,name,name\n", 1, "more than once: name"),
        ("lines.csv", b"code,name," + b"x" * 99_999 + b"\n", 1, "unknown: xxx"),
        ("lines.csv", b"code,name\na,b\nc,\xff\n", 3, "not UTF-8"),
        ("lines.csv", b'code,name\na,b\nc,"d\n', 3, "not CSV"),
        ("lines.csv", b"code,name\na," + b"x" * 140_000, 2, "not CSV"),
        ("lines.csv", b"code,name\na,b,c\n", 2, "'c' stands in column C, which has no name in the header"),
        ("lines.csv", b"code,name\na\n", 2, "name: Add this field"),
        ("lines.csv", b"code,name\na,b\n\na,c\n", 4, "code a stands on line 2 already"),
        ("lines.csv", b"code,name\na,b\x00\n", 2, "U+0000"),
        ("lines.csv", b"code,name\n-a,b\n", 2, "code: Send a code"),
        ("lines.csv", b"code,name\na, \n", 2, "name: Add this field"),
        ("lines.csv", b"code,name\na," + b"x" * 201, 2, "name: Send at most 200 characters"),
        ("units.csv", b"code,name,kind\na,b,steet\n", 2, "kind: Send one of district"),
        ("units.csv", b"code,name,kind,level\na,b,street,two\n", 2, "level: Send a whole number"),
        ("units.csv", b"code,name,kind,covers\na,b,street,4401\n", 2, "covers/0: Send the first 6 to 15 digits"),
        ("units.csv", b"code,name,kind,valid_from\na,b,street,soon\n", 2, "valid_from: Send a day"),
        (
            "units.csv",
            b"code,name,kind,valid_from\na,b,street,2026-02-29\n",
            2,
            "valid_from: There is no day 2026-02-29",
        ),
        ("units.csv", b"code,name,kind,valid_to\na,b,street,0001-01-01\n", 2, "valid_to: Send a day from 2000 to 2199"),
        ("categories.csv", b"code,name,line,urgency\na,b,c,soon\n", 2, "urgency: Send one of urgent, normal"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(name: str, content: bytes, row: int, detail: str) -> None:
    [fault] = parse.bundle_of({name: content}).faults
    assert (fault.file, fault.row) == (name, row)
    assert detail in fault.detail
    assert len(str(fault)) < 500


_NAMES = st.sampled_from([*_SAMPLE, "calendar.csv", "x"])
_WORDS = st.sampled_from(
    [*"\n\r\t,;\"'[]{}:&*!?|>-#%@ \x00\ud800", "﻿", "440402", "a", "2026-02-30", "!!int", "<<", "~"]
)


@pytest.mark.clause("API10:2023", "ASVS 1.5.2", "GB/T 22239 8.1.4.4 d")
@given(st.dictionaries(_NAMES, st.binary(max_size=300)))
def test_no_bytes_make_reading_or_checking_raise(content: dict[str, bytes]) -> None:
    assert all(isinstance(fault, Fault) for fault in faults_of(content))


@given(_NAMES, st.lists(_WORDS | st.text(max_size=8), max_size=40).map("".join), st.integers(0, 400))
def test_no_text_put_into_a_good_file_makes_reading_or_checking_raise(name: str, text: str, at: int) -> None:
    good = files().get(name, b"")
    content = good[:at] + text.encode("utf-8", "surrogatepass") + good[at:]
    assert all(fault.detail for fault in faults_of({**files(), name: content}))
