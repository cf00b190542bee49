"""Reporting and looking over HTTP: who sees the parts of an incident, and what the headers say."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents.similar import Candidate
from service.shown.deadline import DeadlineView
from service.shown.event import TimelineEvent
from service.shown.incident import IncidentWithCalls
from service.shown.plan import PlanView
from service.web.paging import ItemPage
from tests.house import CATEGORY, CELL, House
from tests.shapes import check

pytestmark = pytest.mark.anyio

PATH = "/v1/incidents"
NOBODYS = "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11"
PARTS: dict[str, Any] = {
    "": IncidentWithCalls,
    "/timeline": ItemPage[TimelineEvent],
    "/similar": ItemPage[Candidate],
    "/deadline": DeadlineView,
    "/plan": PlanView,
}
BODY: dict[str, Any] = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮"}
each_part = pytest.mark.parametrize("part", PARTS)


@each_part
async def test_whoever_sees_the_incident_sees_its_parts(house: House, part: str) -> None:
    incident = await house.report()
    await house.report()  # something similar
    for who in ("worker", "community", "street", "auditor", "ops"):
        assert check(PARTS[part], await house.get(who, f"{PATH}/{incident['id']}{part}")), who


@pytest.mark.clause("API1:2023", "ASVS 8.2.2", "GB/T 22239 8.1.4.11 b")
@each_part
async def test_what_is_not_yours_reads_like_what_never_was(house: House, part: str) -> None:
    """Nobody learns from a refusal that an incident exists."""
    incident = await house.report()
    for who in ("stranger", "other_street", "department", "leader"):
        answers = [await house.send(who, "GET", f"{PATH}/{each}{part}") for each in (incident["id"], NOBODYS)]
        assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "not_found")] * 2
        hidden, unknown = (each.text.replace(incident["id"], NOBODYS) for each in answers)
        assert hidden == unknown
        assert incident["number"] not in hidden


@each_part
@pytest.mark.parametrize("malformed", ["17", "2026-000001", f"{NOBODYS}0", "%00", "٣"])
async def test_an_id_that_cannot_be_one_is_not_found(house: House, part: str, malformed: str) -> None:
    answer = await house.send("ops", "GET", f"{PATH}/{malformed}{part}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@each_part
async def test_nobody_looks_without_a_key(house: House, part: str) -> None:
    incident = await house.report()
    answer = await house.send("ops", "GET", f"{PATH}/{incident['id']}{part}", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@each_part
async def test_a_part_is_only_looked_at(house: House, part: str) -> None:
    incident = await house.report()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await house.send("ops", method, f"{PATH}/{incident['id']}{part}", {})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), method


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ('"1"', 304),
        ('W/"1"', 304),
        ('"7", W/"1"', 304),
        ("*", 304),
        ('"2"', 200),
        ('"1-gzip"', 200),
        ("1", 200),
        ("", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_unchanged_incident_is_not_sent_again(house: House, method: str, value: str, status: int) -> None:
    incident = await house.report()
    path = f"{PATH}/{incident['id']}"
    answer = await house.send("worker", method, path, headers={"If-None-Match": value})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"1"')
    assert bool(answer.content) is (method == "GET" and status == 200)
    hidden = await house.send("stranger", method, path, headers={"If-None-Match": value})
    assert hidden.status_code == 404


async def test_the_etag_follows_the_version(house: House) -> None:
    """A remark leaves both; an act moves both; the deadline that passes does, too."""
    incident = await house.report()
    seen = []
    for who, verb, body in (
        ("worker", "comment", {"text": "等着"}),
        ("community", "answer", {"measure": "去看"}),
        ("community", "raise", {"ground": "other", "reason": "上呼"}),
    ):
        await house.act(who, incident, verb, **body)
        answer = await house.send("worker", "GET", f"{PATH}/{incident['id']}")
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        seen.append(answer.headers["etag"])
    await house.advance(seconds=4 * 3600)
    seen.append((await house.send("worker", "GET", f"{PATH}/{incident['id']}")).headers["etag"])
    assert seen == ['"1"', '"2"', '"3"', '"4"']


async def test_a_report_says_whether_it_is_new(house: House) -> None:
    """New, sent again under its key, and known from its source: one incident, three answers."""
    body = {**BODY, "source": {"system": "grid-app", "ref": "A-1"}}
    key = {"Idempotency-Key": "k"}
    new = await house.send("worker", "POST", PATH, body, headers=key)
    await house.act("community", new.json(), "answer", measure="去看")
    again = await house.send("worker", "POST", PATH, body, headers=key)
    known = await house.send("colleague", "POST", PATH, body)
    answers = (new, again, known)
    assert [each.status_code for each in answers] == [201, 201, 200]
    assert [each.headers.get("idempotency-replayed") for each in answers] == [None, "true", None]
    assert [each.headers["etag"] for each in answers] == ['"1"', '"2"', '"2"']
    assert {each.headers["location"] for each in answers} == {f"{PATH}/{new.json()['id']}"}


async def test_a_refused_report_has_no_location(house: House) -> None:
    answer = await house.send("worker", "POST", PATH, {**BODY, "category": "no-such"})
    assert answer.status_code == 422
    assert not {"location", "etag"} & set(answer.headers)


async def test_a_batch_keeps_its_order(house: House) -> None:
    """Forty items, every third one wrong; the last ten are the first ten once more, under their keys."""
    items = [{**BODY, "description": f"第 {n % 30} 件", "idempotency_key": f"k-{n % 30}"} for n in range(40)]
    for n in range(0, 40, 3):
        items[n]["grid_code"] = "12"
    results = (await house.send("worker", "POST", f"{PATH}/batch", {"items": items})).json()["results"]
    assert [each["index"] for each in results] == list(range(40))
    for n, each in enumerate(results):
        if n % 3 == 0:
            assert (each["status"], each["problem"]["errors"][0]["pointer"]) == (422, f"/items/{n}/grid_code")
        else:
            assert (each["status"], each["incident"]["description"]) == (201, f"第 {n % 30} 件")
    again = [each["incident"]["id"] for each in results[30:] if "incident" in each]
    assert again == [each["incident"]["id"] for each in results[:10] if "incident" in each]


async def test_a_batch_and_a_list_are_no_ids(house: House) -> None:
    """`/batch` stands beside `/{incident_id}`, and only takes reports."""
    assert (await house.send("worker", "POST", f"{PATH}/batch", {"items": [BODY]})).status_code == 200
    assert (await house.send("worker", "GET", f"{PATH}/batch")).status_code in (404, 405)
    assert len((await house.get("worker", PATH))["items"]) == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": "0"}, "?limit"),
        ({"state": "calling,open"}, "?state/1"),
        ({"state": ["calling", "answered"]}, "?state"),
        ({"reported_after": "2026-11-23"}, "?reported_after"),
        ({"page": "2"}, "?page"),
    ],
)
async def test_a_wrong_filter_is_pointed_at(house: House, query: dict[str, Any], pointer: str) -> None:
    answer = await house.send("worker", "GET", PATH, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
