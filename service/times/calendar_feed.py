"""Feed files of working days, CSV or the JSON of holiday-cn. Every fault of a file names its line or entry.

A CSV file has the columns day, workday and, if wanted, note. A JSON file is {"year", "days": [{"date", "name",
"isOffDay"}]}; it names only the days that are special, so the other days of its year become plain days.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from service.rules.errors import Pointer, ValidationFailed
from service.rules.sentences import Sentence
from service.rules.worktime import FIRST_YEAR, LAST_YEAR
from service.store.registry.calendars import Day
from service.times.day_sources import plain_years
from service.times.schemas import MAX_DAYS, DayRow, DaySource
from service.web import faults, strict_json

_BOOLEANS: Mapping[str, bool] = {"true": True, "1": True, "workday": True, "false": False, "0": False, "off": False}
_REQUIRED = ("day", "workday")
_QUOTE_LENGTH = 60  # characters of the file that a fault quotes
_SOURCE: TypeAdapter[str] = TypeAdapter(DaySource)


class _FeedEntry(NamedTuple):
    """One day of a file: its place in the file, and its fields under the names of a `DayRow`."""

    place: str
    fields: Mapping[str, Any]


class _FeedFormat(NamedTuple):
    """The names that a kind of file has for the fields of a `DayRow`, and what to send for a boolean."""

    names: Mapping[str, str]
    boolean_advice: str


_CSV = _FeedFormat({"day": "day", "workday": "workday", "note": "note"}, "say true or false (or 1/0, workday/off)")
_JSON = _FeedFormat({"day": "date", "workday": "isOffDay", "note": "name"}, "say true or false, without quotes")


def read_feed(name: str, content: bytes, fill_years: Iterable[int] = ()) -> tuple[list[Day], list[Day]]:
    """Return the days that a file names, and the plain days of the years to fill.

    The years to fill are `fill_years` and the year of a JSON file. The plain days are meant for dates that the calendar
    does not know.

    Raises:
        ValidationFailed: the file has faults; each error names its line or, in JSON, its entry, counted from 1.
    """
    details: list[str] = []
    days, years = _read(name, content, details)
    if not (days or fill_years or details):
        details.append(f"{name}: it holds no day")
    if details:
        summary = Sentence(
            "{count} {count:fault|faults} in {file}; nothing was written: correct each.", count=len(details), file=name
        )
        raise ValidationFailed(summary, errors=[Pointer("", Sentence("{fault}", fault=each)) for each in details])
    return days, plain_years(name, [*fill_years, *years])


def _read(name: str, content: bytes, details: list[str]) -> tuple[list[Day], list[int]]:
    """Return the sound days and the years to fill. Sentences about faults are added to `details`."""
    try:
        source = _SOURCE.validate_python(name)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        details.append(f"{name}:{line}: not UTF-8: save the file as UTF-8")
        return [], []
    except ValidationError:
        details.append(f"{name!r}: give the file a name of 1 to 200 characters, none of them a control character")
        return [], []
    is_json = name.lower().endswith(".json")
    entries, years = _from_json(name, text, details) if is_json else (_from_csv(name, text, details), [])
    if len(entries) > MAX_DAYS:
        details.append(f"{name}: over {MAX_DAYS} days: load them in parts")
        return [], []
    return _days(source, entries, _JSON if is_json else _CSV, details), years


def _days(source: str, entries: Iterable[_FeedEntry], form: _FeedFormat, details: list[str]) -> list[Day]:
    found: dict[date, tuple[str, Day]] = {}
    for place, fields in entries:
        try:
            row = DayRow.model_validate(fields)
        except ValidationError as error:
            details += (f"{place}: {each}" for each in _sentences(error, fields, form))
            continue
        first, _ = found.setdefault(row.day, (place, Day(row.day, row.workday, source, row.note)))
        if first != place:
            details.append(f"{place}: {row.day} stands at {first} already: keep one of them")
    return sorted(day for _, day in found.values())


def _sentences(error: ValidationError, fields: Mapping[str, Any], form: _FeedFormat) -> Iterator[str]:
    """Yield one sentence for each fault of a row, with the file's own name of the field."""
    for fault in faults.validation_failed(error, DayRow).errors:
        field = fault.pointer.removeprefix("/")
        quote = repr(fields[field]) if field in fields else "is missing"
        quote = quote if len(quote) <= _QUOTE_LENGTH else f"{quote[:_QUOTE_LENGTH]}…"
        yield f"{form.names[field]} {quote}: {form.boolean_advice if field == 'workday' else fault.detail}"


