"""How the OpenAPI document shows an example of a success response."""

from __future__ import annotations

from typing import Any


def ok(description: str, example: dict[str, Any]) -> dict[str, Any]:
    """One success response of an operation, with its example."""
    return {"description": description, "content": {"application/json": {"example": example}}}


def one(example: dict[str, Any]) -> dict[str, Any]:
    """The success response of one thing."""
    return ok("Found", example)


def listed(example: dict[str, Any]) -> dict[str, Any]:
    """The success response of a list of such things."""
    return ok("One page", {"items": [example], "next_cursor": None})
