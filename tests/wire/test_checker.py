"""The judge itself: each kind of answer that the document does not describe, and one that it does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.house import House
from tests.wire.checker import Checker, Exchange
from tests.wire.personal import SentPersons
from tests.wire.watching import watched

THING = {"id": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", "size": {"cm": 3}}
EVENT = {"specversion": "1.0", "type": "sihu.thing.made", "data": {"n": 1}}
NOT_FOUND = {"code": "not_found"}
JSON, PROBLEM = "application/json", "application/problem+json"


def _content(media: str, schema: Any, *codes: str) -> dict[str, Any]:
    shown = {"examples": {code: {"value": {"code": code}} for code in codes}} if codes else {}
    return {media: {"schema": schema, **shown}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


DOCUMENT = {
    "paths": {
        "/things/{n}": {
            "parameters": [{"name": "n", "in": "path", "schema": {"type": "integer", "maximum": 9}}],
            "put": {
                "parameters": [
                    {"name": "deep", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "If-Match", "in": "header", "schema": {"type": "string", "pattern": '^"[0-9]+"$'}},
                ],
                "requestBody": {"required": True, "content": _content(JSON, _reference("Size"))},
                "responses": {
                    "200": {
                        "headers": {"ETag": {"required": True, "schema": {"type": "string", "pattern": '^".*"$'}}},
                        "content": _content(JSON, _reference("Thing")),
                    },
                    "204": {},
                    "404": {"content": _content(PROBLEM, _reference("Problem"), "not_found")},
                },
            },
            "get": {"responses": {"200": {"content": _content(JSON, _object(items={"type": "array"}))}}},
        },
        "/things/all": {
            "get": {
                "parameters": [{"name": "after", "in": "query", "required": True, "schema": {"type": "string"}}],
                "responses": {"204": {}},
            }
        },
        "/things/batch": {
            "post": {
                "requestBody": {
                    "content": _content(JSON, _object(items={"type": "array", "items": _reference("Size")}))
                },
                "responses": {"200": {"content": _content(JSON, _object(results={"type": "array"}))}},
            }
        },
    },
    "webhooks": {
        "sihu.thing.made": {
            "post": {"requestBody": {"content": _content(JSON, _object(specversion={}, type={}, data=_reference("N")))}}
        }
    },
    "components": {
        "schemas": {
            "N": _object(n={"type": "integer"}),
            "Problem": _object(code={"enum": ["not_found", "conflict"]}),
            "Size": _object(cm={"type": "integer"}),
            "Thing": _object(id={"type": "string", "format": "uuid"}, size=_reference("Size")),
        }
    },
}
FINE = Exchange(
    method="PUT",
    target="/things/1?deep=true",
    headers={"content-type": JSON, "if-match": '"1"', "user-agent": "x"},
    content=b'{"cm": 3}',
    status=200,
    answer_headers={"content-type": JSON, "etag": '"2"', "date": "x"},
    answer=json.dumps(THING).encode(),
)
GONE = replace(FINE, status=404, answer_headers={"content-type": PROBLEM}, answer=json.dumps(NOT_FOUND).encode())
FEED = replace(FINE, method="GET", target="/things/1", content=b"", answer_headers={"content-type": JSON})
EMPTY = replace(FINE, status=204, answer_headers={}, answer=b"")


BATCH = replace(
    FINE,
    method="POST",
    target="/things/batch",
    content=b'{"items": [{"cm": 3}, {}]}',
    answer_headers={"content-type": JSON},
    answer=b'{"results": [{"status": 201}, {"status": 422}]}',
)


def _answering(exchange: Exchange, **changes: Any) -> Exchange:
    return replace(exchange, answer=json.dumps({**json.loads(exchange.answer), **changes}).encode())


def _with_headers(exchange: Exchange, **headers: str) -> Exchange:
    return replace(exchange, answer_headers={**exchange.answer_headers, **headers})


def _feed(event: dict[str, Any]) -> Exchange:
    return replace(FEED, answer=json.dumps({"items": [event]}).encode())


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(DOCUMENT)


@pytest.mark.parametrize(
    "exchange",
    [
        FINE,
        GONE,
        EMPTY,
        _feed(EVENT),
        replace(EMPTY, method="GET", target="/things/all?after=1", content=b""),
        replace(FEED, method="HEAD", answer=b""),
        BATCH,
        replace(GONE, method="GET", target="/things/batch"),
        replace(GONE, method="DELETE"),
        replace(GONE, target="/nowhere"),
        replace(EMPTY, method="GET", target="/docs/problems", status=200, content=b""),
    ],
)
def test_what_the_document_describes_passes(checker: Checker, exchange: Exchange) -> None:
    assert checker.faults(exchange) == []


@pytest.mark.parametrize(
    ("exchange", "fault"),
    [
        (replace(FINE, status=201), "201: not documented"),
        (replace(FINE, status=500), "500: not documented"),
        (_answering(FINE, id=3), '/id: 3 is not of type "string"'),
        (_answering(FINE, id="x"), '/id: "x" is not a "uuid"'),
        (_answering(FINE, name="x"), "'name' was unexpected"),
        (_answering(FINE, size={"cm": 3, "mm": 30}), "/size: Additional properties are not allowed ('mm'"),
        (_answering(FINE, size={}), '/size: "cm" is a required property'),
        (_with_headers(FINE, **{"content-type": "text/html"}), "the media type text/html is not documented"),
        (_with_headers(FINE, **{"content-type": ""}), "the media type of nothing is not documented"),
        (_with_headers(FINE, **{"x-secret": "1"}), "the header x-secret is not documented"),
        (_with_headers(FINE, etag="2"), 'the header etag: /: "2" does not match'),
        (replace(FINE, answer_headers={"content-type": JSON}), "the header etag is missing"),
        (replace(EMPTY, answer=b"x"), "has a body, and none is documented"),
        (replace(FEED, method="HEAD", answer=b"x"), "has a body, and none is documented"),
        (_answering(GONE, code="conflict"), "the code conflict is not documented"),
        (_answering(GONE, code="other"), '/code: "other" is not one of'),
        (_with_headers(GONE, **{"content-type": JSON}), "the media type application/json is not documented"),
        (_feed({**EVENT, "type": "sihu.thing.lost"}), "the event sihu.thing.lost: not documented"),
        (_feed({**EVENT, "data": {"n": "1"}}), 'the event sihu.thing.made: /data/n: "1" is not of type "integer"'),
        (replace(FINE, target="/nowhere"), "no operation has this path and method"),
        (replace(FINE, method="DELETE"), "no operation has this path and method"),
        (
            _with_headers(replace(GONE, target="/nowhere"), **{"content-type": JSON}),
            "application/json is not documented",
        ),
        (_answering(replace(GONE, method="PATCH"), code="other"), '/code: "other" is not one of'),
        (replace(FINE, target="/things/10"), "took the path parameter n"),
        (replace(FINE, target="/things/1?deep=maybe"), "took the query parameter deep"),
        (replace(FINE, target="/things/1?deep=true&deep=false"), "took the query parameter deep"),
        (replace(FINE, target="/things/1?depth=1"), "took the undocumented query parameter depth"),
        (replace(FINE, headers={"content-type": JSON, "if-match": "1"}), "took the header parameter if-match"),
        (replace(FINE, content=b"{}"), "took a body that the document refuses"),
        (replace(BATCH, content=b'{"items": [{}, {"cm": 3}]}'), "took a body that the document refuses: /items/0"),
        (replace(FEED, target="/things/batch"), "no operation has this path and method"),
        (replace(EMPTY, method="GET", target="/things/all", content=b""), "without the query parameter after"),
        (replace(FINE, content=b""), "took a request without its body"),
        (replace(FINE, headers={"content-type": "text/csv"}), "took a body of the undocumented media type text/csv"),
        (replace(_feed(EVENT), content=b"{}"), "took a body, and none is documented"),
    ],
)
def test_each_kind_of_violation_is_found(checker: Checker, exchange: Exchange, fault: str) -> None:
    assert any(fault in each for each in checker.faults(exchange)), checker.faults(exchange)


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({}, []),
        ({"content": b"{}"}, ['took a body that the document refuses: /: "cm" is a required property']),
        ({"content": b'{"cm": 3, "cm": 3}'}, ["took a body that the document refuses: the member"]),
        ({"content": b"{"}, ["took a body that the document refuses: it ends before"]),
        ({"target": "/nowhere"}, ["no operation has this path and method"]),
    ],
)
def test_a_refused_request_is_judged_too(checker: Checker, change: dict[str, Any], objection: list[str]) -> None:
    found = checker.objections(replace(GONE, **change))
    assert len(found) == len(objection)
    assert all(each.startswith(start) for each, start in zip(found, objection, strict=True))


@pytest.mark.clause("API9:2023", "ASVS 4.1.1")
@pytest.mark.anyio
async def test_a_test_fails_that_receives_what_is_not_documented(house: House) -> None:
    """The hook itself, with a document in which nothing stands."""
    nothing = Checker({"paths": {}, "components": {"schemas": {"Problem": {}}}})
    with watched(nothing, SentPersons()), pytest.raises(AssertionError, match="GET /v1/lines 200: no operation"):
        await house.get("ops", "/v1/lines")