def _from_csv(name: str, text: str, details: list[str]) -> list[_FeedEntry]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(lines, [])]
        fault = _fault_of_header(header)
        if fault:
            details.append(f"{name}:1: {fault}")
            return []
        return list(_csv_entries(name, lines, header, details))
    except csv.Error as error:
        details.append(f"{name}:{lines.line_num}: not CSV: {error}")
        return []


def _fault_of_header(header: list[str]) -> str | None:
    missing = [column for column in _REQUIRED if column not in header]
    repeated = [column for column in _CSV.names if header.count(column) > 1]
    if missing:
        return f"no column {' and no column '.join(missing)}: the first line should be day,workday or day,workday,note"
    return f"column {repeated[0]} is here more than once: keep one of them" if repeated else None


def _csv_entries(name: str, lines: Any, header: list[str], details: list[str]) -> Iterator[_FeedEntry]:
    for values in lines:
        place = f"{name}:{lines.line_num}"
        if not values:
            continue
        if len(values) > len(header):
            details.append(
                f"{place}: {len(values)} fields where the header has {len(header)}: put quotes around commas"
            )
            continue
        fields: dict[str, Any] = {
            key: value.strip()
            for key, value in zip(header, values, strict=False)
            if key in _CSV.names and (value.strip() or key in _REQUIRED)
        }
        if "workday" in fields:
            fields["workday"] = _BOOLEANS.get(fields["workday"].lower(), fields["workday"])
        yield _FeedEntry(place, fields)


def _from_json(name: str, text: str, details: list[str]) -> tuple[list[_FeedEntry], list[int]]:
    try:
        document = strict_json.loads(text)
    except json.JSONDecodeError as error:
        details.append(f"{name}:{error.lineno}: not JSON: {error.msg}")
        return [], []
    except ValueError as error:
        details.append(f"{name}: not JSON that can be read: {error}")
        return [], []
    if not isinstance(document, dict) or not isinstance(document.get("days"), list):
        details.append(
            f'{name}: it should hold {{"year", "days": [{{"date", "name", "isOffDay"}}]}}, as holiday-cn has it'
        )
        return [], []
    years, days = _years(name, document.get("year"), details), document["days"]
    if not days:
        details.append(f"{name}: it holds no day: perhaps the notice of its year is not out yet")
    return list(_json_entries(name, days, details)), years


def _years(name: str, year: object, details: list[str]) -> list[int]:
    if isinstance(year, int) and not isinstance(year, bool) and FIRST_YEAR <= year <= LAST_YEAR:
        return [year]
    details.append(f"{name}: year {year!r:.{_QUOTE_LENGTH}}: say the year as a number from {FIRST_YEAR} to {LAST_YEAR}")
    return []


def _json_entries(name: str, days: list[Any], details: list[str]) -> Iterator[_FeedEntry]:
    for number, each in enumerate(days, start=1):
        place = f"{name}: entry {number}"
        if not isinstance(each, dict):
            details.append(f"{place}: {each!r:.{_QUOTE_LENGTH}}: say it as an object with date, name and isOffDay")
            continue
        fields = {field: each[key] for field, key in _JSON.names.items() if key in each}
        if fields.get("note") in (None, ""):
            fields.pop("note", None)
        if isinstance(fields.get("workday"), bool):
            fields["workday"] = not fields["workday"]  # the file says isOffDay, which is the opposite
        yield _FeedEntry(place, fields)
