"""The policy as people write it: `policy.yaml`, or a JSON body with these fields. Every fault is reported at once.

A duration is a whole number with a unit: s, m, h, d (24 hours), and in rows of the working clock wd: a working day,
which has the working hours of one day of this policy. Stored versions have seconds, so they keep the working day they
were written with.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from service.rules.errors import Rule
from service.rules.policy import Box, Hours, Policy, Spans, Weights
from service.rules.sentences import Sentence
from service.rules.words import ClockKind, Level, Urgency
from service.web.breaches import WrongValue
from service.web.text import Code, Params, one_line

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION_PATTERN = r"([1-9][0-9]{0,8})(wd|[smhd])"
_ELAPSED_PATTERN = r"^[1-9][0-9]{0,8}[smhd]$"
_DURATION = re.compile(_DURATION_PATTERN)
_MAX_DAYS = 400
_DAY_S = 86_400
_HOURS = re.compile(r"([0-9]{1,2}):([0-5][0-9])-([0-9]{1,2}):([0-5][0-9])")
_HOURS_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_DASHES = re.compile(r"\s*[-‐‑‒–—―−~～〜至到]\s*")
"""Whatever an office writes between two times; NFKC has made the full-width ones plain."""


def _duration(value: object) -> object:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        detail = Sentence("Send a duration such as 30m, 4h, 3d or 2wd (whole s, m, h, d or wd).")
        raise WrongValue(detail, Rule.PATTERN, pattern=f"^{_DURATION_PATTERN}$")
    # at most 24 hours make a working day; how many they are is known only with the whole policy
    if seconds_of(value, working_day_s=_DAY_S) > _MAX_DAYS * _DAY_S:
        raise WrongValue(Sentence("Send 400d or less."), Rule.OUT_OF_RANGE, max="400d")
    return value


def _elapsed(value: object) -> object:
    if isinstance(value, str) and value.endswith("wd"):
        detail = Sentence("This runs day and night: send s, m, h or d.")
        raise WrongValue(detail, Rule.PATTERN, pattern=_ELAPSED_PATTERN)
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        detail = Sentence("Send a duration such as 30m, 4h or 3d (whole s, m, h or d).")
        raise WrongValue(detail, Rule.PATTERN, pattern=_ELAPSED_PATTERN)
    return _duration(value)


def _hours(value: object) -> object:
    """Return the hours of one span as HH:MM-HH:MM, also from full-width signs, long dashes and hours of one digit."""
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", value).strip()) if isinstance(value, str) else ""
    found = _HOURS.fullmatch(plain)
    if found is None:
        detail = Sentence("Send one span of hours as HH:MM-HH:MM, such as 08:00-12:00.")
        raise WrongValue(detail, Rule.PATTERN, pattern=_HOURS_PATTERN)
    return f"{int(found[1]):02}:{found[2]}-{int(found[3]):02}:{found[4]}"


def seconds_of(duration: str, *, working_day_s: int) -> int:
    """Return a duration in seconds: "4h" becomes 14400. A working day has `working_day_s` of them.

    Raises:
        ValueError: the text is no duration.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError(duration)
    return int(found[1]) * {**_UNITS, "wd": working_day_s}[found[2]]


