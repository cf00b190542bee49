"""Files become a `Bundle`: rows with the line each stands on, shapes, a policy. Faults are collected, never raised.

The columns of each file are the fields of its class in `rows`. A list in a field is separated by ';'. A date is a day
in Asia/Shanghai. A changed row without `valid_from` is in force from the import on; `changes` says why no change starts
in the past.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from service.places.geojson import read_shapes
from service.registry.bundle.rows import CalendarRow, CategoryRow, CellRow, DutyRow, LineRow, Row, UnitRow
from service.rules.world import Rings
from service.times.policy_checks import read_policy
from service.times.policy_file import PolicyFile
from service.web import faults as sentences

_QUOTE_LENGTH = 200  # characters of the file that a fault quotes


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a file, and what to do about it. `row` is the line of the file, of which the header is line 1; 0
    stands for the file as a whole."""

    file: str
    row: int
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.row}: {self.detail}" if self.row else f"{self.file}: {self.detail}"


R = TypeVar("R", bound=Row)
NumberedRows = tuple[tuple[int, R], ...]
"""Rows with the line of the file that each stands on."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The content of a bundle, without the rows that have faults.

    `unread` names the files of which no row could be read. `cells_file` is the file that `cells` come from. `shapes` of
    cells.geojson are by code, each with the number of its feature.
    """

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


_TABLES: Mapping[str, type[Row]] = {
    "lines.csv": LineRow,
    "units.csv": UnitRow,
    "cells.csv": CellRow,
    "categories.csv": CategoryRow,
    "duties.csv": DutyRow,
    "calendar.csv": CalendarRow,
}
_POLICY = "policy.yaml"
_SHAPES = "cells.geojson"


def bundle_of(files: Mapping[str, bytes]) -> Bundle:
    """Read all files (name → content). The bundle carries every fault; no content raises."""
    parts: dict[str, Any] = {}
    faults: list[Fault] = []
    unread: set[str] = set()
    for name, content in files.items():
        if name in _TABLES:
            rows = _read_csv(name, content, _TABLES[name], faults)
            if rows is None:
                unread.add(name)
            else:
                parts[name.removesuffix(".csv")] = rows
        elif name == _POLICY:
            parts["policy"], details = read_policy(content)
            faults += [Fault(name, 0, detail) for detail in details]
        elif name != _SHAPES:
            faults.append(Fault(name, 0, f"unknown file: a bundle holds {', '.join(_TABLES)}, {_SHAPES} and {_POLICY}"))
    if _SHAPES in files:
        parts |= _read_shapes(files[_SHAPES], parts.get("cells"), faults)
    return Bundle(**parts, faults=faults, unread=frozenset(unread))


def _read_shapes(content: bytes, cells: NumberedRows[CellRow] | None, faults: list[Fault]) -> dict[str, Any]:
    """Return the shapes by code and, if the bundle has no cells.csv, also the cells that cells.geojson names."""
    shapes, details = read_shapes(content)
    faults += [Fault(_SHAPES, number, detail) for number, detail in details]
    parts: dict[str, Any] = {"shapes": {shape.code: (number, shape.rings) for number, shape in shapes}}
    if cells is not None:
        names = {row.code: (row.name, row.community) for _, row in cells}
        for number, shape in shapes:
            if names.get(shape.code, (shape.name, shape.community)) != (shape.name, shape.community):
                faults.append(Fault(_SHAPES, number, f"cell {shape.code} has another name or community in cells.csv"))
        return parts
    rows = []
    for number, shape in shapes:
        try:
            rows.append((number, CellRow(code=shape.code, name=shape.name, community=shape.community)))
        except ValidationError as error:
            faults += _faults_of(error, CellRow, _SHAPES, number)
    return {**parts, "cells": tuple(rows), "cells_file": _SHAPES}


def _read_csv(name: str, content: bytes, model: type[R], faults: list[Fault]) -> NumberedRows[R] | None:
    """Return the rows that have no fault; None when the file as a whole cannot be read."""
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    except UnicodeDecodeError as error:
        faults.append(Fault(name, content[: error.start].count(b"\n") + 1, "not UTF-8: save the file as UTF-8"))
        return None
    try:
        header = next(lines, [])
        detail = _fault_of_header(header, model)
        if detail:
            faults.append(Fault(name, 1, detail))
            return None
        return tuple(_read_rows(name, lines, header, model, faults))
    except csv.Error as error:
        faults.append(Fault(name, lines.line_num, f"not CSV: {error}"))
        return None


def _fault_of_header(header: list[str], model: type[Row]) -> str | None:
    unknown = sorted(set(header) - model.model_fields.keys())
    missing = sorted(key for key, each in model.model_fields.items() if each.is_required() and key not in header)
    repeated = sorted(key for key in set(header) & model.model_fields.keys() if header.count(key) > 1)
    if not (unknown or missing or repeated):
        return None
    kinds = (("unknown", unknown), ("missing", missing), ("more than once", repeated))
    detail = "; ".join(f"{kind}: {', '.join(names)[:_QUOTE_LENGTH]}" for kind, names in kinds if names)
    return f"the header should be {','.join(model.model_fields)} ({detail})"


def _read_rows(
    name: str, lines: Any, header: list[str], model: type[R], faults: list[Fault]
) -> Iterator[tuple[int, R]]:
    first_lines: dict[str, int] = {}
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
            faults += _faults_of(error, model, name, number)
            continue
        first = first_lines.setdefault(row.key, number)
        if first != number:
            faults.append(Fault(name, number, f"{row.key} stands on line {first} already: keep one of them"))
            continue
        yield number, row


def _faults_of(error: ValidationError, model: type[Row], file: str, number: int) -> Iterator[Fault]:
    for each in sentences.validation_failed(error, model).errors:
        yield Fault(file, number, f"{each.pointer.removeprefix('/')}: {each.detail}")
