"""Faults between the rows of a bundle: codes that must start with others, references, the one fallback unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.registry.bundle.parse import Bundle, Fault
from service.registry.bundle.rows import CategoryRow, CellRow, DutyRow, UnitRow
from service.rules.sentences import Sentence
from service.rules.words import (
    CELL_DIGITS,
    COMMUNITY_DIGITS,
    DISTRICT_DIGITS,
    LEVEL_OF_KIND,
    STREET_DIGITS,
    Level,
    UnitKind,
)

_DIGITS = {UnitKind.DISTRICT: DISTRICT_DIGITS, UnitKind.STREET: STREET_DIGITS, UnitKind.COMMUNITY: COMMUNITY_DIGITS}
"""The kinds of units that are areas, with the number of digits of their codes."""
_STEP = 3
"""Digits that the code of a street, a community or a cell adds to the code of the area around it."""
_ZEROES = "000000"
_SHORTENED = Sentence(
    "Excel shortened the code of this community, it ends in zeros: format the column as text and enter it anew"
)
_ENDS_FIRST = Sentence("valid_to should lie after valid_from")
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
        *_faults_of_partners(bundle, categories),
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
            yield Fault(
                "units.csv",
                number,
                Sentence("its parents lead back to {code}: give one of them another parent", code=row.code),
            )


def _faults_of_unit(row: UnitRow) -> Iterator[Sentence]:
    """Yield the faults of a unit that show without other rows."""
    level = LEVEL_OF_KIND.get(row.kind)
    if row.level is not None and row.level != level:
        yield _wrong_level(row.kind, level, row.level)
    digits = _DIGITS.get(row.kind)
    if digits and not (row.code.isdigit() and len(row.code) == digits):
        yield Sentence(
            "the code of a {kind} has {digits} digits, not '{code}'", kind=row.kind, digits=digits, code=row.code
        )
    elif row.kind is UnitKind.COMMUNITY and row.code.endswith(_ZEROES):
        yield _SHORTENED
    elif digits and row.parent and row.kind is not UnitKind.DISTRICT and row.parent != row.code[:-_STEP]:
        yield Sentence(
            "code {code} should start with its parent's: give {right}, not {parent}",
            code=row.code,
            right=row.code[:-_STEP],
            parent=row.parent,
        )
    if row.in_charge_of and row.kind is not UnitKind.LEADER:
        yield Sentence("only a leader is in charge of others: leave in_charge_of out for a {kind}", kind=row.kind)
    if row.answers_for and row.kind is not UnitKind.PARTNER:
        yield Sentence("only a partner answers for others: leave answers_for out for a {kind}", kind=row.kind)
    if row.valid_from and row.valid_to and row.valid_to <= row.valid_from:
        yield _ENDS_FIRST


def _faults_of_partners(bundle: Bundle, categories: frozenset[str]) -> Iterator[Fault]:
    """Yield the categories for which a partner would answer, and which there are not. Where the categories could not be
    read, that is the fault."""
    if "categories.csv" in bundle.unread:
        return
    for number, row in bundle.units:
        for prefix in row.answers_for:
            if not any(code.startswith(prefix) for code in categories):
                detail = Sentence(
                    "unknown answers_for '{code}': give the first letters of a code in categories.csv", code=prefix
                )
                yield Fault("units.csv", number, detail)


def _wrong_level(kind: UnitKind, right: Level | None, level: int) -> Sentence:
    if right is None:
        return Sentence("a {kind} has level none, not {level}: leave it out", kind=kind, level=level)
    return Sentence("a {kind} has level {right}, not {level}", kind=kind, right=right.value, level=level)


def _faults_of_references(row: UnitRow, kinds: dict[str, UnitKind]) -> Iterator[Sentence]:
    """Yield the faults of the codes by which a unit names other units."""
    parents = (("parent", row.parent), ("line_parent", row.line_parent))
    for column, code in (*parents, *(("in_charge_of", code) for code in row.in_charge_of)):
        if code is not None and code not in kinds:
            yield Sentence("unknown {column} '{code}': give the code of a row in units.csv", column=column, code=code)
    if row.parent is None and row.kind is not UnitKind.DISTRICT:
        yield Sentence("parent is needed: only the district stands alone")


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
            yield Fault(file, number, _cell_digits(row.code))
        elif row.community.endswith(_ZEROES):
            yield Fault(file, number, _SHORTENED)
        elif row.code[:COMMUNITY_DIGITS] != row.community:
            yield Fault(file, number, _not_of_community(row))
        if kinds.get(row.community) is not UnitKind.COMMUNITY:
            yield Fault(file, number, _unknown_community(row.community))
    codes = {row.code for _, row in bundle.cells} | stored
    for code, (number, _) in bundle.shapes.items():
        if code not in codes:
            detail = Sentence("unknown cell '{code}': give the code of a row in cells.csv", code=code)
            yield Fault("cells.geojson", number, detail)


def _cell_digits(code: str) -> Sentence:
    return Sentence("a cell's code has {digits} digits, not '{code}'", digits=CELL_DIGITS, code=code)


def _not_of_community(row: CellRow) -> Sentence:
    return Sentence(
        "code {code} should start with its community's, {community}", code=row.code, community=row.community
    )


def _unknown_community(code: str) -> Sentence:
    return Sentence("unknown community '{code}': give the code of one in units.csv", code=code)


def _faults_of_categories(bundle: Bundle, categories: Iterable[str], lines: frozenset[str]) -> Iterator[Fault]:
    for number, row in bundle.categories:
        if row.line not in lines:
            yield Fault("categories.csv", number, _unknown_line(row.line))
        if row.urgencies and row.urgency not in row.urgencies:
            yield Fault("categories.csv", number, _not_allowed(row))
        if row.parent is None:
            continue
        if row.parent not in categories:
            yield Fault("categories.csv", number, _unknown_parent(row.parent))
        if not row.code.startswith(row.parent) or row.code == row.parent:
            detail = Sentence("code {code} should start with its parent's, {parent}", code=row.code, parent=row.parent)
            yield Fault("categories.csv", number, detail)


def _not_allowed(row: CategoryRow) -> Sentence:
    return Sentence(
        "urgency {urgency}, that of a report that names none, should be among the urgencies: add it, or give another",
        urgency=row.urgency,
    )


def _unknown_line(code: str) -> Sentence:
    return Sentence("unknown line '{code}': give the code of a row in lines.csv", code=code)


def _unknown_parent(code: str) -> Sentence:
    return Sentence("unknown parent '{code}': give the code of another row", code=code)


def _faults_of_duties(bundle: Bundle, kinds: dict[str, UnitKind], categories: frozenset[str]) -> Iterator[Fault]:
    for number, row in bundle.duties:
        for _, detail in duty_faults(row, kinds, categories):
            yield Fault("duties.csv", number, detail)


def duty_faults(
    row: DutyRow, kinds: Mapping[str, UnitKind], categories: frozenset[str]
) -> Iterator[tuple[str, Sentence]]:
    """Yield the faults of a duty among these units and categories: the column, with the index in a list, and what to
    give instead."""
    if row.category not in categories:
        detail = Sentence("unknown category '{code}': give the code of a category", code=row.category)
        yield "category", detail
    if kinds.get(row.area) not in _DIGITS:
        detail = Sentence("unknown area '{code}': give the code of a district, street or community", code=row.area)
        yield "area", detail
    if kinds.get(row.lead_unit) not in LEVEL_OF_KIND:
        detail = Sentence(
            "lead_unit '{code}' should be a unit that can be called, such as a department", code=row.lead_unit
        )
        yield "lead_unit", detail
    for index, code in enumerate(row.assisting):
        if code not in kinds:
            detail = Sentence("unknown assisting unit '{code}': give the code of a unit", code=code)
            yield f"assisting/{index}", detail
    if row.valid_from and row.valid_to and row.valid_to <= row.valid_from:
        yield "valid_to", _ENDS_FIRST


def _faults_of_districts(bundle: Bundle, kinds: dict[str, UnitKind]) -> Iterator[Fault]:
    districts = sorted(code for code, kind in kinds.items() if kind is UnitKind.DISTRICT)
    if len(districts) != 1:
        count = len(districts)
        detail = Sentence("there should be one unit of kind district, the fallback; here are {count}", count=count)
        yield Fault("units.csv", 0, detail)
    for number, row in bundle.units:
        if row.kind is UnitKind.DISTRICT and row.valid_to is not None:
            detail = Sentence("the district is the fallback for ever: leave valid_to out")
            yield Fault("units.csv", number, detail)
        if districts and row.kind in _DIGITS and not row.code.startswith(districts[0]):
            code, district = row.code, districts[0]
            detail = Sentence("code {code} lies outside the district {district}", code=code, district=district)
            yield Fault("units.csv", number, detail)
