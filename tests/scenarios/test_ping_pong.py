"""A street and a department send an incident to and fro until the leader decides, and the decision binds."""

from __future__ import annotations

import pytest

from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, House
from tests.scenarios.figures import figures, scores, shares, times

pytestmark = pytest.mark.anyio

WATER, NEXT = "dept-water", "440105003002"


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
    await house.advance(seconds=5 * 3600)
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
    await _whoever_was_given_it_at_last_has_done_it(house)


async def _whoever_was_given_it_at_last_has_done_it(house: House) -> None:
    done_in_time = {"answered": 1, "answered_in_time": 1, "resolved": 1, "resolved_level_3": 1}
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "raised": 1},
        STREET: {"calls": 3, "raised": 3, "multi_hop": 2},
        DEPARTMENT: {"calls": 3, "returned": 3, "multi_hop": 2},
        LEADER: {"calls": 1, "assigned": 1},
        WATER: {"calls": 1, "multi_hop": 1, **done_in_time},
        "total": {"calls": 9, "raised": 4, "returned": 3, "assigned": 1, "multi_hop": 5, **done_in_time},
    }
    none = dict.fromkeys((COMMUNITY, STREET, DEPARTMENT, LEADER))
    assert await scores(house) == {**none, WATER: 100.0, "total": 100.0}
    five_hours = {"answer": (18_000.0, 18_000.0), "resolve": (18_000.0, 18_000.0)}
    assert await times(house) == {WATER: five_hours, "total": five_hours}
    assert await shares(house) == {WATER: {3: 1.0}, "total": {3: 1.0}}


async def test_what_a_leader_gives_back_was_returned_in_error(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="beyond_powers", reason="上呼")
    for _ in range(3):
        await house.act("street", incident, "raise", ground="beyond_powers", reason="上呼")
        await house.act("department", incident, "return", reason_code="not_our_duty", reason="不归我管")
    await house.act("leader", incident, "assign", unit=DEPARTMENT, reason="就是你局职责")
    back = {"returned": 3, "returned_in_error": 3}
    of_the_department = {"calls": 4, **back, "multi_hop": 3, "open": 1}  # each time but the first was a hop
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "raised": 1},
        STREET: {"calls": 3, "raised": 3, "multi_hop": 2},  # called once, returned to twice; the third return goes up
        DEPARTMENT: of_the_department,
        LEADER: {"calls": 1, "assigned": 1},
        "total": {"calls": 1 + 3 + 4 + 1, "raised": 1 + 3, **back, "assigned": 1, "multi_hop": 2 + 3, "open": 1},
    }
    assert await figures(house, "department") == {DEPARTMENT: of_the_department, "total": of_the_department}
    assert await scores(house) == dict.fromkeys((COMMUNITY, STREET, DEPARTMENT, LEADER, "total"))
    assert (await times(house), await shares(house)) == ({}, {}), "to and fro, and nobody did anything"


async def test_reassigning_inside_a_street_is_no_escalation(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="joint_action", reason="需街道牵头")
    committee, team = f"{STREET}-enforcement", f"{STREET}-team-1"
    moved = await house.act("street", incident, "assign", unit=committee, reason="请执法委员会办理")
    assert (moved["level"], moved["unit"]["code"], moved["calls"][-1]["binding"]) == (2, committee, False)
    await house.act(committee, incident, "assign", unit=team, reason="由执法队办理")
    back = await house.act(team, incident, "return", reason_code="not_enough_information", reason="地点不清")
    assert (back["unit"]["code"], back["calls"][-1]["from_unit"]) == (committee, STREET)
    down = await house.act(committee, incident, "assign", unit=NEXT, reason="属第二社区")
    assert (down["level"], down["calls"][-1]["from_unit"]) == (1, committee)
    # street, committee, team, committee: of the rounds at level 2 only the third, a return, was a hop
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "raised": 1},
        STREET: {"calls": 1, "assigned": 1},
        committee: {"calls": 2, "assigned": 2, "multi_hop": 1},
        team: {"calls": 1, "returned": 1},
        NEXT: {"calls": 1, "open": 1},
        "total": {"calls": 6, "raised": 1, "assigned": 3, "returned": 1, "multi_hop": 1, "open": 1},
    }
    assert await scores(house) == dict.fromkeys((COMMUNITY, STREET, committee, team, NEXT, "total"))
    assert (await times(house), await shares(house)) == ({}, {})
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
    moved = await house.act("ops", incident, "assign", unit=NEXT, reason="网格归属有误")
    assert (moved["unit"]["code"], moved["calls"][-1]["from_unit"]) == (NEXT, None)
    await house.act(NEXT, incident, "raise", ground="other", reason="上呼")
    problem = await house.refused("ops", incident, "assign", unit=f"{STREET}-team-1", reason="代为指派")
    assert (problem["code"], problem["status"]) == ("illegal_transition", 409)
    assert (await house.refused("community", incident, "assign", unit=STREET, reason="转"))["code"] == "not_yours"
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, "assigned": 1},
        NEXT: {"calls": 1, "raised": 1},
        STREET: {"calls": 1, "open": 1},
        "total": {"calls": 3, "assigned": 1, "raised": 1, "open": 1},
    }, "what ops put right was no hop: it went to a community"
    assert await scores(house) == dict.fromkeys((COMMUNITY, NEXT, STREET, "total"))
