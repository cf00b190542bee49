"""A bundle on its own, without a database: what is read, every fault with its file and row, and the shipped sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.commands import sample
from service.registry.bundle import checks, parse
from service.registry.bundle.checks import StoredCodes
from service.registry.bundle.files import read_folder
from service.registry.bundle.parse import Fault
from service.rules.words import UnitKind
from tests.registry.bundles import UNITS, files

NOTHING = StoredCodes({})
_SAMPLE = read_folder(sample.SAMPLE)
_DUTIES = "code,title,category,area,lead_unit,assisting,valid_from,valid_to\nD1,排水,"


def faults_of(content: Mapping[str, bytes], known: StoredCodes = NOTHING) -> list[Fault]:
    read = parse.bundle_of(content)
    return sorted([*read.faults, *checks.check(read, known)])


def units(*rows: str) -> dict[str, bytes]:
    """The small bundle with more units, which begin on line 7; `rows` as in `bundles.UNITS`."""
    return files(units="\n".join([files()["units.csv"].decode().rstrip(), *rows]))


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
        ("lines.csv", b"code,name\na,b,c\n", 2, "3 fields where the header has 2"),
        ("lines.csv", b"code,name\na\n", 2, "1 fields where the header has 2"),
        ("lines.csv", b"code,name\na,b\n\na,c\n", 4, "code a stands on line 2 already"),
        ("lines.csv", b"code,name\na,b\x00\n", 2, "NUL"),
        ("lines.csv", b"code,name\n-a,b\n", 2, "code: Send a code"),
        ("lines.csv", b"code,name\na, \n", 2, "name: Add this field"),
        ("lines.csv", b"code,name\na," + b"x" * 201, 2, "name: Send at most 200 characters"),
        ("units.csv", b"code,name,kind\na,b,steet\n", 2, "kind: Send one of 'district'"),
        ("units.csv", b"code,name,kind,level\na,b,street,two\n", 2, "level: Send a whole number"),
        ("units.csv", b"code,name,kind,covers\na,b,street,4401\n", 2, "covers/0: Send the first 6 to 15 digits"),
        ("units.csv", b"code,name,kind,valid_from\na,b,street,20200901\n", 2, "valid_from: Send a day"),
        ("units.csv", b"code,name,kind,valid_from\na,b,street,2026-02-29\n", 2, "valid_from: Send a day"),
        ("units.csv", b"code,name,kind,valid_to\na,b,street,0001-01-01\n", 2, "valid_to: Send a day from 2000 to 2199"),
        ("categories.csv", b"code,name,line,urgency\na,b,c,soon\n", 2, "urgency: Send one of 'urgent' or 'normal'"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(name: str, content: bytes, row: int, detail: str) -> None:
    [fault] = parse.bundle_of({name: content}).faults
    assert (fault.file, fault.row) == (name, row)
    assert detail in fault.detail
    assert len(str(fault)) < 500


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("dept-x,名,department,440403,,,", "unknown parent '440403': give the code of a row in units.csv"),
        ("dept-x,名,department,,,,", "parent is needed"),
        ("leader-x,名,leader,440402,nobody,,", "unknown in_charge_of 'nobody'"),
        ("dept-x,名,department,440402,dept-water,,", "only a leader is in charge"),
        ("street-x,名,street,440402,,,", "the code of a street has 9 digits"),
        ("440402001x02,名,community,440402001,,,", "the code of a community has 12 digits"),
        ("440403001,名,street,440402,,,", "should start with its parent's: give 440403, not 440402"),
        ("440402001002,名,community,440402,,,", "should start with its parent's: give 440402001, not 440402"),
        ("dept-x,名,department,dept-x,,,", "its parents lead back to dept-x"),
        ("dept-x,名,department,440402,,2026-02-01,2026-02-01", "valid_to should lie after valid_from"),
        ("440403,区,district,,,,", "there should be one unit of kind district, the fallback; here are 2"),
    ],
)
def test_a_unit_that_does_not_fit_the_others_is_told(row: str, detail: str) -> None:
    found = [fault for fault in faults_of(units(row)) if detail in fault.detail]
    assert [(fault.file, fault.row) for fault in found] == [("units.csv", 0 if "one unit" in detail else 7)]


@pytest.mark.parametrize("kind", list(UnitKind))
def test_a_level_is_that_of_the_kind(kind: UnitKind) -> None:
    right = {"community": "1", "department": "3", "leader": "4", "district": "4", "partner": ""}.get(kind, "2")
    for level in ("", "1", "2", "3", "4"):
        content = {"units.csv": f"code,name,kind,level\nx,名,{kind},{level}\n".encode()}
        told = [fault for fault in faults_of(content) if f"a {kind} has level" in fault.detail]
        assert bool(told) is (level not in ("", right))


def test_a_circle_of_parents_is_told_on_each_of_its_rows_and_on_no_other() -> None:
    team = "{0},队,team,{1},,,"
    rows = [team.format("a", "b"), team.format("b", "c"), team.format("c", "b"), team.format("d", "440402001")]
    found = [fault.row for fault in faults_of(units(*rows)) if "lead back" in fault.detail]
    assert found == [8, 9]


def test_a_long_line_of_parents_is_checked_at_once() -> None:
    rows = [f"t{number},队,team,t{number - 1},,," for number in range(1, 30_000)]
    assert faults_of(units("t0,队,team,440402001,,,", *rows)) == []


def test_the_district_lasts_for_ever_and_holds_every_street() -> None:
    found = faults_of({"units.csv": f"{UNITS}\n440402,区,district,,,,2027-01-01\n440403001,街道,street,,,,\n".encode()})
    told = " ".join(fault.detail for fault in found)
    assert "leave valid_to out" in told
    assert "440403001 lies outside the district 440402" in told
    [none] = [fault for fault in faults_of({"units.csv": UNITS.encode()}) if fault.row == 0]
    assert "here are 0" in none.detail


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"cells": "code,name,community\n44040200100100,网格,440402001001"}, "has 15 digits"),
        ({"cells": "code,name,community\n440402001002001,网格,440402001001"}, "should start with its community's"),
        ({"cells": "code,name,community\n440402001009001,网格,440402001009"}, "unknown community '440402001009'"),
        ({"cells": "code,name,community\n440402001000001,网格,440402001"}, "unknown community '440402001'"),
        ({"categories": "code,name,line,urgency\nu,城管,nothing,normal"}, "unknown line 'nothing'"),
        ({"categories": "code,name,line,urgency,parent\nu,城管,urban,normal,v"}, "unknown parent 'v'"),
        ({"categories": "code,name,line,urgency,parent\nu,城管,urban,normal,u"}, "should start with its parent's"),
        ({"duties": f"{_DUTIES}v,440402,dept-water,,,"}, "unknown category 'v'"),
        ({"duties": f"{_DUTIES}u,440403,dept-water,,,"}, "unknown area '440403'"),
        ({"duties": f"{_DUTIES}u,440402,nobody,,,"}, "lead_unit 'nobody' should be a unit that can be called"),
        ({"duties": f"{_DUTIES}u,440402,dept-water,440402001;nobody,,"}, "unknown assisting unit 'nobody'"),
        ({"duties": f"{_DUTIES}u,440402,dept-water,,2026-02-02,2026-02-01"}, "valid_to should lie after valid_from"),
    ],
)
def test_rows_of_other_files_that_do_not_fit_are_told(changed: dict[str, str], detail: str) -> None:
    found = [fault for fault in faults_of(files(**changed)) if detail in fault.detail]
    assert [(fault.file.removesuffix(".csv"), fault.row) for fault in found] == [(next(iter(changed)), 2)]


@pytest.mark.parametrize(
    ("kind", "wrong"), [("street", False), ("station", False), ("leader", False), ("partner", True)]
)
def test_whoever_can_be_called_may_lead_a_duty_and_a_partner_cannot(kind: str, wrong: bool) -> None:
    code = "440402002" if kind == "street" else "x"
    duty = {"duties.csv": f"{_DUTIES}u,440402,{code},,,".encode()}
    found = faults_of({**units(f"{code},名,{kind},440402,,,"), **duty})
    assert [fault.file for fault in found] == ["duties.csv"] * wrong


def test_a_file_that_cannot_be_read_is_told_and_does_not_drown_in_what_refers_to_it() -> None:
    broken = _SAMPLE["units.csv"].replace(b"name", b"nmae", 1)
    lines = _SAMPLE["lines.csv"] + "party,又一个\n".encode()
    found = faults_of({**_SAMPLE, "units.csv": broken, "lines.csv": lines})
    assert [(fault.file, fault.row) for fault in found] == [("lines.csv", 10), ("units.csv", 1)]


def test_a_part_may_refer_to_what_is_known() -> None:
    held = {"440402": UnitKind.DISTRICT, "dept-water": UnitKind.DEPARTMENT}
    part = {"duties.csv": f"{_DUTIES}u,440402,dept-water,,,".encode()}
    assert faults_of(part, StoredCodes(held, frozenset({"u"}))) == []
    assert len(faults_of(part)) == 4


_NAMES = st.sampled_from([*_SAMPLE, "calendar.csv", "x"])
_WORDS = st.sampled_from(
    [*"\n\r\t,;\"'[]{}:&*!?|>-#%@ \x00\ud800", "﻿", "440402", "a", "2026-02-30", "!!int", "<<", "~"]
)


@given(st.dictionaries(_NAMES, st.binary(max_size=300)))
def test_no_bytes_make_reading_or_checking_raise(content: dict[str, bytes]) -> None:
    assert all(isinstance(fault, Fault) for fault in faults_of(content))


@given(_NAMES, st.lists(_WORDS | st.text(max_size=8), max_size=40).map("".join), st.integers(0, 400))
def test_no_text_put_into_a_good_file_makes_reading_or_checking_raise(name: str, text: str, at: int) -> None:
    good = files().get(name, b"")
    content = good[:at] + text.encode("utf-8", "surrogatepass") + good[at:]
    assert all(fault.detail for fault in faults_of({**files(), name: content}))
