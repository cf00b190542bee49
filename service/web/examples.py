"""Examples of success responses in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi.routing import APIRoute
from pydantic_core import from_json, to_json
from starlette.routing import BaseRoute

from service.web.document import headers


def ok(description: str, example: Mapping[str, Any], *with_headers: str) -> dict[str, Any]:
    """One success response of an operation, with its example, written as `answer` writes the same view, and the names
    of the headers that not every answer has."""
    content = {"application/json": {"example": from_json(to_json(example))}}
    return {"description": description, "content": content, "headers": headers.of(*with_headers)}


def unchanged() -> dict[str, Any]:
    """The response to a conditional request for what the client has already."""
    return {"description": "Unchanged since `If-None-Match`", "headers": headers.of("ETag")}


def one(example: Mapping[str, Any], *with_headers: str) -> dict[str, Any]:
    """The success response of an operation that answers with one thing, such as a unit."""
    return ok("Found", example, *with_headers)


def listed(example: Mapping[str, Any]) -> dict[str, Any]:
    """The success response of an operation that answers with one page of a list."""
    return ok("One page", {"items": [example], "next_cursor": None})


def restore_nulls(document: Mapping[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Put the examples of the routes into an OpenAPI document once more, with their nulls.

    FastAPI drops every null, but in an answer a null has a meaning: the field exists and is empty.
    """
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _restore(operation["responses"], route.responses)


def _restore(responses: Mapping[str, Any], given: Mapping[int | str, Any]) -> None:
    for status, entry in given.items():
        for media_type, content in entry.get("content", {}).items():
            if "example" in content:
                responses[str(status)]["content"][media_type]["example"] = content["example"]
