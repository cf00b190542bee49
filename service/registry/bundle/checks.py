"""What no single row shows: codes that must be prefixes of each other, references, one fallback unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.registry.bundle.parse import Bundle, Fault
from service.registry.bundle.rows import DutyRow, UnitRow
from service.rules.words import CELL_DIGITS, COMMUNITY_DIGITS, DISTRICT_DIGITS, LEVEL_OF_KIND, STREET_DIGITS, UnitKind

_DIGITS = {UnitKind.DISTRICT: DISTRICT_DIGITS, UnitKind.STREET: STREET_DIGITS, UnitKind.COMMUNITY: COMMUNITY_DIGITS}
"""Units whose code is an area's code (contract §1, grid cell)."""
_STEP = 3
"""Digits by which a street's, a community's and a cell's code are longer than that of the area around them."""
_REFERS_TO: Mapping[str, frozenset[str]] = {
    "units.csv": frozenset({"units.csv"}),
    "cells.csv": frozenset({"units.csv"}),
    "cells.geojson": frozenset({"units.csv", "cells.csv"}),
    "categories.csv": frozenset({"lines.csv"}),
    "duties.csv": frozenset({"units.csv", "categories.csv"}),
}


@dataclass(frozen=True, slots=True)
class StoredCodes:
    """What the database holds already: code → kind for units, and codes. A bundle may be a part."""

    units: dict[str, UnitKind]
    categories: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    cells: frozenset[str] = frozenset()


def check(bundle: Bundle, known: StoredCodes) -> list[Fault]:
    """Every fault between rows, in the order of files and rows.

    A file that refers to one that could not be read is not judged: thousands of unknown codes would bury the cause.
    """
    kinds = {**known.units, **{row.code: row.kind for _, row in bundle.units}}
    categories = known.categories | {row.code for _, row in bundle.categories}
    lines = known.lines | {row.code for _, row in bundle.lines}
    found = [
        *_units(bundle, kinds),
        *_cells(bundle, kinds, known.cells),
        *_categories(bundle, categories, lines),
        *_duties(bundle, kinds, categories),
        *_fallback(bundle, kinds),
    ]
    return sorted(fault for fault in found if not _REFERS_TO[fault.file] & bundle.unread)


def _units(bundle: Bundle, kinds: dict[str, UnitKind]) -> Iterator[Fault]:
    circles = _on_circles({row.code: row.parent for _, row in bundle.units})
    for number, row in bundle.units:
        for detail in (*_shape(row), *_references(row, kinds)):
            yield Fault("units.csv", number, detail)
        if row.code in circles:
            yield Fault("units.csv", number, f"its parents lead back to {row.code}: give one of them another parent")


def _shape(row: UnitRow) -> Iterator[str]:
    level = LEVEL_OF_KIND.get(row.kind)
    if row.level is not None and row.level != level:
        yield f"a {row.kind.value} has level {level.value if level else 'none'}, not {row.level}"
    digits = _DIGITS.get(row.kind)
    if digits and not (row.code.isdigit() and len(row.code) == digits):
        yield f"the code of a {row.kind.value} has {digits} digits, not '{row.code}'"
    elif digits and row.parent and row.kind is not UnitKind.DISTRICT and row.parent != row.code[:-_STEP]:
        yield f"code {row.code} should start with its parent's: give {row.code[:-_STEP]}, not {row.parent}"
    if row.in_charge_of and row.kind is not UnitKind.LEADER:
        yield f"only a leader is in charge of others: leave in_charge_of out for a {row.kind.value}"
    if row.valid_from and row.valid_to and row.valid_to <= row.valid_from:
        yield "valid_to should lie after valid_from"


def _references(row: UnitRow, kinds: dict[str, UnitKind]) -> Iterator[str]:
    named = (("parent", row.parent), ("line_parent", row.line_parent), *(("in_charge_of", c) for c in row.in_charge_of))
    for column, code in named:
        if code is not None and code not in kinds:
            yield f"unknown {column} '{code}': give the code of a row in units.csv"
    if row.parent is None and row.kind is not UnitKind.DISTRICT:
        yield "parent is needed: only the district stands alone"


def _on_circles(parents: Mapping[str, str | None]) -> set[str]:
    """Codes that are their own ancestor. Each code is walked once, so a long chain costs no more than a flat list."""
    found: set[str] = set()
    walked: set[str] = set()
    for code in parents:
        path: dict[str, int] = {}
        step: str | None = code
        while step is not None and step not in walked:
            path[step] = len(path)
            walked.add(step)
            step = parents.get(step)
        if step in path:
            found.update(list(path)[path[step] :])
    return found


def _cells(bundle: Bundle, kinds: dict[str, UnitKind], known: frozenset[str]) -> Iterator[Fault]:
    file = bundle.cells_file
    for number, row in bundle.cells:
        if not (row.code.isdigit() and len(row.code) == CELL_DIGITS):
            yield Fault(file, number, f"a cell's code has {CELL_DIGITS} digits, not '{row.code}'")
        elif row.code[:COMMUNITY_DIGITS] != row.community:
            yield Fault(
                bundle.cells_file, number, f"code {row.code} should start with its community's, {row.community}"
            )
        if kinds.get(row.community) is not UnitKind.COMMUNITY:
            yield Fault(
                bundle.cells_file, number, f"unknown community '{row.community}': give the code of one in units.csv"
            )
    codes = {row.code for _, row in bundle.cells} | known
    for code, (number, _) in bundle.shapes.items():
        if code not in codes:
            yield Fault("cells.geojson", number, f"unknown cell '{code}': give the code of a row in cells.csv")


def _categories(bundle: Bundle, categories: Iterable[str], lines: frozenset[str]) -> Iterator[Fault]:
    for number, row in bundle.categories:
        if row.line not in lines:
            yield Fault("categories.csv", number, f"unknown line '{row.line}': give the code of a row in lines.csv")
        if row.parent is None:
            continue
        if row.parent not in categories:
            yield Fault("categories.csv", number, f"unknown parent '{row.parent}': give the code of another row")
        if not row.code.startswith(row.parent) or row.code == row.parent:
            yield Fault("categories.csv", number, f"code {row.code} should start with its parent's, {row.parent}")


def _duties(bundle: Bundle, kinds: dict[str, UnitKind], categories: frozenset[str]) -> Iterator[Fault]:
    for number, row in bundle.duties:
        for _, detail in duty_faults(row, kinds, categories):
            yield Fault("duties.csv", number, detail)


def duty_faults(row: DutyRow, kinds: Mapping[str, UnitKind], categories: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a duty among these units and categories: its column (and the index, in a list), and what to
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


def _fallback(bundle: Bundle, kinds: dict[str, UnitKind]) -> Iterator[Fault]:
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
