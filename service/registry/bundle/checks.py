"""Faults between the rows of a bundle: codes that must start with others, references, the one fallback unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.registry.bundle.parse import Bundle, Fault
from service.registry.bundle.rows import DutyRow, UnitRow
from service.rules.sentences import Sentence
from service.rules.words import CELL_DIGITS, COMMUNITY_DIGITS, DISTRICT_DIGITS, LEVEL_OF_KIND, STREET_DIGITS, UnitKind

_DIGITS = {UnitKind.DISTRICT: DISTRICT_DIGITS, UnitKind.STREET: STREET_DIGITS, UnitKind.COMMUNITY: COMMUNITY_DIGITS}
"""The kinds of units that are areas, with the number of digits of their codes."""
_STEP = 3
"""Digits that the code of a street, a community or a cell adds to the code of the area around it."""
_ZEROES = "000000"
_SHORTENED = Sentence(
    "Excel shortened the code of this community, it ends in zeros: format the column as text and enter it anew"
)
_REFERS_TO: Mapping[str, frozenset[str]] = {
    "units.csv": frozenset({"units.csv"}),
    "cells.csv": frozenset({"units.csv"}),
    "cells.geojson": frozenset({"units.csv", "cells.csv"}),
    "categories.csv": frozenset({"lines.csv"}),
    "duties.csv": frozenset({"units.csv", "categories.csv"}),
}
"""The files whose codes a file uses."""


@dataclass(frozen=True, slots=True)
class StoredCodes:
    """The codes in the database, to which rows of a bundle may refer as well, and the kinds of the stored units."""

    units: dict[str, UnitKind]
    categories: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    cells: frozenset[str] = frozenset()


def check(bundle: Bundle, stored: StoredCodes) -> list[Fault]:
    """Return every fault between rows, in the order of files and rows.

    A file is not checked when a file that it refers to could not be read: thousands of unknown codes would hide the
    cause.
    """
    kinds = {**stored.units, **{row.code: row.kind for _, row in bundle.units}}
    categories = stored.categories | {row.code for _, row in bundle.categories}
    lines = stored.lines | {row.code for _, row in bundle.lines}
    faults = [
        *_faults_of_units(bundle, kinds),
        *_faults_of_cells(bundle, kinds, stored.cells),
        *_faults_of_categories(bundle, categories, lines),
        *_faults_of_duties(bundle, kinds, categories),
        *_faults_of_districts(bundle, kinds),
    ]
    return sorted(fault for fault in faults if not _REFERS_TO[fault.file] & bundle.unread)


def _faults_of_units(bundle: Bundle, kinds: dict[str, UnitKind]) -> Iterator[Fault]:
    circles = _on_circles({row.code: row.parent for _, row in bundle.units})
    for number, row in bundle.units:
        for detail in (*_faults_of_unit(row), *_faults_of_references(row, kinds)):
            yield Fault("units.csv", number, detail)
        if row.code in circles:
            yield Fault("units.csv", number, f"its parents lead back to {row.code}: give one of them another parent")


def _faults_of_unit(row: UnitRow) -> Iterator[str]:
    """Yield the faults of a unit that show without other rows."""
    level = LEVEL_OF_KIND.get(row.kind)
    if row.level is not None and row.level != level:
        yield f"a {row.kind.value} has level {level.value if level else 'none'}, not {row.level}"
    digits = _DIGITS.get(row.kind)
    if digits and not (row.code.isdigit() and len(row.code) == digits):
        yield f"the code of a {row.kind.value} has {digits} digits, not '{row.code}'"
    elif row.kind is UnitKind.COMMUNITY and row.code.endswith(_ZEROES):
        yield _SHORTENED
    elif digits and row.parent and row.kind is not UnitKind.DISTRICT and row.parent != row.code[:-_STEP]:
        yield f"code {row.code} should start with its parent's: give {row.code[:-_STEP]}, not {row.parent}"
    if row.in_charge_of and row.kind is not UnitKind.LEADER:
        yield f"only a leader is in charge of others: leave in_charge_of out for a {row.kind.value}"
    if row.valid_from and row.valid_to and row.valid_to <= row.valid_from:
        yield "valid_to should lie after valid_from"


def _faults_of_references(row: UnitRow, kinds: dict[str, UnitKind]) -> Iterator[str]:
    """Yield the faults of the codes by which a unit names other units."""
    parents = (("parent", row.parent), ("line_parent", row.line_parent))
    for column, code in (*parents, *(("in_charge_of", code) for code in row.in_charge_of)):
        if code is not None and code not in kinds:
            yield f"unknown {column} '{code}': give the code of a row in units.csv"
    if row.parent is None and row.kind is not UnitKind.DISTRICT:
        yield "parent is needed: only the district stands alone"


def _on_circles(parents: Mapping[str, str | None]) -> set[str]:
    """Return the codes that are their own ancestors. Each code is visited once, however long the chain is."""
    found: set[str] = set()
    visited: set[str] = set()
    for code in parents:
        path: dict[str, int] = {}
        step: str | None = code
        while step is not None and step not in visited:
            path[step] = len(path)
            visited.add(step)
            step = parents.get(step)
        if step in path:
            found.update(list(path)[path[step] :])
    return found


def _faults_of_cells(bundle: Bundle, kinds: dict[str, UnitKind], stored: frozenset[str]) -> Iterator[Fault]:
    file = bundle.cells_file
    for number, row in bundle.cells:
        if not (row.code.isdigit() and len(row.code) == CELL_DIGITS):
            yield Fault(file, number, f"a cell's code has {CELL_DIGITS} digits, not '{row.code}'")
        elif row.community.endswith(_ZEROES):
            yield Fault(file, number, _SHORTENED)
        elif row.code[:COMMUNITY_DIGITS] != row.community:
            yield Fault(file, number, f"code {row.code} should start with its community's, {row.community}")
        if kinds.get(row.community) is not UnitKind.COMMUNITY:
            yield Fault(file, number, f"unknown community '{row.community}': give the code of one in units.csv")
    codes = {row.code for _, row in bundle.cells} | stored
    for code, (number, _) in bundle.shapes.items():
        if code not in codes:
            yield Fault("cells.geojson", number, f"unknown cell '{code}': give the code of a row in cells.csv")


def _faults_of_categories(bundle: Bundle, categories: Iterable[str], lines: frozenset[str]) -> Iterator[Fault]:
    for number, row in bundle.categories:
        if row.line not in lines:
            yield Fault("categories.csv", number, f"unknown line '{row.line}': give the code of a row in lines.csv")
        if row.parent is None:
            continue
        if row.parent not in categories:
            yield Fault("categories.csv", number, f"unknown parent '{row.parent}': give the code of another row")
        if not row.code.startswith(row.parent) or row.code == row.parent:
            yield Fault("categories.csv", number, f"code {row.code} should start with its parent's, {row.parent}")


def _faults_of_duties(bundle: Bundle, kinds: dict[str, UnitKind], categories: frozenset[str]) -> Iterator[Fault]:
    for number, row in bundle.duties:
        for _, detail in duty_faults(row, kinds, categories):
            yield Fault("duties.csv", number, detail)


def duty_faults(row: DutyRow, kinds: Mapping[str, UnitKind], categories: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the faults of a duty among these units and categories: the column, with the index in a list, and what to
    give instead."""
    if row.category not in categories:
        yield "category", f"unknown category '{row.category}': give the code of a category"
    if kinds.get(row.area) not in _DIGITS:
        yield "area", f"unknown area '{row.area}': give the code of a district, street or community"
    if kinds.get(row.lead_unit) not in LEVEL_OF_KIND:
        yield "lead_unit", f"lead_unit '{row.lead_unit}' should be a unit that can be called, such as a department"
    for index, code in enumerate(row.assisting):
        if code not in kinds:
            yield f"assisting/{index}", f"unknown assisting unit '{code}': give the code of a unit"
    if row.valid_from and row.valid_to and row.valid_to <= row.valid_from:
        yield "valid_to", "valid_to should lie after valid_from"


def _faults_of_districts(bundle: Bundle, kinds: dict[str, UnitKind]) -> Iterator[Fault]:
    districts = sorted(code for code, kind in kinds.items() if kind is UnitKind.DISTRICT)
    if len(districts) != 1:
        yield Fault(
            "units.csv", 0, f"there should be one unit of kind district, the fallback; here are {len(districts)}"
        )
    for number, row in bundle.units:
        if row.kind is UnitKind.DISTRICT and row.valid_to is not None:
            yield Fault("units.csv", number, "the district is the fallback for ever: leave valid_to out")
        if districts and row.kind in _DIGITS and not row.code.startswith(districts[0]):
            yield Fault("units.csv", number, f"code {row.code} lies outside the district {districts[0]}")
