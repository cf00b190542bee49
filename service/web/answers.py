"""The one way to answer with JSON: straight from Python objects to bytes."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON of anything pydantic can write. Aware UTC datetimes become RFC 3339 with `Z`; NaN and infinity null."""
    return Response(to_json(content, inf_nan_mode="null"), status, headers, media_type="application/json")
