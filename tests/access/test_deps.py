"""What a route asks about its caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI

from service import ids
from service.access import deps
from service.access.keyring import Keyring, digest_of
from service.rules.errors import NotYours
from service.rules.model import Actor
from service.rules.words import Role
from service.store.access.keys import Key
from service.store.database import Database
from tests.access import apps
from tests.access.worlds import NOW

pytestmark = pytest.mark.anyio
READER = {"Authorization": "Bearer sihu_reader"}


@pytest.fixture
async def app(database: Database) -> FastAPI:
    context = apps.context_of(database)
    keyring = context.part(Keyring)
    await keyring.load()
    key = Key(ids.new_id(NOW), Role.AUDITOR, "reader", None, None, None, NOW, NOW + timedelta(hours=1), None)
    await keyring.admit(digest_of("sihu_reader"), key)
    app = apps.make(context)

    @app.get("/v1/me")
    async def me(caller: deps.Caller) -> str:
        return f"{caller.role} {caller.subject}"

    @app.get("/v1/ops")
    async def ops(caller: Annotated[Actor, Depends(deps.require(Role.OPS, Role.UNIT))]) -> str:
        return caller.subject

    @app.get("/v1/auditors")
    async def auditors(caller: Annotated[Actor, Depends(deps.require(Role.AUDITOR))]) -> str:
        return caller.subject

    return apps.finish(app)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu/v1") as client:
        yield client


async def test_a_route_is_given_whom_the_gate_let_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/me", headers=READER)).json() == "auditor reader"


async def test_a_key_of_another_role_is_told_whose_this_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/auditors", headers=READER)).status_code == 200
    answer = await client.get("/ops", headers=READER)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert answer.json()["detail"] == "This is for ops or unit; your key has the role auditor."


async def test_one_subject_may_hold_all_that_is_not_of_the_ground() -> None:
    all_in_one = Actor(Role.OPS, "ops", holds_all=True)
    for role in (Role.OPS, Role.SECURITY, Role.AUDITOR):
        deps.must_be(all_in_one, role)
        deps.must_be(all_in_one, Role.REPORTER, role)
    for roles in ((Role.REPORTER,), (Role.UNIT, Role.REPORTER)):
        with pytest.raises(NotYours):
            deps.must_be(all_in_one, *roles)
    with pytest.raises(NotYours):
        deps.must_be(Actor(Role.OPS, "ops"), Role.SECURITY)


async def test_without_a_key_the_role_is_not_even_looked_at(client: httpx.AsyncClient) -> None:
    assert (await client.get("/ops")).status_code == 401


async def test_the_openapi_document_names_the_scheme(app: FastAPI) -> None:
    document = app.openapi()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert document["paths"]["/v1/me"]["get"]["security"] == [{"key": []}, {"token": []}, {"session": []}]
    assert document["paths"]["/v1/ops"]["get"]["security"] == [{"key": []}, {"token": []}, {"session": []}]
