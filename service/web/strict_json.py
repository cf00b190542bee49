"""JSON as others send it, read so that nothing is lost: a member that stands twice in one object is refused, at any
depth.

Python's reader would keep the last of two members and say nothing. The check costs a call for each object, and no
second look at the text.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from service.rules.errors import BadJson
from service.rules.sentences import Sentence

_SHOWN_CHARACTERS = 64
_MAX_EXACT = 2**53
"""Whole numbers up to this one have a float of their own."""


class NotJsonError(ValueError):
    """A text is no JSON, or not such JSON as can be relied on. `why` says what is wrong with it, and where."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(why)
        self.why = why


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        name = next(name for at, name in enumerate(names) if name in names[:at])
        raise NotJsonError(Sentence("the member {member} stands twice in one object", member=_quoted(name)))
    return found


def _quoted(name: str) -> str:
    shown = name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…"
    return json.dumps(shown, ensure_ascii=False).encode(errors="replace").decode()


def _no_number(name: str) -> NoReturn:
    raise NotJsonError(Sentence("{name} is no number of JSON", name=name))


def _number(digits: str) -> float | int:
    """Return 5.0 and 5e0 as the whole number 5, which they are by JSON Schema, as far as a float is exact."""
    number = float(digits)
    return int(number) if number.is_integer() and abs(number) <= _MAX_EXACT else number


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
_BODY_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number, parse_float=_number)


def loads(text: str, decoder: json.JSONDecoder = _DECODER) -> Any:
    """What a JSON text says.

    Raises:
        NotJsonError: the text is not JSON, is nested too deeply, or has an object with a member twice.
    """
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise NotJsonError(_place(error)) from None
    except NotJsonError:
        raise
    except RecursionError:
        raise NotJsonError(Sentence("it is nested too deeply")) from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise NotJsonError(Sentence("a number in it has thousands of digits")) from None


def _place(error: json.JSONDecodeError) -> Sentence:
    if error.pos >= len(error.doc.rstrip()):
        return Sentence("it ends before it is complete")
    return Sentence("line {line} cannot be read on from character {column}", line=error.lineno, column=error.colno)


def read(content: bytes) -> Any:
    """What a JSON body says. A whole number may be written with a point. UTF-8 is expected; UTF-16, UTF-32 and a byte
    order mark are understood.

    Raises:
        BadJson: the body is not JSON, or an object in it has a member twice; the detail names the member.
    """
    try:
        return loads(content.decode(json.detect_encoding(content), "surrogatepass"), _BODY_DECODER)
    except UnicodeDecodeError:
        raise BadJson(Sentence("The body is not UTF-8: encode it as UTF-8 and send it again.")) from None
    except NotJsonError as error:
        raise BadJson(Sentence("The body is not JSON: {why}. Correct it and send it again.", why=error.why)) from None
