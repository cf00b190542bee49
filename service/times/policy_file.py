"""A policy as people write it: `policy.yaml`, or the same as JSON. Read and checked as a whole, with every fault.

Durations are whole numbers with a unit: s, m, h, d (24 hours), and in rows of the working clock wd (a working day of 8
working hours, domain page §2.4).
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from service.rules.policy import Box, Hours, Policy, Spans, Weights
from service.rules.words import ClockKind, Level, Urgency
from service.web.text import Code, Params, one_line

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "wd": 8 * 3600}
_DURATION = re.compile(r"([1-9][0-9]{0,8})(wd|[smhd])")
_LONGEST_S = 400 * 86_400
_HOURS = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")


def _duration(value: object) -> object:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError("Send a duration such as 30m, 4h, 3d or 2wd (whole s, m, h, d or wd).")
    if seconds_of(value) > _LONGEST_S:
        raise ValueError("Send 400d or less.")
    return value


def _elapsed(value: object) -> object:
    if isinstance(value, str) and value.endswith("wd"):
        raise ValueError("This runs day and night: send s, m, h or d.")
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError("Send a duration such as 30m, 4h or 3d (whole s, m, h or d).")
    return _duration(value)


def _hours(value: object) -> object:
    if not isinstance(value, str) or not _HOURS.fullmatch(value):
        raise ValueError("Send hours such as 08:00-12:00, the last at most until 24:00.")
    return value


def seconds_of(duration: str) -> int:
    """'4h' → 14400; a working day is 8 hours."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError(duration)
    return int(found[1]) * _UNITS[found[2]]


def duration_of(seconds: int) -> str:
    """14400 → '4h': in the largest unit that leaves nothing over."""
    unit = next(name for name in ("d", "h", "m", "s") if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _rising(marks: tuple[int, ...]) -> tuple[int, ...]:
    if list(marks) != sorted(set(marks)):
        raise ValueError("Send the marks in rising order, each once.")
    return marks


Duration = Annotated[str, BeforeValidator(_duration)]
Elapsed = Annotated[str, BeforeValidator(_elapsed)]


def _whole(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("Send a whole number.")
    return value


def _none(value: object) -> object:
    return None if value in ("null", "~", "") else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""From YAML all is text, so digits will do; true and 2.0 will not."""
Percent = Annotated[Whole, Field(ge=1, le=99)]
Few = Annotated[Whole, Field(ge=0, le=100)]


class RowKey(Params):
    """What a row is for: one level, urgency and category prefix; without a category, all that no other row takes."""

    level: Annotated[Whole, Field(ge=1, le=4)]
    urgency: Urgency
    category: Code | None = None

    def __str__(self) -> str:
        named = f"level {self.level}, urgency {self.urgency.value}"
        return f"{named}, category {self.category}" if self.category else named


class PolicyRow(RowKey):
    """The boxes of one level, urgency and category prefix; without a category, of all that no other row takes."""

    answer: Duration
    resolve: Duration
    clock: ClockKind


class Holds(Params):
    """What the called unit may be granted in one call: how many holds, and how long one may last."""

    times: Few = 1
    longest: Elapsed = "365d"


class Extensions(Params):
    """How many extensions, and how much of its box one may add, in percent."""

    times: Few = 2
    percent: Annotated[Whole, Field(ge=1, le=1000)] = 100


class Score(Params):
    """How much each part of a unit's score counts; what nobody rated is left out of the sum."""

    answered: Few = 30
    resolved: Few = 40
    street: Few = 20
    reporter: Few = 10


class PolicyFile(Params):
    """One policy as written down."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "example",
                    "title": "示例时限 (example)",
                    "verify": "3d",
                    "reopen": "7d",
                    "calendar": "cn",
                    "hours": ["08:00-12:00", "14:00-18:00"],
                    "warn": [50, 80],
                    "rows": [
                        {"level": 1, "urgency": "urgent", "answer": "30m", "resolve": "2h", "clock": "continuous"}
                    ],
                }
            ]
        }
    )

    code: Code
    title: Annotated[str, *one_line(200)]
    verify: Elapsed
    reopen: Elapsed
    calendar: Annotated[Code | None, BeforeValidator(_none)] = None
    hours: Annotated[tuple[Annotated[str, BeforeValidator(_hours)], ...], Field(max_length=12)] = ()
    warn: Annotated[tuple[Percent, ...], Field(max_length=5), AfterValidator(_rising)] = (50, 80)
    holds: Holds = Holds()
    extensions: Extensions = Extensions()
    returns: Few = 2
    suggestion: Elapsed = "30d"
    deliberation: Elapsed = "60d"
    score: Score = Score()
    rows: Annotated[tuple[PolicyRow, ...], Field(max_length=1000)]

    def policy(self, version: int) -> Policy:
        """As the rules use it."""
        boxes: dict[tuple[Level, Urgency], list[Box]] = defaultdict(list)
        for row in self.rows:
            box = Box(seconds_of(row.answer), seconds_of(row.resolve), row.clock, row.category or "")
            boxes[Level(row.level), row.urgency].append(box)
        return Policy(
            self.code,
            version,
            {key: tuple(sorted(rows, key=_longest_first)) for key, rows in sorted(boxes.items())},
            seconds_of(self.verify),
            seconds_of(self.reopen),
            Hours(self.calendar, self.spans) if self.calendar else None,
            self.warn,
            self.holds.times,
            seconds_of(self.holds.longest),
            self.extensions.times,
            self.extensions.percent,
            self.returns,
            seconds_of(self.suggestion),
            seconds_of(self.deliberation),
            Weights(**self.score.model_dump()),
            self.title,
        )

    @property
    def spans(self) -> Spans:
        """The hours as minutes of the day."""
        found = [_HOURS.fullmatch(text) for text in self.hours]
        return tuple((int(f[1]) * 60 + int(f[2]), int(f[3]) * 60 + int(f[4])) for f in found if f)


def _longest_first(box: Box) -> tuple[int, str]:
    return -len(box.category), box.category
