"""Feed files of working days, CSV or the JSON of holiday-cn. Every fault of a file names its line or entry.

A CSV file has the columns day, workday and, if wanted, note, and is read as `sheets` reads the tables of a bundle. A
JSON file is {"year", "days": [{"date", "name", "isOffDay"}]}; it names only the days that are special, so the other
days of its year become plain days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from service.rules.errors import Pointer, Rule, ValidationFailed
from service.rules.sentences import Sentence
from service.rules.worktime import FIRST_YEAR, LAST_YEAR
from service.sheets import cells, decoding
from service.sheets.decoding import UnreadableFile
from service.sheets.tables import SheetColumns, read_sheet
from service.store.registry.calendars import Day
from service.times.day_sources import plain_years
from service.times.schemas import MAX_DAYS, DayRow, DaySource
from service.web import faults, strict_json
from service.web.strict_json import NotJsonError

_COLUMNS = SheetColumns(("day", "workday", "note"), ("day", "workday"), others=True)
_READERS: Mapping[str, cells.Reader] = {"day": cells.day, "workday": cells.boolean}
_QUOTE_LENGTH = 60  # characters of the file that a fault quotes
_SOURCE: TypeAdapter[str] = TypeAdapter(DaySource)


class Feed(NamedTuple):
    """The days that a file names, and the plain days of the years to fill; `notes` say how the file was read."""

    days: list[Day]
    plain: list[Day]
    notes: tuple[Sentence, ...] = ()


class _FeedEntry(NamedTuple):
    """One day of a file: its place in the file, its fields under the names of a `DayRow`, and the faults of fields that
    are known already."""

    place: str
    fields: Mapping[str, Any]
    faults: Mapping[str, Sentence] = {}


_JSON_NAMES = {"day": "date", "workday": "isOffDay", "note": "name"}
"""The names that a JSON file has for the fields of a `DayRow`; a CSV file has the same ones."""


def read_feed(name: str, content: bytes, fill_years: Iterable[int] = ()) -> Feed:
    """Return the days that a file names, and the plain days of the years to fill.

    The years to fill are `fill_years` and the year of a JSON file. The plain days are meant for dates that the calendar
    does not know.

    Raises:
        ValidationFailed: the file has faults; each error names its line or, in JSON, its entry, counted from 1.
    """
    details: list[Sentence] = []
    days, years = _read(name, content, details)
    if not (days or fill_years or details):
        details.append(Sentence("{file}: it holds no day", file=name))
    note = decoding.note(name, content)
    if details:
        summary = Sentence(
            "{count} {count:fault|faults} in {file}; nothing was written: correct each.", count=len(details), file=name
        )
        if note:
            summary = Sentence("{refusal} {warnings}", refusal=summary, warnings=[note])
        raise ValidationFailed(summary, errors=[Pointer("", each, Rule.BAD_FILE) for each in details])
    return Feed(days, plain_years(name, [*fill_years, *years]), (note,) if note else ())


def _read(name: str, content: bytes, details: list[Sentence]) -> tuple[list[Day], list[int]]:
    """Return the sound days and the years to fill. Sentences about faults are added to `details`."""
    try:
        source = _SOURCE.validate_python(name)
    except ValidationError:
        details.append(
            Sentence(
                "{file}: give the file a name of 1 to 200 characters, none of them a control character", file=repr(name)
            )
        )
        return [], []
    is_json = name.lower().endswith(".json")
    entries, years = _from_json(name, content, details) if is_json else (_from_csv(name, content, details), [])
    if len(entries) > MAX_DAYS:
        details.append(Sentence("{file}: over {count} days: load them in parts", file=name, count=MAX_DAYS))
        return [], []
    return _days(source, entries, _JSON_NAMES if is_json else {}, details), years


def _days(source: str, entries: Iterable[_FeedEntry], names: Mapping[str, str], details: list[Sentence]) -> list[Day]:
    found: dict[date, tuple[str, Day]] = {}
    for entry in entries:
        try:
            row = DayRow.model_validate(entry.fields)
        except ValidationError as error:
            details += _sentences(error, entry, names)
            continue
        first, _ = found.setdefault(row.day, (entry.place, Day(row.day, row.workday, source, row.note)))
        if first != entry.place:
            details.append(
                Sentence(
                    "{place}: {day} stands at {first} already: keep one of them",
                    place=entry.place,
                    day=row.day,
                    first=first,
                )
            )
    return sorted(day for _, day in found.values())


def _sentences(error: ValidationError, entry: _FeedEntry, names: Mapping[str, str]) -> Iterator[Sentence]:
    """Yield one sentence for each fault of a row, with the file's own name of the field."""
    for fault in faults.validation_failed(error, DayRow).errors:
        field = fault.pointer.removeprefix("/")
        column, detail = names.get(field, field), entry.faults.get(field, fault.detail)
        if field not in entry.fields:
            yield Sentence("{place}: {column} is missing: {advice}", place=entry.place, column=column, advice=detail)
            continue
        value = repr(entry.fields[field])
        value = value if len(value) <= _QUOTE_LENGTH else f"{value[:_QUOTE_LENGTH]}…"
        values = {"place": entry.place, "column": column, "value": value, "advice": detail}
        yield Sentence("{place}: {column} {value}: {advice}", **values)


