"""The files of a bundle from a folder or a zip archive: what is read, and what is refused as broken or too large."""

from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.registry.bundle.files import MAX_BYTES, BundleError, read_folder, unzip
from tests.registry.bundles import files


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return written.getvalue()


def test_a_folder_is_read_with_everything_but_its_notes(tmp_path: Path) -> None:
    for name in ("units.csv", "NOTICE.md", "surprise.doc"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    assert read_folder(tmp_path) == {"units.csv": b"x", "surprise.doc": b""}
    with pytest.raises(BundleError, match="is not a folder"):
        read_folder(tmp_path / "units.csv")
    with (tmp_path / "cells.csv").open("wb") as file:
        file.truncate(MAX_BYTES)
    with pytest.raises(BundleError, match="over 16 MiB"):
        read_folder(tmp_path)


@pytest.mark.clause("ASVS 5.3.2")
def test_a_zip_is_read_whatever_folder_its_files_are_in() -> None:
    content = zipped(("haizhu/units.csv", b"x"), ("haizhu/NOTICE.md", b"y"), ("haizhu/", b""))
    assert unzip(content) == {"units.csv": b"x"}


@pytest.mark.clause("ASVS 5.2.3")
def test_a_zip_that_unpacks_to_more_than_it_says_takes_no_more_memory_than_a_bundle_may() -> None:
    size = 8 * MAX_BYTES + 12_345  # a number that stands nowhere else in the archive
    lying = zipped(("units.csv", bytes(size))).replace(struct.pack("<L", size), struct.pack("<L", 10))
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match="can be read"):
            unzip(lying)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.clause("API4:2023", "API10:2023", "ASVS 5.2.2", "ASVS 5.2.3")
@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "not a zip archive"),
        (b"code,name\n", "not a zip archive"),
        (zipped(("a/units.csv", b"x"), ("b/units.csv", b"y")), "units.csv is here twice"),
        (zipped(("units.csv", bytes(17 * 2**20))), "over 16 MiB"),
        (zipped(("units.csv", bytes(9 * 2**20)), ("cells.csv", bytes(9 * 2**20))), "over 16 MiB"),
        (zipped(*((f"{number}.csv", b"") for number in range(51))), "over 50 files"),
        (zipped(("units.csv", b"x"), method=zipfile.ZIP_BZIP2), "ordinary zip"),
        (zipped(("units.csv", b"x"), method=zipfile.ZIP_LZMA), "ordinary zip"),
    ],
)
def test_a_zip_that_is_broken_or_too_much_is_refused(content: bytes, detail: str) -> None:
    with pytest.raises(BundleError, match=detail):
        unzip(content)


@given(st.integers(0, 2000), st.integers(1, 255))
def test_a_zip_with_one_byte_wrong_is_read_or_refused(at: int, flip: int) -> None:
    content = bytearray(zipped(*((name, content) for name, content in files().items())))
    content[at % len(content)] ^= flip
    with contextlib.suppress(BundleError):
        assert unzip(bytes(content))
