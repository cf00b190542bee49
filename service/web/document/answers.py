"""The schemas of answers in the OpenAPI document: those of the very types that the routes are annotated with.

They are made when the document is first asked for, all in one pass, so that a shape that several routes answer is
defined once. Nothing of this runs at start-up or while requests are answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from starlette.routing import BaseRoute

from service.web.answers import Answer
from service.web.doors import JSON

_REFERENCE = "#/components/schemas/{model}"
_PAGE = re.compile(r"ItemPage\[(.+)\]")
_NAMES = {"IncidentWithCalls": "Incident"}
"""Names under which shapes are published, where they differ from those of their types by more than a `View`."""


class _Generator(GenerateJsonSchema):
    """JSON Schema without titles, since those only repeat the names. `CallView` is published as `Call`, a page of calls
    as `CallPage`."""

    def normalize_name(self, name: str) -> str:
        page = _PAGE.fullmatch(name)
        if page:
            return f"{self.normalize_name(page[1])}Page"
        return _NAMES.get(name) or re.sub(r"\W", "_", name.removesuffix("View"))

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def add(document: dict[str, Any], routes: Iterable[BaseRoute], *more: Any) -> dict[Any, dict[str, Any]]:
    """Give every JSON answer in `document` its schema, and define the shapes of all answers and of the types `more`.
    Returns the schema of each type.

    Raises:
        ValueError: two shapes, of requests or of answers, have one name and differ.
    """
    views = {id(route): view_of(route) for route in routes if isinstance(route, APIRoute)}
    found, definitions = _schemas([*(view for view in views.values() if view is not None), *more])
    _merge(document.setdefault("components", {}).setdefault("schemas", {}), definitions)
    for route in routes:
        view = views.get(id(route))
        if isinstance(route, APIRoute) and view is not None:
            for method in route.methods or ():
                operation = document["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    _fill(operation["responses"], found[view])
    return found


def view_of(route: APIRoute) -> Any:
    """The type of the view that a route answers with in JSON; None when it answers with something else."""
    returned = get_type_hints(route.endpoint, include_extras=True).get("return")
    for each in (returned, *get_args(returned)):
        if get_origin(each) is Answer:
            return get_args(each)[0]
    return None


def _schemas(types: Iterable[Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each type, and the definitions to which the schemas refer."""
    adapters = [(each, TypeAdapter(each)) for each in dict.fromkeys(types)]
    found, defined = TypeAdapter.json_schemas(
        [(each, "serialization", adapter) for each, adapter in adapters],
        ref_template=_REFERENCE,
        schema_generator=_Generator,
    )
    definitions = {name: _untitled(schema) for name, schema in defined.get("$defs", {}).items()}
    return {each: schema for (each, _), schema in found.items()}, definitions


def _untitled(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "title"}


def _merge(schemas: dict[str, Any], definitions: Mapping[str, Any]) -> None:
    for name, definition in definitions.items():
        if name in schemas and _untitled(schemas[name]) != definition:
            raise ValueError(f"the document has two shapes of the name {name}")
        schemas[name] = definition


def _fill(responses: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    for response in responses.values():
        if JSON in response.get("content", {}):
            response["content"][JSON]["schema"] = schema
