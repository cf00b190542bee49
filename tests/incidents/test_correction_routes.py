"""`/correct` and `/flood` over HTTP: the body, what is refused and in which order, and what lists then show."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.incidents import correction_routes
from service.rules.words import Arrow
from service.store.incidents.report_tables import report
from tests.house import CATEGORY, CELL, COMMUNITY, STREET, House
from tests.incidents import verbs
from tests.incidents.verbs import REASON, Verb

pytestmark = pytest.mark.anyio

NEXT_CELL, NEXT_COMMUNITY = "440105003002001", "440105003002"
OTHER_CELL = "440105001001001"
VERBS = (
    Verb(
        Arrow.CORRECT,
        "correct",
        "street",
        "incident.corrected",
        "reason",
        (),
        {"category": "urban-0111", "grid_code": "440105003001002", "urgency": "urgent", "level": 1},
        {"reason": REASON},
        "reason",
        (
            ("category", "", "category"),
            ("grid_code", "44010500300100", "grid_code"),
            ("urgency", "very", "urgency"),
            ("kind", "complaint", "kind"),
        ),
    ),
)
VERB = VERBS[0]
FLOOD = {
    "reporter": "worker",
    "from": "2026-11-23T08:00:00+08:00",
    "to": "2026-11-24T08:00:00+08:00",
    "reason": "刷报",
}


async def _example() -> dict[str, Any]:
    return verbs.example_of(verbs.body_of(correction_routes.router, VERB))


async def test_the_published_example_carries_out_its_arrow(house: House) -> None:
    await verbs.demand_own_arrow(house, VERB, await _example())


async def test_a_wrong_correction_is_pointed_at(house: House) -> None:
    await verbs.demand_pointers(house, VERB, await _example())


@pytest.mark.parametrize("body", [{"reason": "r"}, {"reason": "r", "category": None, "kind": None}])
async def test_a_correction_of_nothing_is_refused(house: House, body: dict[str, Any]) -> None:
    incident = await house.report()
    problem = await house.refused("street", incident, "correct", **body)
    assert (problem["status"], problem["code"]) == (422, "validation_failed")
    [fault] = problem["errors"]
    assert (fault["pointer"], fault["rule"]) == ("", "missing")


@pytest.mark.parametrize(
    ("who", "body", "status", "code", "pointers"),
    [
        ("street", {"grid_code": OTHER_CELL}, 403, "not_yours", ["/grid_code"]),
        ("street", {"kind": "deliberation"}, 403, "not_yours", ["/kind"]),
        ("community", {"urgency": "urgent"}, 403, "not_yours", []),
        ("worker", {"urgency": "urgent"}, 403, "not_yours", []),
        ("auditor", {"urgency": "urgent"}, 403, "not_yours", []),
        ("other_street", {"urgency": "urgent"}, 404, "not_found", []),
        ("street", {"grid_code": "440105003001999"}, 422, "unknown_cell", ["/grid_code"]),
        ("ops", {"category": "no-such"}, 422, "unknown_category", ["/category"]),
        ("street", {"category": CATEGORY}, 422, "validation_failed", ["/category"]),
        ("ops", {"kind": "incident", "grid_code": CELL}, 422, "validation_failed", ["/grid_code", "/kind"]),
    ],
)
async def test_a_correction_that_cannot_be_is_one_problem(
    house: House, who: str, body: dict[str, Any], status: int, code: str, pointers: list[str]
) -> None:
    incident = await house.report()
    problem = await house.refused(who, incident, "correct", reason="r", **body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert [each["pointer"] for each in problem.get("errors", [])] == pointers
    assert await house.get("worker", f"/v1/incidents/{incident['id']}") == incident, "nothing is half-written"


async def test_who_comes_before_the_version_and_the_state(house: House) -> None:
    incident = await house.report()
    path, old = f"/v1/incidents/{incident['id']}/correct", {"If-Match": '"7"'}
    away, here = {"grid_code": OTHER_CELL, "reason": "r"}, {"grid_code": NEXT_CELL, "reason": "r"}
    assert (await house.send("street", "POST", path, away, headers=old)).status_code == 403
    assert (await house.send("street", "POST", path, here, headers=old)).status_code == 412
    await house.act("community", incident, "resolve", result="好了")
    assert (await house.send("street", "POST", path, away)).status_code == 403
    for who in ("street", "ops"):
        problem = await house.refused(who, incident, "correct", **here)
        assert (problem["status"], problem["code"], problem["state"]) == (409, "illegal_transition", "resolved")
        assert "correct" not in problem["allowed"]
    await house.act("worker", incident, "accept")
    assert (await house.refused("street", incident, "correct", **here))["status"] == 409


async def test_a_replayed_correction_is_done_once(house: House) -> None:
    incident = await house.report()
    path, key = f"/v1/incidents/{incident['id']}/correct", {"Idempotency-Key": "k"}
    body = {"grid_code": NEXT_CELL, "reason": "r"}
    first = await house.send("street", "POST", path, body, headers=key)
    again = await house.send("street", "POST", path, body, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert (again.headers["idempotency-replayed"], len(first.json()["calls"])) == ("true", 2)
    other = await house.send("street", "POST", path, {**body, "urgency": "urgent"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_the_answer_is_what_is_read_afterwards(house: House) -> None:
    incident = await house.report()
    body = {"category": "fire-02", "grid_code": NEXT_CELL, "urgency": "urgent", "reason": "r"}
    answered = await house.act("street", incident, "correct", **body)
    assert answered == await house.get("street", f"/v1/incidents/{incident['id']}")
    assert (answered["line"], answered["community"], answered["description"]) == (
        "fire",
        NEXT_COMMUNITY,
        incident["description"],
    )


async def _numbers(house: House, who: str, **filters: Any) -> list[str]:
    return [each["number"] for each in (await house.get(who, "/v1/incidents", **filters))["items"]]


async def test_lists_find_it_by_what_it_is(house: House) -> None:
    """Open and closed; the report keeps beside it what it had named."""
    incident = await house.report()
    number, body = [incident["number"]], {"category": "fire-02", "grid_code": OTHER_CELL, "urgency": "urgent"}
    await house.act("ops", incident, "correct", reason="r", **body)
    for state in ({}, {"state": "calling"}):
        for found in ({"area": OTHER_CELL}, {"area": "440105001"}, {"category": "fire"}, {"line": "fire"}):
            assert await _numbers(house, "ops", **found, **state) == number, (found, state)
        for lost in ({"area": CELL}, {"area": STREET}, {"category": "urban"}, {"line": "urban"}):
            assert await _numbers(house, "ops", **lost, **state) == [], (lost, state)
        assert await _numbers(house, "ops", urgency="urgent", **state) == number
        assert await _numbers(house, "other_street", **state) == number
        assert await _numbers(house, "street", **state) == []
        assert await _numbers(house, "stranger", **state) == number, "a reporter of its area sees it"
    assert await _numbers(house, "worker", reporter="me") == number
    assert await _numbers(house, "community") == number, "who was called sees it for ever"
    await house.act("ops", incident, "correct", reason="r", category="fire-03")
    async with house.process.database.read() as connection:
        row = (await connection.execute(select(report))).one()
    assert row.as_reported == {"kind": "incident", "grid_code": CELL, "category": CATEGORY, "urgency": "normal"}
    assert (row.description, row.category, row.grid_code) == (incident["description"], "fire-03", OTHER_CELL)


async def test_both_queues_change(house: House) -> None:
    incident = await house.report()
    units = (COMMUNITY, NEXT_COMMUNITY)
    before = [(await house.send(unit, "GET", f"/v1/queues/{unit}")).headers["etag"] for unit in units]
    await house.act("street", incident, "correct", grid_code=NEXT_CELL, reason="r")
    after = [await house.send(unit, "GET", f"/v1/queues/{unit}") for unit in units]
    assert [answer.headers["etag"] != tag for answer, tag in zip(after, before, strict=True)] == [True, True]
    assert [len(answer.json()["items"]) for answer in after] == [0, 1]
    await house.act("street", incident, "correct", urgency="urgent", reason="r")
    assert (await house.send(NEXT_COMMUNITY, "GET", f"/v1/queues/{NEXT_COMMUNITY}")).headers["etag"] != after[
        1
    ].headers["etag"]


@pytest.mark.parametrize("who", ["street", "other_street", "community"])
async def test_who_loses_and_who_gets_it_hears_of_it(house: House, who: str) -> None:
    """Ops move it into another street: the feed of each tells where it went."""
    incident = await house.report()
    await house.key(who)
    await house.act("ops", incident, "correct", grid_code=OTHER_CELL, reason="r")
    await house.sealed()
    heard = (await house.get(who, "/v1/events", types="sihu.incident.corrected"))["items"]
    assert [each["data"]["changes"] for each in heard] == [{"grid_code": {"from": CELL, "to": OTHER_CELL}}]
    await house.act("worker", incident, "comment", text="还在")
    await house.sealed()
    later = (await house.get(who, "/v1/events", types="sihu.incident.commented"))["items"]
    assert len(later) == (0 if who == "street" else 1), "the street that lost it hears no more"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"to": "2026-11-24T08:00:01+08:00"}, "/to"),
        ({"to": "2026-11-23T07:59:59+08:00"}, "/to"),
        ({"from": "2026-11-23T08:00:00"}, "/from"),
        ({"reporter": ""}, "/reporter"),
        ({"reason": " "}, "/reason"),
        ({"since": "2026-11-23T08:00:00+08:00"}, "/since"),
    ],
)
async def test_a_wrong_flood_is_pointed_at(house: House, changed: dict[str, Any], pointer: str) -> None:
    answer = await house.send("ops", "POST", "/v1/incidents/flood", {**FLOOD, **changed})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("who", ["worker", "community", "street", "auditor"])
async def test_nobody_but_ops_ends_a_flood(house: House, who: str) -> None:
    await house.report()
    answer = await house.send(who, "POST", "/v1/incidents/flood", FLOOD)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    wrong = await house.send(who, "POST", "/v1/incidents/flood", {**FLOOD, "to": "2026-12-24T08:00:00+08:00"})
    assert wrong.status_code == 422, "what the request alone shows comes first"
