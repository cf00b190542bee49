"""Which route a request went to, as FastAPI notes it in the ASGI scope."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope


def matched(scope: Scope) -> Any:
    """The route with everything its routers add to it, or None. It has `path`, `dependant`, `body_field`."""
    effective = scope.get("fastapi", {}).get("effective_route_context")
    return effective if effective is not None else scope.get("route")


def template(scope: Scope) -> str:
    """The route's path with its parameters unfilled, such as `/v1/incidents/{incident_id}`; else `unmatched`."""
    path = getattr(matched(scope), "path", None)
    return path if isinstance(path, str) else "unmatched"
