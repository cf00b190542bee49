"""JSON as others send it, read so that nothing is lost: a member that stands twice in one object is refused, at any
depth.

Python's reader would keep the last of two members and say nothing. The check costs a call for each object, and no
second look at the text.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from service.rules.errors import BadJson

_SHOWN_CHARACTERS = 64


class RepeatedMemberError(ValueError):
    """An object has one member twice; the message names the member."""

    def __init__(self, name: str) -> None:
        shown = name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…"
        quoted = json.dumps(shown, ensure_ascii=False).encode(errors="replace").decode()
        super().__init__(f"the member {quoted} stands twice in one object")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        raise RepeatedMemberError(next(name for at, name in enumerate(names) if name in names[:at]))
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)


def loads(text: str) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: the text is not JSON, is nested too deeply, or has an object with a member twice.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read(content: bytes) -> Any:
    """What a JSON body says. UTF-8 is expected; UTF-16, UTF-32 and a byte order mark are understood.

    Raises:
        BadJson: the body is not JSON, or an object in it has a member twice; the detail names the member.
    """
    try:
        return loads(content.decode(json.detect_encoding(content), "surrogatepass"))
    except UnicodeDecodeError:
        raise BadJson("The body is not UTF-8: encode it as UTF-8 and send again.") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"The body is not JSON: {error.msg} at character {error.pos}. Correct it.") from None
    except ValueError as error:
        raise BadJson(f"The body is not JSON to rely on: {error}. Correct it.") from None
