"""The document of the whole service: every success has a schema, every name is one that a client can use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from service import clock as clocks
from service import settings
from service.main import create_app

OTHER_BODIES = {"/metrics", "/v1/keys/{id}"}
"""Paths that answer with text for Prometheus, and with nothing."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(settings.load(), clocks.of("now")).openapi()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def test_every_success_has_a_schema(document: dict[str, Any]) -> None:
    bare = [
        (operation["operationId"], status)
        for path, operation in _operations(document)
        for status, response in operation["responses"].items()
        if status.startswith("2") and path not in OTHER_BODIES
        if not response["content"]["application/json"].get("schema")
    ]
    assert bare == []


def test_operation_ids_are_verb_and_noun_and_unique(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in _operations(document)]
    assert [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)] == []
    assert len(set(names)) == len(names)


def test_names_of_shapes_are_identifiers(document: dict[str, Any]) -> None:
    assert [name for name in document["components"]["schemas"] if not re.fullmatch(r"[A-Z][A-Za-z]+", name)] == []


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(_references(document)):
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
