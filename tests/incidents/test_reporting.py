"""Reports over HTTP: late, repeated, wrong, at the same moment; none is lost and none becomes two."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from service.access import keys
from service.access.keyring import Keyring
from service.access.new_keys import NewKey
from service.rules.model import By
from service.rules.words import Role
from service.store.incidents.report_tables import report
from service.store.incidents.tables import incident
from service.store.log.tables import event
from tests.house import CATEGORY, CELL, STREET, House

pytestmark = pytest.mark.anyio

BODY: dict[str, Any] = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮"}


async def _count(house: House, table: Any) -> int:
    async with house.process.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def _post(house: House, body: Any, who: str = "worker", key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else None
    return await house.send(who, "POST", "/v1/incidents", body, headers=headers)


async def test_the_answer_carries_location_and_version(house: House) -> None:
    answer = await _post(house, BODY)
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/incidents/{body['id']}"
    assert answer.headers["etag"] == '"1"'
    fetched = await house.get("worker", answer.headers["location"])
    assert fetched == body


@pytest.mark.clause("ASVS 2.3.4")
async def test_the_same_key_and_body_is_one_incident_however_often_and_at_once(house: House) -> None:
    answers = await asyncio.gather(*(_post(house, BODY, key="bad-network") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await _count(house, incident) == 1


async def test_a_replay_shows_the_incident_as_it_stands_now(house: House) -> None:
    first = (await _post(house, BODY, key="k")).json()
    await house.act("community", first, "answer", measure="去看")
    again = await _post(house, BODY, key="k")
    assert (again.status_code, again.json()["state"], again.headers["etag"]) == (201, "answered", '"2"')


async def test_the_same_key_with_another_body_is_refused(house: House) -> None:
    await _post(house, BODY, key="k")
    answer = await _post(house, {**BODY, "description": "另一件"}, key="k")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_two_people_may_use_the_same_key(house: House) -> None:
    one, two = await _post(house, BODY, "worker", "k"), await _post(house, BODY, "colleague", "k")
    assert one.json()["id"] != two.json()["id"]


async def test_a_source_stands_for_one_incident_for_ever(house: House) -> None:
    body = {**BODY, "source": {"system": "grid-app", "ref": "A-1"}}
    answers = await asyncio.gather(*(_post(house, body, who) for who in ("worker", "colleague", "worker")))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    taken = await _post(house, {**body, "grid_code": "440105001001001"}, "stranger")
    assert (taken.status_code, taken.json()["code"]) == (409, "source_taken")
    assert answers[0].json()["id"] not in taken.text


async def test_a_batch_is_answered_item_by_item(house: House) -> None:
    good = {**BODY, "idempotency_key": "b-1"}
    items = [good, {**BODY, "category": "no-such"}, {**BODY, "descripton": "typo"}, good, "not an object", BODY]
    answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": items})
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [result["index"] for result in results] == list(range(6))
    assert [result["status"] for result in results] == [201, 422, 422, 201, 422, 201]
    assert results[0]["incident"]["id"] == results[3]["incident"]["id"]
    assert results[1]["problem"]["code"] == "unknown_category"
    assert results[1]["problem"]["errors"][0]["pointer"] == "/items/1/category"
    assert results[2]["problem"]["errors"][0]["pointer"] == "/items/2/descripton"
    assert await _count(house, incident) == 2


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"grid_code": "440105003001999"}, 422, "unknown_cell"),
        ({"grid_code": "12"}, 422, "validation_failed"),
        ({"grid_code": None}, 422, "validation_failed"),
        ({"grid_code": "440105001001001"}, 403, "not_yours"),
        ({"category": "no-such-category"}, 422, "unknown_category"),
        ({"description": ""}, 422, "validation_failed"),
        ({"description": "x" * 4001}, 422, "validation_failed"),
        ({"description": "a\x00b"}, 422, "validation_failed"),
        ({"on_behalf_of": "worker\x1f7"}, 422, "validation_failed"),
        ({"description": "\ud800"}, 422, "validation_failed"),
        ({"urgency": "very"}, 422, "validation_failed"),
        ({"kind": "complaint"}, 422, "validation_failed"),
        ({"on_behalf_of": "somebody"}, 403, "not_yours"),
        ({"occurred_at": "2026-11-23T08:00:00"}, 422, "validation_failed"),
        ({"location": {"lat": 23.1, "lon": 113.3}}, 422, "validation_failed"),
        ({"nonsense": 1}, 422, "validation_failed"),
    ],
)
async def test_a_wrong_report_gets_one_clear_problem_and_leaves_nothing(
    house: House, change: dict[str, Any], status: int, code: str
) -> None:
    answer = await _post(house, {**BODY, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert len(answer.json()["detail"]) > 20
    for table in (report, incident, event):
        left = await _count(house, table)
        assert left == 0 or table is event  # making the keys wrote events of their own


async def test_a_refused_report_spoils_no_other_of_its_group(house: House) -> None:
    bodies = [BODY if n % 3 else {**BODY, "category": "no-such"} for n in range(60)]
    answers = await asyncio.gather(*(_post(house, body) for body in bodies))
    assert [answer.status_code for answer in answers] == [201 if n % 3 else 422 for n in range(60)]
    assert await _count(house, incident) == 40


async def test_ops_report_on_behalf_of_somebody_whose_incident_it_then_is(house: House) -> None:
    incident = await house.report("ops", on_behalf_of="worker", grid_code=CELL)
    withdrawn = await house.act("worker", incident, "withdraw", reason="弄错了")
    assert withdrawn["closed_as"] == "withdrawn"
    problem = await _post(house, BODY, "ops")
    assert problem.json()["errors"][0]["pointer"] == "/on_behalf_of"


async def test_units_report_inside_their_own_area_only(house: House) -> None:
    assert (await _post(house, BODY, "street")).status_code == 201
    assert (await _post(house, BODY, "other_street")).status_code == 403
    assert (await _post(house, BODY, "department")).status_code == 403
    assert (await _post(house, BODY, "auditor")).status_code == 403
    assert STREET in (await _post(house, {**BODY, "grid_code": "440105001001001"}, "street")).json()["detail"]


async def test_not_yours_comes_before_a_key_that_was_used(house: House) -> None:
    """One subject, two keys: the second one's area does not hold the cell, whatever its Idempotency-Key stood for."""
    await _post(house, BODY, key="k")
    process = house.process
    narrower = NewKey(Role.REPORTER, area="440105001", subject="worker")
    made = await keys.create(process.database, process.worlds.world, process.clock.now(), narrower, By("ops", "tests"))
    await process.context.part(Keyring).load()
    headers = {"Authorization": f"Bearer {made.text}", "Idempotency-Key": "k"}
    for body in (BODY, {**BODY, "description": "另一件"}):
        answer = await house.send("worker", "POST", "/v1/incidents", body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
