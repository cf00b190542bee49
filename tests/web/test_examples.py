"""Examples in the OpenAPI document are what `answer` would write, nulls included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, FastAPI

from service.rules.words import State
from service.web import examples, openapi

VIEW = {"id": UUID(int=1), "state": State.CLOSED, "at": datetime(2026, 11, 23, 1, tzinfo=UTC), "unit": None}
WRITTEN = {"id": str(UUID(int=1)), "state": "closed", "at": "2026-11-23T01:00:00Z", "unit": None}


def _content(response: dict[str, Any]) -> Any:
    return response["content"]["application/json"]["example"]


def test_an_example_is_the_json_of_a_view() -> None:
    assert _content(examples.ok("", VIEW)) == WRITTEN
    assert _content(examples.one(VIEW)) == WRITTEN
    assert _content(examples.listed(VIEW)) == {"items": [WRITTEN], "next_cursor": None}


def test_the_document_keeps_the_nulls_of_an_example() -> None:
    router = APIRouter()

    @router.get("/v1/things/{n}", responses={200: examples.ok("A thing", VIEW)})
    async def thing(n: int) -> None:
        """A thing."""

    app = FastAPI()
    app.router.routes.extend(router.routes)
    openapi.describe(app, ())
    responses = app.openapi()["paths"]["/v1/things/{n}"]["get"]["responses"]
    assert _content(responses["200"]) == WRITTEN