def _from_csv(name: str, content: bytes, details: list[Sentence]) -> list[_FeedEntry]:
    sheet = read_sheet(content, _COLUMNS)
    details += [_at(name, line, fault) for line, fault in sheet.faults]
    return [_FeedEntry(f"{name}:{line}", *cells.read_cells(texts, _READERS)) for line, texts in sheet.rows]


def _at(name: str, line: int, fault: Sentence) -> Sentence:
    if not line:
        return Sentence("{file}: {fault}", file=name, fault=fault)
    return Sentence("{file}:{line}: {fault}", file=name, line=line, fault=fault)


def _from_json(name: str, content: bytes, details: list[Sentence]) -> tuple[list[_FeedEntry], list[int]]:
    try:
        document = strict_json.loads(decoding.decode(content))
    except UnreadableFile as unread:
        details.append(_at(name, unread.line, unread.detail))
        return [], []
    except NotJsonError as error:
        details.append(Sentence("{file}: not JSON: {why}", file=name, why=error.why))
        return [], []
    if not isinstance(document, dict) or not isinstance(document.get("days"), list):
        details.append(
            Sentence(
                '{file}: it should hold {{"year", "days": [{{"date", "name", "isOffDay"}}]}}, as holiday-cn has it',
                file=name,
            )
        )
        return [], []
    years, days = _years(name, document.get("year"), details), document["days"]
    if not days:
        details.append(Sentence("{file}: it holds no day: perhaps the notice of its year is not out yet", file=name))
    return list(_json_entries(name, days, details)), years


def _years(name: str, year: object, details: list[Sentence]) -> list[int]:
    if isinstance(year, int) and not isinstance(year, bool) and FIRST_YEAR <= year <= LAST_YEAR:
        return [year]
    details.append(
        Sentence(
            "{file}: year {year}: say the year as a number from {min} to {max}",
            file=name,
            year=f"{year!r:.{_QUOTE_LENGTH}}",
            min=FIRST_YEAR,
            max=LAST_YEAR,
        )
    )
    return []


def _json_entries(name: str, days: list[Any], details: list[Sentence]) -> Iterator[_FeedEntry]:
    for number, each in enumerate(days, start=1):
        place = f"{name}: entry {number}"
        if not isinstance(each, dict):
            value = f"{each!r:.{_QUOTE_LENGTH}}"
            details.append(
                Sentence("{place}: {value}: say it as an object with date, name and isOffDay", place=place, value=value)
            )
            continue
        fields = {field: each[key] for field, key in _JSON_NAMES.items() if key in each}
        if fields.get("note") in (None, ""):
            fields.pop("note", None)
        if isinstance(fields.get("workday"), bool):
            fields["workday"] = not fields["workday"]  # the file says isOffDay, which is the opposite
        yield _FeedEntry(place, fields)
