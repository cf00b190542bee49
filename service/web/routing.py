"""Routes: how a room declares them, and the one to which a request went, as FastAPI notes it in the ASGI scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
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


class Router(APIRouter):
    """The routes of a room. A route has the name of its function as its `operationId`: `report_incident` is published
    as `reportIncident`. The framework neither validates nor copies what a route answers (see `answers`)."""

    def __init__(self, prefix: str = "", tags: Sequence[str] = ()) -> None:
        super().__init__(prefix=prefix, tags=list(tags), generate_unique_id_function=_operation_id)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().add_api_route(path, endpoint, **{**options, "response_model": None})


def _operation_id(route: APIRoute) -> str:
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)
