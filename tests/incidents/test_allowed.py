"""What a category allows, over HTTP: a report that asks for more is taken, and runs as what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import CELL, House

pytestmark = pytest.mark.anyio

NEVER_URGENT, ALWAYS_INCIDENT = "party-01", "urban-0501"
BODY: dict[str, Any] = {
    "grid_code": CELL,
    "category": NEVER_URGENT,
    "description": "活动室漏水",
    "urgency": "urgent",
}


async def _posted(house: House, body: Any, *, in_batch: bool, who: str = "worker", key: str | None = None) -> Any:
    if in_batch:
        item = {**body, "idempotency_key": key} if key else body
        answer = await house.send(who, "POST", "/v1/incidents/batch", {"items": [item]})
        return answer.json()["results"][0]
    headers = {"Idempotency-Key": key} if key else None
    answer = await house.send(who, "POST", "/v1/incidents", body, headers=headers)
    problem = {} if answer.status_code < 300 else {"problem": answer.json()}
    return {"status": answer.status_code, "incident": answer.json(), **problem}


@pytest.mark.parametrize("in_batch", [False, True], ids=["single", "batch"])
async def test_an_urgency_that_is_not_allowed_is_shown(house: House, in_batch: bool) -> None:
    """In the answer, in the incident and in lists; a replay compares the body as it was sent."""
    made = await _posted(house, BODY, in_batch=in_batch, key="k")
    assert (made["status"], made["incident"]["urgency"], made["incident"]["urgency_asked"]) == (201, "normal", "urgent")
    shown = await house.get("worker", f"/v1/incidents/{made['incident']['id']}")
    assert (shown["urgency"], shown["urgency_asked"], shown["calls"][0]["urgency"]) == ("normal", "urgent", "normal")
    [row] = (await house.get("street", "/v1/incidents"))["items"]
    assert (row["urgency"], row["urgency_asked"]) == ("normal", "urgent")
    [first, *_] = (await house.get("worker", f"/v1/incidents/{shown['id']}/timeline"))["items"]
    assert first["data"]["urgency_asked"] == "urgent"
    again = await _posted(house, BODY, in_batch=in_batch, key="k")
    assert (again["status"], again["incident"]["id"]) == (201, shown["id"])
    other = await _posted(house, {**BODY, "urgency": "normal"}, in_batch=in_batch, key="k")
    assert (other["status"], other["problem"]["code"]) == (422, "idempotency_mismatch")


async def test_what_is_allowed_is_not_marked(house: House) -> None:
    assert (await house.report(urgency="urgent"))["urgency_asked"] is None
    assert (await house.report(category=NEVER_URGENT))["urgency_asked"] is None


@pytest.mark.parametrize("in_batch", [False, True], ids=["single", "batch"])
async def test_a_kind_that_is_not_allowed_runs_as_incident(house: House, in_batch: bool) -> None:
    body = {**BODY, "category": ALWAYS_INCIDENT, "kind": "suggestion"}
    made = (await _posted(house, body, in_batch=in_batch))["incident"]
    assert (made["kind"], made["state"]) == ("incident", "calling")
    own = (await _posted(house, {**BODY, "kind": "deliberation"}, in_batch=in_batch, who="community"))["incident"]
    assert (own["kind"], own["state"]) == ("incident", "calling"), "a unit puts its own work off in no way"
    kept = (await _posted(house, {**BODY, "kind": "suggestion"}, in_batch=in_batch))["incident"]
    assert (kept["kind"], kept["state"]) == ("suggestion", "on_hold")


async def test_a_category_shows_what_it_allows(house: House) -> None:
    listed = (await house.get("worker", "/v1/categories", limit=500))["items"]
    allowed = {each["code"]: (each["urgencies"], each["kinds"]) for each in listed}
    assert allowed[NEVER_URGENT] == (["normal"], [])
    assert allowed[ALWAYS_INCIDENT] == ([], ["incident"])
