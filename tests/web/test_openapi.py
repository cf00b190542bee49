from __future__ import annotations

from typing import Any

import pytest

from service.rules import errors
from service.web import problems
from service.web.document import gaps, tree
from tests.web import apps


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return apps.make().openapi()


def test_the_code_of_a_problem_is_a_closed_list(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(problems.CODES)


def test_fastapis_own_validation_error_is_gone(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document)


@pytest.mark.clause("ASVS 6.3.4")
def test_every_v1_route_asks_for_the_key(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, _, operation in tree.operations(document):
        assert operation["security"] == [{"key": []}], path


def test_an_operation_shows_one_example_for_each_problem_it_can_have(document: dict[str, Any]) -> None:
    responses = document["paths"]["/v1/incidents"]["post"]["responses"]
    codes = {
        code
        for entry in responses.values()
        for code in entry["content"].get(problems.MEDIA_TYPE, {}).get("examples", ())
    }
    assert codes == {
        "address_not_allowed",
        "bad_json",
        "bad_request",
        "body_too_large",
        "foreign_origin",
        "head_too_large",
        "not_yours",
        "too_many",
        "too_slow",
        "unauthorized",
        "unavailable",
        "unknown_cell",
        "unsupported_media_type",
        "validation_failed",
    }
    assert list(responses) == sorted(responses)
    example = responses["422"]["content"][problems.MEDIA_TYPE]["examples"]["unknown_cell"]["value"]
    assert (example["status"], example["code"]) == (422, "unknown_cell")
    shape = document["components"]["schemas"]["Problem"]
    assert set(shape["required"]) <= set(example) <= set(shape["properties"])


def test_documented_merges_by_status() -> None:
    entries = problems.documented(errors.UnknownCell, errors.UnknownUnit, errors.NotFound)
    assert set(entries) == {422, 404}
    assert list(entries[422]["content"][problems.MEDIA_TYPE]["examples"]) == ["unknown_cell", "unknown_unit"]


def test_the_document_is_made_once() -> None:
    app = apps.make()
    assert app.openapi() is app.openapi()


def test_missing_examples_are_listed(document: dict[str, Any]) -> None:
    assert gaps.of(document, (apps.DOOR,)) == ["POST /v1/incidents/{number}/answer: no request example"]
    bare: dict[str, Any] = {
        "paths": {"/v1/x": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}}}
    }
    assert gaps.of(bare, (apps.DOOR,)) == [
        "GET /v1/x: no example of 200",
        "GET /v1/x: no problem responses with examples",
    ]
