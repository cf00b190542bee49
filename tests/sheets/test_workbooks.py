"""Workbooks as another program reads them: numbers are numbers, times are times, and text is never computed."""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from service.sheets.columns import CellStyle, WrittenCell, WrittenColumn
from service.sheets.workbooks import WorkbookFile

NOW = datetime(2026, 12, 5, 1, 2, 3, tzinfo=UTC)
STYLES = (CellStyle.NAME, CellStyle.COUNT, CellStyle.SHARE, CellStyle.TIME)
COLUMNS = [WrittenColumn(style.name, style) for style in STYLES]


def _local(text: str) -> datetime:
    """A time as a workbook has it: of Asia/Shanghai, without saying so."""
    return datetime.fromisoformat(text)


def _opened(*rows: list[WrittenCell]) -> Any:
    with WorkbookFile(NOW) as book:
        book.begin("First", COLUMNS)
        book.add(rows)
        book.begin("Second", COLUMNS[:1])
        content = book.content()
    return openpyxl.load_workbook(io.BytesIO(content))


def test_values_keep_their_kinds_and_formats() -> None:
    sheet = _opened(["街道", 3, 0.25, datetime(2026, 11, 30, 16, 0, 5, tzinfo=UTC)], [None, None, None, True])["First"]
    heading, first, second = sheet.iter_rows()
    assert [cell.value for cell in heading] == ["NAME", "COUNT", "SHARE", "TIME"]
    assert [cell.value for cell in first] == ["街道", 3, 0.25, _local("2026-12-01T00:00:05")]
    assert [cell.data_type for cell in first] == ["s", "n", "n", "d"]
    assert [cell.number_format for cell in first] == ["@", "0", "0.0%", "yyyy-mm-dd hh:mm:ss"]
    assert [cell.value for cell in second] == [None, None, None, True]
    assert heading[0].font.bold


def test_headings_stay_in_sight_on_every_sheet() -> None:
    book = _opened()
    assert [each.title for each in book] == ["First", "Second"]
    assert {each.freeze_panes for each in book} == {"C2"}
    assert book["First"].column_dimensions["D"].width == pytest.approx(CellStyle.TIME.width, abs=1)
    assert book.properties.created == _local("2026-12-05T09:02:03"), "not by the clock of the machine"


@pytest.mark.parametrize("text", ["=1+1", "{=1}", "+86", "@SUM(1)", "http://evil", "0100", "mailto:x", " x"])
def test_text_stays_text(text: str) -> None:
    cell = _opened([text])["First"]["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_a_file_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken() -> None:
        with WorkbookFile(NOW) as book:
            book.begin("First", COLUMNS)
            book.add([["x"]] * 10)
            assert [*tmp_path.iterdir()], "rows are on the disk meanwhile"
            raise LookupError

    with pytest.raises(LookupError):
        broken()
    assert [*tmp_path.iterdir()] == []
