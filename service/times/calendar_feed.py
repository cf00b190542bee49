"""Feed files of working days: CSV, or JSON as holiday-cn publishes it. Every fault names its file and row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from service.rules.errors import Pointer, ValidationFailed
from service.rules.worktime import FIRST_YEAR, LAST_YEAR
from service.store.registry.calendars import Day
from service.times.calendars import MOST_DAYS, DayRow, Source, plain_years
from service.web import faults

_WORDS: Mapping[str, bool] = {"true": True, "1": True, "workday": True, "false": False, "0": False, "off": False}
_NEEDED = ("day", "workday")
_SHOWN = 60  # characters of what a file says, in a fault about it
_SOURCE: TypeAdapter[str] = TypeAdapter(Source)


class _Entry(NamedTuple):
    """One day as the file has it: where it stands, and its fields under the names of a `DayRow`."""

    place: str
    said: Mapping[str, Any]


class _Format(NamedTuple):
    """How a kind of file calls the fields of a `DayRow`, and how it says yes or no."""

    names: Mapping[str, str]
    yes_or_no: str


_CSV = _Format({"day": "day", "workday": "workday", "note": "note"}, "say true or false (or 1/0, workday/off)")
_JSON = _Format({"day": "date", "workday": "isOffDay", "note": "name"}, "say true or false, without quotes")


def read_feed(name: str, content: bytes, fill_years: Iterable[int] = ()) -> tuple[list[Day], list[Day]]:
    """A feed file: CSV (day,workday,note) or JSON ({"year", "days": [{"date", "name", "isOffDay"}]}), whose year is
    filled up. Returns the days it names, and all of the years to fill, for where nothing is known.

    Raises:
        ValidationFailed: every fault of the file, each with its line, or in JSON its entry, counted from 1.
    """
    wrong: list[str] = []
    days, years = _read(name, content, wrong)
    if not (days or fill_years or wrong):
        wrong.append(f"{name}: it holds no day")
    if wrong:
        detail = f"{len(wrong)} faults in {name}; nothing was written: correct each."
        raise ValidationFailed(detail, errors=[Pointer("", each) for each in wrong])
    return days, plain_years(name, [*fill_years, *years])


def _read(name: str, content: bytes, wrong: list[str]) -> tuple[list[Day], list[int]]:
    """The sound days and the years to fill up; what is wrong goes to `wrong`."""
    try:
        source = _SOURCE.validate_python(name)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        wrong.append(f"{name}:{line}: not UTF-8: save the file as UTF-8")
        return [], []
    except ValidationError:
        wrong.append(f"{name!r}: give the file a name of 1 to 200 characters, none of them a control character")
        return [], []
    as_json = name.lower().endswith(".json")
    entries, years = _from_json(name, text, wrong) if as_json else (_from_csv(name, text, wrong), [])
    if len(entries) > MOST_DAYS:
        wrong.append(f"{name}: over {MOST_DAYS} days: load them in parts")
        return [], []
    return _days(source, entries, _JSON if as_json else _CSV, wrong), years


def _days(source: str, entries: Iterable[_Entry], form: _Format, wrong: list[str]) -> list[Day]:
    found: dict[date, tuple[str, Day]] = {}
    for place, said in entries:
        try:
            row = DayRow.model_validate(said)
        except ValidationError as error:
            wrong += (f"{place}: {each}" for each in _told(error, said, form))
            continue
        first, _ = found.setdefault(row.day, (place, Day(row.day, row.workday, source, row.note)))
        if first != place:
            wrong.append(f"{place}: {row.day} stands at {first} already: keep one of them")
    return sorted(day for _, day in found.values())


def _told(error: ValidationError, said: Mapping[str, Any], form: _Format) -> Iterator[str]:
    for fault in faults.validation_failed(error, DayRow).errors:
        field = fault.pointer.removeprefix("/")
        shown = repr(said[field]) if field in said else "is missing"
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        yield f"{form.names[field]} {shown}: {form.yes_or_no if field == 'workday' else fault.detail}"


def _from_csv(name: str, text: str, wrong: list[str]) -> list[_Entry]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(lines, [])]
        fault = _header(header)
        if fault:
            wrong.append(f"{name}:1: {fault}")
            return []
        return list(_csv_rows(name, lines, header, wrong))
    except csv.Error as error:
        wrong.append(f"{name}:{lines.line_num}: not CSV: {error}")
        return []


def _header(header: list[str]) -> str | None:
    missing = [column for column in _NEEDED if column not in header]
    twice = [column for column in _CSV.names if header.count(column) > 1]
    if missing:
        return f"no column {' and no column '.join(missing)}: the first line should be day,workday or day,workday,note"
    return f"column {twice[0]} is here more than once: keep one of them" if twice else None


def _csv_rows(name: str, lines: Any, header: list[str], wrong: list[str]) -> Iterator[_Entry]:
    for values in lines:
        place = f"{name}:{lines.line_num}"
        if not values:
            continue
        if len(values) > len(header):
            wrong.append(f"{place}: {len(values)} fields where the header has {len(header)}: put quotes around commas")
            continue
        said: dict[str, Any] = {
            key: value.strip()
            for key, value in zip(header, values, strict=False)
            if key in _CSV.names and (value.strip() or key in _NEEDED)
        }
        if "workday" in said:
            said["workday"] = _WORDS.get(said["workday"].lower(), said["workday"])
        yield _Entry(place, said)


def _from_json(name: str, text: str, wrong: list[str]) -> tuple[list[_Entry], list[int]]:
    try:
        said = json.loads(text)
    except json.JSONDecodeError as error:
        wrong.append(f"{name}:{error.lineno}: not JSON: {error.msg}")
        return [], []
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        wrong.append(f"{name}: not JSON that can be read: {error}")
        return [], []
    if not isinstance(said, dict) or not isinstance(said.get("days"), list):
        wrong.append(
            f'{name}: it should hold {{"year", "days": [{{"date", "name", "isOffDay"}}]}}, as holiday-cn has it'
        )
        return [], []
    years, days = _years(name, said.get("year"), wrong), said["days"]
    if not days:
        wrong.append(f"{name}: it holds no day: perhaps the notice of its year is not out yet")
    return list(_json_entries(name, days, wrong)), years


def _years(name: str, year: object, wrong: list[str]) -> list[int]:
    if isinstance(year, int) and not isinstance(year, bool) and FIRST_YEAR <= year <= LAST_YEAR:
        return [year]
    wrong.append(f"{name}: year {year!r:.{_SHOWN}}: say the year as a number from {FIRST_YEAR} to {LAST_YEAR}")
    return []


def _json_entries(name: str, days: list[Any], wrong: list[str]) -> Iterator[_Entry]:
    for number, each in enumerate(days, start=1):
        place = f"{name}: entry {number}"
        if not isinstance(each, dict):
            wrong.append(f"{place}: {each!r:.{_SHOWN}}: say it as an object with date, name and isOffDay")
            continue
        said = {field: each[key] for field, key in _JSON.names.items() if key in each}
        if said.get("note") in (None, ""):
            said.pop("note", None)
        if isinstance(said.get("workday"), bool):
            said["workday"] = not said["workday"]
        yield _Entry(place, said)