def duration_of(seconds: int) -> str:
    """Return seconds as a duration in the largest unit without a remainder: 14400 becomes "4h"."""
    unit = next(name for name in ("d", "h", "m", "s") if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _rising(marks: tuple[int, ...]) -> tuple[int, ...]:
    if list(marks) != sorted(set(marks)):
        raise WrongValue(Sentence("Send the marks in rising order, each once."), Rule.NOT_POSSIBLE)
    return marks


def _pattern(pattern: str) -> WithJsonSchema:
    """The schema of a text that the document shows with this pattern. The validators above have better sentences."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


Duration = Annotated[str, BeforeValidator(_duration), _pattern(f"^{_DURATION_PATTERN}$")]
Elapsed = Annotated[str, BeforeValidator(_elapsed), _pattern(_ELAPSED_PATTERN)]
SpanText = Annotated[str, BeforeValidator(_hours), _pattern(_HOURS_PATTERN)]
"""One span of working hours: HH:MM-HH:MM."""


def _not_a_fraction(value: object) -> object:
    if isinstance(value, bool | float):
        raise WrongValue(Sentence("Send a whole number."), Rule.WRONG_TYPE, type="integer")
    return value


def _null_of_yaml(value: object) -> object:
    return None if value in ("null", "~", "") else value


_WHOLE = BeforeValidator(_not_a_fraction)
"""For whole numbers. Digits are accepted too, since YAML is read as text; true and 2.0 are refused."""
Percent = Annotated[int, Field(ge=1, le=99), _WHOLE]
SmallCount = Annotated[int, Field(ge=0, le=100), _WHOLE]


MIN_ROWS = len(Level) * len(Urgency)
"""One row without a category for each level and urgency."""


def row_name(level: Level, urgency: Urgency, category: str | None) -> Sentence:
    """What to call the row of these calls."""
    if not category:
        return Sentence("level {level}, urgency {urgency}", level=level, urgency=urgency)
    return Sentence(
        "level {level}, urgency {urgency}, category {category}", level=level, urgency=urgency, category=category
    )


class RowKey(Params):
    """The calls that a row applies to: one level, one urgency and one category prefix.

    A row without a category applies to all categories that no other row matches.
    """

    level: Annotated[int, Field(ge=1, le=4), _WHOLE]
    urgency: Urgency
    category: Code | None = None

    @property
    def name(self) -> Sentence:
        """What to call the row."""
        return row_name(Level(self.level), self.urgency, self.category)


class PolicyRow(RowKey):
    """How long a unit has to answer and to resolve a call of one level, one urgency and one category prefix. A row
    without a category applies to all categories that no other row matches. In rows of the working clock, `1wd` is the
    length of one working day: all of the policy's `hours`."""

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
    """One version of a policy: the time boxes of every level and urgency, and the limits around them. `hours` are those
    of each working day of `calendar`; hours over midnight are two spans, 00:00-06:00 and 22:00-24:00."""

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
    hours: Annotated[tuple[SpanText, ...], Field(max_length=12)] = ()
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
            box = Box(self._seconds(row.answer), self._seconds(row.resolve), row.clock, row.category or "")
            boxes[Level(row.level), row.urgency].append(box)
        return Policy(
            self.code,
            version,
            {key: tuple(sorted(rows, key=_by_length_of_prefix)) for key, rows in sorted(boxes.items())},
            self._seconds(self.verify),
            self._seconds(self.reopen),
            Hours(self.calendar, self.spans) if self.calendar else None,
            self.warn,
            self.holds.times,
            self._seconds(self.holds.longest),
            self.extensions.times,
            self.extensions.percent,
            self.returns,
            self._seconds(self.suggestion),
            self._seconds(self.deliberation),
            Weights(**self.score.model_dump()),
            self.title,
        )

    @property
    def spans(self) -> Spans:
        """The working hours as minutes of the day, the earliest first."""
        return tuple(sorted(minutes_of(text) for text in self.hours))

    @property
    def working_day_s(self) -> int:
        """The length of a working day: 7 hours for 08:30-12:00 and 14:00-17:30."""
        return sum(end - start for start, end in self.spans) * 60

    def _seconds(self, duration: str) -> int:
        return seconds_of(duration, working_day_s=self.working_day_s)


def minutes_of(span: str) -> tuple[int, int]:
    """Return a span of hours as minutes of the day: "08:00-12:00" becomes (480, 720)."""
    found = _HOURS.fullmatch(span)
    if found is None:
        raise ValueError(span)
    return int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])


def _by_length_of_prefix(box: Box) -> tuple[int, str]:
    return -len(box.category), box.category
