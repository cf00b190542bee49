"""Times that people send, against the service's own time: a promise or a date ahead has to lie ahead, and what happened
is kept whatever the phone's clock says, with a mark where it cannot be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.house import CATEGORY, CELL, COMMUNITY, START, STREET, House

pytestmark = pytest.mark.anyio

TICK = timedelta(microseconds=1)
BODY: dict[str, Any] = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮"}
DUTY: dict[str, Any] = {
    "code": "duty-new",
    "title": "路灯",
    "category": CATEGORY,
    "area": STREET,
    "lead_unit": STREET,
    "basis": "示例",
}

AHEAD = [
    # who, what, with which field; everything else in the body is right
    ("community", "/v1/incidents/{id}/answer", "promised_by", {"measure": "去看"}),
    ("community", "/v1/incidents/{id}/hold", "until", {"reason": "等料"}),
    ("community", "/v1/incidents/{id}/extend", "until", {"reason": "等料"}),
    ("ops", "/v1/keys", "expires_at", {"role": "auditor"}),
    ("ops", "/v1/duties", "valid_to", DUTY),
    ("ops", "/v1/policies/example/versions/1/activate", "at", {}),
]


@pytest.mark.parametrize("ago", [timedelta(0), TICK, timedelta(days=9_000)], ids=["now", "just passed", "long ago"])
@pytest.mark.parametrize(("who", "path", "field", "body"), AHEAD, ids=[field for *_, field, _ in AHEAD])
async def test_a_time_ahead_that_has_passed_is_refused(
    house: House, who: str, path: str, field: str, body: dict[str, Any], ago: timedelta
) -> None:
    """The detail names the service's time, so that a person with a wrong clock sees why."""
    if field == "at" and not ago:
        return  # what begins now begins
    incident = await house.report()
    moment = (START - ago).isoformat()
    answer = await house.send(who, "POST", path.format(id=incident["id"]), {**body, field: moment})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "validation_failed"), answer.text
    assert [each["pointer"] for each in problem["errors"]] == [f"/{field}"]
    assert START.date().isoformat() in problem["errors"][0]["detail"]
    assert await house.get("worker", f"/v1/incidents/{incident['id']}") == incident


async def test_a_promise_ahead_is_kept_as_it_was_made(house: House) -> None:
    incident = await house.report()
    promised = (START + TICK).isoformat()
    done = await house.act("community", incident, "answer", measure="去看", promised_by=promised)
    assert done["calls"][-1]["answer"]["promised_by"] == "2026-11-23T01:00:00.000001Z"


async def test_an_answer_is_replayed_after_its_promise_has_passed(house: House) -> None:
    """The phone never heard the answer, and sends the same again an hour later; a new answer would be refused."""
    incident = await house.report()
    path, body = (
        f"/v1/incidents/{incident['id']}/answer",
        {"measure": "去看", "promised_by": "2026-11-23T09:30:00+08:00"},
    )
    headers = {"Idempotency-Key": "once"}
    await house.send("community", "POST", path, body, headers=headers)
    await house.advance(seconds=3600)
    again = await house.send("community", "POST", path, body, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    other = await house.report()
    assert (await house.refused("community", other, "answer", **body))["errors"][0]["pointer"] == "/promised_by"


async def test_a_passed_promise_is_refused_after_state_and_right(house: House) -> None:
    """Who may not answer at all is not sent to mend the promise first."""
    incident, late = await house.report(), {"measure": "去看", "promised_by": "2001-01-01T00:00:00Z"}
    assert (await house.refused("street", incident, "answer", **late))["status"] == 403
    await house.act("community", incident, "answer", measure="去看")
    assert (await house.refused("community", incident, "answer", **late))["status"] == 409


MINUTES_5, DAYS_30 = timedelta(minutes=5), timedelta(days=30)
OCCURRED = [
    (None, False),
    (START.isoformat(), False),
    ("2026-11-23T08:55:00+08:00", False),
    ((START + MINUTES_5).isoformat(), False),
    ((START + MINUTES_5 + TICK).isoformat(), True),
    ((START - DAYS_30).isoformat(), False),
    ((START - DAYS_30 - TICK).isoformat(), True),
    ("2031-01-01T00:00:00Z", True),
    ("1970-01-01T00:00:00Z", True),
    ("0001-01-01T00:00:00Z", True),
    ("0001-01-01T00:00:00+08:00", True),
    ("9999-12-31T23:59:59.999999-08:00", True),
]


@pytest.mark.parametrize("alone", [True, False], ids=["single", "batch"])
@pytest.mark.parametrize(("occurred_at", "mismatch"), OCCURRED)
async def test_what_happened_is_kept_whatever_the_phone_says(
    house: House, occurred_at: str | None, mismatch: bool, alone: bool
) -> None:
    body = {**BODY, "occurred_at": occurred_at} if occurred_at else BODY
    if alone:
        made = await house.report(**body)
    else:
        answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": [body]})
        made = answer.json()["results"][0]["incident"]
    await house.report()
    queue, listed = await house.get("community", f"/v1/queues/{COMMUNITY}"), await house.get("ops", "/v1/incidents")
    similar = await house.get("worker", f"/v1/incidents/{(await house.report())['id']}/similar")
    single = await house.get("worker", f"/v1/incidents/{made['id']}")
    others = [row for page in (queue, listed, similar) for row in page["items"] if row["id"] == made["id"]]
    assert len(others) == 3
    shown = {(each["occurred_at"], each["time_mismatch"]) for each in (made, single, *others)}
    assert shown == {(single["occurred_at"], mismatch)}
    assert (single["occurred_at"] is None) is (occurred_at is None)
