"""Walking over the OpenAPI document: its operations, and the schemas inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_METHODS = ("get", "put", "post", "delete", "patch", "options", "head")
_ONE = ("items", "additionalProperties", "not", "contains", "propertyNames")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs")


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its path and method."""
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def schemas(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema of the document: of components, parameters, bodies and answers, with all that lie inside them."""
    for defined in document.get("components", {}).get("schemas", {}).values():
        yield from within(defined)
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            yield from within(parameter.get("schema"))
        for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in holder.get("content", {}).values():
                yield from within(media.get("schema"))


def within(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and all schemas inside it; nothing, when it is no object."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name in _ONE:
        yield from within(schema.get(name))
    for name in _MANY:
        for part in schema.get(name, ()):
            yield from within(part)
    for name in _NAMED:
        for part in schema.get(name, {}).values():
            yield from within(part)
