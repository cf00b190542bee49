"""The OpenAPI document: what FastAPI derives from the routes, and what the contract promises for every operation.

The document is put together when it is first asked for, not at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

from fastapi import FastAPI

from service.web import examples
from service.web.document import answers, headers, introduction, links, parameters, refusals, tree, webhooks
from service.web.doors import Door, door_of
from service.web.problem_shape import Problem


def version() -> str:
    """The version of the installed package; `0.0.0` when the code runs from a folder that was never installed."""
    try:
        return metadata.version("sihu")
    except metadata.PackageNotFoundError:
        return "0.0.0"


def describe(app: FastAPI, doors: Sequence[Door], event_shapes: Callable[[], Mapping[str, Any]] = dict) -> None:
    """Give `app` its title, and make `app.openapi()` the complete document. Call this once, when all routes are added.

    The schemes by which to sign in, and the problems that any request can meet, come from the door of the operation.
    `event_shapes` gives the shape of each type of event by its name.
    """
    app.title, app.description, app.version = introduction.TITLE, introduction.DESCRIPTION, version()
    app.contact = dict(introduction.CONTACT)
    app.license_info = dict(introduction.LICENSE)
    app.servers = [dict(each) for each in introduction.SERVERS]
    derived = app.openapi

    def whole() -> dict[str, Any]:
        is_new = app.openapi_schema is None
        document = derived()  # which FastAPI keeps as its own from now on
        if is_new:
            examples.restore_nulls(document, app.routes)
            _complete(document, doors)
            events = event_shapes()
            schemas = answers.add(document, app.routes, Problem, *events.values())
            webhooks.add(document, {name: schemas[shape] for name, shape in events.items()}, introduction.EVENTS)
            refusals.close_list(document)
            parameters.tidy(document)
            headers.add(document)
            links.add(document)
            for schema in tree.schemas(document):
                schema.pop("title", None)
        return document

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _complete(document: dict[str, Any], doors: Sequence[Door]) -> None:
    """Add to `document` what the doors know."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemes = [scheme for door in doors for scheme in door.schemes]
    described = {each.name: each.model.model_dump(mode="json", by_alias=True, exclude_none=True) for each in schemes}
    components.setdefault("securitySchemes", {}).update(described)
    for path, _, operation in tree.operations(document):
        refusals.drop_default(operation)
        door = door_of(doors, path)
        operation["security"] = [{scheme.name: []} for scheme in door.schemes] if door is not None else []
        if door is None or door.refusal is None:
            refusals.add(operation, door)
    introduction.sort_by_chapter(document)
