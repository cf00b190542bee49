"""Keys over HTTP, on a real database: made once, shown once, revoked at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service import ids
from service.access import keys, routes
from service.access.keyring import Keyring
from service.access.new_keys import NewKey
from service.context import Context
from service.rules.model import By
from service.rules.words import Role
from service.store.database import Database
from service.store.log.writing import Committed
from tests.access import apps
from tests.access.worlds import NOW, STREET, world

pytestmark = pytest.mark.anyio


@pytest.fixture
def committed() -> list[Committed]:
    """What the log's readers would be told."""
    return []


@pytest.fixture
async def app(database: Database, committed: list[Committed]) -> FastAPI:
    app = apps.make(apps.context_of(database, committed))
    app.include_router(routes.router)
    return apps.finish(app)


async def client_of(app: FastAPI, role: Role, **scope: Any) -> httpx.AsyncClient:
    context: Context = app.state.context
    made = await keys.create(context.database, world(), NOW, NewKey(role, **scope), By("ops", "test"))
    await context.part(Keyring).load()
    headers = {"Authorization": f"Bearer {made.text}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu/v1", headers=headers)


@pytest.fixture
async def ops(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with await client_of(app, Role.OPS, subject="chief") as client:
        yield client


async def status_with(app: FastAPI, key: str) -> int:
    """What a request with this key gets: 401 when it is refused, else 200 or 403."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, headers={"Authorization": f"Bearer {key}"}) as client:
        return (await client.get("http://sihu/v1/keys")).status_code


async def test_a_key_is_shown_once_and_lets_in_at_once(
    app: FastAPI, ops: httpx.AsyncClient, committed: list[Committed]
) -> None:
    answer = await ops.post("/keys", json={"role": "unit", "unit": STREET, "name": "night desk"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/keys/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert made.items() >= {"role": "unit", "unit": STREET, "subject": STREET, "name": "night desk"}.items()
    assert (made["area"], made["revoked_at"], made["last_used_at"]) == (None, None, None)
    assert (made["expires_at"], made["prefix"]) == ("2027-11-02T09:00:00Z", made["key"][5:11])
    assert await status_with(app, made["key"]) == 403
    assert [each.reload for each in committed] == [("keys",)]
    assert made["key"] not in (await ops.get("/keys")).text


async def test_a_key_carries_systems_and_a_quota(ops: httpx.AsyncClient) -> None:
    body = {
        "role": "reporter",
        "area": "440402",
        "systems": ["hotline", "12345", "hotline"],
        "quota": {"reports": 5000},
    }
    made = (await ops.post("/keys", json=body)).json()
    assert (made["systems"], made["quota"]) == (["hotline", "12345"], {"reports": 5000, "urgent": None})
    for nothing in (None, {}, {"reports": None}):
        plain = (await ops.post("/keys", json={"role": "auditor", "systems": [], "quota": nothing})).json()
        assert (plain["systems"], plain["quota"]) == ([], None)
    listed = (await ops.get("/keys")).json()["items"]
    assert [(each["systems"], each["quota"]) for each in (listed[0], listed[3])] == [
        ([], None),
        (["hotline", "12345"], {"reports": 5000, "urgent": None}),
    ]


@pytest.mark.clause("GB/T 22239 8.1.4.4 c")
async def test_a_key_may_be_bound_to_networks(app: FastAPI, ops: httpx.AsyncClient) -> None:
    allow = ["10.20.0.0/16", "::ffff:10.30.0.0/112", "2001:db8::1", "10.20.0.0/16"]
    made = (await ops.post("/keys", json={"role": "auditor", "allow": allow})).json()
    assert made["allow"] == ["10.20.0.0/16", "10.30.0.0/16", "2001:db8::1/128"]
    assert (await ops.get("/keys")).json()["items"][0]["allow"] == made["allow"]
    await app.state.context.part(Keyring).load()
    headers = {"Authorization": f"Bearer {made['key']}"}
    for address, code in (
        *(("10.20.1.2", "not_yours"), ("::ffff:10.30.0.1", "not_yours"), ("2001:db8::1", "not_yours")),
        *(("10.21.0.1", "address_not_allowed"), ("::ffff:10.21.0.1", "address_not_allowed")),
        *(("2001:db8::2", "address_not_allowed"), ("unknown", "address_not_allowed")),
    ):
        transport = httpx.ASGITransport(app, client=(address, 9))
        async with httpx.AsyncClient(transport=transport, headers=headers) as client:
            answer = await client.get("http://sihu/v1/keys")
        assert (answer.status_code, answer.json()["code"]) == (403, code), address


@pytest.mark.clause("ASVS 15.3.1")
async def test_the_list_shows_neither_keys_nor_digests(ops: httpx.AsyncClient) -> None:
    await ops.post("/keys", json={"role": "auditor"})
    listed = (await ops.get("/keys")).json()
    shown = {"id", "role", "subject", "unit", "area", "name", "created_at", "expires_at", "revoked_at"}
    shown |= {"systems", "quota", "prefix", "last_used_at", "allow", "may_report_for", "wall"}
    assert [set(item) for item in listed["items"]] == [shown, shown]
    assert listed["next_cursor"] is None


async def test_the_list_is_paged_newest_first(ops: httpx.AsyncClient) -> None:
    made = [(await ops.post("/keys", json={"role": "auditor"})).json()["id"] for _ in range(4)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await ops.get("/keys", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen[:4] == made[::-1]
    assert len(seen) == len(set(seen)) == 5


async def test_the_list_is_filtered_by_unit_role_and_subject(ops: httpx.AsyncClient) -> None:
    await ops.post("/keys", json={"role": "unit", "unit": STREET})
    await ops.post("/keys", json={"role": "auditor", "subject": "reader"})

    async def subjects(**query: str) -> list[str]:
        return [item["subject"] for item in (await ops.get("/keys", params=query)).json()["items"]]

    assert await subjects() == ["reader", STREET, "chief"]
    assert await subjects(unit=STREET) == await subjects(role="unit") == [STREET]
    assert await subjects(subject="reader", role="auditor") == ["reader"]
    assert await subjects(subject="reader", role="ops") == []
    assert (await ops.get("/keys", params={"role": "king"})).status_code == 422


async def test_a_cursor_belongs_to_its_filters(ops: httpx.AsyncClient) -> None:
    for _ in range(3):
        await ops.post("/keys", json={"role": "auditor"})
    page = (await ops.get("/keys", params={"limit": 2, "role": "auditor"})).json()
    query = {"limit": 2, "cursor": page["next_cursor"]}
    assert len((await ops.get("/keys", params={**query, "role": "auditor"})).json()["items"]) == 1
    assert (await ops.get("/keys", params=query)).json()["code"] == "bad_cursor"


@pytest.mark.parametrize("limit", ["0", "501", "x"])
async def test_a_limit_outside_1_to_500_is_refused(ops: httpx.AsyncClient, limit: str) -> None:
    assert (await ops.get("/keys", params={"limit": limit})).status_code == 422


async def test_an_altered_or_foreign_cursor_is_refused(app: FastAPI, ops: httpx.AsyncClient) -> None:
    foreign = app.state.context.cursors.sign("incidents", [NOW.isoformat(), str(ids.new_id(NOW))])
    for cursor in ("nonsense", foreign):
        answer = await ops.get("/keys", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


async def test_a_revoked_key_is_refused_at_once_and_revoking_again_is_204(
    app: FastAPI, ops: httpx.AsyncClient, committed: list[Committed]
) -> None:
    made = (await ops.post("/keys", json={"role": "auditor"})).json()
    for _ in range(2):
        answer = await ops.delete(f"/keys/{made['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert await status_with(app, made["key"]) == 401
    assert len(committed) == 2  # made, revoked once
    listed = (await ops.get("/keys")).json()["items"]
    assert next(item for item in listed if item["id"] == made["id"])["revoked_at"] == "2026-11-02T09:00:00Z"


@pytest.mark.clause("GB/T 22239 8.1.4.1 a")
async def test_a_rotated_key_works_beside_its_successor(app: FastAPI, ops: httpx.AsyncClient) -> None:
    old = (await ops.post("/keys", json={"role": "unit", "unit": STREET})).json()
    answer = await ops.post(f"/keys/{old['id']}/rotate", json={"overlap_s": 3600})
    new = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/keys/{new['id']}")
    assert answer.headers["cache-control"] == "no-store"
    assert (new["unit"], new["expires_at"]) == (STREET, "2027-11-02T09:00:00Z")
    assert [await status_with(app, each["key"]) for each in (old, new)] == [403, 403]
    app.state.context.clock.move_to(NOW + timedelta(hours=1))
    assert [await status_with(app, each["key"]) for each in (old, new)] == [401, 403]
    again = await ops.post(f"/keys/{old['id']}/rotate")  # a body has nothing that must be said
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_rotation_without_overlap_ends_the_key_at_once(app: FastAPI, ops: httpx.AsyncClient) -> None:
    old = (await ops.post("/keys", json={"role": "auditor"})).json()
    assert (await ops.post(f"/keys/{old['id']}/rotate", json={"overlap_s": 0})).status_code == 201
    assert await status_with(app, old["key"]) == 401


@pytest.mark.parametrize("body", [{"overlap_s": -1}, {"overlap_s": 7_776_001}, {"overlap_s": "1"}, {"hours": 1}])
async def test_an_overlap_that_is_none_is_refused(ops: httpx.AsyncClient, body: dict[str, Any]) -> None:
    made = (await ops.post("/keys", json={"role": "auditor"})).json()
    assert (await ops.post(f"/keys/{made['id']}/rotate", json=body)).status_code == 422


@pytest.mark.parametrize("key_id", ["019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11", "nobody"])
async def test_an_id_that_never_was_a_key_is_404(ops: httpx.AsyncClient, key_id: str) -> None:
    for answer in (await ops.delete(f"/keys/{key_id}"), await ops.post(f"/keys/{key_id}/rotate", json={})):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_key_is_refused_from_the_time_it_was_made_to_expire(app: FastAPI, ops: httpx.AsyncClient) -> None:
    body = {"role": "auditor", "expires_at": "2026-11-02T18:00:00+08:00"}
    made = (await ops.post("/keys", json=body)).json()
    assert made["expires_at"] == "2026-11-02T10:00:00Z"
    assert await status_with(app, made["key"]) == 403
    app.state.context.clock.move_to(NOW + timedelta(hours=1))
    assert await status_with(app, made["key"]) == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"role": "unit", "unit": "nobody"}, 422, "unknown_unit"),
        ({"role": "reporter", "area": "440403"}, 422, "validation_failed"),
        ({"role": "reporter"}, 422, "validation_failed"),
        ({"role": "ops", "expires_at": "2026-11-02T09:00:00Z"}, 422, "validation_failed"),
        ({"role": "auditor", "subject": "chief"}, 409, "conflict"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused_with_a_code(
    ops: httpx.AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await ops.post("/keys", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": "king"},
        {"role": "ops", "colour": "red"},
        {"role": "ops", "name": ""},
        {"role": "ops", "name": 1},
        {"role": "ops", "systems": "hotline"},
        {"role": "ops", "systems": [""]},
        {"role": "ops", "systems": ["x" * 65]},
        {"role": "ops", "systems": [f"s{n}" for n in range(101)]},
        {"role": "ops", "allow": "10.0.0.1"},
        {"role": "ops", "allow": ["10.0.0.1/8"]},
        {"role": "ops", "allow": ["10.0.0.256"]},
        {"role": "ops", "allow": ["example.com"]},
        {"role": "ops", "allow": ["10.0.0.0/255.0.0.0.0"]},
        {"role": "ops", "allow": ["1" * 65]},
        {"role": "ops", "allow": [f"10.0.0.{n}" for n in range(51)]},
        {"role": "ops", "quota": 5},
        {"role": "ops", "quota": {"report": 5}},
        {"role": "ops", "quota": {"reports": -1}},
        {"role": "ops", "quota": {"urgent": 1.5}},
        {"role": "ops", "quota": {"reports": 1_000_001}},
        {"role": "ops", "quota": {"reports": "5"}},
    ],
)
async def test_a_body_that_is_not_a_key_is_refused(ops: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await ops.post("/keys", json=body)).status_code == 422


@pytest.mark.clause("API5:2023", "ASVS 8.2.1")
@pytest.mark.parametrize(
    ("role", "scope"),
    [(Role.REPORTER, {"area": "440402"}), (Role.UNIT, {"unit": STREET}), (Role.AUDITOR, {}), (Role.OPS, {})],
)
async def test_nobody_else_may_see_make_or_revoke_keys(app: FastAPI, role: Role, scope: dict[str, str]) -> None:
    await (await client_of(app, Role.SECURITY)).aclose()
    async with await client_of(app, role, **scope) as client:
        answers = [
            await client.get("/keys"),
            await client.post("/keys", json={"role": "ops"}),
            await client.delete(f"/keys/{ids.new_id(NOW)}"),
            await client.post(f"/keys/{ids.new_id(NOW)}/rotate", json={}),
        ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "not_yours")] * 4


async def test_the_first_ops_looks_after_keys_until_security_does(app: FastAPI, ops: httpx.AsyncClient) -> None:
    app.state.context.clock.move_to(NOW + timedelta(minutes=1))
    made = (await ops.post("/keys", json={"role": "ops"})).json()
    assert await status_with(app, made["key"]) == 403, "of two, the one that has been ops for longer"
    first = (await ops.get("/keys", params={"subject": "chief"})).json()["items"][0]
    successor = (await ops.post(f"/keys/{first['id']}/rotate", json={"overlap_s": 0})).json()
    assert [await status_with(app, each["key"]) for each in (made, successor)] == [403, 200]
    headers = {"Authorization": f"Bearer {successor['key']}"}
    security = (await ops.post("/keys", json={"role": "security"}, headers=headers)).json()
    assert [await status_with(app, each["key"]) for each in (made, successor, security)] == [403, 403, 200]
    headers = {"Authorization": f"Bearer {security['key']}"}
    assert (await ops.delete(f"/keys/{security['id']}", headers=headers)).status_code == 204
    assert [await status_with(app, each["key"]) for each in (made, successor, security)] == [403, 403, 401]


async def test_every_operation_has_an_example_and_names_the_key(app: FastAPI) -> None:
    document = app.openapi()
    for path, method in (("/v1/keys", "post"), ("/v1/keys", "get"), ("/v1/keys/{id}", "delete")):
        assert document["paths"][path][method]["security"] == [{"key": []}, {"token": []}, {"session": []}]
    assert document["components"]["schemas"]["NewKeyBody"]["examples"]
