"""The rule that a value breaks, and the sentence about it. Pydantic finds most of them; its own words never reach a
person, since each kind of fault that it knows has a sentence here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from service.rules.errors import Rule
from service.rules.sentences import Sentence


class Breach(NamedTuple):
    """One broken rule: what to send instead, and the bounds that the rule names."""

    detail: Sentence
    rule: Rule
    bounds: Mapping[str, object] = {}


class WrongValue(ValueError):
    """The refusal of a value by a validator of this service."""

    def __init__(self, detail: Sentence, rule: Rule, **bounds: object) -> None:
        super().__init__(detail)
        self.breach = Breach(detail, rule, bounds)


MISSING = Breach(Sentence("Add this field: it is required."), Rule.MISSING)
_UNREADABLE = Breach(
    Sentence("This cannot be read. Look the field up in /docs, and send what is described there."), Rule.WRONG_TYPE
)
MOMENT = Breach(
    Sentence("Send a time as RFC 3339 text with its offset, such as 2026-11-23T08:55:00+08:00 (in a URL, + is %2B)."),
    Rule.BAD_TIME,
)
_NO_OFFSET = Breach(Sentence("Add the offset from UTC, such as +08:00 or Z (in a URL, + is %2B)."), Rule.BAD_TIME)
_DAY = Breach(Sentence("Send a day that exists, such as 2026-11-23."), Rule.BAD_DAY)
_ID = Breach(
    Sentence("Send an id, such as 019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11. A number such as 2026-000001 is no id."),
    Rule.BAD_ID,
)


def _type(detail: Sentence, name: str) -> Breach:
    return Breach(detail, Rule.WRONG_TYPE, {"type": name})


_TEXT = _type(Sentence("Send text (a JSON string)."), "string")
_WHOLE = _type(Sentence("Send a whole number, without quotes."), "integer")
_NUMBER = _type(Sentence("Send a number, without quotes."), "number")
_ARRAY = _type(Sentence("Send a JSON array."), "array")
_OBJECT = _type(Sentence("Send a JSON object."), "object")
_WHOLE_TEXT = _type(Sentence("Send a whole number."), "integer")

_FIXED: Mapping[str, Breach] = {
    "missing": MISSING,
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "string_unicode": Breach(
        Sentence("Send valid Unicode: there is half a surrogate pair in this text."), Rule.NOT_UNICODE
    ),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE_TEXT,
    "int_parsing_size": _WHOLE_TEXT,
    "int_from_float": _WHOLE_TEXT,
    "float_type": _NUMBER,
    "float_parsing": _type(Sentence("Send a number."), "number"),
    "finite_number": _type(Sentence("Send a finite number."), "number"),
    "bool_type": _type(Sentence("Send true or false, without quotes."), "boolean"),
    "bool_parsing": _type(Sentence("Send true or false."), "boolean"),
    "list_type": _ARRAY,
    "tuple_type": _ARRAY,
    "set_type": _ARRAY,
    "frozen_set_type": _ARRAY,
    "iterable_type": _ARRAY,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "timezone_aware": _NO_OFFSET,
    "timezone_offset": _NO_OFFSET,
    "datetime_type": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_object_invalid": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "uuid_version": _ID,
}


def _too_short(context: Mapping[str, Any]) -> Breach:
    least = context["min_length"]
    detail = Sentence("Send at least {min} {min:character|characters}.", min=least)
    return Breach(detail, Rule.TOO_SHORT, {"min": least})


def _too_long(context: Mapping[str, Any]) -> Breach:
    most = context["max_length"]
    detail = Sentence("Send at most {max} {max:character|characters}.", max=most)
    return Breach(detail, Rule.TOO_LONG, {"max": most})


def _too_few(context: Mapping[str, Any]) -> Breach:
    least = context["min_length"]
    return Breach(Sentence("Send at least {min} {min:item|items}.", min=least), Rule.TOO_SHORT, {"min": least})


def _too_many(context: Mapping[str, Any]) -> Breach:
    most = context["max_length"]
    return Breach(Sentence("Send at most {max} {max:item|items}.", max=most), Rule.TOO_LONG, {"max": most})


def _at_least(context: Mapping[str, Any]) -> Breach:
    least = _short(context["ge"])
    return Breach(Sentence("Send {min} or more.", min=least), Rule.OUT_OF_RANGE, {"min": least})


def _at_most(context: Mapping[str, Any]) -> Breach:
    most = _short(context["le"])
    return Breach(Sentence("Send {max} or less.", max=most), Rule.OUT_OF_RANGE, {"max": most})


def _more_than(context: Mapping[str, Any]) -> Breach:
    bound = _short(context["gt"])
    return Breach(Sentence("Send more than {min}.", min=bound), Rule.OUT_OF_RANGE, {"min": bound})


def _less_than(context: Mapping[str, Any]) -> Breach:
    bound = _short(context["lt"])
    return Breach(Sentence("Send less than {max}.", max=bound), Rule.OUT_OF_RANGE, {"max": bound})


def _short(value: Any) -> Any:
    """The value as a sentence shows it: 90 rather than 90.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_MEMBER = re.compile(r"'([^']*)'|([^\s,']+)")


def not_one_of(expected: str, given: object) -> Breach:
    """The breach of a closed list, which `expected` writes out as pydantic does, by the value that was given."""
    found = (each[1] or each[2] for each in _MEMBER.finditer(expected))
    allowed = [each for each in found if each != "or"]
    close = difflib.get_close_matches(given[:64].lower(), allowed, n=1) if isinstance(given, str) else []
    detail = (
        Sentence("Send one of {allowed}. Did you mean {meant}?", allowed=allowed, meant=close[0])
        if close
        else Sentence("Send one of {allowed}.", allowed=allowed)
    )
    return Breach(detail, Rule.NOT_ONE_OF, {"allowed": allowed})


_BOUNDED: Mapping[str, Callable[[Mapping[str, Any]], Breach]] = {
    "string_too_short": _too_short,
    "string_too_long": _too_long,
    "too_short": _too_few,
    "too_long": _too_many,
    "greater_than_equal": _at_least,
    "less_than_equal": _at_most,
    "greater_than": _more_than,
    "less_than": _less_than,
}


def of(kind: str, context: Mapping[str, Any]) -> Breach:
    """The breach that a fault of pydantic stands for, by its type and context."""
    error = context.get("error")
    if isinstance(error, WrongValue):
        return error.breach
    if kind in _BOUNDED:
        return _BOUNDED[kind](context)
    return _FIXED.get(kind, _UNREADABLE)
