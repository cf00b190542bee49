"""What decides how much a call counts, over the wire: stored when it happens, in the incident and in its timeline."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import COMMUNITY, STREET, House

pytestmark = pytest.mark.anyio

HOUR = 3600
BOX = 4 * HOUR
"""The answer box of levels 1 and 2 for what is not urgent."""
TEAM = f"{STREET}-team-1"


async def _facts(house: House, incident: Any) -> list[dict[str, Any]]:
    shown = await house.get("worker", f"/v1/incidents/{incident['id']}")
    names = ("unit", "outcome", "credit", "box_used", "late_exit", "self_reported", "accountable", "held_s")
    return [{name: call[name] for name in names if call[name] not in (None, False)} for call in shown["calls"]]


async def test_a_unit_that_sits_its_box_out_leaves_late(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=BOX - 1)
    await house.act("community", incident, "raise", ground="other", reason="不归我们")
    await house.advance(seconds=BOX // 2)
    await house.act("street", incident, "assign", unit=TEAM, reason="由执法队办理")
    await house.advance(seconds=BOX)
    assert await _facts(house, incident) == [
        {"unit": COMMUNITY, "outcome": "raised", "box_used": 100, "late_exit": True},
        {"unit": STREET, "outcome": "assigned", "box_used": 50},
        {"unit": TEAM, "outcome": "no_answer", "box_used": 100, "accountable": {"unit": STREET, "seq": 2}},
        {"unit": "dept-urban-management"},
    ]
    told = (await house.get("worker", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    left = {each["type"].removeprefix("sihu.call."): each["data"] for each in told}
    assert (left["raised"]["box_used"], left["raised"]["late_exit"]) == (100, True)
    assert (left["assigned"]["box_used"], "late_exit" in left["assigned"]) == (50, False)


async def test_a_credit_follows_the_other_side(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "resolve", result="已清运")
    await house.act("worker", incident, "reject", reason="还在")
    await house.act("community", incident, "resolve", result="真的清了")
    assert [each.get("credit") for each in await _facts(house, incident)] == ["rejected", "pending"]
    await house.act("worker", incident, "accept")
    assert [each.get("credit") for each in await _facts(house, incident)] == ["rejected", "verified"]
    await house.act("worker", incident, "reopen", reason="又有了")
    assert [each.get("credit") for each in await _facts(house, incident)] == ["rejected", "reopened", None]
    await house.act("community", incident, "resolve", result="又清了")
    await house.advance(seconds=3 * 24 * HOUR)
    assert [each.get("credit") for each in await _facts(house, incident)] == ["rejected", "reopened", "unverified"]


async def test_what_a_unit_reports_of_itself_is_marked(house: House) -> None:
    incident = await house.report("community")
    await house.act("community", incident, "raise", ground="beyond_powers", reason="需要执法权")
    own, above = (await house.get("street", f"/v1/incidents/{incident['id']}"))["calls"]
    assert (own["self_reported"], above["self_reported"]) == (True, True), "the street is above its community"
    assert not (await house.report())["calls"][0]["self_reported"]


async def test_a_hold_stands_on_the_call_that_is_missed(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "hold", until="2026-11-25T09:00:00+08:00", reason="等许可")
    await house.act("street", incident, "requests/1/approve", reason="同意")
    await house.advance(to="2026-11-25T09:00:00+08:00")
    await house.advance(seconds=BOX)
    first = (await _facts(house, incident))[0]
    assert (first["outcome"], first["held_s"], first["box_used"]) == ("no_answer", 48 * HOUR, 100)
