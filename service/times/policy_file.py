"""The policy as people write it: `policy.yaml`, or a JSON body with these fields. Every fault is reported at once.

A duration is a whole number with a unit: s, m, h, d (24 hours), and in rows of the working clock wd (a working day,
which counts as 8 working hours).
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
_MAX_DURATION_S = 400 * 86_400
_HOURS = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")


def _duration(value: object) -> object:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError("Send a duration such as 30m, 4h, 3d or 2wd (whole s, m, h, d or wd).")
    if seconds_of(value) > _MAX_DURATION_S:
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
    """Return a duration in seconds: "4h" becomes 14400. A working day has 8 hours.

    Raises:
        ValueError: the text is no duration.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError(duration)
    return int(found[1]) * _UNITS[found[2]]


def duration_of(seconds: int) -> str:
    """Return seconds as a duration in the largest unit without a remainder: 14400 becomes "4h"."""
    unit = next(name for name in ("d", "h", "m", "s") if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _rising(marks: tuple[int, ...]) -> tuple[int, ...]:
    if list(marks) != sorted(set(marks)):
        raise ValueError("Send the marks in rising order, each once.")
    return marks


Duration = Annotated[str, BeforeValidator(_duration)]
Elapsed = Annotated[str, BeforeValidator(_elapsed)]


def _not_a_fraction(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("Send a whole number.")
    return value


def _null_of_yaml(value: object) -> object:
    return None if value in ("null", "~", "") else value


_WHOLE = BeforeValidator(_not_a_fraction)
"""For whole numbers. Digits are accepted too, since YAML is read as text; true and 2.0 are refused."""
Percent = Annotated[int, Field(ge=1, le=99), _WHOLE]
SmallCount = Annotated[int, Field(ge=0, le=100), _WHOLE]


MIN_ROWS = len(Level) * len(Urgency)
"""One row without a category for each level and urgency."""


class RowKey(Params):
    """The calls that a row applies to: one level, one urgency and one category prefix.

    A row without a category applies to all categories that no other row matches.
    """

    level: Annotated[int, Field(ge=1, le=4), _WHOLE]
    urgency: Urgency
    category: Code | None = None

    def __str__(self) -> str:
        name = f"level {self.level}, urgency {self.urgency.value}"
        return f"{name}, category {self.category}" if self.category else name


class PolicyRow(RowKey):
    """How long a unit has to answer and to resolve a call of one level, one urgency and one category prefix. A row
    without a category applies to all categories that no other row matches."""

    answer: Duration
    resolve: Duration
    clock: ClockKind


class Holds(Params):
    """How many holds one call may have, and how long one may last."""

    times: SmallCount = 1
    longest: Elapsed = "365d"


class Extensions(Params):
    """How many extensions one call may have, and how much of its time box one may add, in percent."""

    times: SmallCount = 2
    percent: Annotated[int, Field(ge=1, le=1000), _WHOLE] = 100


class Score(Params):
    """How much each part of a unit's score counts. A part that nobody rated is left out of the sum."""

    answered: SmallCount = 30
    resolved: SmallCount = 40
    street: SmallCount = 20
    reporter: SmallCount = 10


class PolicyFile(Params):
    """One version of a policy: the time boxes of every level and urgency, and the limits around them."""

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
                        {"level": level, "urgency": urgency, "answer": answer, "resolve": resolve, "clock": clock}
                        for level in (1, 2, 3, 4)
                        for urgency, answer, resolve, clock in (
                            ("urgent", "30m", "2h", "continuous"),
                            ("normal", "4h", "1wd", "working"),
                        )
                    ],
                }
            ]
        }
    )

    code: Code
    title: Annotated[str, *one_line(200)]
    verify: Elapsed
    reopen: Elapsed
    calendar: Annotated[Code | None, BeforeValidator(_null_of_yaml)] = None
    hours: Annotated[tuple[Annotated[str, BeforeValidator(_hours)], ...], Field(max_length=12)] = ()
    warn: Annotated[tuple[Percent, ...], Field(max_length=5), AfterValidator(_rising)] = (50, 80)
    holds: Holds = Holds()
    extensions: Extensions = Extensions()
    returns: SmallCount = 2
    suggestion: Elapsed = "30d"
    deliberation: Elapsed = "60d"
    score: Score = Score()
    rows: Annotated[tuple[PolicyRow, ...], Field(max_length=1000, json_schema_extra={"minItems": MIN_ROWS})]

    def policy(self, version: int) -> Policy:
        """Return the policy under this version number, in the form that the rules use."""
        boxes: dict[tuple[Level, Urgency], list[Box]] = defaultdict(list)
        for row in self.rows:
            box = Box(seconds_of(row.answer), seconds_of(row.resolve), row.clock, row.category or "")
            boxes[Level(row.level), row.urgency].append(box)
        return Policy(
            self.code,
            version,
            {key: tuple(sorted(rows, key=_by_length_of_prefix)) for key, rows in sorted(boxes.items())},
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
        """The working hours as minutes of the day."""
        found = [_HOURS.fullmatch(text) for text in self.hours]
        return tuple((int(f[1]) * 60 + int(f[2]), int(f[3]) * 60 + int(f[4])) for f in found if f)


def _by_length_of_prefix(box: Box) -> tuple[int, str]:
    return -len(box.category), box.category
