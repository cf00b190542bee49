"""CSV files become rows, each with the line of the file on which it begins. Faults are collected, never raised.

Read are commas, tabs and semicolons, whichever the header is written with; blank rows and empty columns at the end,
which spreadsheets leave behind, mean nothing. A column is known by its name, in any case of letters.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from service.rules.sentences import Sentence
from service.sheets.decoding import UnreadableFile, decode

_EDGES = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\xad\u1680\u180e\u3000\ufeff"
    + "".join(map(chr, range(0x2000, 0x2010)))
    + "".join(map(chr, range(0x2028, 0x2030)))
    + "".join(map(chr, range(0x205F, 0x2070)))
)
"""What stands unseen around a value: blanks of every width, marks of direction, and the mark of UTF-8."""
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
"""How other programs write a code so that Excel leaves its digits alone."""
_DELIMITERS = ",\t;"
_DELIMITER_LINE = re.compile(r"sep=([,;\t|])\s*", re.IGNORECASE)
"""The first line by which Excel is told the separator; it is no row."""
_QUOTE_LENGTH = 60
_MAX_NAMES_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """The columns of a file. With `others`, a column of another name is passed over; else it is a fault."""

    known: Sequence[str]
    required: Collection[str]
    others: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """The content of a file: `rows` with their lines, each a mapping of columns to values that are not empty.

    `faults` have the line they stand on, 0 for the file as a whole. A file is not `whole` when its reading stopped.
    """

    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    faults: list[tuple[int, Sentence]] = field(default_factory=list)
    whole: bool = True


def read_sheet(content: bytes, columns: SheetColumns) -> Sheet:
    """Return the rows and the faults of a CSV file. No content raises."""
    try:
        text = decode(content)
    except UnreadableFile as unread:
        return Sheet(faults=[(unread.line, unread.detail)], whole=False)
    records = _Records(text, columns)
    rows: list[tuple[int, dict[str, str]]] = []
    faults: list[tuple[int, Sentence]] = []
    try:
        line, header = next(records, (1, []))
        if fault := _fault_of_header(header, columns):
            return Sheet(faults=[(line, fault)], whole=False)
        names = [name.casefold() for name in header]
        unnamed = "" in names
        for line, values in records:
            fault = _fault_of_row(names, values) if unnamed or len(values) > len(names) else None
            if fault:
                faults.append((line, fault))
            else:
                rows.append((line, _row(names, values, columns.known)))
    except csv.Error as error:
        faults.append((records.first_line, _fault_of_csv(error)))
        return Sheet(rows, faults, whole=False)
    return Sheet(rows, faults)


class _Records(Iterator[tuple[int, list[str]]]):
    """The records of a text that hold anything, each with its first line. The header is the first of them."""

    def __init__(self, text: str, columns: SheetColumns) -> None:
        first = next(io.StringIO(text, newline=""), "")
        named = _DELIMITER_LINE.fullmatch(first)
        self._skipped_lines = 1 if named else 0
        body = text.removeprefix(first) if named else text
        delimiter = named[1] if named else _delimiter(body, columns)
        self._reader: Any = csv.reader(io.StringIO(body, newline=""), strict=True, delimiter=delimiter)
        self.first_line = 1

    def __next__(self) -> tuple[int, list[str]]:
        while True:
            self.first_line = self._reader.line_num + self._skipped_lines + 1
            values = [_value(each) for each in next(self._reader)]
            while values and not values[-1]:
                values.pop()
            if values:
                return self.first_line, values


def _delimiter(text: str, columns: SheetColumns) -> str:
    """Return the delimiter by which the header has the most known columns; a comma, if none has any."""
    header = next((line for line in io.StringIO(text, newline=None) if line.strip(_EDGES + _DELIMITERS + '"')), "")
    known = set(columns.known)

    def score(delimiter: str) -> int:
        return sum(_value(each.strip('" ')).casefold() in known for each in header.split(delimiter))

    return max(_DELIMITERS, key=score)


def _value(text: str) -> str:
    value = text.strip(_EDGES)
    formula = _TEXT_FORMULA.fullmatch(value) if value.startswith("=") else None
    return formula[1].strip(_EDGES) if formula else value


def _fault_of_header(header: list[str], columns: SheetColumns) -> Sentence | None:
    names = [each.casefold() for each in header]
    unknown = [] if columns.others else [name for name in header if name and name.casefold() not in columns.known]
    missing = [name for name in columns.required if name not in names]
    repeated = [name for name in columns.known if names.count(name) > 1]
    reasons = [
        *([Sentence("unknown: {names}", names=_short(unknown))] if unknown else ()),
        *([Sentence("missing: {names}", names=_short(missing))] if missing else ()),
        *([Sentence("more than once: {names}", names=_short(repeated))] if repeated else ()),
        *([Sentence("write an ordinary comma for ，")] if any("，" in name for name in unknown) else ()),
    ]
    if not reasons:
        return None
    whole = reduce(lambda first, second: Sentence("{first}; {second}", first=first, second=second), reasons)
    return Sentence("the header should be {columns} ({reasons})", columns=",".join(columns.known), reasons=whole)


def _short(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))[:_MAX_NAMES_LENGTH]


def _fault_of_row(names: Sequence[str], values: Sequence[str]) -> Sentence | None:
    """Return the fault of a row that has a value outside all columns."""
    for index, value in enumerate(values):
        if value and (index >= len(names) or not names[index]):
            return Sentence(
                "{value} stands in column {column}, which has no name in the header: name the column, put quotes "
                "around a value with commas, and ; between the codes of a list",
                value=repr(value[:_QUOTE_LENGTH]),
                column=_letters(index + 1),
            )
    return None


def _letters(number: int) -> str:
    """The name of a column in a spreadsheet: 1 is A, 27 is AA."""
    before, last = divmod(number - 1, 26)
    return (_letters(before) if before else "") + chr(ord("A") + last)


def _row(names: Iterable[str], values: Iterable[str], known: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in zip(names, values, strict=False) if value and name in known}


def _fault_of_csv(error: csv.Error) -> Sentence:
    if "limit" in str(error) or "end of data" in str(error):
        return Sentence('not CSV: a value of this row does not end: look for a quote (") that opens and does not close')
    return Sentence('not CSV: text follows a closing quote ("): put quotes around the whole value, double those inside')
