"""The document of the whole service: every success has a schema, every name is one that a client can use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from service import clock as clocks
from service import settings
from service.main import create_app
from service.web.document import introduction, tree

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


def test_every_response_names_its_headers(document: dict[str, Any]) -> None:
    always = {"X-Request-Id", "Sihu-Now", "Content-Language", "Cache-Control", "X-Content-Type-Options", "Vary"}
    defined = document["components"]["headers"]
    for _, operation in _operations(document):
        for status, response in operation["responses"].items():
            found = set(response["headers"])
            assert always <= found <= set(defined), operation["operationId"]
            assert ("Retry-After" in found) == (status in ("429", "503"))
            assert ("WWW-Authenticate" in found) == (status == "401")


@pytest.mark.parametrize(
    ("name", "status", "own"),
    [
        ("reportIncident", "201", {"Location", "ETag", "Idempotency-Replayed"}),
        ("reportIncident", "200", {"Location", "ETag", "Idempotency-Replayed"}),
        ("answerIncident", "200", {"ETag", "Idempotency-Replayed"}),
        ("readIncident", "200", {"ETag"}),
        ("readQueue", "200", {"ETag"}),
        ("readQueue", "304", {"ETag"}),
        ("readFigures", "200", {"Content-Disposition"}),
        ("createKey", "201", {"Location"}),
        ("draftPolicy", "201", {"Location"}),
        ("proposeDuty", "201", {"Location"}),
    ],
)
def test_a_success_names_the_headers_it_alone_has(
    document: dict[str, Any], name: str, status: str, own: set[str]
) -> None:
    [operation] = [each for _, each in _operations(document) if each["operationId"] == name]
    plain = {"X-Request-Id", "Sihu-Now", "Content-Language", "Cache-Control", "X-Content-Type-Options", "Vary"}
    assert set(operation["responses"][status]["headers"]) - plain - {"RateLimit-Policy", "RateLimit"} == own


def test_answers_to_writes_say_how_many_are_left(document: dict[str, Any]) -> None:
    for path, method, operation in tree.operations(document):
        for status, response in operation["responses"].items():
            counted = method != "get" and path.startswith("/v1/") and status != "401"
            assert ({"RateLimit-Policy", "RateLimit"} <= set(response["headers"])) == counted, (path, status)


def test_links_lead_from_what_was_made_to_its_operations(document: dict[str, Any]) -> None:
    reported = document["paths"]["/v1/incidents"]["post"]["responses"]
    for status in ("200", "201"):
        links = reported[status]["links"]
        assert {"readIncident", "answerIncident", "resolveIncident", "readTimeline", "readPlan"} <= set(links)
        assert links["answerIncident"]["parameters"] == {"incident_id": "$response.body#/id"}
        assert "approveRequest" not in links, "it takes a second parameter"
    made = document["paths"]["/v1/keys"]["post"]["responses"]["201"]["links"]
    assert made["revokeKey"] == {"operationId": "revokeKey", "parameters": {"id": "$response.body#/id"}}


def test_links_name_operations_and_their_parameters(document: dict[str, Any]) -> None:
    parameters = {
        operation["operationId"]: {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        for _, operation in _operations(document)
    }
    for _, operation in _operations(document):
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                assert set(link["parameters"]) == parameters[link["operationId"]]


def test_every_chapter_is_described_and_comes_in_order(document: dict[str, Any]) -> None:
    chapters = [tag["name"] for tag in document["tags"]]
    assert chapters[:4] == ["incidents", "actions", "queues", "events"]
    assert chapters == list(introduction.TAGS)
    for _, operation in _operations(document):
        assert len(operation["tags"]) == 1 and operation["tags"][0] in chapters
        assert re.match(r"[A-Z][\w ]", operation["summary"]) and " · " in operation["summary"]
    assert document["info"]["title"] == "sihu"


def test_health_needs_no_key(document: dict[str, Any]) -> None:
    schemes: list[dict[str, Any]] = [{"key": []}, {"token": []}, {"session": []}]
    for path, operation in _operations(document):
        assert operation["security"] == (schemes if path.startswith("/v1/") else [])
