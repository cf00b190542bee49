"""docs/registry.md describes the bundle: every file, every column, every kind of unit."""

from __future__ import annotations

import re

import pytest

from service.places import geojson
from service.registry.bundle import files, parse, rows
from service.rules.words import LEVEL_OF_KIND, UnitKind
from tests.docs import pages

PAGE = pages.DOCS / "registry.md"
TABLES: dict[str, type[rows.Row]] = {
    "lines.csv": rows.LineRow,
    "units.csv": rows.UnitRow,
    "cells.csv": rows.CellRow,
    "categories.csv": rows.CategoryRow,
    "duties.csv": rows.DutyRow,
    "calendar.csv": rows.CalendarRow,
}


def _is_unknown(name: str) -> bool:
    return any("unknown file" in str(fault) for fault in parse.bundle_of({name: b""}).faults)


@pytest.mark.clause("ASVS 5.1.1")
def test_the_files_are_those_of_a_bundle() -> None:
    assert set(TABLES.values()) == set(rows.Row.__subclasses__())
    listed = pages.column(PAGE, "The files", "file")
    assert sorted(listed) == sorted([*TABLES, "cells.geojson", "policy.yaml"])
    assert not any(map(_is_unknown, listed))
    assert _is_unknown("people.csv")


@pytest.mark.clause("ASVS 2.1.1")
@pytest.mark.parametrize("file", TABLES)
def test_the_columns_of_a_file_are_complete(file: str) -> None:
    listed = {pages.quoted(row["column"])[0]: row["required"] for row in pages.rows(PAGE, file)}
    fields = TABLES[file].model_fields
    assert listed == {name: "yes" if field.is_required() else "no" for name, field in fields.items()}
    assert list(listed) == list(fields)


@pytest.mark.parametrize("file", TABLES)
def test_the_examples_of_a_file_make_a_sound_row(file: str) -> None:
    """The example of each column, taken together, can be read."""
    listed = pages.rows(PAGE, file)
    example = {pages.quoted(row["column"])[0]: "".join(pages.quoted(row["example"])) for row in listed}
    text = f"{','.join(example)}\n{','.join(example.values())}\n"
    bundle = parse.bundle_of({file: text.encode()})
    assert bundle.faults == []
    assert len(getattr(bundle, file.removesuffix(".csv"))) == 1


def test_kinds_of_units_have_their_levels() -> None:
    table = re.findall(r"^\| `(\w+)` \| ([1-4]?) *\|", pages.section(PAGE, "units.csv"), flags=re.MULTILINE)
    assert dict(table) == {kind.value: str(LEVEL_OF_KIND.get(kind, "")) for kind in UnitKind}


def test_the_properties_of_a_shape_are_complete() -> None:
    assert tuple(pages.column(PAGE, "cells.geojson", "property")) == geojson._PROPERTIES


@pytest.mark.clause("ASVS 2.1.3", "ASVS 5.1.1")
def test_limits_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"at most {geojson.MAX_VERTICES:,} vertices" in text
    assert f"at most {files._MAX_ENTRIES} files of {files.MAX_BYTES // 2**20} MiB in sum" in text
