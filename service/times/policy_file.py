"""The policy as people write it: `policy.yaml`, or a JSON body with these fields. Every fault is reported at once.

A duration is a whole number with a unit: s, m, h, d (24 hours), and in rows of the working clock wd: a working day,
which has the working hours of one day of this policy. Stored versions have seconds, so they keep the working day they
were written with.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from service.rules.errors import Rule
from service.rules.policy import Box, FairPlay, Hours, Policy, Spans, Weights
from service.rules.sentences import Sentence
from service.rules.words import ClockKind, Level, Urgency
from service.times.durations import Duration, Elapsed, SpanText, minutes_of, seconds_of
from service.web.breaches import WrongValue
from service.web.text import Code, Params, one_line


def _rising(marks: tuple[int, ...]) -> tuple[int, ...]:
    if list(marks) != sorted(set(marks)):
        raise WrongValue(Sentence("Send the marks in rising order, each once."), Rule.NOT_POSSIBLE)
    return marks


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
Portion = Annotated[int, Field(ge=0, le=100), _WHOLE]
"""Percent of a whole: nothing and all of it included."""
DayCount = Annotated[int, Field(ge=1, le=100_000), _WHOLE]


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
    """How many holds one incident may have, and how long one may last."""

    times: SmallCount = 3
    longest: Elapsed = "365d"


class Extensions(Params):
    """How many extensions one incident may have, and how much of its time box one may add, in percent."""

    times: SmallCount = 3
    percent: Annotated[int, Field(ge=1, le=1000), _WHOLE] = 100


class Score(Params):
    """How much each part of a unit's score counts. A part that nobody rated is left out of the sum."""

    answered: SmallCount = 30
    resolved: SmallCount = 40
    street: SmallCount = 20
    reporter: SmallCount = 10


class Quota(Params):
    """How many reports one named subject may send on one day of Asia/Shanghai, and how many of them may be urgent."""

    reports: DayCount = 300
    urgent: DayCount = 30


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
    late: Percent = 80
    late_exit: Portion = 50
    unverified: Portion = 50
    spot_check: Portion = 5
    appeal: Elapsed = "10d"
    quota: Quota = Quota()
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
            FairPlay(
                self.late,
                self.late_exit,
                self.unverified,
                self.spot_check,
                self._seconds(self.appeal),
                **self.quota.model_dump(),
            ),
            self.title,
        )

    @property
    def unsaid(self) -> tuple[str, ...]:
        """What the policy does not say and takes from the sample, each with its value."""
        values = ((name, _unsaid(self, name)) for name in _TAKEN)
        return tuple(f"{name} {value}" for name, value in values if value)

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


_TAKEN = ("holds", "extensions", "late", "late_exit", "unverified", "spot_check", "appeal", "quota")
"""The keys that decide what a unit's figures are worth."""


def _unsaid(of: Params, name: str) -> str:
    """What a key or the keys in it are by default, as it is written in the file; empty where all was said."""
    value = getattr(of, name)
    if isinstance(value, Params):
        left = {key: text for key in type(value).model_fields if (text := _unsaid(value, key))}
        return "{" + ", ".join(f"{key}: {text}" for key, text in left.items()) + "}" if left else ""
    return "" if name in of.model_fields_set else str(value)


def _by_length_of_prefix(box: Box) -> tuple[int, str]:
    return -len(box.category), box.category
