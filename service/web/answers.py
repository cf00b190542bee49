"""The one way to answer with JSON: Python objects are written as bytes directly."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response of anything that pydantic can write. Aware UTC datetimes become RFC 3339 with `Z`, NaN and
    infinity become null."""
    return Response(to_json(content, inf_nan_mode="null"), status, headers, media_type="application/json")
