"""The cells of a sheet: what a spreadsheet makes of a day, a yes, a code and a list.

What can mean one thing only is read, everything else is refused with its cause.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import cast

from service.rules.sentences import Sentence

Reader = Callable[[str], object]
"""Turns the text of a cell into its value. Raises `ValueError` with a sentence that says what to write instead."""

_DAY = re.compile(
    r"([0-9]{4}) ?[-/.–年] ?([0-9]{1,2}) ?[-/.–月] ?([0-9]{1,2}) ?[日号]?(?:[T ]0?0:00(?::00)?)?"
    r"|([0-9]{4})([0-9]{2})([0-9]{2})"
)
_DAY_WITH_TIME = re.compile(r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?[T ].*")
_YEAR_LAST = re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}\b.*")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}(?![0-9]).*")
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")
"""A day as a spreadsheet counts it, from 1900 on."""

_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "yes", "y", "t", "on", "workday", "是", "班", "工作日"), True),
    **dict.fromkeys(("false", "0", "no", "n", "f", "off", "否", "休", "休息日"), False),
}

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+|[0-9]{6,}\.0+|[0-9]{9}000000")
"""What is left of a code of digits that was taken for a number: an exponent, decimals, or 15 digits that end in zeros,
which no cell has, since communities and cells are numbered from 1."""

_LIST_SEPARATOR = re.compile(r"[;；]")
_OTHER_SEPARATOR = re.compile(r"[、，,|/\s]")
_QUOTE_LENGTH = 60


def day(value: str) -> str:
    """Return a day as ISO text, from any writing that has the year first. Other days are refused with what to write.

    Raises:
        ValueError: the text is a day in another order or form, or no day at all.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError(_fault_of_day(text))
    year, month, number = (int(part) for part in found.groups() if part is not None)
    try:
        return date(year, month, number).isoformat()
    except ValueError:
        raise ValueError(Sentence("There is no day {day}: send one such as 2026-11-23.", day=text)) from None


def _fault_of_day(text: str) -> Sentence:
    quote = text[:_QUOTE_LENGTH]
    if _DAY_WITH_TIME.fullmatch(text):
        return Sentence("{day} has a time of day: send the day alone, such as 2026-11-23.", day=quote)
    if _YEAR_LAST.fullmatch(text):
        return Sentence("{day} does not say which part is the month: write year, month, day: 2026-11-23.", day=quote)
    if _SHORT_YEAR.fullmatch(text):
        return Sentence("{day} lacks the four digits of its year: send year, month, day: 2026-11-23.", day=quote)
    if _SERIAL.fullmatch(text):
        return Sentence("Excel wrote this day as the number {day}: format the column as a date.", day=quote)
    return Sentence("Send a day as year, month, day, such as 2026-11-23 or 2026/11/23.")


def boolean(value: str) -> bool:
    """Return whether a cell says yes.

    Raises:
        ValueError: the text is no yes and no no.
    """
    found = _BOOLEANS.get(unicodedata.normalize("NFKC", value).lower())
    if found is None:
        raise ValueError(Sentence("Send true or false (or 1/0, yes/no, workday/off, 是/否, 班/休)."))
    return found


def code(value: str) -> str:
    """Return a code as it is, unless a spreadsheet took it for a number and lost its digits.

    Raises:
        ValueError: the text is a number of a spreadsheet.
    """
    is_plain = "+" not in value and "." not in value and not value.endswith("000000")
    if is_plain or not _NUMBER.fullmatch(value):
        return value
    quote = value[:_QUOTE_LENGTH]
    if "." in value and "+" not in value:
        raise ValueError(
            Sentence("The code {code} was saved as a number: format the column as text, without decimals.", code=quote)
        )
    raise ValueError(
        Sentence("Excel shortened this code to {code}: format the column as text and enter it anew.", code=quote)
    )


def codes(value: str) -> tuple[str, ...]:
    """Return the codes of a list. They are separated by ';', the full-width '；' included.

    Raises:
        ValueError: the codes are separated by something else, or one of them is a number of a spreadsheet.
    """
    parts = tuple(part for each in _LIST_SEPARATOR.split(value) if (part := each.strip()))
    for part in parts:
        if separator := _OTHER_SEPARATOR.search(part):
            name = Sentence("a blank") if separator[0].isspace() else separator[0]
            raise ValueError(Sentence("Separate the codes of a list by ; and not by {separator}.", separator=name))
    return tuple(code(part) for part in parts)


def read_cells(
    values: Mapping[str, str], readers: Mapping[str, Reader]
) -> tuple[dict[str, object], dict[str, Sentence]]:
    """Return the values of a row by column, and the faults by column. A column without a reader is text as it stands,
    and so is one with a fault."""
    found: dict[str, object] = dict(values)
    faults: dict[str, Sentence] = {}
    for column, text in values.items():
        reader = readers.get(column)
        if reader is None:
            continue
        try:
            found[column] = reader(text)
        except ValueError as error:
            faults[column] = cast(Sentence, error.args[0])
    return found, faults
