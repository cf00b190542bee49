"""The one way to answer with JSON: Python objects are written as bytes directly.

A route names what it answers in its annotation, `-> Answer[IncidentWithCalls]`. The type checker holds the route to it,
and `answer_schemas` reads the same annotation for the OpenAPI document. Nothing is validated when an answer is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar
from uuid import UUID

import orjson
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from service.web import languages

_View = TypeVar("_View")


class Answer(Response, Generic[_View]):
    """A JSON response that holds a view of this type."""

    media_type = "application/json"


def answer(view: _View, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer[_View]:
    """A JSON response of anything that pydantic can write. Aware UTC datetimes become RFC 3339 with `Z`, NaN and
    infinity become null."""
    return Answer(encode(view), status, headers)


def encode(view: object) -> bytes:
    """A view, or a list of views, as JSON (see `answer`)."""
    try:
        return orjson.dumps(view, default=_text_of, option=orjson.OPT_UTC_Z)
    except TypeError:  # what orjson does not know, pydantic writes in the same form, and takes seven times as long
        return to_json(view, inf_nan_mode="null")


def _text_of(value: object) -> str:
    """The text of an id as the driver returns it, in a class of its own. Raises TypeError for anything else."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


def answer_in_words(view: _View, request: Request) -> Answer[_View]:
    """A JSON response with sentences for people, in the language that the request prefers."""
    return answer(languages.shown(view, languages.language_of(request.scope)))
