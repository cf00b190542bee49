"""The files of a bundle, read from a folder or from a zip archive: file name → content. Sizes are bounded.

What operating systems and offices leave beside a file is left out, and a name may be in capitals.
"""

from __future__ import annotations

import difflib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from service.rules.sentences import Sentence

TABLES = ("lines.csv", "units.csv", "cells.csv", "categories.csv", "duties.csv", "calendar.csv")
"""The files of a bundle that are tables."""
POLICY = "policy.yaml"
SHAPES = "cells.geojson"
NAMES = (*TABLES, SHAPES, POLICY)
"""Every file that a bundle may hold."""

MAX_BYTES = 16 * 2**20
"""Size of a whole bundle, unpacked."""
_MAX_ENTRIES = 50

_BROKEN_ZIP = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError, struct.error, zlib.error)
"""Errors that zipfile raises for a broken archive. RuntimeError includes NotImplementedError and a missing password,
ValueError a file name in an unknown encoding."""
_WORKBOOK_MEMBER = "[Content_Types].xml"
_ENCRYPTED, _UTF_8 = 0x1, 0x800
"""Flags of an entry of a zip archive."""

_LEFTOVERS = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "$recycle.bin"})
_LEFTOVER = re.compile(r"(\.|~\$).*|.*(\.tmp|\.bak|~)", re.IGNORECASE | re.DOTALL)
"""Hidden files, locks of a file that is open in an office, temporary files and copies that an editor keeps."""
_NOTES = (".md", ".txt")
_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".et", ".ods", ".numbers")


_Content = TypeVar("_Content")


class BundleError(Exception):
    """The files of a bundle cannot be read; `detail` says what to do."""

    def __init__(self, detail: Sentence) -> None:
        super().__init__(detail)
        self.detail = detail


def read_folder(path: Path) -> dict[str, bytes]:
    """Return the files of a folder that belong to a bundle, and empty ones for others that may be meant to. Sub-folders
    do not count.

    Raises:
        BundleError: the folder does not exist, cannot be read, holds no file of a bundle, or more than `MAX_BYTES`.
    """
    if not path.is_dir():
        raise BundleError(
            Sentence("{path} is not a folder: name the folder that holds units.csv and the others", path=str(path))
        )
    try:
        files = _by_name((each.name, each) for each in sorted(path.iterdir()) if each.is_file())
        if sum(each.stat().st_size for name, each in files.items() if name in NAMES) > MAX_BYTES:
            raise BundleError(Sentence("the bundle in {path} is over 16 MiB: import it in parts", path=str(path)))
        return {name: each.read_bytes() if name in NAMES else b"" for name, each in files.items()}
    except OSError as error:
        raise unreadable(error) from None


def unreadable(error: OSError) -> BundleError:
    """The refusal of a file or folder that the system does not let be read."""
    return BundleError(Sentence("cannot read {path}: {cause}", path=str(error.filename), cause=str(error.strerror)))


def unzip(content: bytes) -> dict[str, bytes]:
    """Return the files of a zip archive that belong to a bundle, and empty ones for others that may be meant to. The
    folders in it do not matter.

    Raises:
        BundleError: the archive is broken or encrypted, has a file name twice, holds no file of a bundle, or unpacks
            to more than `MAX_BYTES`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpack(archive)
    except _BROKEN_ZIP:
        raise BundleError(Sentence("this is not a zip archive that can be read: make the archive anew")) from None


def fault_of_name(name: str) -> Sentence:
    """Return what is wrong with the name of a file that no bundle has."""
    stem, _, suffix = name.lower().rpartition(".")
    if f".{suffix}" in _WORKBOOKS:
        return Sentence('a workbook is not read: save each of its sheets as "CSV UTF-8", such as units.csv')
    close = difflib.get_close_matches(name.lower()[:64], NAMES, n=1)
    by_stem = [each for each in NAMES if stem and each.partition(".")[0] == stem]
    if meant := (by_stem or close):
        return Sentence("unknown file: did you mean {meant}? A bundle holds {names}", meant=meant[0], names=NAMES)
    return Sentence("unknown file: a bundle holds {names}", names=NAMES)


def _by_name(files: Iterable[tuple[str, _Content]]) -> dict[str, _Content]:
    """Return the files by the names that a bundle has for them, without what is left out.

    Raises:
        BundleError: two files have one name, or no file is of a bundle.
    """
    found: dict[str, _Content] = {}
    originals: dict[str, str] = {}
    for original, content in files:
        if _is_left_out(original):
            continue
        name = original.lower() if original.lower() in NAMES else original
        if name in found:
            raise BundleError(_twice(originals[name], original))
        found[name], originals[name] = content, original
    if not found:
        raise BundleError(Sentence("there is no file of a bundle here, such as {names}", names=NAMES))
    return found


def _twice(first: str, second: str) -> Sentence:
    if first == second:
        return Sentence("{file} is here twice: keep one of them", file=first)
    return Sentence("{files:and} are the same file of a bundle: keep one of them", files=[first, second])


def _is_left_out(name: str) -> bool:
    """Whether a file is not meant for the bundle: a leftover, or a note that has not the name of a table."""
    lower = name.lower()
    stem, dot, suffix = lower.rpartition(".")
    is_note = dot + suffix in _NOTES and not any(each.partition(".")[0] == stem for each in TABLES)
    return is_note or _is_leftover(name)


def _is_leftover(name: str) -> bool:
    return name.lower() in _LEFTOVERS or bool(_LEFTOVER.fullmatch(name))


def _unpack(archive: zipfile.ZipFile) -> dict[str, bytes]:
    paths = [(_path(entry), entry) for entry in archive.infolist() if not entry.is_dir()]
    if any(path == [_WORKBOOK_MEMBER] for path, _ in paths):
        raise BundleError(Sentence('this is a workbook: save each of its sheets as "CSV UTF-8" and zip those'))
    entries = _by_name((path[-1], entry) for path, entry in paths if not any(map(_is_leftover, path[:-1])))
    if len(entries) > _MAX_ENTRIES:
        why = Sentence("the archive holds over {count} files: leave out what is not of the bundle", count=_MAX_ENTRIES)
        raise BundleError(why)
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    for name, entry in entries.items():
        files[name] = _content(archive, name, entry, left) if name in NAMES else b""
        left -= len(files[name])
        if left < 0:
            raise BundleError(Sentence("the archive unpacks to over 16 MiB: import it in parts"))
    return files


def _path(entry: zipfile.ZipInfo) -> list[str]:
    """The folders and the name of an entry. Chinese Windows writes names in GBK, without saying so."""
    name = entry.filename
    if not entry.flag_bits & _UTF_8:
        raw = name.encode("cp437", "replace")
        name = raw.decode() if _is_utf_8(raw) else raw.decode("gb18030", "replace")
    return [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")] or [name]


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _content(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo, left: int) -> bytes:
    if entry.flag_bits & _ENCRYPTED:
        raise BundleError(Sentence("{file} is encrypted: make the archive without a password", file=name))
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BundleError(Sentence("{file} is not compressed by deflate: make an ordinary zip archive", file=name))
    with archive.open(entry) as file:
        # the archive may state a wrong size; with deflate, reading stops at the length given here
        return file.read(left + 1)
