"""The role of security: keys, and of the feed what has no incident; of incidents nothing."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from service.access.key_watch import KeyWatch
from tests.house import COMMUNITY, House

pytestmark = pytest.mark.anyio


async def events(house: House, who: str) -> list[Any]:
    await house.sealed()
    found: list[Any] = (await house.get(who, "/v1/events", limit=500))["items"]
    return found


@pytest.mark.clause("GB/T 22239 8.1.4.2 d")
async def test_security_sees_changes_of_keys_and_no_incident(house: House) -> None:
    incident = await house.report()
    assert await house.key("security") and await house.key("auditor")
    assert await events(house, "security") == [
        each for each in await events(house, "auditor") if "incident" not in each["data"]
    ]
    kinds = {each["type"] for each in await events(house, "security")}
    assert "sihu.key.created" in kinds
    assert (await house.get("security", "/v1/incidents"))["items"] == []
    one = f"/v1/incidents/{incident['id']}"
    report = {"grid_code": incident["grid_code"], "category": incident["category"], "description": "x"}
    for method, path, body, status in (
        *(("GET", one, None, 404), ("GET", f"{one}/timeline", None, 404), ("POST", f"{one}/accept", {}, 404)),
        *(("GET", f"/v1/queues/{COMMUNITY}", None, 404), ("POST", "/v1/incidents", report, 403)),
        ("GET", "/v1/appraisal?period=2026-11&group_by=unit", None, 403),
        ("POST", "/v1/clock/advance", {"seconds": 1}, 403),
    ):
        answer = await house.send("security", method, path, body)
        assert answer.status_code == status, (path, answer.text)


@pytest.mark.clause("API5:2023", "GB/T 22239 8.1.4.2 d")
async def test_security_looks_after_keys_and_ops_no_more(house: House) -> None:
    assert (await house.send("ops", "GET", "/v1/keys")).status_code == 200
    made = await house.send("security", "POST", "/v1/keys", {"role": "security"})
    assert (made.status_code, made.json()["role"]) == (201, "security")
    for who in ("ops", "other_ops", "auditor"):
        answer = await house.send(who, "GET", "/v1/keys")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    created = [each["data"]["by"] for each in await events(house, "auditor") if each["type"] == "sihu.key.created"]
    assert {"kind": "security", "subject": "security"} in created


@pytest.mark.parametrize("who", ["ops", "security"])
async def test_a_start_names_who_holds_all(house: House, caplog: pytest.LogCaptureFixture, who: str) -> None:
    await house.key("ops")
    await house.key(who)
    watch = KeyWatch(house.process.context)
    with caplog.at_level(logging.INFO):
        watch.start()
    await watch.stop()
    told = [record.getMessage() for record in caplog.records if "at once" in record.getMessage()]
    sentence = (
        "ops is ops, security and auditor at once, until a key of security is made: sihu keys create --role security"
    )
    assert told == ([sentence] if who == "ops" else [])
