"""The types of what clients send. Every type has a limit, refuses what the database cannot store, and converts nothing
silently."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import CoreSchema

from service.rules.errors import Rule
from service.rules.sentences import Sentence
from service.web import breaches, characters, patterns
from service.web.breaches import WrongValue
from service.web.patterns import Shown

_CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_GRID_CODE = r"^[0-9]{15}$"
_PREFIX = r"^[0-9]{6,15}$"
_KEY = r"^[!-~]{1,255}$"
_PHONE = r"^[+＋]?[(（]?[0-9０-９][0-9０-９ ()（）./－-]{1,27}[0-9０-９]((转|分机|[xX#＃-]) ?[0-9０-９]{1,6})?$"
_MONTH = r"^2[01][0-9]{2}-(0[1-9]|1[0-2])$"

SHAPES: Mapping[str, Sentence] = {
    _CODE: Sentence("Send a code: 1 to 64 letters, digits, dots, dashes or underscores, a letter or digit first."),
    _GRID_CODE: Sentence("Send the 15 digits of a grid cell: district 6, street 3, community 3, cell 3."),
    _PREFIX: Sentence("Send the first 6 to 15 digits of a grid code."),
    _PHONE: Sentence(
        "Send a phone number: its digits, with +, blanks, brackets, dashes or dots between them, and an extension "
        "behind 转, x or #."
    ),
    _MONTH: Sentence("Send a month from 2000-01 to 2199-12, as YYYY-MM."),
    _KEY: Sentence("Send 1 to 255 visible ASCII characters, without spaces; a UUID is a good choice."),
}
"""The sentence that says what to send instead, by the pattern that a text does not match."""

_MAX_FIELDS = 100
"""Fields of one object. An object with more is refused as a whole, or the list of its faults could outgrow the body."""


def words(max_length: int) -> tuple[object, ...]:
    """The metadata of a text that a person wrote, of 1 to `max_length` characters: `Annotated[str, *words(200)]`.

    The text is stored in NFC with newlines as line breaks, and its length is counted after that. Controls, bidi
    controls, non-characters, lone surrogates and text in which nothing can be seen are refused.
    """
    length = StringConstraints(min_length=1, max_length=max_length)
    return length, BeforeValidator(characters.normal), AfterValidator(characters.sound), Shown(patterns.WORDS)


LongText = Annotated[str, *words(2000)]
"""A reason, or any other text that a person writes about an act."""


def one_line(max_length: int) -> tuple[object, ...]:
    """The metadata of a name or a note: that of `words`, and line breaks and tabs are refused."""
    return *words(max_length), AfterValidator(characters.one_line), Shown(patterns.LINE)


def identifier(max_length: int) -> tuple[object, ...]:
    """The metadata of a text that identifies somebody or something, such as a subject: that of `one_line`, without
    blanks at the ends and without anything invisible."""
    return *one_line(max_length), AfterValidator(characters.identifying), Shown(patterns.NAME)


def _dated(value: object) -> object:
    # pydantic would take numbers and numeric text for seconds since 1970
    if isinstance(value, str) and _LOST_PLUS.fullmatch(value):
        raise WrongValue(
            Sentence("Write the + of the offset as %2B: in a URL, + is a blank. Or send the time with Z, in UTC."),
            Rule.BAD_TIME,
        )
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.match(value)):
        return value
    raise WrongValue(*breaches.MOMENT[:2])


def _between(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2200:  # as it is written: that can be seen, and the document has a pattern for it
        raise WrongValue(Sentence("Send a time from the years 2000 to 2199."), Rule.OUT_OF_RANGE, **_YEARS)
    return moment.astimezone(UTC)


_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")
_LOST_PLUS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+ [0-9]{2}:?[0-9]{2}")
_YEARS = {"min": "2000-01-01T00:00:00Z", "max": "2199-12-31T23:59:59Z"}

Moment = Annotated[AwareDatetime, BeforeValidator(_dated), AfterValidator(_between), Shown(patterns.MOMENT)]
"""An instant between the years 2000 and 2200: RFC 3339 text with an offset, read as UTC."""


_FIRST = datetime.min.replace(tzinfo=UTC) + timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)
"""The first and the last instant that come back from the database as they were: those outside are infinity there."""


def _in_utc(moment: datetime) -> datetime:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:  # the offset leads out of the years 1 to 9999: a day that nobody means
        utc = moment.replace(tzinfo=UTC)
    return min(max(utc, _FIRST), _LAST)


AnyMoment = Annotated[AwareDatetime, BeforeValidator(_dated), AfterValidator(_in_utc), Shown(patterns.ANY_MOMENT)]
"""An instant of any year, as a clock that was never set may give it: RFC 3339 text with an offset, read as UTC."""


def _day(value: object) -> object:
    # pydantic would take numbers for seconds since 1970, and moments for days
    if isinstance(value, str) and re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", value):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
    raise WrongValue(Sentence("Send a day from 2000 to 2099, such as 2026-11-23."), Rule.BAD_DAY)


CalendarDay = Annotated[date, BeforeValidator(_day), Shown(patterns.DAY)]
"""A day of Asia/Shanghai, 2000 to 2099."""

Month = Annotated[str, StringConstraints(pattern=_MONTH)]
"""A calendar month, 2000 to 2199."""

Code = Annotated[str, StringConstraints(pattern=_CODE)]
"""A unit, line or policy code."""
CategoryCode = Code
GridCode = Annotated[str, StringConstraints(pattern=_GRID_CODE)]
Prefix = Annotated[str, StringConstraints(pattern=_PREFIX)]
"""An area: the code of a district, street, community or cell, or the start of one."""
Phone = Annotated[str, StringConstraints(pattern=_PHONE)]
"""A phone number as people write it."""
IdempotencyKey = Annotated[str, StringConstraints(pattern=_KEY)]
CursorText = Annotated[str, StringConstraints(max_length=1024), Shown(patterns.CURSOR)]
PageCursor = Annotated[
    CursorText | None,
    Field(description="the `next_cursor` of the page before, with the same filters; left out: the first page"),
]
Limit = Annotated[int, Field(ge=1, le=500, description="rows of one page")]
WaitSeconds = Annotated[int, Field(ge=0, le=60, description="hold the request this many seconds at most")]


def _split(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [part for each in value for part in (each.split(",") if isinstance(each, str) else [each])]


COMMAS = BeforeValidator(_split)
"""Several values of one query parameter, separated by commas: `Annotated[list[State], COMMAS]`."""


def _strictly(schema: object) -> None:
    """Turn off the conversion of numbers and booleans in this schema itself: text is no number, and 1 is not true."""
    if isinstance(schema, dict):
        if schema.get("type") in ("int", "float", "bool"):
            schema.setdefault("strict", True)
        for key, part in schema.items():
            if key not in ("default", "metadata", "serialization"):
                _strictly(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _strictly(part)


class Params(BaseModel):
    """The query parameters of a request, frozen. Unknown names are refused; text is converted to numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > _MAX_FIELDS:
            detail = Sentence("Send fewer fields: this has more than any that exist.")
            raise WrongValue(detail, Rule.TOO_LONG, max=_MAX_FIELDS)
        return value


class Body(Params):
    """The JSON body of a request, frozen. Unknown fields are refused; nothing is converted to numbers or booleans."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _strictly(schema)
        return schema
