"""A registry bundle as it comes: CSV files and a policy.yaml, read into rows. Faults are collected, never raised.

The columns are those of contract §3, "Bundle"; `lines.csv` (code,name) names the lines of work. Lists in a field are
separated by ';'. Dates are days in Asia/Shanghai; what a row without `valid_from` changes is in force from the import
on (service.registry.changes: no change begins in the past).
"""

from __future__ import annotations

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from service.places.geojson import read_shapes
from service.registry.bundle.rows import CalendarRow, CategoryRow, CellRow, DutyRow, LineRow, Row, UnitRow
from service.rules.world import Rings
from service.times.policy_checks import read_policy
from service.times.policy_file import PolicyFile
from service.web import faults as sentences

MOST_BYTES = 16 * 2**20
"""A whole bundle, unpacked."""

_MOST_ENTRIES = 50
_SHOWN = 200  # characters of what a file says, in a fault about it


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong and what to do. `row` is the line of the file, its header being line 1; 0: the file as a whole."""

    file: str
    row: int
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.row}: {self.detail}" if self.row else f"{self.file}: {self.detail}"


class BundleError(Exception):
    """The bundle cannot even be opened."""


R = TypeVar("R", bound=Row)
NumberedRows = tuple[tuple[int, R], ...]
"""Rows with the line of the file each stands on."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was read, without the rows that could not be. `unread`: files of which no row could be. `cells` come from
    `cells_file`; `shapes` are those of cells.geojson by code, with the number of their feature."""

    lines: NumberedRows[LineRow] = ()
    units: NumberedRows[UnitRow] = ()
    cells: NumberedRows[CellRow] = ()
    categories: NumberedRows[CategoryRow] = ()
    duties: NumberedRows[DutyRow] = ()
    calendar: NumberedRows[CalendarRow] = ()
    shapes: Mapping[str, tuple[int, Rings]] = field(default_factory=dict)
    cells_file: str = "cells.csv"
    policy: PolicyFile | None = None
    faults: list[Fault] = field(default_factory=list)
    unread: frozenset[str] = frozenset()


_FILES: Mapping[str, type[Row]] = {
    "lines.csv": LineRow,
    "units.csv": UnitRow,
    "cells.csv": CellRow,
    "categories.csv": CategoryRow,
    "duties.csv": DutyRow,
    "calendar.csv": CalendarRow,
}
_POLICY = "policy.yaml"
_SHAPES = "cells.geojson"


def read_directory(path: Path) -> dict[str, bytes]:
    """File name → content of every file in a folder, `.md` notes aside.

    Raises:
        BundleError: no such folder, unreadable, or over `MOST_BYTES`.
    """
    if not path.is_dir():
        raise BundleError(f"{path} is not a folder: name the folder that holds units.csv and the others")
    try:
        files = sorted(each for each in path.iterdir() if each.is_file() and each.suffix != ".md")
        if sum(each.stat().st_size for each in files) > MOST_BYTES:
            raise BundleError(f"the bundle in {path} is over 16 MiB: import it in parts")
        return {each.name: each.read_bytes() for each in files}
    except OSError as error:
        raise BundleError(f"cannot read {error.filename}: {error.strerror}") from None


def from_zip(content: bytes) -> dict[str, bytes]:
    """The same from a zip archive, whose folders do not count.

    Raises:
        BundleError: broken, encrypted, one name twice, or unpacks to over `MOST_BYTES`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpack(archive)
    except _BROKEN_ZIP as error:
        raise BundleError(f"this is not a zip archive that can be read: {error}") from None


_BROKEN_ZIP = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError, struct.error, zlib.error)
"""What zipfile lets through: RuntimeError is also NotImplementedError and a password, ValueError a name's encoding."""


def _unpack(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.endswith(".md")]
    if len(entries) > _MOST_ENTRIES:
        raise BundleError(f"the archive holds over {_MOST_ENTRIES} files: leave out what is not of the bundle")
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for entry in entries:
        name = Path(entry.filename).name
        if name in files:
            raise BundleError(f"{name} is in the archive twice: keep one of them")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"{name} is not compressed by deflate: make an ordinary zip archive")
        with archive.open(entry) as file:
            # the size in the archive may lie, and only deflate with a length given stops there
            files[name] = file.read(left + 1)
        left -= len(files[name])
        if left < 0:
            raise BundleError("the archive unpacks to over 16 MiB: import it in parts")
    return files


