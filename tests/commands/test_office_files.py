"""Files from office machines by `sihu registry import DIR` and `sihu calendar load FILE`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.running import Run
from tests.registry.office import READ, REFUSED, Case


def _folder(case: Case, name: str) -> str:
    path = Path(name)
    path.mkdir()
    for file, content in case.bundle().items():
        (path / file).write_bytes(content)
    (path / "__MACOSX").mkdir()
    return name


def test_a_folder_from_an_office_is_read(run: Run, database_url: str) -> None:
    for number, (name, case) in enumerate(READ.items()):
        code, lines, faults = run(database_url, "registry", "import", _folder(case, f"{number}"), "--dry-run")
        assert (code, faults) == (0, []), name
        assert "units: 5 added, 0 changed, 0 unchanged" in lines, name
        warnings = [line.split(",")[0] for line in lines if line.startswith("warning: ")]
        assert warnings == [f"warning: {each}" for each in case.warnings], name


def test_a_folder_from_an_office_is_refused_with_its_faults(run: Run, database_url: str) -> None:
    for number, (name, case) in enumerate(REFUSED.items()):
        code, lines, faults = run(database_url, "registry", "import", _folder(case, f"{number}"))
        assert (code, lines) == (1, []), name
        for file, line, part in case.faults:
            place = f"{file}:{line}: " if line else f"{file}: "
            assert any(each.startswith(place) and part in each for each in faults), (name, faults)


def test_two_files_of_one_name_in_a_folder_are_refused(run: Run, database_url: str) -> None:
    case = Case({"UNITS.CSV": "code,name,kind\n"})
    code, _, (fault,) = run(database_url, "registry", "import", _folder(case, "a"))
    assert (code, fault) == (1, "sihu: UNITS.CSV and units.csv are the same file of a bundle: keep one of them")


def test_a_folder_without_a_bundle_is_not_imported(run: Run, database_url: str) -> None:
    Path("a").mkdir()
    Path("a/.DS_Store").write_bytes(b"x")
    code, lines, (fault,) = run(database_url, "registry", "import", "a")
    assert (code, lines) == (1, [])
    assert fault.startswith("sihu: there is no file of a bundle here, such as lines.csv, units.csv")


DAYS = "day,workday,note\n2027-01-01,false,元旦\n2027-01-02,true,调休\n"


@pytest.mark.parametrize(
    "content",
    [
        DAYS.encode(),
        DAYS.replace("-", "/").encode(),
        DAYS.replace("\n", ",,\r\n").encode("utf-8-sig") + b",,,\r\n",
        DAYS.replace(",", "\t").encode("utf-16"),
        DAYS.replace("false", "休").replace("true", "班").encode("gb18030"),
        DAYS.replace(",", ";").encode(),
    ],
)
def test_days_from_an_office_are_loaded(run: Run, database_url: str, content: bytes) -> None:
    Path("days.csv").write_bytes(content)
    code, lines, faults = run(database_url, "calendar", "load", "days.csv")
    assert (code, faults) == (0, [])
    assert lines[-1].startswith("cn: 2 days changed; ")
    assert len(lines) == 1 or lines[0].startswith("warning: days.csv was read as ")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"PK\x03\x04\0\0", "days.csv: this is a workbook and not a text file: open it and save the file as"),
        (b"day,workday\n1/1/2027,0\n", "days.csv:2: day '1/1/2027': 1/1/2027 does not say which part is the month"),
        (b"day,workday\n2027/1/1,?\n", "days.csv:2: workday '?': Send true or false"),
        (b"day,workday,\n2027/1/1,1,x\n", "days.csv:2: 'x' stands in column C, which has no name in the header"),
        (b'day,workday\n"2027/1/1,1\n', "days.csv:2: not CSV: a value of this row does not end"),
    ],
)
def test_days_from_an_office_are_refused_in_one_line(run: Run, database_url: str, content: bytes, part: str) -> None:
    Path("days.csv").write_bytes(content)
    code, lines, faults = run(database_url, "calendar", "load", "days.csv")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert part in faults[0]
