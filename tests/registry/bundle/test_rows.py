"""Rows of a bundle: lists in a field, days, and what a file may name only once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from service.registry.bundle.rows import READERS, CalendarRow, CategoryRow, CellRow, DutyRow, LineRow, UnitRow


def test_every_column_but_plain_text_has_a_reader() -> None:
    """A spreadsheet rewrites codes, lists, days and booleans; a new column of such a kind needs a reader, too."""
    plain = {"name", "title", "basis", "note", "kind", "level", "urgency"}
    models = (CalendarRow, CategoryRow, CellRow, DutyRow, LineRow, UnitRow)
    assert {column for model in models for column in model.model_fields} - plain == set(READERS)


def test_a_duty_without_assistants_and_basis_is_whole() -> None:
    fields = {"code": "d", "title": "t", "category": "c", "area": "440105", "lead_unit": "u"}
    row = DutyRow.model_validate({**fields, "valid_to": "2027-01-01"})
    assert (row.assisting, row.basis, row.valid_from) == ((), "-", None)
    assert row.valid_to == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_a_calendar_has_each_day_once() -> None:
    assert LineRow(code="a", name="n").key == "code a"
    day = CalendarRow.model_validate({"code": "cn", "day": "2027-01-01", "workday": "false"})
    assert (day.key, day.workday) == ("cn 2027-01-01", False)


def test_a_row_refuses_unknown_columns() -> None:
    with pytest.raises(ValidationError):
        LineRow.model_validate({"code": "a", "name": "n", "nmae": "n"})
