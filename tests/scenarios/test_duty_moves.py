"""A duty moves from a department to a street in mid-month: admitted from a date, open calls stay where they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import CATEGORY, COMMUNITY, DEPARTMENT, LEADER, STREET, House
from tests.scenarios.figures import figures, scores, shares, times

pytestmark = pytest.mark.anyio

OTHER_COMMUNITY, OTHER_STREET = "440105001001", "440105001"
FROM = "2026-11-25T00:00:00+08:00"
DUTY = {
    "code": "S-003",
    "title": "市容环境管理(街道)",
    "category": "urban-01",
    "area": STREET,
    "lead_unit": STREET,
    "basis": "示例:事项下放",
}


async def _raised_twice(house: House, incident: Any) -> Any:
    for who in (incident["community"], incident["street"]):
        incident = await house.act(who, incident, "raise", ground="beyond_powers", reason="上呼")
    return incident


async def _whose(house: House, at: str) -> list[tuple[str, str]]:
    page = await house.get("worker", "/v1/duties", category=CATEGORY, area=STREET, at=at)
    return [(each["code"], each["lead_unit"]) for each in page["items"]]


async def test_from_its_date_on_the_street_is_responsible_and_open_calls_stay(house: House) -> None:
    before = await _raised_twice(house, await house.report())
    assert (before["unit"]["code"], before["level"]) == (DEPARTMENT, 3)
    assert (await house.send("department", "POST", "/v1/duties", DUTY)).status_code == 201
    assert (await house.send("department", "POST", "/v1/duties/S-003/approve", {})).status_code == 403
    assert (await house.send("ops", "POST", "/v1/duties/S-003/approve", {"valid_from": FROM})).status_code == 200

    still = await _raised_twice(house, await house.report())
    assert still["unit"]["code"] == DEPARTMENT, "admitted, but not in force yet"
    await house.act("department", still, "answer", measure="安排人员")
    await house.advance(to=FROM)
    assert (await house.get("worker", f"/v1/incidents/{still['id']}"))["unit"]["code"] == DEPARTMENT

    after = await _raised_twice(house, await house.report())
    assert (after["unit"]["code"], after["level"], after["calls"][-1]["cause"]) == (LEADER, 4, "unrouted")
    back = await house.act("leader", after, "assign", unit=STREET, reason="已下放街道,由街道负责")
    assert (back["unit"]["code"], back["calls"][-1]["binding"]) == (STREET, True), "admitted for it by now"
    problem = await house.refused("street", after, "return", reason_code="not_our_duty", reason="不归我管")
    assert problem["code"] == "illegal_transition"
    elsewhere = await _raised_twice(house, await house.report("stranger", grid_code="440105001001001"))
    assert elsewhere["unit"]["code"] == DEPARTMENT, "in other streets nothing has changed"

    assert await _whose(house, "2026-11-24T23:59:59+08:00") == [("EX-001", DEPARTMENT)]
    assert await _whose(house, FROM) == [("EX-001", DEPARTMENT), ("S-003", STREET)]
    await house.sealed()
    told = [
        each["type"]
        for each in (await house.get("ops", "/v1/events", types="sihu.duty.proposed,sihu.duty.approved"))["items"]
    ]
    assert told == ["sihu.duty.proposed", "sihu.duty.approved"]
    await _is_counted(house)


async def _is_counted(house: House) -> None:
    """Four incidents: `before` and `still` at 0 h, `after` and `elsewhere` at 39 h, when the duty has moved. `before`
    is missed by the department at 24 h and waits with the leader, who has two days."""
    raised = {"calls": 1, "raised": 1}
    assert await figures(house) == {
        COMMUNITY: {"calls": 3, "raised": 3},
        STREET: {"calls": 4, "raised": 3, "open": 1},  # two before the date and one after it, then the leader's
        OTHER_COMMUNITY: raised,
        OTHER_STREET: raised,
        # missed, answered and open, open
        DEPARTMENT: {"calls": 3, "missed": 1, "missed_answer": 1, "answered": 1, "answered_in_time": 1, "open": 2},
        LEADER: {"calls": 2, "assigned": 1, "open": 1},
        "total": {
            "calls": 3 + 4 + 1 + 1 + 3 + 2,
            "raised": 3 + 3 + 1 + 1,
            "assigned": 1,
            "missed": 1,
            "missed_answer": 1,
            "answered": 1,
            "answered_in_time": 1,
            "open": 1 + 2 + 1,
        },
    }
    # the department answered 1 of the 2 that were to be answered, and nobody has resolved anything
    none = dict.fromkeys((COMMUNITY, STREET, OTHER_COMMUNITY, OTHER_STREET, LEADER))
    assert await scores(house) == {**none, DEPARTMENT: 50.0, "total": 50.0}
    at_once = {"answer": (0.0, 0.0)}
    assert await times(house) == {DEPARTMENT: at_once, "total": at_once}
    assert await shares(house) == {}
