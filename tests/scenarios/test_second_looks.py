"""Who may verify, when, and how often: the other side judges what was resolved, and what comes back goes higher up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, House

pytestmark = pytest.mark.anyio

HOUR = 3600
HALF = 36 * HOUR
"""Half of the three days in which to verify."""


async def _resolved(house: House, *raised_by: str) -> Any:
    incident = await house.report()
    for who in raised_by:
        incident = await house.act(who, incident, "raise", ground="beyond_powers", reason="上呼")
    return await house.act(incident["unit"]["code"], incident, "resolve", result="好了")


async def _credits(house: House, incident: Any) -> list[str | None]:
    shown = await house.get("worker", f"/v1/incidents/{incident['id']}")
    return [call["credit"] for call in shown["calls"]]


async def test_a_friend_does_not_verify_in_the_same_second(house: House) -> None:
    incident = await _resolved(house)
    early = await house.refused("street", incident, "accept")
    assert (early["status"], early["state"], "accept" in early["allowed"]) == (409, "resolved", False)
    assert early["detail"].startswith("Until 2026-11-24T21:00:00+08:00 only its reporter may accept it")
    await house.act("worker", incident, "accept")
    await house.act("worker", incident, "reopen", reason="没做")
    assert await _credits(house, incident) == ["reopened", None], "and the credit is gone"


async def test_in_the_second_half_the_street_verifies_as_well(house: House) -> None:
    incident = await _resolved(house)
    await house.advance(seconds=HALF - 1)
    assert (await house.refused("street", incident, "reject", reason="没做"))["code"] == "illegal_transition"
    await house.advance(seconds=1)
    assert (await house.act("street", incident, "accept"))["closed_as"] == "verified"
    rejected = await _resolved(house)
    await house.advance(seconds=HALF)
    assert (await house.act("street", rejected, "reject", reason="没做"))["unit"]["code"] == COMMUNITY


async def test_nobody_verifies_what_was_done_above(house: House) -> None:
    incident = await _resolved(house, "community")
    for later in (0, HALF):
        await house.advance(seconds=later)
        for who in ("community", "street"):
            assert (await house.refused(who, incident, "accept"))["code"] == "not_yours"
    await house.advance(seconds=HALF)
    assert await _credits(house, incident) == [None, "unverified"], "nobody has looked"


async def test_nobody_is_called_for_ever(house: House) -> None:
    incident, called = await _resolved(house), []
    for _ in range(2):
        incident = await house.act("worker", incident, "reject", reason="还在")
        called.append(incident["unit"]["code"])
        await house.act(incident["unit"]["code"], incident, "resolve", result="好了")
    third = await house.refused("worker", incident, "reject", reason="还在")
    assert (third["status"], third["code"]) == (409, "illegal_transition")
    assert (await house.refused("street", incident, "reject", reason="还在"))["code"] == "not_yours", "its own"
    incident = await house.act("ops", incident, "reject", reason="确实还在")
    called.append(incident["unit"]["code"])
    await house.act("department", incident, "resolve", result="好了")
    incident = await house.act("street", incident, "reject", reason="去看过,还在")
    assert [*called, incident["unit"]["code"]] == [COMMUNITY, STREET, DEPARTMENT, LEADER]
    assert (await house.refused("ops", await _resolved(house), "reject", reason="x"))["status"] == 409


async def test_it_comes_back_twice_and_the_second_time_higher(house: House) -> None:
    incident, called = await _resolved(house), []
    for _ in range(2):
        await house.act("worker", incident, "accept")
        incident = await house.act("worker", incident, "reopen", reason="又有了")
        called.append((incident["level"], incident["unit"]["code"]))
        await house.act(incident["unit"]["code"], incident, "resolve", result="好了")
    assert called == [(1, COMMUNITY), (2, STREET)]
    await house.act("worker", incident, "accept")
    for who in ("worker", "street"):
        problem = await house.refused(who, incident, "reopen", reason="还有")
        assert (problem["status"], problem["code"]) == (409, "illegal_transition")
    assert await _credits(house, incident) == ["reopened", "reopened", "verified"]


async def test_a_report_is_not_buried(house: House) -> None:
    """Void, reopened, and not void again: whoever was wrong is shown."""
    incident = await house.report()
    await house.act("community", incident, "void", reason_code="not_an_incident", reason="没有")
    back = await house.act("worker", incident, "reopen", reason="有的")
    assert (back["level"], back["unit"]["code"], back["calls"][-1]["from_unit"]) == (2, STREET, COMMUNITY)
    again = await house.refused("street", incident, "void", reason_code="unclear", reason="不清楚")
    assert (again["status"], "void" in again["allowed"], "answer" in again["allowed"]) == (409, False, True)
    await house.act("street", incident, "resolve", result="清了")
    await house.act("worker", incident, "accept")
    up = await house.act("worker", incident, "reopen", reason="又有了")
    assert (up["level"], up["unit"]["code"]) == (3, DEPARTMENT), "the second time in all"


async def test_appeals_have_a_term_and_ops_decide(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=4 * HOUR - 1)
    raised = await house.act("community", incident, "raise", ground="other", reason="不归我们")
    assert raised["calls"][0]["late_exit"]
    await house.advance(seconds=10 * 24 * HOUR)
    await house.act("community", incident, "appeal", call=1, reason="当天全区断网")
    assert (await house.refused("street", incident, "appeals/1/approve"))["code"] == "not_yours"
    granted = await house.act("ops", incident, "appeals/1/approve", reason="属实")
    first = granted["calls"][0]
    assert (first["exempt"], first["late_exit"], first["appeal"]["outcome"]) == (True, True, "approved")
    assert granted["calls"][1]["outcome"] == "no_answer", "and the street missed it"
    await house.advance(seconds=4 * HOUR + 1)
    late = await house.refused("street", incident, "appeal", call=2, reason="也断网")
    assert (late["status"], late["code"], "appeal" in late["allowed"]) == (409, "illegal_transition", False)
    assert late["detail"].startswith("An appeal was possible until 2026-12-03T16:59:59+08:00")
