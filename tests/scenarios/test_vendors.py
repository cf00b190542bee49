"""A vendor's backend reports and acts for its workers by one key, and each of them is somebody of its own."""

from __future__ import annotations

from typing import Any

import pytest

from service.access.new_keys import NewKey
from service.rules.model import KeyQuota
from service.rules.words import Role
from tests import house as houses
from tests.house import CATEGORY, CELL, STREET, House

pytestmark = pytest.mark.anyio

VENDOR = NewKey(Role.REPORTER, area=STREET, subject="vendor", quota=KeyQuota(2), may_report_for=True)
BODY = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮"}


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(houses.PEOPLE, "vendor", VENDOR)


async def _resolved(house: House, worker: str) -> Any:
    incident = await house.report("vendor", on_behalf_of=worker)
    return await house.act("community", incident, "resolve", result="已修好")


async def _subjects(house: House, incident: Any) -> list[str]:
    """Who is written on the events of an incident."""
    timeline = await house.get("ops", f"/v1/incidents/{incident['id']}/timeline")
    return [event["data"]["by"].get("subject") for event in timeline["items"]]


async def test_a_worker_is_on_record_by_name(house: House) -> None:
    incident = await _resolved(house, "张三")
    await house.act("vendor", incident, "comment", text="已去看过", on_behalf_of="张三")
    await house.act("vendor", incident, "reject", reason="还不亮", on_behalf_of="张三")
    await house.act("community", incident, "resolve", result="已修好")
    await house.act("vendor", incident, "rate", score=4, on_behalf_of="张三")
    await house.act("vendor", incident, "accept", on_behalf_of="张三")
    await house.act("vendor", incident, "reopen", reason="又坏了", on_behalf_of="张三")
    await house.act("vendor", incident, "urge", message="请快些", on_behalf_of="张三")
    await house.act("vendor", incident, "withdraw", reason="已自行修好", on_behalf_of="张三")
    assert set(await _subjects(house, incident)) == {"vendor/张三", "440105003001"}
    calls = (await house.get("ops", f"/v1/incidents/{incident['id']}"))["calls"]
    assert not any(call["self_reported"] for call in calls)


async def test_a_worker_acts_on_nobody_elses_incident(house: House) -> None:
    incident = await _resolved(house, "张三")
    for verb, body in (
        *(("accept", {}), ("reject", {"reason": "不行"}), ("rate", {"score": 5})),
        *(("comment", {"text": "在吗"}), ("urge", {"message": "快些"})),
    ):
        problem = await house.refused("vendor", incident, verb, **body, on_behalf_of="李四")
        assert (problem["status"], problem["code"]) == (403, "not_yours"), verb
        unnamed = await house.refused("vendor", incident, verb, **body)
        assert unnamed["code"] == "not_yours" and "on_behalf_of" in unnamed["detail"], verb


async def test_who_may_not_name_a_worker_learns_so_after_404(house: House) -> None:
    incident = await _resolved(house, "张三")
    nothing = {"id": "019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11"}
    for who in ("worker", "community", "ops"):
        problem = await house.refused(who, incident, "comment", text="在吗", on_behalf_of="张三")
        assert (problem["status"], problem["errors"][0]["pointer"]) == (403, "/on_behalf_of")
        assert (await house.refused(who, nothing, "comment", text="在吗", on_behalf_of="张三"))["status"] == 404
    assert (await house.send("worker", "POST", "/v1/incidents", {**BODY, "on_behalf_of": "张三"})).status_code == 403


async def test_two_phones_with_one_idempotency_key_are_two(house: House) -> None:
    one = await house.report("vendor", key="0001", on_behalf_of="张三")
    other = await house.report("vendor", key="0001", on_behalf_of="李四")
    again = await house.report("vendor", key="0001", on_behalf_of="张三")
    assert one["id"] == again["id"] != other["id"]
    for worker in ("张三", "李四"):
        body, sent = {"text": "在吗", "on_behalf_of": worker}, {"Idempotency-Key": "c1"}
        path = f"/v1/incidents/{one['id'] if worker == '张三' else other['id']}/comment"
        first = await house.send("vendor", "POST", path, body, headers=sent)
        second = await house.send("vendor", "POST", path, body, headers=sent)
        assert "idempotency-replayed" not in first.headers and "idempotency-replayed" in second.headers


