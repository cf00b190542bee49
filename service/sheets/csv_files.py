"""CSV files that are written for spreadsheets. No text in them is a formula there."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from service.rules.worktime import ZONE
from service.sheets.columns import WrittenCell, WrittenColumn, WrittenRow
from service.web import characters

_BOM = "\ufeff"
"""A byte order mark, by which Excel recognises UTF-8."""
_SIGNS = frozenset("=+-@")
"""The first visible characters of a cell that a spreadsheet would compute. East Asian spreadsheets take the full-width
and small forms of these for the same signs."""
_BREAKS = frozenset("\t\r\n")
"""Blanks that end a cell or a line when the file is pasted, so that what follows them is the start of a cell."""


class CsvFile:
    """A CSV file in UTF-8, of one sheet: a line of headings, then one line a row."""

    def __init__(self) -> None:
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)

    def __enter__(self) -> CsvFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def begin(self, _: str, columns: Sequence[WrittenColumn]) -> None:
        """Write the line of headings; the file has no name for its sheet."""
        self._writer.writerow([each.heading for each in columns])

    def add(self, rows: Iterable[WrittenRow]) -> None:
        """Write further rows."""
        self._writer.writerows([_text_of(each) for each in row] for row in rows)

    def content(self) -> bytes:
        """The file."""
        return (_BOM + self._text.getvalue()).encode()


def _text_of(cell: WrittenCell) -> str | float | None:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.astimezone(ZONE).isoformat()
    return _inert(cell) if isinstance(cell, str) else cell


def _inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula, whatever stands before its first visible character."""
    start = next((place for place, each in enumerate(text) if _stands_alone(each)), len(text))
    first = unicodedata.normalize("NFKC", text[start : start + 1])[:1]
    return f"'{text}" if first in _SIGNS or not _BREAKS.isdisjoint(text[:start]) else text


def _stands_alone(character: str) -> bool:
    """Whether a character is seen, and is no mark on the one before it."""
    return characters.is_visible(character) and not unicodedata.category(character).startswith("M")
