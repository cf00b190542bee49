"""The OpenAPI document: what FastAPI derives from the routes, and what the contract promises for every operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from fastapi import FastAPI

from service.rules import errors
from service.rules.errors import SihuError
from service.rules.lifecycle import TRANSITIONS
from service.rules.words import State
from service.web import examples, problems
from service.web.doors import JSON, Door, door_of

TITLE = "四呼 sihu"
DESCRIPTION = (
    "呼之必应:网格上报的事件先呼社区,未应则逐级呼街道、部门、领导,每一呼都有结果。\n\n"
    "An incident reported from a grid cell calls its community, and climbs street → department → leader until somebody "
    "answers and resolves it. Every call has exactly one outcome, and the clock is part of the service.\n\n"
    "错误一律为 RFC 9457 `application/problem+json`,`code` 为封闭列表。Errors are RFC 9457 problems; `code` is one of "
    "a closed list ([problems](docs/problems)). Send `Authorization: Bearer <key>`."
)
_METHODS = ("get", "put", "post", "delete", "patch", "options", "head")

PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. `code` tells machines what happened, `detail` tells people what to do next.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference", "description": "the path of the request"},
        "code": {"type": "string", "enum": list(problems.CODES)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON Pointer into the body; `?name`: a query parameter; `Name:`: a header",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
        "state": {
            "type": "string",
            "enum": [state.value for state in State],
            "description": "illegal_transition: the state of the incident",
        },
        "allowed": {
            "type": "array",
            "items": {"type": "string", "enum": [arrow.value for arrow, each in TRANSITIONS.items() if each.by]},
            "description": "illegal_transition: the verbs that you may use instead",
        },
    },
}


def version() -> str:
    """The version of the installed package; `0.0.0` when the code runs from a folder that was never installed."""
    try:
        return metadata.version("sihu")
    except metadata.PackageNotFoundError:
        return "0.0.0"


def describe(app: FastAPI, doors: Sequence[Door]) -> None:
    """Give `app` its title, and make `app.openapi()` the complete document. Call this once, when all routes are added.

    The schemes by which to sign in, and the problems that any request can meet, come from the door of the operation.
    """
    app.title, app.description, app.version = TITLE, DESCRIPTION, version()
    derived = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = derived()
            examples.restore_nulls(document, app.routes)
            _complete(document, doors)
        schema = app.openapi_schema
        assert schema is not None
        return schema

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _complete(document: dict[str, Any], doors: Sequence[Door]) -> None:
    """Add to `document` what the doors know. The object itself is changed, since FastAPI keeps it as its own."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = dict(PROBLEM_SCHEMA)
    schemes = [scheme for door in doors for scheme in door.schemes]
    described = {each.name: each.model.model_dump(mode="json", by_alias=True, exclude_none=True) for each in schemes}
    components.setdefault("securitySchemes", {}).update(described)
    for path, _, operation in _operations(document):
        _drop_default_422(operation)
        _separate_by_commas(operation)
        door = door_of(doors, path)
        if door is not None and door.schemes:
            operation["security"] = [{scheme.name: []} for scheme in door.schemes]
        if door is not None and door.refusal is None:
            _add_problems(operation, _common(operation, door))


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _drop_default_422(operation: dict[str, Any]) -> None:
    """Remove the 422 that FastAPI adds where a route declares none, since this service never answers with it."""
    content = operation["responses"].get("422", {}).get("content", {})
    if "HTTPValidationError" in str(content.get("application/json", {}).get("schema", {})):
        del content["application/json"]
        if not content:
            del operation["responses"]["422"]


def _separate_by_commas(operation: dict[str, Any]) -> None:
    """Say of each query parameter with several values that they are separated by commas: a name is given once."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query" and parameter["schema"].get("type") == "array":
            parameter["explode"] = False


def _common(operation: Mapping[str, Any], door: Door) -> list[type[SihuError]]:
    """The problems that an operation can answer with because of its door, its body and its parameters."""
    kinds: list[type[SihuError]] = [errors.Unauthorized] if door.schemes else []
    kinds += [errors.Unavailable, errors.ValidationFailed]
    places = {parameter.get("in") for parameter in operation.get("parameters", ())}
    if "requestBody" in operation:
        kinds += [errors.BadJson] if JSON in operation["requestBody"]["content"] else []
        kinds += [errors.TooLarge, errors.UnsupportedMedia]
    if "path" in places:
        kinds.append(errors.NotFound)
    return kinds


def _add_problems(operation: dict[str, Any], kinds: list[type[SihuError]]) -> None:
    responses = operation["responses"]
    for status, entry in problems.documented(*kinds).items():
        there = responses.setdefault(str(status), {"description": entry["description"]})
        media = there.setdefault("content", {}).setdefault(
            problems.MEDIA_TYPE, {"schema": {"$ref": problems.SCHEMA}, "examples": {}}
        )
        media["examples"] = {**media.get("examples", {}), **entry["content"][problems.MEDIA_TYPE]["examples"]}
        there["description"] = " · ".join(f"`{code}`" for code in media["examples"])
    ordered = sorted(responses.items(), key=lambda item: item[0])
    responses.clear()
    responses.update(ordered)


def missing_examples(document: Mapping[str, Any], doors: Sequence[Door]) -> list[str]:
    """What the document lacks, one sentence each: an example of a request body, a success response, or an example of a
    success response or of the problems."""
    missing = []
    for path, method, operation in _operations(document):
        name = f"{method.upper()} {path}"
        if "requestBody" in operation and not _shown(operation["requestBody"], document):
            missing.append(f"{name}: no request example")
        for status, entry in operation["responses"].items():
            if status.startswith("2") and entry.get("content") and not _shown(entry, document):
                missing.append(f"{name}: no example of {status}")
        if not any(status.startswith("2") for status in operation["responses"]):
            missing.append(f"{name}: no success response")
        door = door_of(doors, path)
        if door is not None and door.refusal is None and not _problems_shown(operation):
            missing.append(f"{name}: no problem responses with examples")
    return missing


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
