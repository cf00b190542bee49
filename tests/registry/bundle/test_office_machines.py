"""Bundles from office machines by `POST /v1/registry/import`: what is read, what is refused, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.registry.bundle.files import BundleError, read_folder, unzip
from tests.house import House
from tests.registry.bundle.test_files import zipped as archive_of
from tests.registry.bundle.test_routes import bring
from tests.registry.bundles import files
from tests.registry.office import READ, REFUSED, zipped


@pytest.mark.anyio
async def test_a_bundle_from_an_office_is_read(unregistered: House) -> None:
    for name, case in READ.items():
        answer = await bring(unregistered, zipped(case), "application/zip", dry_run="true")
        assert answer.status_code == 200, (name, answer.text)
        assert answer.json()["changes"]["units"]["added"] == 5, name
        assert [line.split(",")[0] for line in answer.json()["warnings"]] == list(case.warnings), name


@pytest.mark.anyio
async def test_a_bundle_from_an_office_is_refused_with_its_faults(unregistered: House) -> None:
    for name, case in REFUSED.items():
        answer = await bring(unregistered, zipped(case), "application/zip", dry_run="true")
        assert answer.status_code == 422, name
        details = [each["detail"] for each in answer.json()["errors"]]
        for file, line, part in case.faults:
            place = f"{file}:{line}: " if line else f"{file}: "
            assert any(each.startswith(place) and part in each for each in details), (name, details)
        count = len(details)
        assert answer.json()["detail"].startswith(
            f"{count} {'fault' if count == 1 else 'faults'}; nothing was imported"
        )


@pytest.mark.anyio
async def test_an_answer_says_in_which_encoding_a_file_was_read(house: House) -> None:
    content = "code,name\nurban,城管\n".encode("gbk")
    answer = await bring(house, archive_of(("lines.csv", content)), "application/zip", dry_run="true")
    (warning,) = answer.json()["warnings"]
    assert warning.startswith("lines.csv was read as GB18030")
    content = "code,nmae\nurban,城管\n".encode("gbk")
    refused = await bring(house, archive_of(("lines.csv", content)), "application/zip")
    assert "lines.csv was read as GB18030" in refused.json()["detail"]


@pytest.mark.anyio
async def test_a_file_in_json_has_its_exact_name(house: House) -> None:
    """A program wrote the names, so another one is a slip of that program."""
    refused = await bring(house, json.dumps({"Lines.csv": "code,name\na,b\n"}).encode(), "application/json")
    (fault,) = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"]) == (422, "/Lines.csv")
    assert fault["detail"].startswith("Lines.csv: unknown file: did you mean lines.csv? ")
    assert (await bring(house, b"{}", "application/json")).status_code == 422


def entry(name: str) -> bytes:
    """An archive whose only entry has this name as bytes of GBK, as Chinese Windows writes it."""
    raw = name.encode("gbk")
    return archive_of(("?" * len(raw), b"x")).replace(b"?" * len(raw), raw)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (entry("单位/units.csv"), ["units.csv"]),
        (entry("单位.csv"), ["单位.csv"]),
        (archive_of(("a\\units.csv", b"x")), ["units.csv"]),
        (archive_of(("./units.csv", b"x")), ["units.csv"]),
        (archive_of(("../units.csv", b"x")), ["units.csv"]),
        (archive_of(("a/UNITS.csv", b"x"), (".git/config", b"y"), ("__macosx/a/b.csv", b"z")), ["units.csv"]),
    ],
)
def test_names_in_an_archive_are_read_whatever_wrote_them(content: bytes, names: list[str]) -> None:
    assert list(unzip(content)) == names


@pytest.mark.clause("ASVS 5.2.2")
@pytest.mark.parametrize(
    ("content", "part"),
    [
        (archive_of(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")), "this is a workbook"),
        (archive_of(("Units.csv", b"x"), ("b/units.csv", b"x")), "Units.csv and units.csv are the same file"),
        (archive_of((".DS_Store", b"x"), ("README.md", b"x")), "there is no file of a bundle here"),
        (archive_of(), "there is no file of a bundle here"),
        (b"Rar!\x1a\x07\x00", "this is not a zip archive that can be read: make the archive anew"),
    ],
)
def test_an_archive_of_something_else_says_what_it_is(content: bytes, part: str) -> None:
    with pytest.raises(BundleError, match=part):
        unzip(content)


def test_an_encrypted_archive_names_the_cause() -> None:
    content = bytearray(archive_of(("units.csv", b"x")))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    with pytest.raises(BundleError, match=r"units\.csv is encrypted: make the archive without a password"):
        unzip(bytes(content))


def test_leftovers_do_not_count_towards_the_limits(tmp_path: Path) -> None:
    for name, content in files().items():
        (tmp_path / name).write_bytes(content)
    for name in ("Thumbs.db", "backup.sql"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(20 * 2**20)
    assert read_folder(tmp_path) == {**files(), "backup.sql": b""}
    many = archive_of(("units.csv", b"x"), *((f"__MACOSX/{n}.csv", b"") for n in range(60)))
    assert unzip(many) == {"units.csv": b"x"}
