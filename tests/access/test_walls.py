"""Keys for screens on walls: they read, and write nothing; their sessions last as long as they do."""

from __future__ import annotations

from typing import Any

import pytest

from service.access.keyring import Keyring
from service.main import create_app
from service.settings import Settings
from service.web.request_log import READS
from tests.house import COMMUNITY, House
from tests.sign_on.browser import COOKIE, OWN, Browser

pytestmark = pytest.mark.anyio
WALL = {"role": "unit", "unit": COMMUNITY, "subject": "wall-1", "wall": True}


async def made(house: House, **body: Any) -> Any:
    answer = await house.send("security", "POST", "/v1/keys", {**WALL, **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_key_for_a_wall_reads_only(house: House) -> None:
    incident = await house.report()
    key = await made(house)
    assert key["wall"] is True
    lines = {"Authorization": f"Bearer {key['key']}"}
    me = (await house.send("community", "GET", "/v1/me", headers=lines)).json()
    assert me["may"] == ["figures"]
    for path in (f"/v1/queues/{COMMUNITY}", f"/v1/incidents/{incident['id']}", "/v1/events"):
        assert (await house.send("community", "GET", path, headers=lines)).status_code == 200
    answer = await house.send(
        "community", "POST", f"/v1/incidents/{incident['id']}/answer", {"measure": "x"}, headers=lines
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert (await house.get("ops", f"/v1/incidents/{incident['id']}"))["state"] == "calling"


@pytest.mark.clause("API5:2023", "ASVS 8.2.1")
async def test_every_write_is_refused_to_a_wall(house: House) -> None:
    """One rule for all: no route has to remember it."""
    lines = {"Authorization": f"Bearer {(await made(house))['key']}"}
    operations = create_app(Settings(), house.process.clock).openapi()["paths"]
    writes = [(m.upper(), path) for path, item in operations.items() for m in item if m.upper() not in READS]
    assert len(writes) > 30
    for method, path in writes:
        answer = await house.send("community", method, path, {}, headers=lines)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_yours"), path


@pytest.mark.parametrize("body", [{"role": "reporter", "area": "440105"}, {"role": "ops"}, {"role": "security"}])
async def test_other_roles_have_no_walls(house: House, body: dict[str, str]) -> None:
    answer = await house.send("security", "POST", "/v1/keys", {**body, "wall": True})
    assert answer.status_code == 422
    assert [(each["pointer"], each["rule"]) for each in answer.json()["errors"]] == [("/wall", "not_allowed")]
    assert (await house.send("security", "POST", "/v1/keys", {**body, "wall": False})).status_code == 201


async def test_the_session_of_a_wall_lasts_like_its_key(house: House) -> None:
    key = await made(house, expires_at="2026-12-23T09:00:00+08:00")
    browser = Browser(house)
    answer = await browser.client.post("/sign-in", data={"key": key["key"]}, headers=OWN)
    line = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE))
    assert f"Max-Age={30 * 86_400}" in line
    for _ in range(3):
        await house.advance(seconds=10 * 86_400 - 1)
        me = (await browser.get("/v1/me")).json()
        assert (me["subject"], me["expires_at"]) == ("wall-1", "2026-12-23T01:00:00Z")
    refused = await browser.client.post("/v1/incidents", json={}, headers=OWN)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    await house.advance(seconds=10)
    assert (await browser.get("/v1/me")).status_code == 401


async def test_a_wall_stays_one_when_its_key_is_replaced(house: House) -> None:
    key = await made(house)
    answer = await house.send("security", "POST", f"/v1/keys/{key['id']}/rotate", {})
    assert answer.json()["wall"] is True
    await house.process.context.part(Keyring).load()
    lines = {"Authorization": f"Bearer {answer.json()['key']}"}
    assert (await house.send("community", "POST", "/v1/incidents", {}, headers=lines)).status_code == 403
    listed = (await house.get("security", "/v1/keys", subject="wall-1"))["items"]
    assert [each["wall"] for each in listed] == [True, True]
