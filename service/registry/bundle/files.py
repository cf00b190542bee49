"""The files of a bundle, read from a folder or from a zip archive: file name → content. Sizes are bounded."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

MAX_BYTES = 16 * 2**20
"""Size of a whole bundle, unpacked."""
_MAX_ENTRIES = 50

_BROKEN_ZIP = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError, struct.error, zlib.error)
"""Errors that zipfile raises for a broken archive. RuntimeError includes NotImplementedError and a missing password,
ValueError a file name in an unknown encoding."""


class BundleError(Exception):
    """The files of a bundle cannot be read; the message says what to do."""


def read_folder(path: Path) -> dict[str, bytes]:
    """Return every file of a folder, except notes that end in `.md`.

    Raises:
        BundleError: the folder does not exist, cannot be read, or holds more than `MAX_BYTES`.
    """
    if not path.is_dir():
        raise BundleError(f"{path} is not a folder: name the folder that holds units.csv and the others")
    try:
        files = sorted(each for each in path.iterdir() if each.is_file() and each.suffix != ".md")
        if sum(each.stat().st_size for each in files) > MAX_BYTES:
            raise BundleError(f"the bundle in {path} is over 16 MiB: import it in parts")
        return {each.name: each.read_bytes() for each in files}
    except OSError as error:
        raise BundleError(f"cannot read {error.filename}: {error.strerror}") from None


def unzip(content: bytes) -> dict[str, bytes]:
    """Return every file of a zip archive, except notes that end in `.md`. The folders of the archive do not matter.

    Raises:
        BundleError: the archive is broken or encrypted, has a file name twice, or unpacks to more than `MAX_BYTES`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpack(archive)
    except _BROKEN_ZIP as error:
        raise BundleError(f"this is not a zip archive that can be read: {error}") from None


def _unpack(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.endswith(".md")]
    if len(entries) > _MAX_ENTRIES:
        raise BundleError(f"the archive holds over {_MAX_ENTRIES} files: leave out what is not of the bundle")
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    for entry in entries:
        name = Path(entry.filename).name
        if name in files:
            raise BundleError(f"{name} is in the archive twice: keep one of them")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"{name} is not compressed by deflate: make an ordinary zip archive")
        with archive.open(entry) as file:
            # the archive may state a wrong size; with deflate, reading stops at the length given here
            files[name] = file.read(left + 1)
        left -= len(files[name])
        if left < 0:
            raise BundleError("the archive unpacks to over 16 MiB: import it in parts")
    return files
