"""Three departments at one call: one leads and stays responsible, two assist and report their part done."""

from __future__ import annotations

import pytest

from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, House
from tests.scenarios.figures import figures, scores, shares, times

pytestmark = pytest.mark.anyio

POLICE, TRANSPORT = "dept-police", "dept-transport"


async def test_each_sees_it_in_its_queue_and_reports_its_part_and_the_lead_resolves(house: House) -> None:
    incident = await house.report()
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="joint_action", reason="需部门联合处置")
    before = await house.send(POLICE, "GET", f"/v1/queues/{POLICE}")
    assert (await house.send(POLICE, "GET", f"/v1/incidents/{incident['id']}")).status_code == 404
    joined = await house.act("department", incident, "assist", units=[POLICE, TRANSPORT], reason="联合整治")
    assert [each["unit"] for each in joined["calls"][-1]["assisting"]] == [POLICE, TRANSPORT]

    for unit in (POLICE, TRANSPORT):
        rows = (await house.get(unit, f"/v1/queues/{unit}"))["items"]
        assert [(row["id"], row["assisting"], row["unit"]["code"]) for row in rows] == [
            (incident["id"], True, DEPARTMENT)
        ]
    after = await house.send(POLICE, "GET", f"/v1/queues/{POLICE}", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200, "the queue of an assisting unit has a new tag"
    own = (await house.get("department", f"/v1/queues/{DEPARTMENT}"))["items"]
    assert [(row["id"], row["assisting"]) for row in own] == [(incident["id"], False)]

    assert (await house.refused(POLICE, incident, "answer", measure="去"))["code"] == "not_yours"
    assert (await house.refused(POLICE, incident, "resolve", result="好"))["code"] == "not_yours"
    await house.act(POLICE, incident, "comment", text="已到现场")
    part = await house.act(POLICE, incident, "part-done", comment="交通已疏导")
    assert [(each["unit"], each["comment"]) for each in part["calls"][-1]["parts_done"]] == [(POLICE, "交通已疏导")]
    assert (await house.refused(POLICE, incident, "part-done"))["code"] == "illegal_transition"
    assert (await house.refused("street", incident, "part-done"))["code"] == "not_yours"
    await house.act(TRANSPORT, incident, "part-done")
    done = await house.act("department", incident, "resolve", result="整治完成")
    assert (done["state"], done["unit"]["code"]) == ("resolved", DEPARTMENT)

    rejected = await house.act("worker", incident, "reject", reason="又堵了")
    team = [each["unit"] for each in rejected["calls"][-1]["assisting"]]
    assert team == [POLICE, TRANSPORT], "the same team is called again"
    assert [each["id"] for each in (await house.get(POLICE, f"/v1/queues/{POLICE}"))["items"]] == [incident["id"]]
    await house.advance(seconds=25 * 3600)
    assert (await house.get(POLICE, f"/v1/queues/{POLICE}"))["items"] == [], "the leader is called alone"
    for unit in (COMMUNITY, STREET, DEPARTMENT, POLICE, TRANSPORT):
        assert (await house.get(unit, f"/v1/incidents/{incident['id']}"))["level"] == 4
        await house.act(unit, incident, "comment", text="仍在跟进")
    await _the_lead_answers_for_all(house)


async def _the_lead_answers_for_all(house: House) -> None:
    """Answered and resolved by the lead at once, rejected, and then missed: who assists is counted nowhere."""
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "raised": 1},
        STREET: {"calls": 1, "raised": 1},
        DEPARTMENT: {
            "calls": 2,
            "answered": 1,
            "answered_in_time": 1,
            "resolved": 1,
            "resolved_level_3": 1,
            "missed": 1,
            "missed_answer": 1,
        },
        LEADER: {"calls": 1, "open": 1},
        "total": {
            "calls": 5,
            "raised": 2,
            "answered": 1,
            "answered_in_time": 1,
            "resolved": 1,
            "resolved_level_3": 1,
            "missed": 1,
            "missed_answer": 1,
            "open": 1,
        },
    }
    # answered 1 of 2, resolved 0 of 1: (30 × 0.5 + 40 × 0) / 70
    none = dict.fromkeys((COMMUNITY, STREET, LEADER))
    assert await scores(house) == {**none, DEPARTMENT: 21.43, "total": 21.43}
    at_once = {"answer": (0.0, 0.0), "resolve": (0.0, 0.0)}
    assert await times(house) == {DEPARTMENT: at_once, "total": at_once}
    assert await shares(house) == {DEPARTMENT: {3: 1.0}, "total": {3: 1.0}}


async def test_who_may_be_asked_to_assist(house: House) -> None:
    incident = await house.report()
    for units, code in (
        ([], "validation_failed"),
        ([COMMUNITY], "validation_failed"),
        (["nobody"], "unknown_unit"),
        ([f"dept-{n}" for n in range(21)], "validation_failed"),
    ):
        problem = await house.refused("community", incident, "assist", units=units, reason="协助")
        assert (problem["status"], problem["code"]) == (422, code)
    await house.act("community", incident, "assist", units=["440105003001-property"], reason="物业协助")
    problem = await house.refused("community", incident, "assist", units=["440105003001-property"], reason="再协助")
    assert problem["errors"][0]["pointer"] == "/units/0"
    assert (await house.refused("street", incident, "assist", units=[POLICE], reason="协助"))["code"] == "not_yours"


async def test_a_community_is_answered_by_any_of_its_members(house: House) -> None:
    incident, firm = await house.report(), "440105003001-property"
    assert [row["id"] for row in (await house.get(firm, f"/v1/queues/{COMMUNITY}"))["items"]] == [incident["id"]]
    assert (await house.send(firm, "GET", f"/v1/queues/{STREET}")).status_code == 404
    answered = await house.act(firm, incident, "answer", measure="物业今天清运")
    assert (answered["state"], answered["unit"]["code"]) == ("answered", COMMUNITY)
    events = (await house.get("worker", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    assert events[-1]["data"]["by"]["unit"] == firm
    assert (await house.refused(firm, incident, "resolve", result="好"))["code"] == "not_yours", "the community leads"
    elsewhere = await house.report(grid_code="440105003002001")
    assert (await house.send(firm, "GET", f"/v1/incidents/{elsewhere['id']}")).status_code == 404