def parse(files: Mapping[str, bytes]) -> Bundle:
    """Read every file. All faults at once; never raises for what is in them."""
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    unread: set[str] = set()
    for name, content in files.items():
        if name in _FILES:
            rows = _read_csv(name, content, _FILES[name], faults)
            if rows is None:
                unread.add(name)
            else:
                found[name.removesuffix(".csv")] = rows
        elif name == _POLICY:
            found["policy"], wrong = read_policy(content)
            faults += [Fault(name, 0, detail) for detail in wrong]
        elif name != _SHAPES:
            faults.append(Fault(name, 0, f"unknown file: a bundle holds {', '.join(_FILES)}, {_SHAPES} and {_POLICY}"))
    if _SHAPES in files:
        found |= _read_shapes(files[_SHAPES], found.get("cells"), faults)
    return Bundle(**found, faults=faults, unread=frozenset(unread))


def _read_shapes(content: bytes, cells: NumberedRows[CellRow] | None, faults: list[Fault]) -> dict[str, Any]:
    """The shapes by code; and the cells themselves when no cells.csv names them."""
    shapes, wrong = read_shapes(content)
    faults += [Fault(_SHAPES, number, detail) for number, detail in wrong]
    found: dict[str, Any] = {"shapes": {shape.code: (number, shape.rings) for number, shape in shapes}}
    if cells is not None:
        named = {row.code: (row.name, row.community) for _, row in cells}
        for number, shape in shapes:
            if named.get(shape.code, (shape.name, shape.community)) != (shape.name, shape.community):
                faults.append(Fault(_SHAPES, number, f"cell {shape.code} has another name or community in cells.csv"))
        return found
    rows = []
    for number, shape in shapes:
        try:
            rows.append((number, CellRow(code=shape.code, name=shape.name, community=shape.community)))
        except ValidationError as error:
            for each in sentences.validation_failed(error, CellRow).errors:
                faults.append(Fault(_SHAPES, number, f"{each.pointer.removeprefix('/')}: {each.detail}"))
    return {**found, "cells": tuple(rows), "cells_file": _SHAPES}


def _read_csv(name: str, content: bytes, model: type[R], faults: list[Fault]) -> NumberedRows[R] | None:
    """The rows that are sound; None when the file as a whole cannot be read."""
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    except UnicodeDecodeError as error:
        faults.append(Fault(name, content[: error.start].count(b"\n") + 1, "not UTF-8: save the file as UTF-8"))
        return None
    try:
        header = next(lines, [])
        wrong = _header(header, model)
        if wrong:
            faults.append(Fault(name, 1, wrong))
            return None
        return tuple(_read_rows(name, lines, header, model, faults))
    except csv.Error as error:
        faults.append(Fault(name, lines.line_num, f"not CSV: {error}"))
        return None


def _header(header: list[str], model: type[Row]) -> str | None:
    unknown = sorted(set(header) - model.model_fields.keys())
    missing = sorted(key for key, each in model.model_fields.items() if each.is_required() and key not in header)
    twice = sorted(key for key in set(header) & model.model_fields.keys() if header.count(key) > 1)
    if not (unknown or missing or twice):
        return None
    told = (("unknown", unknown), ("missing", missing), ("more than once", twice))
    wrong = "; ".join(f"{what}: {', '.join(names)[:_SHOWN]}" for what, names in told if names)
    return f"the header should be {','.join(model.model_fields)} ({wrong})"


def _read_rows(
    name: str, lines: Any, header: list[str], model: type[R], faults: list[Fault]
) -> Iterator[tuple[int, R]]:
    seen: dict[str, int] = {}
    for values in lines:
        number = lines.line_num
        if not values:
            continue
        if len(values) != len(header):
            faults.append(Fault(name, number, f"{len(values)} fields where the header has {len(header)}"))
            continue
        try:
            row = model.model_validate(
                {key: value.strip() for key, value in zip(header, values, strict=True) if value.strip()}
            )
        except ValidationError as error:
            for each in sentences.validation_failed(error, model).errors:
                faults.append(Fault(name, number, f"{each.pointer.removeprefix('/')}: {each.detail}"))
            continue
        at = seen.setdefault(row.key, number)
        if at != number:
            faults.append(Fault(name, number, f"{row.key} stands on line {at} already: keep one of them"))
            continue
        yield number, row
