"""A registry bundle as it comes: CSV files and a policy.yaml, read into rows. Faults are collected, never raised.

The columns are those of contract §3, "Bundle"; `lines.csv` (code,name) names the lines of work. Lists in a field are
separated by ';'. Dates are days in Asia/Shanghai; a row without `valid_from` is in force from the import on.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from service.registry.policy_file import PolicyFile, read_policy
from service.rules.deadlines import ZONE
from service.rules.model import UnitKind, Urgency
from service.web import faults as sentences
from service.web.text import Code, Prefix, words

MOST_BYTES = 16 * 2**20
"""A whole bundle, unpacked."""


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


def _list(value: object) -> object:
    return tuple(part.strip() for part in value.split(";") if part.strip()) if isinstance(value, str) else value


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    day = date.fromisoformat(value)
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


Codes = Annotated[tuple[Code, ...], BeforeValidator(_list)]
Prefixes = Annotated[tuple[Prefix, ...], BeforeValidator(_list)]
Day = Annotated[datetime, BeforeValidator(_day)]
Name = Annotated[str, *words(200)]


class Row(BaseModel):
    """One line of a file. An empty field counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code


class LineRow(Row):
    name: Name


class UnitRow(Row):
    name: Name
    kind: UnitKind
    level: int | None = None
    parent: Code | None = None
    line_parent: Code | None = None
    covers: Prefixes = ()
    in_charge_of: Codes = ()
    valid_from: Day | None = None
    valid_to: Day | None = None


class CellRow(Row):
    name: Name
    community: Code


class CategoryRow(Row):
    name: Name
    line: Code
    urgency: Urgency
    parent: Code | None = None


class DutyRow(Row):
    title: Name
    category: Code
    area: Prefix
    lead_unit: Code
    assisting: Codes = ()
    basis: Annotated[str, *words(500)] = "-"
    valid_from: Day | None = None
    valid_to: Day | None = None


R = TypeVar("R", bound=Row)
Numbered = tuple[tuple[int, R], ...]
"""Rows with the line of the file each stands on."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was read, without the rows that could not be."""

    lines: Numbered[LineRow] = ()
    units: Numbered[UnitRow] = ()
    cells: Numbered[CellRow] = ()
    categories: Numbered[CategoryRow] = ()
    duties: Numbered[DutyRow] = ()
    policy: PolicyFile | None = None
    faults: list[Fault] = field(default_factory=list)


_FILES: Mapping[str, type[Row]] = {
    "lines.csv": LineRow,
    "units.csv": UnitRow,
    "cells.csv": CellRow,
    "categories.csv": CategoryRow,
    "duties.csv": DutyRow,
}
_POLICY = "policy.yaml"
_LATER = {"cells.geojson": "cell shapes", "calendar.csv": "calendars"}


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
    """The same from a zip archive. Raises `BundleError` for one that is broken or unpacks to over `MOST_BYTES`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [
                entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.endswith(".md")
            ]
            if len(entries) > 50 or sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise BundleError("the archive unpacks to over 16 MiB or 50 files: import it in parts")
            return {Path(entry.filename).name: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BundleError(f"this is not a zip archive that can be read: {error}") from None


def parse(files: Mapping[str, bytes]) -> Bundle:
    """Read every file. All faults at once; never raises for what is in them."""
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, content in files.items():
        if name in _FILES:
            found[name.removesuffix(".csv")] = _read_csv(name, content, _FILES[name], faults)
        elif name == _POLICY:
            found["policy"], wrong = read_policy(content)
            faults += [Fault(name, 0, detail) for detail in wrong]
        elif name in _LATER:
            faults.append(Fault(name, 0, f"{_LATER[name]} are not taken yet: leave this file out"))
        else:
            faults.append(Fault(name, 0, f"unknown file: a bundle holds {', '.join(_FILES)} and {_POLICY}"))
    return Bundle(**found, faults=faults)


def _read_csv(name: str, content: bytes, model: type[R], faults: list[Fault]) -> Numbered[R]:
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = next(lines, [])
        unknown = sorted(set(header) - model.model_fields.keys())
        missing = sorted(key for key, each in model.model_fields.items() if each.is_required() and key not in header)
        if unknown or missing or len(set(header)) < len(header):
            expected = ",".join(model.model_fields)
            faults.append(Fault(name, 1, f"the header should be {expected} (unknown: {unknown}, missing: {missing})"))
            return ()
        return tuple(_read_rows(name, lines, header, model, faults))
    except UnicodeDecodeError as error:
        faults.append(Fault(name, content[: error.start].count(b"\n") + 1, "not UTF-8: save the file as UTF-8"))
    except csv.Error as error:
        faults.append(Fault(name, 0, f"not CSV: {error}"))
    return ()


def _read_rows(name: str, lines: Any, header: list[str], model: type[R], faults: list[Fault]) -> list[tuple[int, R]]:
    rows: list[tuple[int, R]] = []
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
        if row.code in seen:
            at = seen[row.code]
            faults.append(Fault(name, number, f"code {row.code} stands on line {at} already: keep one of them"))
            continue
        seen[row.code] = number
        rows.append((number, row))
    return rows
