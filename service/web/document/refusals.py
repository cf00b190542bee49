"""The problems that an operation can answer with because of its door, its body and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.rules import errors
from service.rules.errors import SihuError
from service.web import problems
from service.web.doors import JSON, Door


def add(operation: dict[str, Any], door: Door | None) -> None:
    """Add these problems to what the route itself declares. Each status names its codes, and has an example of each."""
    responses = operation["responses"]
    for status, entry in problems.documented(*_common(operation, door)).items():
        there = responses.setdefault(str(status), {"description": entry["description"]})
        media = there.setdefault("content", {}).setdefault(
            problems.MEDIA_TYPE, {"schema": {"$ref": problems.SCHEMA}, "examples": {}}
        )
        media["examples"] = {**media.get("examples", {}), **entry["content"][problems.MEDIA_TYPE]["examples"]}
        there["description"] = " · ".join(f"`{code}`" for code in media["examples"])
    ordered = sorted(responses.items(), key=lambda item: item[0])
    responses.clear()
    responses.update(ordered)


def _common(operation: Mapping[str, Any], door: Door | None) -> list[type[SihuError]]:
    anywhere: list[type[SihuError]] = [errors.BadRequest, errors.TooSlow, errors.ValidationFailed, errors.HeadTooLarge]
    if door is None:
        return anywhere
    of_doors: list[type[SihuError]] = [
        errors.Unauthorized,
        errors.NotYours,  # a key that only reads, a person without a role here
        errors.AddressNotAllowed,
        errors.ForeignOrigin,
        errors.TooMany,
    ]
    kinds = of_doors if door.schemes else []
    kinds += [*anywhere, errors.Unavailable]
    places = {parameter.get("in") for parameter in operation.get("parameters", ())}
    if "requestBody" in operation:
        kinds += [errors.BadJson] if JSON in operation["requestBody"]["content"] else []
        kinds += [errors.TooLarge, errors.UnsupportedMedia]
    if "path" in places:
        kinds.append(errors.NotFound)
    return kinds


def drop_default(operation: dict[str, Any]) -> None:
    """Remove the 422 that FastAPI adds where a route declares none, since this service never answers with it."""
    content = operation["responses"].get("422", {}).get("content", {})
    if "HTTPValidationError" in str(content.get(JSON, {}).get("schema", {})):
        del content[JSON]
        if not content:
            del operation["responses"]["422"]


def close_list(document: Mapping[str, Any]) -> None:
    """Name every code of a problem. The type cannot name them, since any room may have errors of its own."""
    document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] = list(problems.CODES)
