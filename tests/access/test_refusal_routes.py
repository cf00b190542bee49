"""`GET /v1/refusals`: who was refused what, for auditors and security."""

from __future__ import annotations

import pytest

from service.access.refusals import Refusals
from tests.house import House

pytestmark = pytest.mark.anyio


async def _written(house: House) -> None:
    await house.process.context.part(Refusals).write()


@pytest.mark.clause("ASVS 16.3.2", "GB/T 22239 8.1.4.3 a")
async def test_who_was_refused_is_read_by_few(house: House) -> None:
    await house.key("security")  # until one is made, the first ops are security and auditor as well
    for who in ("worker", "ops", "street"):
        assert (await house.send(who, "GET", "/v1/refusals")).status_code == 403
    incident = await house.report("worker")
    await house.refused("stranger", incident, "comment", text="在吗")
    await house.raw("worker", "GET", "/v1/queues/x", None, headers={"Authorization": "Bearer sihu_secret"})
    await _written(house)
    for who in ("auditor", "security"):
        rows = (await house.get(who, "/v1/refusals"))["items"]
        found = [(row["subject"], row["code"], row["operation"], row["count"]) for row in rows]
        assert sorted(found, key=str) == [
            ("440105003", "not_yours", "GET /v1/refusals", 1),
            ("ops", "not_yours", "GET /v1/refusals", 1),
            ("stranger", "not_found", "POST /v1/incidents/{incident_id}/comment", 1),
            ("worker", "not_yours", "GET /v1/refusals", 1),
            (None, "unauthorized", "GET /v1/queues/{unit}", 1),
        ]
        assert "sihu_secret" not in str(rows) and incident["id"] not in str(rows)


async def test_a_list_has_filters_and_pages(house: House) -> None:
    for who in ("worker", "colleague", "worker"):
        await house.send(who, "GET", "/v1/refusals")
    await _written(house)
    of_worker = (await house.get("auditor", "/v1/refusals", subject="worker", code="not_yours"))["items"]
    assert [row["count"] for row in of_worker] == [2]
    first = await house.get("auditor", "/v1/refusals", limit=1)
    second = await house.get("auditor", "/v1/refusals", limit=1, cursor=first["next_cursor"])
    assert {each["items"][0]["subject"] for each in (first, second)} == {"worker", "colleague"}
    assert second["next_cursor"] is None
    hour = of_worker[0]["hour"]
    assert len((await house.get("auditor", "/v1/refusals", since=hour))["items"]) == 2
    assert (await house.get("auditor", "/v1/refusals", since="2026-11-24T00:00:00Z"))["items"] == []
    assert (await house.send("auditor", "GET", "/v1/refusals", code="quta")).status_code == 422
