"""The route to which a request went, as FastAPI notes it in the ASGI scope."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope


def matched(scope: Scope) -> Any:
    """The route of a request, with what its routers add to it; None: no route. It has `path`, `dependant`,
    `body_field`."""
    effective = scope.get("fastapi", {}).get("effective_route_context")
    return effective if effective is not None else scope.get("route")


def template(scope: Scope) -> str:
    """The path of the route with the names of its parameters, `/v1/incidents/{incident_id}`; `unmatched` without a
    route."""
    path = getattr(matched(scope), "path", None)
    return path if isinstance(path, str) else "unmatched"
