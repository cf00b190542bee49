"""Workbooks (xlsx) that are written for Excel and WPS, a row at a time."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from service.rules.worktime import ZONE
from service.sheets.columns import CellStyle, WrittenCell, WrittenColumn, WrittenRow

_OPTIONS = {
    "constant_memory": True,  # a row goes to a file of its own as soon as the next one begins
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_KEYS = 2
"""The first columns of a sheet name its row, and stay in sight."""


class WorkbookFile:
    """A workbook of sheets that are written one after the other: `with WorkbookFile(now) as book`. `made_at`: the time
    that it names as its beginning."""

    def __init__(self, made_at: datetime) -> None:
        self._bytes, self._folder = io.BytesIO(), tempfile.TemporaryDirectory(prefix="sihu-")
        # imported here: it takes a twentieth of a second, and most processes never write a workbook
        book = import_module("xlsxwriter").Workbook(self._bytes, {**_OPTIONS, "tmpdir": self._folder.name})
        book.set_properties({"created": made_at.astimezone(ZONE).replace(tzinfo=None)})
        self._formats = {style: book.add_format({"num_format": style.number_format}) for style in CellStyle}
        self._heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._book: Any = book
        self._sheet: Any = None
        self._styles: list[Any] = []
        self._row = 0

    def __enter__(self) -> WorkbookFile:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the rows from the disk, also of a workbook that was not finished."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()
        self._folder.cleanup()

    def begin(self, name: str, columns: Sequence[WrittenColumn]) -> None:
        """Begin a sheet: its row of headings, which stays in sight. A name has at most 31 characters."""
        self._sheet, self._row = self._book.add_worksheet(name), 0
        self._styles = [self._formats[each.style] for each in columns]
        self._sheet.freeze_panes(1, _KEYS)
        for n, column in enumerate(columns):
            self._sheet.set_column(n, n, column.style.width)
            self._sheet.write_string(0, n, column.heading, self._heading)

    def add(self, rows: Iterable[WrittenRow]) -> None:
        """Write further rows of the sheet that was begun last."""
        for row in rows:
            self._row += 1
            for n, cell in enumerate(row):
                self._write(n, cell, self._styles[n])

    def _write(self, n: int, cell: WrittenCell, style: Any) -> None:
        place = self._row, n
        if isinstance(cell, bool):
            self._sheet.write_boolean(*place, cell)
        elif isinstance(cell, datetime):
            self._sheet.write_datetime(*place, cell.astimezone(ZONE).replace(tzinfo=None), style)
        elif isinstance(cell, str):
            self._sheet.write_string(*place, cell, style)
        elif cell is not None:
            self._sheet.write_number(*place, cell, style)

    def content(self) -> bytes:
        """The file. Nothing more can be written to it then."""
        self._book.close()
        return self._bytes.getvalue()
