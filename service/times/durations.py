"""Lengths of time as people write them: a whole number with a unit, and spans of hours.

The units are s, m, h, d (24 hours), and in rows of the working clock wd: a working day, which has the working hours of
one day of its policy.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from service.rules.errors import Rule
from service.rules.sentences import Sentence
from service.web.breaches import WrongValue

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


def _pattern(pattern: str) -> WithJsonSchema:
    """The schema of a text that the document shows with this pattern. The validators above have better sentences."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


Duration = Annotated[str, BeforeValidator(_duration), _pattern(f"^{_DURATION_PATTERN}$")]
Elapsed = Annotated[str, BeforeValidator(_elapsed), _pattern(_ELAPSED_PATTERN)]
SpanText = Annotated[str, BeforeValidator(_hours), _pattern(_HOURS_PATTERN)]
"""One span of working hours: HH:MM-HH:MM."""


def minutes_of(span: str) -> tuple[int, int]:
    """Return a span of hours as minutes of the day: "08:00-12:00" becomes (480, 720)."""
    found = _HOURS.fullmatch(span)
    if found is None:
        raise ValueError(span)
    return int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
