"""Faults of a policy: in the file, between its rows, and against the registry. Each fault is a sentence."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import yaml
from pydantic import ValidationError

from service.rules.policy import Box, Policy
from service.rules.sentences import Sentence
from service.rules.words import ClockKind, Level, Urgency
from service.rules.worktime import LAST_START, MAX_BOX_YEARS, ZONE, OutOfCalendar, WorkCalendar
from service.sheets.decoding import UnreadableFile, decode
from service.times.durations import minutes_of
from service.times.policy_file import PolicyFile, PolicyRow, RowKey, row_name
from service.web import faults

_MAX_BYTES = 64 * 2**10  # a policy has a few dozen rows, and one megabyte of YAML takes 15 seconds to read
_DAY_MINUTES = 24 * 60


class _RepeatedKey(Exception):
    """A key stands twice in one mapping."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(key, line)
        self.key = key
        self.line = line


class _TextLoader(yaml.BaseLoader):
    """A YAML loader that keeps all values as text, and refuses a key that stands twice.

    The safe loader of the package raises KeyError, ValueError and others for dates and numbers that it cannot read, and
    drops the first of two equal keys without a word.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise _RepeatedKey(key, node.start_mark.line + 1)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def read_policy(content: bytes) -> tuple[PolicyFile | None, list[Sentence]]:
    """Return the policy of a file and no fault, or None and every fault that shows without the registry."""
    if len(content) > _MAX_BYTES:
        return None, [Sentence("over 64 KiB: leave out what is not of the policy")]
    try:
        document: Any = yaml.load(decode(content), _TextLoader)  # nosec B506 # makes texts, lists and mappings alone
        if not isinstance(document, dict):
            return None, [Sentence("the file should hold {fields}", fields=list(PolicyFile.model_fields))]
        policy = PolicyFile.model_validate(document)
    except (UnreadableFile, _RepeatedKey, yaml.YAMLError, RecursionError) as error:
        return None, [_fault_of_text(error)]
    except ValidationError as error:
        found = faults.validation_failed(error, PolicyFile).errors
        details = [Sentence("{place}: {detail}", place=each.pointer, detail=each.detail) for each in found]
        return None, [*details, *_faults_of_rows(document.get("rows"))]
    of_rows = list(faults_within(policy))
    return (None, of_rows) if of_rows else (policy, [])


def _fault_of_text(error: Exception) -> Sentence:
    """Return why the text of a file is no policy, with the line."""
    if isinstance(error, UnreadableFile):
        return Sentence("line {line}: {fault}", line=max(error.line, 1), fault=error.detail)
    if isinstance(error, _RepeatedKey):
        return Sentence("{key} stands twice in the part that begins on line {line}: keep one", **vars(error))
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Sentence("not YAML: it nests too deeply, or holds characters that nobody can see: write it anew")
    return Sentence(
        "not YAML from line {line}, column {column} on: indent with blanks, put a blank after each colon, close each "
        "bracket and quote",
        line=mark.line + 1,
        column=mark.column + 1,
    )


def faults_within(policy: PolicyFile) -> Iterator[Sentence]:
    """Yield the faults of a policy that show without the registry."""
    yield from _repeated_rows(policy.rows)
    yield from _missing_rows(policy.rows)
    yield from _faults_of_hours(policy)
    for row in policy.rows:
        yield from _units_of_wrong_clock(row)


def _faults_of_rows(rows: object) -> Iterator[Sentence]:
    """Yield repeated and missing rows of a policy that cannot be read as a whole.

    Missing rows are looked for only when the level, urgency and category of every row can be read; otherwise an
    unreadable row may be the one that seems to be missing.
    """
    if not isinstance(rows, list):
        return
    keys: list[RowKey] = []
    for row in rows:
        with contextlib.suppress(ValidationError):
            keys.append(RowKey.model_validate(_key_fields(row)))
    yield from _repeated_rows(keys)
    if len(keys) == len(rows):
        yield from _missing_rows(keys)


def _key_fields(row: object) -> object:
    return {name: row[name] for name in RowKey.model_fields if name in row} if isinstance(row, dict) else row


def _repeated_rows(rows: Sequence[RowKey]) -> Iterator[Sentence]:
    names = {(row.level, row.urgency, row.category): row for row in rows}
    for key, count in Counter((row.level, row.urgency, row.category) for row in rows).items():
        if count > 1:
            yield Sentence("{count} rows for {row}: keep one", count=count, row=names[key].name)


def _missing_rows(rows: Sequence[RowKey]) -> Iterator[Sentence]:
    present = {(row.level, row.urgency) for row in rows if row.category is None}
    for level in Level:
        for urgency in Urgency:
            if (level.value, urgency) not in present:
                row = row_name(level, urgency, None)
                yield Sentence("no row for {row}: add one without a category", row=row)


def _faults_of_hours(policy: PolicyFile) -> Iterator[Sentence]:
    working = [row for row in policy.rows if row.clock is ClockKind.WORKING]
    if working and policy.calendar is None:
        yield Sentence("{row}: clock 'working' needs a calendar: name one, such as cn", row=working[0].name)
    if (policy.calendar is None) != (not policy.hours):
        yield Sentence("calendar and hours go together: give both, or neither")
    if not policy.hours:
        yield from _working_days_without_hours(policy.rows)
    faults_of_spans = [fault for text in policy.hours if (fault := _fault_of_span(text))]
    yield from faults_of_spans or _overlaps(policy.hours)


def _working_days_without_hours(rows: Iterable[PolicyRow]) -> Iterator[Sentence]:
    for row in rows:
        for name, length in (("answer", row.answer), ("resolve", row.resolve)):
            if length.endswith("wd") and row.clock is ClockKind.WORKING:
                yield Sentence(
                    "{row}: {box} {length} counts working days, whose length is that of the hours: give hours, such as "
                    "08:30-12:00 and 14:00-17:30",
                    row=row.name,
                    box=name,
                    length=length,
                )


def _fault_of_span(text: str) -> Sentence | None:
    """Return what is wrong with one span of hours by itself, and what to write."""
    start, end = minutes_of(text)
    first, last = text.split("-")
    if start == _DAY_MINUTES:
        return Sentence("hours {span}: 24:00 only ends a day: write 00:00-{end}", span=text, end=last)
    for time, minute in ((first, start), (last, end)):
        if minute > _DAY_MINUTES:
            return Sentence("hours {span}: {time} is no time of a day: a day ends at 24:00", span=text, time=time)
    if start == end:
        return Sentence("hours {span} have no length: leave them out; a whole day is 00:00-24:00", span=text)
    if end == 0:
        return Sentence("hours {span}: the end of a day is 24:00: write {start}-24:00", span=text, start=first)
    if start > end:
        return Sentence(
            "hours {span} end before they begin: hours over midnight are two, 00:00-{end} and {start}-24:00",
            span=text,
            start=first,
            end=last,
        )
    return None


def _overlaps(hours: Iterable[str]) -> Iterator[Sentence]:
    """Yield each two spans that share time. Spans may touch, and stand in any order."""
    for earlier, later in pairwise(sorted(hours, key=minutes_of)):
        if minutes_of(later)[0] < minutes_of(earlier)[1]:
            yield Sentence("hours {spans:and} overlap: write them as one, or part them", spans=[earlier, later])


def _units_of_wrong_clock(row: PolicyRow) -> Iterator[Sentence]:
    for name, length in (("answer", row.answer), ("resolve", row.resolve)):
        in_working_days = length.endswith("wd")
        if row.clock is ClockKind.WORKING and length.endswith("d") and not in_working_days:
            yield Sentence(
                "{row}: {box} {length} of working time: write wd (a working day of these hours) or h",
                row=row.name,
                box=name,
                length=length,
            )
        if row.clock is ClockKind.CONTINUOUS and in_working_days:
            yield Sentence(
                "{row}: {box} {length} of a continuous clock: write d (24 hours) or h",
                row=row.name,
                box=name,
                length=length,
            )


def faults_in_world(
    policy: Policy, categories: Iterable[str], days: Mapping[date, bool] | None, now: datetime
) -> Iterator[Sentence]:
    """Yield the faults that only the registry shows.

    These are rows that no category reaches, time boxes that never end, and a calendar without days. `days` are those of
    the policy's calendar, None when it has none.
    """
    codes = list(categories)
    calendar = _timer(policy, days)
    endless = rows_without_end(policy, calendar, now) if calendar else ()
    for (level, urgency), rows in policy.boxes.items():
        for box in rows:
            name = row_name(level, urgency, box.category)
            if box.category and not _is_reached(box, rows, codes):
                yield Sentence(
                    "{row}: no category comes to this row: correct the prefix, or leave the row out", row=name
                )
            if name in endless:
                yield Sentence(
                    "{row}: it does not end within {years} years: the calendar has too few working days",
                    row=name,
                    years=MAX_BOX_YEARS,
                )
    if policy.hours is not None and days is None:
        yield Sentence(
            "calendar {calendar} holds no days: load them first (sihu calendar load)", calendar=policy.hours.calendar
        )


def rows_without_end(policy: Policy, calendar: WorkCalendar, now: datetime) -> tuple[Sentence, ...]:
    """Return the names of working-time rows whose boxes take over `MAX_BOX_YEARS` years, from now or any later year."""
    starts = [now, *(datetime(year, 1, 1, tzinfo=ZONE) for year in range(now.year + 1, LAST_START.year + 1))]
    ends: dict[int, bool] = {}
    found = []
    for (level, urgency), rows in policy.boxes.items():
        for box in rows:
            box_s = max(box.answer_s, box.resolve_s)
            if box.clock is ClockKind.WORKING and box_s not in ends:
                ends[box_s] = all(_ends(box_s, calendar, start) for start in starts)
            if box.clock is ClockKind.WORKING and not ends[box_s]:
                found.append(row_name(level, urgency, box.category))
    return tuple(found)


def _timer(policy: Policy, days: Mapping[date, bool] | None) -> WorkCalendar | None:
    """Return the counter of a policy's working time; None when its calendar has no days or its hours have a fault."""
    if policy.hours is None or days is None:
        return None
    try:
        return WorkCalendar(policy.hours.spans, days)
    except ValueError:  # a fault that `faults_within` reports
        return None


def _is_reached(row: Box, rows: Iterable[Box], codes: Iterable[str]) -> bool:
    longer = tuple(other.category for other in rows if len(other.category) > len(row.category))
    return any(code.startswith(row.category) and not code.startswith(longer) for code in codes)


def _ends(box_s: int, calendar: WorkCalendar, start: datetime) -> bool:
    try:
        return calendar.due(start, timedelta(seconds=box_s)) < start + timedelta(days=366 * MAX_BOX_YEARS)
    except OutOfCalendar:
        return False
