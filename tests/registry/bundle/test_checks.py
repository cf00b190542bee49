"""Faults between the rows of a bundle, without a database: each with its file and row, in words that help."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from service.commands import sample
from service.registry.bundle import checks, parse
from service.registry.bundle.checks import StoredCodes
from service.registry.bundle.files import read_folder
from service.registry.bundle.parse import Fault
from service.rules.words import UnitKind
from tests.registry.bundles import UNITS, files

NOTHING = StoredCodes({})
_SAMPLE = read_folder(sample.SAMPLE)
_CATEGORIES = "code,name,line,urgency"
_DUTIES = "code,title,category,area,lead_unit,assisting,valid_from,valid_to\nD1,排水,"


def faults_of(content: Mapping[str, bytes], known: StoredCodes = NOTHING) -> list[Fault]:
    read = parse.bundle_of(content)
    return sorted([*read.faults, *checks.check(read, known)])


def units(*rows: str) -> dict[str, bytes]:
    """The small bundle with more units, which begin on line 7; `rows` as in `bundles.UNITS`."""
    return files(units="\n".join([files()["units.csv"].decode().rstrip(), *rows]))


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
        details = [fault for fault in faults_of(content) if f"a {kind} has level" in fault.detail]
        assert bool(details) is (level not in ("", right))


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
    details = " ".join(fault.detail for fault in found)
    assert "leave valid_to out" in details
    assert "440403001 lies outside the district 440402" in details
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
        ({"categories": f"{_CATEGORIES},urgencies\nu,城管,urban,normal,urgent"}, "should be among the urgencies"),
        ({"categories": f"{_CATEGORIES},urgencies\nu,城管,urban,normal,normal;soon"}, "urgencies/1: "),
        ({"categories": f"{_CATEGORIES},kinds\nu,城管,urban,normal,complaint"}, "kinds/0: "),
        ({"categories": f"{_CATEGORIES},kinds\nu,城管,urban,normal,incident、suggestion"}, "kinds: Separate"),
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


def test_only_a_partner_answers_for_categories_of_others() -> None:
    header, *rows = files()["units.csv"].decode().splitlines()
    plain = [f"{header},answers_for", *(f"{each}," for each in rows)]
    right = "firm,物业,partner,440402001001,,,,u"
    wrong = "dept-x,名,department,440402,,,,u"
    assert faults_of(files(units="\n".join([*plain, right]))) == []
    (fault,) = faults_of(files(units="\n".join([*plain, right, wrong])))
    assert (fault.row, "only a partner answers for others" in fault.detail) == (8, True)


def test_a_partner_answers_for_categories_that_there_are() -> None:
    header, *rows = files()["units.csv"].decode().splitlines()
    plain = [f"{header},answers_for", *(f"{each}," for each in rows)]
    firm = files(units="\n".join([*plain, "firm,物业,partner,440402001001,,,,u;v-1;w"]))
    detail = "unknown answers_for '{}': give the first letters of a code in categories.csv"
    known = StoredCodes({}, categories=frozenset({"v-101"}))
    for stored, unknown in ((NOTHING, ["v-1", "w"]), (known, ["w"])):
        found = [(fault.file, fault.row, fault.detail) for fault in faults_of(firm, stored)]
        assert found == [("units.csv", 7, detail.format(each)) for each in unknown]
    unread = {**firm, "categories.csv": b"code,name\nx"}
    assert {fault.file for fault in faults_of(unread)} == {"categories.csv"}


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
    kinds = {"440402": UnitKind.DISTRICT, "dept-water": UnitKind.DEPARTMENT}
    part = {"duties.csv": f"{_DUTIES}u,440402,dept-water,,,".encode()}
    assert faults_of(part, StoredCodes(kinds, frozenset({"u"}))) == []
    assert len(faults_of(part)) == 4
