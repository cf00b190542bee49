"""The router of a room: its routes are operations of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from service.web.direct import DirectRoute


class Router(APIRouter):
    """The routes of a room. A route has the name of its function as its `operationId`: `report_incident` is published
    as `reportIncident`. The framework neither validates nor copies what a route answers (see `answers`). `is_hot`:
    the routes are served directly (see `direct`)."""

    def __init__(self, prefix: str = "", tags: Sequence[str] = (), *, is_hot: bool = False) -> None:
        kind = DirectRoute if is_hot else APIRoute
        super().__init__(prefix=prefix, tags=list(tags), route_class=kind, generate_unique_id_function=_operation_id)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().add_api_route(path, endpoint, **{**options, "response_model": None})


def _operation_id(route: APIRoute) -> str:
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)
