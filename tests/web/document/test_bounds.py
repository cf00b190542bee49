"""What the service refuses the document refuses too, and every example in it is valid."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from service import clock as clocks
from service import settings
from service.main import create_app
from service.web.document import tree

KEYWORDS = {
    *("type", "enum", "const", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"),
    *("items", "minItems", "maxItems", "uniqueItems", "properties", "required", "additionalProperties"),
    *("minProperties", "maxProperties", "anyOf", "oneOf", "not", "discriminator", "$ref"),
    *("description", "default", "examples", "example"),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(settings.load(), clocks.of("now")).openapi()


@pytest.fixture(scope="module")
def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with objects that have no fields but those described."""
    found = copy.deepcopy(document)
    for schema in tree.schemas(found):
        if "properties" in schema and "not" not in schema:
            schema.setdefault("additionalProperties", False)
    return found


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    whole = {**schema, "components": document["components"]}
    return jsonschema_rs.validator_for(whole, validate_formats=True)


def _examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example with its place and its schema."""
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            yield name, schema, example
    for path, method, operation in tree.operations(document):
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                yield f"{method} {path} {parameter['name']}", parameter["schema"], parameter["example"]
        holders = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for place, holder in holders.items():
            for media in holder.get("content", {}).values():
                shown = [media["example"]] if "example" in media else []
                shown += [each["value"] for each in media.get("examples", {}).values()]
                for example in shown:
                    yield f"{method} {path} {place}", media["schema"], example


def test_every_example_is_valid(closed: dict[str, Any]) -> None:
    wrong = {}
    examples = list(_examples(closed))
    for place, schema, example in examples:
        faults = [
            f"{'/'.join(map(str, e.instance_path))}: {e.message}"
            for e in _validator(closed, schema).iter_errors(example)
        ]
        if faults:
            wrong[place] = faults
    assert wrong == {}
    assert len(examples) > 300


def test_schemas_use_the_keywords_of_json_schema(document: dict[str, Any]) -> None:
    strange = {key for schema in tree.schemas(document) for key in schema} - KEYWORDS
    assert strange == set()


OF_TYPES = {
    "string": {"format", "pattern", "minLength", "maxLength"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
}


def test_bounds_are_those_of_their_type(document: dict[str, Any]) -> None:
    """A bound of another type says nothing, such as the length of a list in characters."""
    bounds = set().union(*OF_TYPES.values())
    for schema in tree.schemas(document):
        if "type" in schema:
            assert set(schema) & bounds <= OF_TYPES.get(schema["type"], set()), schema


@pytest.mark.clause("API3:2023", "ASVS 15.3.3", "GB/T 22239 8.1.4.11 a", "PIPL 6")
def test_every_body_is_closed(document: dict[str, Any]) -> None:
    """A field that is not known is refused, so the document allows none."""
    for path, method, operation in tree.operations(document):
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        for each in tree.within(_resolved(document, schema)) if schema else ():
            if "properties" in each and "additionalProperties" not in each:
                assert "type" not in each, f"{method} {path}"


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    found: dict[str, Any] = document["components"]["schemas"].get(name, schema)
    return found


def test_parameters_are_described_as_they_are_sent(document: dict[str, Any]) -> None:
    for path, _, operation in tree.operations(document):
        for parameter in operation.get("parameters", ()):
            kinds = [parameter["schema"], *parameter["schema"].get("anyOf", ())]
            assert all(each.get("type") != "null" for each in kinds), path
            if parameter["schema"].get("type") == "array":
                assert (parameter["style"], parameter["explode"]) == ("form", False)


@pytest.mark.clause("ASVS 1.4.2")
@pytest.mark.parametrize(
    ("path", "name", "value", "valid"),
    [
        ("/v1/events", "after", "now", True),
        ("/v1/events", "after", "WzQyXQabcdefghij", True),
        ("/v1/events", "after", "then", False),
        ("/v1/events", "wait", 61, False),
        ("/v1/incidents", "cursor", "a b", False),
        ("/v1/incidents", "cursor", "now", False),
        ("/v1/incidents", "limit", 0, False),
        ("/v1/incidents", "limit", 501, False),
        ("/v1/incidents", "level", 5, False),
        ("/v1/incidents", "area", "4401", False),
        ("/v1/incidents", "area", "440105003", True),
        ("/v1/incidents", "updated_after", "2026-11-23T08:55:00+08:00", True),
        ("/v1/incidents", "updated_after", "2026-11-23", False),
        ("/v1/queues/{unit}", "state", ["closed"], False),
        ("/v1/queues/{unit}", "wait", 60, True),
        ("/v1/appraisal", "period", "2026-13", False),
        ("/v1/appraisal", "period", "2026-11", True),
        ("/v1/appraisal/watch/calls", "sign", "raised", True),
        ("/v1/appraisal/watch/calls", "sign", "calls", False),
        ("/v1/calendars/{code}/days", "first", "2100-01-01", False),
        ("/v1/calendars/{code}/days", "first", "2026-11-23", True),
        ("/v1/grid-cells/locate", "lat", 90.1, False),
        ("/v1/keys", "cursor", "x", False),
    ],
)
def test_parameters_have_the_bounds_of_the_service(
    document: dict[str, Any], path: str, name: str, value: Any, valid: bool
) -> None:
    [schema] = [each["schema"] for each in document["paths"][path]["get"]["parameters"] if each["name"] == name]
    assert _validator(document, schema).is_valid(value) is valid


REPORT = {"category": "urban-0110", "description": "垃圾", "grid_code": "440105003001001"}
POINT = {"lat": 23.1, "lon": 113.2, "coord_type": "wgs84"}
DAY = {"day": "2027-01-01", "workday": False}


@pytest.mark.clause("ASVS 1.4.2", "ASVS 2.1.1")
@pytest.mark.parametrize(
    ("name", "body", "valid"),
    [
        ("ReportBody", REPORT, True),
        ("ReportBody", {**REPORT, "grid_code": None, "location": POINT}, True),
        ("ReportBody", {**REPORT, "grid_code": None}, False),
        ("ReportBody", {**REPORT, "grid_code": None, "location": None}, False),
        ("ReportBody", {name: value for name, value in REPORT.items() if name != "grid_code"}, False),
        ("ReportBody", {**REPORT, "description": " \u200b"}, False),
        ("ReportBody", {**REPORT, "description": "a\u0000b"}, False),
        ("ReportBody", {**REPORT, "descripton": "x"}, False),
        ("ReportBody", {**REPORT, "source": {"system": "grid-app ", "ref": "1"}}, False),
        ("ReportBody", {**REPORT, "occurred_at": "2026-11-23T08:55:00"}, False),
        ("BatchBody", {"items": [REPORT]}, True),
        ("BatchBody", {"items": []}, False),
        ("BatchBody", {"items": [5]}, False),
        ("BatchBody", {"items": [{**REPORT, "idempotency_key": "a b"}]}, False),
        ("AdvanceBody", {"seconds": 5}, True),
        ("AdvanceBody", {"to": "2026-11-24T00:00:00Z"}, True),
        ("AdvanceBody", {"seconds": 5, "to": "2026-11-24T00:00:00Z"}, False),
        ("AdvanceBody", {}, False),
        ("AdvanceBody", {"seconds": -1}, False),
        ("AdvanceBody", {"seconds": None}, False),
        ("NewKeyBody", {"role": "unit", "unit": "440105003"}, True),
        ("NewKeyBody", {"role": "unit"}, False),
        ("NewKeyBody", {"role": "unit", "unit": None}, False),
        ("NewKeyBody", {"role": "unit", "unit": "440105003", "area": "440105"}, False),
        ("NewKeyBody", {"role": "reporter", "area": "440105003"}, True),
        ("NewKeyBody", {"role": "reporter", "area": "4401"}, False),
        ("NewKeyBody", {"role": "reporter"}, False),
        ("NewKeyBody", {"role": "ops"}, True),
        ("NewKeyBody", {"role": "ops", "unit": None, "area": None}, True),
        ("NewKeyBody", {"role": "auditor", "area": "440105"}, False),
        ("NewKeyBody", {"role": "ops", "subject": " anna"}, False),
        ("DaysBody", {"source": "x", "days": [DAY]}, True),
        ("DaysBody", {"source": "x", "fill_years": [2027]}, True),
        ("DaysBody", {"source": "x"}, False),
        ("DaysBody", {"source": "x", "days": [], "fill_years": []}, False),
        ("DaysBody", {"source": "x", "days": [{**DAY, "day": "2027-1-1"}]}, False),
        ("Holds", {"times": 101}, False),
        ("Extensions", {"percent": 0}, False),
        ("PolicyRow", {"level": 5, "urgency": "normal", "answer": "1h", "resolve": "1h", "clock": "working"}, False),
        ("AssistBody", {"units": [], "reason": "x"}, False),
        ("RateBody", {"score": 6}, False),
        ("UntilBody", {"until": "2500-01-01T00:00:00Z", "reason": "x"}, False),
    ],
)
def test_bodies_have_the_bounds_of_the_service(document: dict[str, Any], name: str, body: Any, valid: bool) -> None:
    schema = document["components"]["schemas"][name]
    assert _validator(document, schema).is_valid(body) is valid


def test_headers_have_the_bounds_of_the_service(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/incidents/{incident_id}/answer"]["post"]["parameters"]
    schemas = {each["name"]: each["schema"] for each in parameters}
    assert _validator(document, schemas["If-Match"]).is_valid('W/"3", "4"')
    assert not _validator(document, schemas["If-Match"]).is_valid("3")
    assert not _validator(document, schemas["Idempotency-Key"]).is_valid("a b")
