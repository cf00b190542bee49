"""A batch on the wire: one result an item, each as a single POST would have it."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents import batch
from service.incidents.examples import INCIDENT
from service.incidents.reporting import Reported
from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio

BODY: dict[str, Any] = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮"}
ELSEWHERE = "440105001001001"


async def results_of(house: House, *items: Any, who: str = "worker") -> list[Any]:
    answer = await house.send(who, "POST", "/v1/incidents/batch", {"items": items})
    assert answer.status_code == 200, answer.text
    results: list[Any] = answer.json()["results"]
    assert [each["index"] for each in results] == list(range(len(items)))
    return results


def test_only_a_source_that_reported_before_is_200() -> None:
    assert batch.status_of(Reported(INCIDENT)) == 201
    assert batch.status_of(Reported(INCIDENT, replayed=True)) == 201
    assert batch.status_of(Reported(INCIDENT, known_source=True)) == 200


async def test_each_item_has_the_status_of_a_single_post(house: House) -> None:
    sourced = {**BODY, "source": {"system": "grid-app", "ref": "A-1"}}
    await house.report("stranger", **{**sourced, "grid_code": ELSEWHERE})
    own = {**BODY, "source": {"system": "grid-app", "ref": "A-2"}}
    items = [7, BODY, {**BODY, "grid_code": ELSEWHERE}, sourced, own, own, {**BODY, "description": ""}]
    results = await results_of(house, *items)
    statuses = [each["status"] for each in results]
    assert (statuses[:4], statuses[6]) == ([422, 201, 403, 409], 422)
    assert sorted(statuses[4:6]) == [200, 201]  # they go into two groups, and either may be the quicker one
    assert [each.get("problem", {}).get("code") for each in results] == [
        "validation_failed",
        None,
        "not_yours",
        "source_taken",
        None,
        None,
        "validation_failed",
    ]
    assert results[4]["incident"]["id"] == results[5]["incident"]["id"]


async def test_a_problem_points_into_the_batch(house: House) -> None:
    results = await results_of(house, BODY, {**BODY, "category": "no", "descripton": 1}, "text")
    pointers = [[each["pointer"] for each in result.get("problem", {}).get("errors", ())] for result in results]
    assert pointers == [[], ["/items/1/descripton"], ["/items/2"]]
    assert {result["problem"]["instance"] for result in results[1:]} == {"/v1/incidents/batch"}


async def test_an_incident_comes_without_its_calls(house: House) -> None:
    (result,) = await results_of(house, BODY)
    single = await house.get("worker", f"/v1/incidents/{result['incident']['id']}")
    assert set(single) - set(result["incident"]) == {"calls", "requests"}
    assert result["incident"].items() <= single.items()


async def test_of_two_bodies_under_one_key_the_first_wins(house: House) -> None:
    """The second stays behind until the first is stored, however long its group is: a group of its own would be
    quicker."""
    first, second = {**BODY, "idempotency_key": "k"}, {**BODY, "idempotency_key": "k", "description": "另一件"}
    others = [{**BODY, "description": f"第 {n} 处"} for n in range(300)]
    for turn in range(3):
        keyed = [{**each, "idempotency_key": f"k-{turn}"} for each in (first, second)]
        results = await results_of(house, keyed[0], *others, keyed[1])
        assert results[0]["incident"]["description"] == BODY["description"]
        assert results[-1]["problem"]["code"] == "idempotency_mismatch"


async def test_one_key_in_two_items_is_one_incident(house: House) -> None:
    keyed = {**BODY, "idempotency_key": "k"}
    first, second, other = await results_of(house, keyed, keyed, {**keyed, "description": "另一件"})
    assert (first["status"], second["status"], first["incident"]["id"]) == (201, 201, second["incident"]["id"])
    assert other["problem"]["code"] == "idempotency_mismatch"