async def test_a_batch_is_of_many_workers_with_quotas(house: House) -> None:
    names = ["张三", "李四", "张三", "张三", "李四", None]
    items = [{**BODY, **({"on_behalf_of": name} if name else {})} for name in names]
    items += [{**BODY, "on_behalf_of": "a/b"}, {**BODY, "on_behalf_of": "x" * 65}]
    done = await house.send("vendor", "POST", "/v1/incidents/batch", {"items": items})
    results = done.json()["results"]
    assert [each["status"] for each in results] == [201, 201, 201, 429, 201, 201, 422, 422]
    assert {each["problem"]["errors"][0]["pointer"][-13:] for each in results[6:]} == {"/on_behalf_of"}
    mine = await house.get("vendor", "/v1/incidents", reporter="me")
    assert {row["id"] for row in mine["items"]} == {each["incident"]["id"] for each in results if "incident" in each}


async def test_its_own_is_what_its_workers_reported_wherever_it_lies(house: House) -> None:
    incident = await house.report("vendor", on_behalf_of="张三")
    await house.report("worker")
    await house.act("ops", incident, "correct", grid_code="440105001001001", reason="网格填错")
    mine = await house.get("vendor", "/v1/incidents", reporter="me")
    assert [row["id"] for row in mine["items"]] == [incident["id"]]
    assert (await house.get("vendor", f"/v1/incidents/{incident['id']}"))["grid_code"] == "440105001001001"
    await house.sealed()
    feed = await house.get("vendor", "/v1/events")
    assert [event["type"] for event in feed["items"] if event["subject"] == incident["id"]] == [
        *("sihu.incident.reported", "sihu.call.opened", "sihu.incident.corrected", "sihu.call.opened")
    ]
    stranger = await house.send("stranger", "GET", "/v1/incidents", reporter="me")
    assert stranger.json()["items"] == []


async def test_the_key_reads_what_its_lists_have_in_confidence(house: House) -> None:
    incident = await house.report("vendor", on_behalf_of="张三", confidential=True)
    listed = (await house.get("vendor", "/v1/incidents", reporter="me"))["items"]
    assert [each["id"] for each in listed] == [incident["id"]]
    view = await house.get("vendor", f"/v1/incidents/{incident['id']}")
    assert view["reporter"] == listed[0]["reporter"] == "vendor/张三"
    unnamed = await house.refused("vendor", incident, "withdraw", reason="已修好")
    assert (unnamed["status"], unnamed["code"]) == (403, "not_yours")
    other = await house.refused("vendor", incident, "comment", text="在吗", on_behalf_of="李四")
    assert other["status"] == 404


async def test_nobody_is_on_record_by_a_phone_number(house: House) -> None:
    incident = await house.report("vendor", on_behalf_of="张三")
    for name in ("13800138000", "138-0013-8000", "110105491231002"):
        for who in ("vendor", "ops"):
            problem = (await house.send(who, "POST", "/v1/incidents", {**BODY, "on_behalf_of": name})).json()
            assert (problem["status"], problem["errors"][0]["rule"]) == (422, "persons_number"), (who, name)
        problem = await house.refused("vendor", incident, "comment", text="在吗", on_behalf_of=name)
        assert (problem["errors"][0]["pointer"], problem["errors"][0]["rule"]) == ("/on_behalf_of", "persons_number")


async def test_ops_report_on_behalf_of_a_worker(house: House) -> None:
    incident = await house.report("ops", on_behalf_of="vendor/张三")
    await house.act("community", incident, "resolve", result="已修好")
    await house.act("vendor", incident, "accept", on_behalf_of="张三")


async def test_what_a_worker_reported_is_flooded_by_name(house: House) -> None:
    incident = await house.report("vendor", on_behalf_of="张三")
    await house.report("vendor", on_behalf_of="李四")
    at = incident["reported_at"]
    body = {"reporter": "vendor/张三", "from": at, "to": at, "reason": "刷报"}
    done = await house.send("ops", "POST", "/v1/incidents/flood", body)
    assert done.json()["closed"] == 1
