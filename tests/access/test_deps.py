"""What a request must show before anything else is looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from service import ids
from service.access import deps
from service.access.keyring import Keyring, digest_of
from service.clock import VirtualClock
from service.rules.errors import NotYours, SihuError, Unauthorized
from service.rules.model import Actor
from service.rules.words import Role
from service.store.access.keys import Key
from tests.access.worlds import NOW

pytestmark = pytest.mark.anyio
READER = {"Authorization": "Bearer sihu_reader"}


@pytest.fixture
async def app() -> FastAPI:
    app = FastAPI()
    app.state.clock, app.state.keyring = VirtualClock(NOW), Keyring()
    app.state.keyring.loaded = True
    key = Key(ids.new_id(NOW), Role.AUDITOR, "reader", None, None, None, NOW, NOW + timedelta(hours=1), None)
    await app.state.keyring.admit(digest_of("sihu_reader"), key)

    @app.get("/me")
    async def me(caller: deps.Caller) -> str:
        return f"{caller.role} {caller.subject}"

    @app.get("/ops")
    async def ops(caller: Annotated[Actor, Depends(deps.require(Role.OPS, Role.UNIT))]) -> str:
        return caller.subject

    @app.get("/auditors")
    async def auditors(caller: Annotated[Actor, Depends(deps.require(Role.AUDITOR))]) -> str:
        return caller.subject

    @app.exception_handler(SihuError)
    async def refused(_: Request, error: SihuError) -> JSONResponse:
        return JSONResponse(
            {"code": error.code, "detail": error.detail}, {Unauthorized: 401, NotYours: 403}[type(error)]
        )

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client:
        yield client


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
async def test_a_known_key_tells_who_asks(client: httpx.AsyncClient, scheme: str) -> None:
    answer = await client.get("/me", headers={"Authorization": f"{scheme} sihu_reader"})
    assert (answer.status_code, answer.json()) == (200, "auditor reader")


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "Send a key"),
        ({"Authorization": ""}, "should read `Bearer"),
        ({"Authorization": "Bearer"}, "should read `Bearer"),
        ({"Authorization": "Bearer "}, "should read `Bearer"),
        ({"Authorization": "Basic c2lodQ=="}, "should read `Bearer"),
        ({"Authorization": "sihu_reader"}, "should read `Bearer"),
        ({"Authorization": "Bearer sihu_stranger"}, "unknown here, revoked or expired"),
        ({"Authorization": b"Bearer sihu_\xff\x00"}, "unknown here, revoked or expired"),
    ],
)
async def test_anybody_else_is_told_what_is_missing(client: httpx.AsyncClient, headers: Any, says: str) -> None:
    answer = await client.get("/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert says in answer.json()["detail"]


async def test_a_key_is_refused_from_the_instant_it_expires(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.clock.move_to(NOW + timedelta(hours=1))
    assert (await client.get("/me", headers=READER)).status_code == 401


async def test_a_key_of_another_role_is_told_whose_this_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/auditors", headers=READER)).status_code == 200
    answer = await client.get("/ops", headers=READER)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert answer.json()["detail"] == "This is for ops or unit; your key has the role auditor."


async def test_without_a_key_the_role_is_not_even_looked_at(client: httpx.AsyncClient) -> None:
    assert (await client.get("/ops")).status_code == 401


async def test_the_openapi_document_names_the_scheme(app: FastAPI) -> None:
    document = app.openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert document["paths"]["/me"]["get"]["security"] == [{"key": []}]
    assert document["paths"]["/ops"]["get"]["security"] == [{"key": []}]
