"""Files become a `Bundle`: rows with the line each stands on, shapes, a policy. Faults are collected, never raised.

The columns of each file are the fields of its class in `rows`, read as `sheets` reads them. A list in a field is
separated by ';'. A date is a day in Asia/Shanghai. A changed row without `valid_from` is in force from the import on;
`changes` says why no change starts in the past.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from service.places.geojson import read_shapes
from service.registry.bundle.files import POLICY, SHAPES, TABLES, fault_of_name
from service.registry.bundle.rows import (
    READERS,
    CalendarRow,
    CategoryRow,
    CellRow,
    DutyRow,
    LineRow,
    Row,
    UnitRow,
)
from service.rules.sentences import Sentence
from service.rules.world import Rings
from service.sheets import decoding
from service.sheets.cells import read_cells
from service.sheets.tables import SheetColumns, read_sheet
from service.times.policy_checks import read_policy
from service.times.policy_file import PolicyFile
from service.web import faults as sentences


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a file, and what to do about it. `row` is the line of the file, of which the header is line 1; 0
    stands for the file as a whole."""

    file: str
    row: int
    detail: Sentence

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def sentence(self) -> Sentence:
        """The fault with its place."""
        if not self.row:
            return Sentence("{file}: {fault}", file=self.file, fault=self.detail)
        return Sentence("{file}:{line}: {fault}", file=self.file, line=self.row, fault=self.detail)


R = TypeVar("R", bound=Row)
NumberedRows = tuple[tuple[int, R], ...]
"""Rows with the line of the file that each stands on."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The content of a bundle, without the rows that have faults.

    `unread` names the files of which no row could be read. `notes` say how files were read. `cells_file` is the file
    that `cells` come from. `shapes` of cells.geojson are by code, each with the number of its feature.
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
    notes: tuple[Sentence, ...] = ()


_ROWS: Mapping[str, type[Row]] = {
    "lines.csv": LineRow,
    "units.csv": UnitRow,
    "cells.csv": CellRow,
    "categories.csv": CategoryRow,
    "duties.csv": DutyRow,
    "calendar.csv": CalendarRow,
}


def bundle_of(files: Mapping[str, bytes]) -> Bundle:
    """Read all files (name → content). The bundle carries every fault; no content raises."""
    parts: dict[str, Any] = {}
    faults: list[Fault] = []
    unread: set[str] = set()
    for name, content in files.items():
        if name in TABLES:
            rows = _read_csv(name, content, _ROWS[name], faults)
            if rows is None:
                unread.add(name)
            else:
                parts[name.removesuffix(".csv")] = rows
        elif name == POLICY:
            parts["policy"], details = read_policy(content)
            faults += [Fault(name, 0, detail) for detail in details]
        elif name != SHAPES:
            faults.append(Fault(name, 0, fault_of_name(name)))
    if SHAPES in files:
        parts |= _read_shapes(files[SHAPES], parts.get("cells"), faults)
    notes = tuple(each for name, content in files.items() if (each := decoding.note(name, content)))
    return Bundle(**parts, faults=faults, unread=frozenset(unread), notes=notes)


def _read_shapes(content: bytes, cells: NumberedRows[CellRow] | None, faults: list[Fault]) -> dict[str, Any]:
    """Return the shapes by code and, if the bundle has no cells.csv, also the cells that cells.geojson names."""
    shapes, details = read_shapes(content)
    faults += [Fault(SHAPES, number, detail) for number, detail in details]
    parts: dict[str, Any] = {"shapes": {shape.code: (number, shape.rings) for number, shape in shapes}}
    if cells is not None:
        names = {row.code: (row.name, row.community) for _, row in cells}
        for number, shape in shapes:
            if names.get(shape.code, (shape.name, shape.community)) != (shape.name, shape.community):
                detail = Sentence("cell {code} has another name or community in cells.csv", code=shape.code)
                faults.append(Fault(SHAPES, number, detail))
        return parts
    rows = []
    for number, shape in shapes:
        try:
            rows.append((number, CellRow(code=shape.code, name=shape.name, community=shape.community)))
        except ValidationError as error:
            faults += _faults_of(error, CellRow, SHAPES, number)
    return {**parts, "cells": tuple(rows), "cells_file": SHAPES}


def _read_csv(name: str, content: bytes, model: type[R], faults: list[Fault]) -> NumberedRows[R] | None:
    """Return the rows that have no fault; None when the file as a whole cannot be read."""
    required = [key for key, each in model.model_fields.items() if each.is_required()]
    sheet = read_sheet(content, SheetColumns(tuple(model.model_fields), required))
    faults += [Fault(name, line, detail) for line, detail in sheet.faults]
    rows = tuple(_read_rows(name, sheet.rows, model, faults))
    return rows if sheet.whole else None


def _read_rows(
    name: str, numbered: Iterable[tuple[int, Mapping[str, str]]], model: type[R], faults: list[Fault]
) -> Iterator[tuple[int, R]]:
    first_lines: dict[str, int] = {}
    for number, texts in numbered:
        values, wrong = read_cells(texts, READERS)
        faults += [Fault(name, number, _in_column(column, detail)) for column, detail in wrong.items()]
        try:
            row = model.model_validate(values)
        except ValidationError as error:
            faults += _faults_of(error, model, name, number, wrong)
            continue
        if wrong:
            continue
        first = first_lines.setdefault(row.key, number)
        if first != number:
            detail = Sentence("{key} stands on line {line} already: keep one of them", key=row.key, line=first)
            faults.append(Fault(name, number, detail))
            continue
        yield number, row


def _faults_of(
    error: ValidationError, model: type[Row], file: str, number: int, known: Collection[str] = ()
) -> Iterator[Fault]:
    """Yield the faults that pydantic finds in a row, without those of the columns whose fault is known already."""
    for each in sentences.validation_failed(error, model).errors:
        column = each.pointer.removeprefix("/")
        if column.partition("/")[0] not in known:
            yield Fault(file, number, _in_column(column, each.detail))


def _in_column(column: str, fault: Sentence) -> Sentence:
    return Sentence("{column}: {fault}", column=column, fault=fault)
