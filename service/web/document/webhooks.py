"""The `webhooks` of the OpenAPI document: one entry for each type of event, with its exact shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MEDIA_TYPE = "application/cloudevents+json"
_TEXT = (
    "An event of this type (CloudEvents 1.0), as `GET /v1/events` lists it. This version sends nothing by itself: read "
    "the feed, and hand each event to the code that is generated from this entry."
)


def add(document: dict[str, Any], schemas: Mapping[str, Mapping[str, Any]], tag: str) -> None:
    """Add an entry for each name of `schemas`, under the chapter `tag`."""
    document["webhooks"] = {name: {"post": _operation(name, schema, tag)} for name, schema in schemas.items()}


def _operation(name: str, schema: Mapping[str, Any], tag: str) -> dict[str, Any]:
    words = name.replace("_", ".").split(".")[1:]
    return {
        "operationId": "on" + "".join(word.capitalize() for word in words),
        "summary": " ".join(words).capitalize(),
        "description": _TEXT,
        "tags": [tag],
        "security": [],
        "requestBody": {"required": True, "content": {_MEDIA_TYPE: {"schema": dict(schema)}}},
        "responses": {"204": {"description": "The event was taken"}, "410": {"description": "Send no more events"}},
    }
