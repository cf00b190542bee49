"""A street and a department send an incident to and fro until the leader decides, and the decision binds."""

from __future__ import annotations

import pytest

from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, House
from tests.scenarios.figures import figures, scores

pytestmark = pytest.mark.anyio

WATER = "dept-water"


async def test_the_third_return_goes_to_the_leader_whose_assignment_cannot_be_returned(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="beyond_powers", reason="社区无权执法")
    for duty in ("EX-001", None):
        await house.act("street", incident, "raise", ground="beyond_powers", reason="街道无权执法")
        returned = await house.act(
            "department", incident, "return", reason_code="not_our_duty", reason="不归我管", duty=duty
        )
        assert (returned["unit"]["code"], returned["level"], returned["calls"][-1]["cause"]) == (STREET, 2, "returned")
    await house.act("street", incident, "raise", ground="beyond_powers", reason="街道无权执法")
    disputed = await house.act("department", incident, "return", reason_code="not_our_duty", reason="仍不归我管")
    assert (disputed["unit"]["code"], disputed["level"]) == (LEADER, 4)

    refused = await house.refused("leader", incident, "assign", unit=STREET, reason="街道办")
    assert (refused["status"], refused["errors"][0]["pointer"]) == (422, "/unit"), "never admitted for a street"
    ruled = await house.act("leader", incident, "assign", unit=WATER, reason="属排水设施,由水务局负责")
    assert (ruled["unit"]["code"], ruled["calls"][-1]["binding"]) == (WATER, True)
    problem = await house.refused(WATER, incident, "return", reason_code="other", reason="人手不足")
    assert (problem["code"], "binding" in problem["detail"]) == ("illegal_transition", True)
    assert "return" not in problem["allowed"]
    done = await house.act(WATER, incident, "resolve", result="已修复")

    assert [(call["unit"], call["cause"], call["outcome"], call["from_unit"]) for call in done["calls"]] == [
        (COMMUNITY, "report", "raised", None),
        (STREET, "raised", "raised", COMMUNITY),
        (DEPARTMENT, "raised", "returned", STREET),
        (STREET, "returned", "raised", COMMUNITY),
        (DEPARTMENT, "raised", "returned", STREET),
        (STREET, "returned", "raised", COMMUNITY),
        (DEPARTMENT, "raised", "returned", STREET),
        (LEADER, "arbitration", "assigned", DEPARTMENT),
        (WATER, "assigned", "resolved", LEADER),
    ]
    cited = [(call["end_code"], call["end_duty"]) for call in done["calls"] if call["outcome"] == "returned"]
    assert cited == [("not_our_duty", "EX-001"), ("not_our_duty", None), ("not_our_duty", None)]
    assert not any(call["late_s"] for call in done["calls"]), "to and fro, but nothing was missed"

    done_in_time = {"answered": 1, "answered_in_time": 1, "resolved": 1, "resolved_in_time": 1, "resolved_level_3": 1}
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "raised": 1},
        STREET: {"calls": 3, "raised": 3, "multi_hop": 2},
        DEPARTMENT: {"calls": 3, "returned": 3, "multi_hop": 2},
        LEADER: {"calls": 1, "assigned": 1},
        WATER: {"calls": 1, "multi_hop": 1, **done_in_time},
        "total": {"calls": 9, "raised": 4, "returned": 3, "assigned": 1, "multi_hop": 5, **done_in_time},
    }
    assert await scores(house) == {COMMUNITY: None, STREET: None, DEPARTMENT: None, LEADER: None, WATER: 100.0}


async def test_what_a_leader_gives_back_was_returned_in_error(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="beyond_powers", reason="上呼")
    for _ in range(3):
        await house.act("street", incident, "raise", ground="beyond_powers", reason="上呼")
        await house.act("department", incident, "return", reason_code="not_our_duty", reason="不归我管")
    await house.act("leader", incident, "assign", unit=DEPARTMENT, reason="就是你局职责")
    told = await figures(house, "department")
    assert told[DEPARTMENT] == {
        "calls": 4,
        "returned": 3,
        "returned_in_error": 3,
        "multi_hop": 3,
        "open": 1,
    }


async def test_reassigning_inside_a_street_is_no_escalation(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="joint_action", reason="需街道牵头")
    committee, team = f"{STREET}-enforcement", f"{STREET}-team-1"
    moved = await house.act("street", incident, "assign", unit=committee, reason="请执法委员会办理")
    assert (moved["level"], moved["unit"]["code"], moved["calls"][-1]["binding"]) == (2, committee, False)
    await house.act(committee, incident, "assign", unit=team, reason="由执法队办理")
    back = await house.act(team, incident, "return", reason_code="not_enough_information", reason="地点不清")
    assert (back["unit"]["code"], back["calls"][-1]["from_unit"]) == (committee, STREET)
    down = await house.act(committee, incident, "assign", unit="440105003002", reason="属第二社区")
    assert (down["level"], down["calls"][-1]["from_unit"]) == (1, committee)
    counted = await figures(house)
    assert "multi_hop" not in counted["total"] or counted["total"]["multi_hop"] == 1, "the return alone was a hop"
    assert "missed" not in counted["total"]
    for unit, why in (
        ("440105001", "another street"),
        (DEPARTMENT, "above"),
        ("440105003001-property", "a partner"),
        ("nobody", "unknown"),
    ):
        other = await house.report()
        await house.act("community", other, "raise", ground="other", reason="上呼")
        problem = await house.refused("street", other, "assign", unit=unit, reason="转")
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/unit"), why


async def test_ops_assign_only_where_no_unit_can(house: House) -> None:
    incident = await house.report()
    moved = await house.act("ops", incident, "assign", unit="440105003002", reason="网格归属有误")
    assert (moved["unit"]["code"], moved["calls"][-1]["from_unit"]) == ("440105003002", None)
    await house.act("440105003002", incident, "raise", ground="other", reason="上呼")
    problem = await house.refused("ops", incident, "assign", unit=f"{STREET}-team-1", reason="代为指派")
    assert (problem["code"], problem["status"]) == ("illegal_transition", 409)
    assert (await house.refused("community", incident, "assign", unit=STREET, reason="转"))["code"] == "not_yours"
