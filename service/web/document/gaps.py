"""What the OpenAPI document lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.web import problems
from service.web.document import tree
from service.web.doors import Door, door_of


def of(document: Mapping[str, Any], doors: Sequence[Door]) -> list[str]:
    """One sentence for each thing that is missing: an example of a request body, a success response, or an example of
    a success response or of the problems."""
    return [
        f"{method.upper()} {path}: {gap}"
        for path, method, operation in tree.operations(document)
        for gap in _of_operation(document, operation, door_of(doors, path))
    ]


def _of_operation(document: Mapping[str, Any], operation: Mapping[str, Any], door: Door | None) -> Iterator[str]:
    if "requestBody" in operation and not _shown(operation["requestBody"], document):
        yield "no request example"
    for status, entry in operation["responses"].items():
        if status.startswith("2") and entry.get("content") and not _shown(entry, document):
            yield f"no example of {status}"
    if not any(status.startswith("2") for status in operation["responses"]):
        yield "no success response"
    if door is not None and door.refusal is None and not _problems_shown(operation):
        yield "no problem responses with examples"


def _shown(entry: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether each media type of a body or response has an example, or its schema has one."""
    return all(
        "example" in media or media.get("examples") or _schema_shown(media.get("schema", {}), document)
        for media in entry["content"].values()
    )


def _schema_shown(schema: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    parts = [*schema.get("allOf", ()), *schema.get("anyOf", ())]
    return bool(schema.get("examples") or "example" in schema) or any(_schema_shown(part, document) for part in parts)


def _problems_shown(operation: Mapping[str, Any]) -> bool:
    refusals = [entry for status, entry in operation["responses"].items() if status >= "4"]
    return bool(refusals) and all(
        entry.get("content", {}).get(problems.MEDIA_TYPE, {}).get("examples") for entry in refusals
    )
