"""What the OpenAPI document says of what clients send, beside what pydantic says by itself. The patterns read the same
in ECMA-262, Python and Rust, and refuse what the validators refuse.

Code points beyond U+FFFF are left out, since the three have no common way to write them: the validators refuse a few of
those as well, such as tags and non-characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

_REFUSED = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
"""Controls but tab and line breaks, bidi controls, non-characters."""
_HIDDEN = (
    r"\xad\u034f\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
_BREAKS = r"\t\n\r\u2028\u2029"
_SEEN = rf"[^\s{_REFUSED}{_HIDDEN}]"

WORDS = f"^[^{_REFUSED}]*{_SEEN}[^{_REFUSED}]*$"
"""A text with something to see."""
LINE = f"^[^{_REFUSED}{_BREAKS}]*{_SEEN}[^{_REFUSED}{_BREAKS}]*$"
"""One line with something to see."""
NAME = f"^{_SEEN}([^{_REFUSED}{_BREAKS}{_HIDDEN}]*{_SEEN})?$"
"""One line that identifies somebody or something: no blanks at its ends, nothing hidden in it."""

_SEEN_NO_SLASH = rf"[^\s/{_REFUSED}{_HIDDEN}]"
NAME_WITHOUT_SLASH = f"^{_SEEN_NO_SLASH}([^/{_REFUSED}{_BREAKS}{_HIDDEN}]*{_SEEN_NO_SLASH})?$"
"""A `NAME` that is no path: no slash in it."""

_DATE = "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_REST = rf"-{_DATE}T{_CLOCK}:[0-5][0-9](\.[0-9]{{1,6}})?(Z|[+-]{_CLOCK})$"
MOMENT = f"^2[01][0-9]{{2}}{_REST}"
"""An instant of the years 2000 to 2199, with its offset."""
ANY_MOMENT = f"^([1-9][0-9]{{3}}|0[1-9][0-9]{{2}}|00[1-9][0-9]|000[1-9]){_REST}"
"""An instant of the years 1 to 9999, with its offset."""
DAY = f"^20[0-9]{{2}}-{_DATE}$"
"""A day of the years 2000 to 2099."""
LONG_DAY = f"^2[01][0-9]{{2}}-{_DATE}$"
"""A day of the years 2000 to 2199."""

AREA = "^[0-9]{6,15}$"
"""An area: the code of a district, street, community or cell, or the start of one."""

_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_BYTE}(\.{_BYTE}){{3}}"
_GROUP = "[0-9A-Fa-f]{1,4}"
_LAST_TWO = f"({_GROUP}:{_GROUP}|{_IPV4})"
_IPV6 = "|".join(
    (
        f"({_GROUP}:){{6}}{_LAST_TWO}",
        f"::({_GROUP}:){{5}}{_LAST_TWO}",
        *(f"(({_GROUP}:){{0,{4 - after}}}{_GROUP})?::({_GROUP}:){{{after}}}{_LAST_TWO}" for after in range(4, -1, -1)),
        f"(({_GROUP}:){{0,5}}{_GROUP})?::{_GROUP}",
        f"(({_GROUP}:){{0,6}}{_GROUP})?::",
    )
)
"""The forms of RFC 3986 §3.2.2."""
NETWORK = f"^({_IPV4}(/(3[0-2]|[12]?[0-9]))?|({_IPV6})(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$"
"""An address, or a network as an address and the number of bits that count (CIDR)."""

_CURSOR = "[A-Za-z0-9_-]{16,1024}"
CURSOR = f"^{_CURSOR}$"
AFTER = f"^(now|{_CURSOR})$"
"""A cursor of the feed, or `now`."""

_TAG = r'(W/)?"[!#-~]*"'
IF_MATCH = rf"^(\*|{_TAG}([ \t]*,[ \t]*{_TAG})*)$"
"""`*`, or entity tags (RFC 9110 §13.1.1)."""


NULL = {"type": "null"}


def some_of(*names: str, empty: Mapping[str, Any] = NULL) -> dict[str, Any]:
    """The rule of an object of which at least one of these fields is neither left out nor `empty`. It stands in words
    that generators of clients pass over."""
    return {"not": {"properties": dict.fromkeys(names, empty)}}


@dataclass(frozen=True, slots=True)
class Shown:
    """Metadata of a type: what the document says of it beside what its validators say themselves."""

    pattern: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        shown = handler(schema)
        shown["pattern"] = self.pattern
        return shown


class _NotNull:
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        [kind] = [each for each in handler(schema)["anyOf"] if each.get("type") != "null"]
        return dict(kind)


NOT_NULL = _NotNull()
"""Metadata of an optional field that is left out rather than null."""
