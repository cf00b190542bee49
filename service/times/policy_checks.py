"""Reading a policy and finding everything that is wrong with it: by itself, and against the registry."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import yaml
from pydantic import ValidationError

from service.rules.policy import Box, Policy
from service.rules.words import ClockKind, Level, Urgency
from service.rules.worktime import LAST_YEAR, ZONE, OutOfCalendar, WorkCalendar, check_spans
from service.times.policy_file import PolicyFile, PolicyRow, RowKey
from service.web import faults

_MOST_BYTES = 64 * 2**10  # a policy has some dozens of rows, and a megabyte of YAML takes a quarter of a minute to read
YEARS = 5
"""A box that does not end within these many years is taken for one that never does."""


class _Loader(yaml.BaseLoader):
    """All text: the safe loader's dates and numbers raise KeyError, ValueError and others for those it cannot read. And
    a key that stands twice is refused: the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name} stands here twice: keep one of them")
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def read_policy(content: bytes) -> tuple[PolicyFile | None, list[str]]:
    """The policy, and everything that is wrong with it by itself; never both."""
    if len(content) > _MOST_BYTES:
        return None, ["over 64 KiB: leave out what is not of the policy"]
    try:
        written: Any = yaml.load(content, _Loader)
        if not isinstance(written, dict):
            return None, [f"the file should hold {', '.join(PolicyFile.model_fields)}"]
        policy = PolicyFile.model_validate(written)
    except (yaml.YAMLError, RecursionError) as error:
        return None, [f"not YAML: {' '.join(str(error).split())}"]
    except ValidationError as error:
        told = [f"{each.pointer}: {each.detail}" for each in faults.validation_failed(error, PolicyFile).errors]
        return None, [*told, *_of_readable_rows(written.get("rows"))]
    wrong = list(faults_within(policy))
    return (None, wrong) if wrong else (policy, [])


def faults_within(policy: PolicyFile) -> Iterator[str]:
    """What is wrong with a policy by itself."""
    yield from _rows_twice(policy.rows)
    yield from _holes(policy.rows)
    yield from _hours(policy)
    for row in policy.rows:
        yield from _units_of_the_other_clock(row)


def _of_readable_rows(rows: object) -> Iterator[str]:
    """The same of a policy that cannot be read as a whole. Of holes nothing is told while it is not known what some
    row is for: it may be the one that is missing."""
    if not isinstance(rows, list):
        return
    keys: list[RowKey] = []
    for row in rows:
        with contextlib.suppress(ValidationError):
            keys.append(RowKey.model_validate(_key_fields(row)))
    yield from _rows_twice(keys)
    if len(keys) == len(rows):
        yield from _holes(keys)


def _key_fields(row: object) -> object:
    return {name: row[name] for name in RowKey.model_fields if name in row} if isinstance(row, dict) else row


def _rows_twice(rows: Sequence[RowKey]) -> Iterator[str]:
    named = {(row.level, row.urgency, row.category): row for row in rows}
    for key, count in Counter((row.level, row.urgency, row.category) for row in rows).items():
        if count > 1:
            yield f"{count} rows for {named[key]}: keep one"


def _holes(rows: Sequence[RowKey]) -> Iterator[str]:
    whole = {(row.level, row.urgency) for row in rows if row.category is None}
    for level in Level:
        for urgency in Urgency:
            if (level.value, urgency) not in whole:
                yield f"no row for level {level.value}, urgency {urgency.value}: add one without a category"


def _hours(policy: PolicyFile) -> Iterator[str]:
    working = [row for row in policy.rows if row.clock is ClockKind.WORKING]
    if working and policy.calendar is None:
        yield f"{working[0]}: clock 'working' needs a calendar: name one, such as cn"
    if (policy.calendar is None) != (not policy.hours):
        yield "calendar and hours go together: give both, or neither"
    if policy.hours:
        try:
            check_spans(policy.spans)
        except ValueError as error:
            yield f"hours: {error}"


def _units_of_the_other_clock(row: PolicyRow) -> Iterator[str]:
    for name, length in (("answer", row.answer), ("resolve", row.resolve)):
        in_working_days = length.endswith("wd")
        if row.clock is ClockKind.WORKING and length.endswith("d") and not in_working_days:
            yield f"{row}: {name} {length} of working time: write wd (8 working hours) or h"
        if row.clock is ClockKind.CONTINUOUS and in_working_days:
            yield f"{row}: {name} {length} of a continuous clock: write d (24 hours) or h"


def faults_in_world(
    policy: Policy, categories: Iterable[str], calendar: WorkCalendar | None, now: datetime
) -> Iterator[str]:
    """What only the registry shows: rows that no category reaches, a calendar without days, boxes that cannot end.

    `calendar` is what the policy's calendar and hours make; None when nobody knows a day of it.
    """
    codes = list(categories)
    endless = without_end(policy, calendar, now) if calendar else ()
    for (level, urgency), rows in policy.boxes.items():
        for box in rows:
            named = _named(level, urgency, box)
            if box.category and not _is_reached(box, rows, codes):
                yield f"{named}: no category comes to this row: correct the prefix, or leave the row out"
            if named in endless:
                yield f"{named}: it does not end within {YEARS} years: the calendar has too few working days"
    if policy.hours is not None and calendar is None:
        yield f"calendar {policy.hours.calendar} holds no days: load them first (sihu calendar load)"


def without_end(policy: Policy, calendar: WorkCalendar, now: datetime) -> tuple[str, ...]:
    """The rows of working time whose boxes take over `YEARS` years, begun now or in a year to come."""
    begun = [now, *(datetime(year, 1, 1, tzinfo=ZONE) for year in range(now.year + 1, LAST_YEAR - YEARS + 1))]
    ends: dict[int, bool] = {}
    found = []
    for (level, urgency), rows in policy.boxes.items():
        for box in rows:
            longest_s = max(box.answer_s, box.resolve_s)
            if box.clock is ClockKind.WORKING and longest_s not in ends:
                ends[longest_s] = all(_ends(longest_s, calendar, start) for start in begun)
            if box.clock is ClockKind.WORKING and not ends[longest_s]:
                found.append(_named(level, urgency, box))
    return tuple(found)


def _named(level: Level, urgency: Urgency, box: Box) -> str:
    named = f"level {level.value}, urgency {urgency.value}"
    return f"{named}, category {box.category}" if box.category else named


def timer_of(policy: PolicyFile, days: Mapping[date, bool] | None) -> WorkCalendar | None:
    """What counts the working time of a policy; None when its calendar knows no day, or its hours are wrong."""
    try:
        return WorkCalendar(policy.spans, days) if days else None
    except ValueError:  # told by `faults_within`
        return None


def _is_reached(row: Box, rows: Iterable[Box], codes: Iterable[str]) -> bool:
    longer = tuple(other.category for other in rows if len(other.category) > len(row.category))
    return any(code.startswith(row.category) and not code.startswith(longer) for code in codes)


def _ends(box_s: int, calendar: WorkCalendar, start: datetime) -> bool:
    try:
        return calendar.due(start, timedelta(seconds=box_s)) < start + timedelta(days=366 * YEARS)
    except OutOfCalendar:
        return False
