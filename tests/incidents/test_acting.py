"""Acts over HTTP: fences, replays, the order of refusals, who may see what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.house import CATEGORY, House

pytestmark = pytest.mark.anyio


def _path(incident: Any, verb: str = "") -> str:
    return f"/v1/incidents/{incident['id']}" + (f"/{verb}" if verb else "")


async def test_an_action_under_one_key_happens_once(house: House) -> None:
    incident = await house.report()
    body, headers = {"measure": "去看"}, {"Idempotency-Key": "a-1"}
    answers = await asyncio.gather(
        *(house.send("community", "POST", _path(incident, "answer"), body, headers=headers) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["version"] for answer in answers} == {2}
    assert sum(answer.headers.get("idempotency-replayed") == "true" for answer in answers) == 9
    other = await house.send("community", "POST", _path(incident, "answer"), {"measure": "别的"}, headers=headers)
    assert other.json()["code"] == "idempotency_mismatch"
    another_verb = await house.send("community", "POST", _path(incident, "comment"), {"text": "去看"}, headers=headers)
    assert another_verb.json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("who", "verb", "body"),
    [
        ("department", "return", {"reason_code": "not_our_area", "reason": "不在辖区"}),
        ("department", "raise", {"ground": "other", "reason": "上呼"}),
        ("department", "assign", {"unit": "dept-water", "reason": "转"}),
        ("department", "resolve", {"result": "已办"}),
        ("street", "merge", {"reason": "同一件"}),
    ],
)
async def test_who_gives_a_call_away_and_never_hears_the_answer_is_not_told_it_is_not_theirs(
    house: House, who: str, verb: str, body: dict[str, str]
) -> None:
    incident = await house.report()
    for unit in ("community", "street"):
        incident = await house.act(unit, incident, "raise", ground="other", reason="上呼")
    if verb == "merge":
        target = await house.report()
        for unit in ("community", "street"):
            await house.act(unit, target, "raise", ground="other", reason="上呼")
        body = {**body, "into": target["id"]}
    headers = {"Idempotency-Key": "once"}
    first, again = [await house.send(who, "POST", _path(incident, verb), body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    if verb in ("return", "raise", "assign"):
        fresh = await house.send(who, "POST", _path(incident, verb), body)
        assert fresh.json()["code"] == "not_yours", "without its key it is a new act"


async def test_an_appeal_or_request_that_never_was_is_not_found(house: House) -> None:
    incident = await house.report()
    for path in ("appeals/1/approve", "appeals/9/refuse", "requests/1/approve"):
        problem = await house.refused("street", incident, path)
        assert (problem["status"], problem["code"]) == (404, "not_found"), path


async def test_if_match_fences_an_action(house: House) -> None:
    incident = await house.report()
    for tag, status in (('"7"', 412), ('W/"7"', 412), ('"7", "1"', 200)):
        answer = await house.send(
            "community", "POST", _path(incident, "answer"), {"measure": "去看"}, headers={"If-Match": tag}
        )
        assert answer.status_code == status, answer.text
    star = await house.send(
        "community", "POST", _path(incident, "resolve"), {"result": "好了"}, headers={"If-Match": "*"}
    )
    assert (star.status_code, star.headers["etag"]) == (200, '"3"')


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', 'W/"1", W/"9"', ' "9" , W/"1"', "*"])
async def test_a_weak_tag_counts_as_the_strong_one(house: House, tag: str) -> None:
    incident = await house.report()
    answer = await house.send(
        "community", "POST", _path(incident, "answer"), {"measure": "去看"}, headers={"If-Match": tag}
    )
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')


@pytest.mark.parametrize("tag", ['"1-gzip"', 'W/"1-gzip"', '"1;br"', '"1--gzip"', '"x"', '""'])
async def test_a_tag_that_a_proxy_altered_says_what_to_send(house: House, tag: str) -> None:
    incident = await house.report()
    answer = await house.send(
        "community", "POST", _path(incident, "answer"), {"measure": "去看"}, headers={"If-Match": tag}
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "version_moved")
    assert answer.json()["detail"].endswith('send its `version` in quotes, as in If-Match: "1".')


async def test_refusals_come_in_the_contracts_order(house: House) -> None:
    incident = await house.report()
    closed = await house.act("worker", incident, "withdraw", reason="弄错了")
    stale = {"If-Match": '"1"'}

    async def code(who: str, verb: str, body: Any, headers: dict[str, str] | None = None) -> str:
        answer = await house.send(who, "POST", _path(closed, verb), body, headers=headers)
        return str(answer.json()["code"])

    assert await code("stranger", "answer", {"wrong": 1}) == "validation_failed"
    assert await code("stranger", "answer", {"measure": "x"}, stale) == "not_found"
    assert await code("street", "answer", {"measure": "x"}, stale) == "not_yours"
    assert await code("community", "answer", {"measure": "x"}, stale) == "version_moved"
    assert await code("community", "answer", {"measure": "x"}) == "illegal_transition"


@pytest.mark.clause("ASVS 2.3.1")
async def test_an_illegal_transition_says_the_state_and_what_is_possible(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "answer", measure="去看")
    problem = await house.refused("community", incident, "answer", measure="再看")
    assert problem["state"] == "answered"
    assert problem["allowed"] == ["resolve", "raise", "hold", "extend", "assist", "comment"]


async def test_a_comment_and_an_urge_leave_the_version(house: House) -> None:
    incident = await house.report()
    await house.act("worker", incident, "urge", message="请快")
    after = await house.act("street", incident, "comment", text="已转告")
    assert after["version"] == 1
    timeline = (await house.get("worker", _path(incident, "timeline")))["items"]
    assert [e["type"] for e in timeline[2:]] == ["sihu.incident.urged", "sihu.incident.commented"]
    assert timeline[3]["data"]["note"] == "已转告"


@pytest.mark.parametrize(
    ("who", "status"),
    [("worker", 200), ("colleague", 200), ("stranger", 404), ("community", 200), ("street", 200)]
    + [("other_street", 404), ("department", 404), ("leader", 404), ("auditor", 200), ("ops", 200)],
)
async def test_who_sees_an_incident_at_level_one(house: House, who: str, status: int) -> None:
    incident = await house.report()
    for path in (_path(incident), _path(incident, "timeline"), _path(incident, "plan")):
        assert (await house.send(who, "GET", path)).status_code == status
    listed = (await house.get(who, "/v1/incidents"))["items"]
    assert [row["id"] for row in listed] == ([incident["id"]] if status == 200 else [])


async def test_a_department_sees_what_it_was_called_on_and_keeps_seeing_it(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="joint_action", reason="x")
    await house.act("street", incident, "raise", ground="beyond_powers", reason="x")
    assert (await house.get("department", _path(incident)))["level"] == 3
    await house.act("department", incident, "raise", ground="other", reason="x")
    assert (await house.get("department", _path(incident)))["level"] == 4
    await house.act("department", incident, "comment", text="仍可留言")
    assert len((await house.get("department", "/v1/incidents"))["items"]) == 1


async def test_a_raise_at_level_four_is_refused(house: House) -> None:
    incident = await house.report()
    for who in ("community", "street", "department"):
        await house.act(who, incident, "raise", ground="other", reason="x")
    problem = await house.refused("leader", incident, "raise", ground="other", reason="x")
    assert (problem["code"], "raise" in problem["allowed"]) == ("illegal_transition", False)


async def test_an_unknown_or_malformed_id_is_not_found(house: House) -> None:
    for name in ("019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", "nonsense", "%00"):
        assert (await house.send("ops", "GET", f"/v1/incidents/{name}")).status_code == 404


async def test_lists_page_through_everything_once_newest_first(house: House) -> None:
    reported = [(await house.report(description=f"第{n}件"))["id"] for n in range(7)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3, "category": CATEGORY}
    while True:
        page = await house.get("worker", "/v1/incidents", **query)
        seen += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == list(reversed(reported))
    mixed = await house.send("worker", "GET", "/v1/incidents", limit=3, cursor=query["cursor"])
    assert mixed.json()["code"] == "bad_cursor"


async def test_lists_filter(house: House) -> None:
    first, second = await house.report(urgency="urgent"), await house.report()
    await house.act("community", second, "answer", measure="去看")

    async def ids(**query: Any) -> list[str]:
        return [row["id"] for row in (await house.get("worker", "/v1/incidents", **query))["items"]]

    assert await ids(urgency="urgent") == [first["id"]]
    assert await ids(state="answered") == [second["id"]]
    assert await ids(state="answered,calling") == [second["id"], first["id"]]
    assert await ids(overdue="true") == []
    assert await ids(reporter="me", level=1, area="440105003", line="urban") == [second["id"], first["id"]]
    assert (await house.send("worker", "GET", "/v1/incidents", limit=501)).status_code == 422
