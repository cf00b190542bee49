"""`GET /v1/me`: what it says is what the same person may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.house import CATEGORY, CELL, COMMUNITY, DEPARTMENT, START, STREET, House
from tests.sign_on.browser import OWN, signed_in

pytestmark = pytest.mark.anyio
REPORT = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}
DUTY = {"code": "EX-9", "title": "示例", "category": "urban-01", "area": "440105", "lead_unit": STREET, "basis": "示例"}
EVERYTHING = ["report", "act", "figures", "watch", "propose_duties", "administer"]
TRIES: dict[str, tuple[str, str, Any]] = {
    "report": ("POST", "/v1/incidents", REPORT),
    "figures": ("GET", "/v1/appraisal?period=2026-11&group_by=unit", None),
    "watch": ("GET", "/v1/appraisal/watch?period=2026-11", None),
    "propose_duties": ("POST", "/v1/duties", DUTY),
    "administer": ("POST", "/v1/clock/advance", {"seconds": 0}),
    "keys": ("GET", "/v1/keys", None),
}
"""A request that whoever has this right is not refused for its role."""


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("worker", ["report", "act"]),
        ("community", ["report", "act", "figures", "propose_duties"]),
        ("department", ["act", "figures", "propose_duties"]),
        ("auditor", ["figures", "watch"]),
        ("ops", EVERYTHING),
        ("security", ["keys"]),
    ],
)
async def test_everybody_reads_what_it_may_do(house: House, who: str, may: list[str]) -> None:
    await house.key("security")  # so that ops do not hold that role as well
    me = await house.get(who, "/v1/me")
    assert me["may"] == may
    for right, (method, path, body) in TRIES.items():
        answer = await house.send(who, method, path, body)
        assert (answer.status_code == 403) is (right not in may), (right, answer.text)


async def test_the_first_of_ops_looks_after_keys(house: House) -> None:
    assert (await house.get("ops", "/v1/me"))["may"] == [*EVERYTHING, "keys"]


async def test_a_key_says_whose_it_is(house: House) -> None:
    year = (START + timedelta(days=365)).isoformat().replace("+00:00", "Z")
    community = {"subject": COMMUNITY, "role": "unit", "unit": COMMUNITY, "area": None}
    worker = {"subject": "worker", "role": "reporter", "unit": None, "area": STREET}
    for who, known in (("community", community), ("worker", worker)):
        me = await house.get(who, "/v1/me")
        assert {name: me[name] for name in known} == known
        assert me["expires_at"] == year
    assert me["server_now"] == "2026-11-23T01:00:00Z"
    assert (await house.get("department", "/v1/me"))["unit"] == DEPARTMENT


async def test_a_session_says_when_it_ends(house: House) -> None:
    browser = await signed_in(house, "community")
    me = (await browser.get("/v1/me")).json()
    assert (me["subject"], me["expires_at"]) == (COMMUNITY, "2026-11-23T13:00:00Z")
    listed = (await house.get("ops", f"/v1/keys?unit={COMMUNITY}"))["items"]
    rotated = await house.send("ops", "POST", f"/v1/keys/{listed[0]['id']}/rotate", {"overlap_s": 600})
    assert rotated.status_code == 201
    me = (await browser.get("/v1/me")).json()
    assert me["expires_at"] == "2026-11-23T01:10:00Z"
    assert (await browser.client.get("/v1/me", headers={**OWN, "Sec-Fetch-Site": "cross-site"})).status_code == 403
