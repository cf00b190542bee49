"""The schemas of answers are read from the annotations of the routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, NotRequired, TypeVar
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.responses import Response
from typing_extensions import TypedDict

from service.rules.words import State
from service.web.answers import Answer, answer
from service.web.document import answers as answer_schemas
from service.web.examples import ok
from service.web.paging import ItemPage
from service.web.problem_shape import Problem
from service.web.router import Router

_Kind = TypeVar("_Kind")
Span = TypedDict("Span", {"from": datetime, "1": "float | None"})


class ThingView(TypedDict):
    """A thing."""

    id: UUID
    state: State
    note: str | None
    span: NotRequired[Span]


class Box(TypedDict, Generic[_Kind]):
    inside: _Kind


router = Router(prefix="/v1/things")


@router.get("/{n}", responses={200: ok("One thing", {}), 503: ok("Not now", {})})
async def read_thing(n: int) -> Answer[ThingView]:
    return answer({"id": UUID(int=n), "state": State.CLOSED, "note": None})


@router.get("", responses={200: ok("A page", {})})
async def list_things() -> Answer[ItemPage[ThingView]] | Response:
    return answer({"items": [], "next_cursor": None})


@router.get("/boxes/{n}")
async def read_box(n: int) -> Answer[Box[ThingView]]:
    return answer({"inside": {"id": UUID(int=n), "state": State.CLOSED, "note": None}})


@router.delete("/{n}", status_code=204)
async def drop_thing(n: int) -> Response:
    return Response(status_code=204)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = FastAPI()
    app.router.routes.extend(router.routes)
    found = app.openapi()
    answer_schemas.add(found, app.routes, Problem)
    return found


def _schema(document: dict[str, Any], path: str, status: str = "200", method: str = "get") -> Any:
    return document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]


@pytest.mark.clause("ASVS 15.3.1")
def test_each_json_answer_has_the_schema_of_its_type(document: dict[str, Any]) -> None:
    thing = {"$ref": "#/components/schemas/Thing"}
    assert _schema(document, "/v1/things/{n}") == _schema(document, "/v1/things/{n}", "503") == thing
    assert _schema(document, "/v1/things") == {"$ref": "#/components/schemas/ThingPage"}
    assert _schema(document, "/v1/things/boxes/{n}") == {"$ref": "#/components/schemas/Box_ThingView_"}
    assert "content" not in document["paths"]["/v1/things/{n}"]["delete"]["responses"]["204"]


def test_required_absent_and_null_are_told_apart(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Thing"] == {
        "description": "A thing.",
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "state": {"$ref": "#/components/schemas/State"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "span": {"$ref": "#/components/schemas/Span"},
        },
        "required": ["id", "state", "note"],
    }


def test_fields_may_have_names_that_python_has_not(document: dict[str, Any]) -> None:
    span = document["components"]["schemas"]["Span"]
    assert span["required"] == ["from", "1"]
    assert span["properties"]["from"] == {"type": "string", "format": "date-time"}


def test_one_shape_is_defined_once(document: dict[str, Any]) -> None:
    page = document["components"]["schemas"]["ThingPage"]
    assert page["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Thing"}
    assert set(document["components"]["schemas"]) >= {"Thing", "ThingPage", "Span", "State", "Problem", "FieldProblem"}


def test_two_shapes_of_one_name_are_refused(document: dict[str, Any]) -> None:
    other = {"paths": {}, "components": {"schemas": {"Thing": {"title": "Thing", "type": "string"}}}}
    with pytest.raises(ValueError, match="two shapes of the name Thing"):
        answer_schemas.add(other, router.routes)


def test_an_operation_is_named_by_its_function(document: dict[str, Any]) -> None:
    assert document["paths"]["/v1/things/{n}"]["delete"]["operationId"] == "dropThing"


async def _answered() -> bytes:
    return bytes((await list_things()).body)


@pytest.mark.anyio
async def test_an_answer_is_written_as_it_is() -> None:
    assert await _answered() == b'{"items":[],"next_cursor":null}'
