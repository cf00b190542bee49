"""A merge loosens nothing: whatever a street tries to hide behind another incident stays as urgent as it was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import COMMUNITY, STREET, House
from tests.scenarios.figures import figures

pytestmark = pytest.mark.anyio

HOUR = 3600
BOX = 4 * HOUR
"""The answer box of levels 1 and 2 for what is not urgent; to resolve there are 24 hours at level 1."""
URGENT_BOX = HOUR // 2


async def _merge(house: House, who: str, one: Any, into: Any) -> Any:
    return await house.send(who, "POST", f"/v1/incidents/{one['id']}/merge", {"into": into["id"], "reason": "同一件"})


async def _refusal(house: House, who: str, one: Any, into: Any) -> tuple[int, str, list[str]]:
    answer = await _merge(house, who, one, into)
    problem = answer.json()
    assert (await house.get("ops", f"/v1/incidents/{one['id']}"))["state"] != "closed", "nothing half-done"
    return answer.status_code, problem["code"], [each["pointer"] for each in problem.get("errors", [])]


async def _raised(house: House, incident: Any) -> Any:
    return await house.act("community", incident, "raise", ground="other", reason="上呼")


async def _see(house: House, incident: Any, who: str = "ops") -> Any:
    return await house.get(who, f"/v1/incidents/{incident['id']}")


async def test_three_that_are_due_in_two_seconds_stay_missed(house: House) -> None:
    """The street has all three, and a dummy of its own beside them."""
    three = [await _raised(house, await house.report()) for _ in range(3)]
    await house.advance(seconds=BOX - 2)
    dummy = await _raised(house, await house.report("street"))
    honest = await _raised(house, await house.report("colleague"))
    for each in three:
        assert await _refusal(house, "street", each, dummy) == (403, "not_yours", ["/into"])
        assert await _refusal(house, "street", each, honest) == (409, "illegal_transition", [])
        assert "merge" not in (await house.refused("street", each, "merge", into=honest["id"], reason="x"))["allowed"]
    await house.advance(seconds=2)
    assert (await figures(house))[STREET]["missed"] == 3


async def test_a_late_one_is_missed_at_its_survivor(house: House) -> None:
    old = await _raised(house, await house.report())
    await house.advance(seconds=BOX - 2)
    new = await _raised(house, await house.report("colleague"))
    merged = await house.act("ops", old, "merge", into=new["id"], reason="同一件")
    assert [(each["outcome"], each["end_code"], each["box_used"]) for each in merged["calls"]][1:] == [
        ("closed", "merged", 100)
    ]
    survivor = await _see(house, new)
    assert (survivor["due_at"], survivor["version"]) == (old["due_at"], new["version"] + 1)
    assert (survivor["calls"][-1]["answer_by"], survivor["calls"][-1]["answer_cap"]) == (old["due_at"], old["due_at"])
    told = (await house.get("ops", f"/v1/incidents/{new['id']}/timeline"))["items"][-2:]
    assert [each["type"] for each in told] == ["sihu.incident.merged", "sihu.call.rescheduled"]
    assert told[0]["data"]["incident"]["due_at"] == told[1]["data"]["was_due_at"] == new["due_at"]
    assert told[1]["data"]["incident"]["due_at"] == old["due_at"]
    plan = (await house.get("ops", f"/v1/incidents/{new['id']}/plan"))["items"]
    assert (plan[0]["at"], plan[0]["arrow"]) == (old["due_at"], "no_answer")
    assert (await house.advance(seconds=2))["fired"] == 1
    call = (await _see(house, new))["calls"][1]
    assert (call["outcome"], call["late_s"], call["box_used"]) == ("no_answer", 0, 100)


async def test_what_is_on_hold_or_resolved_takes_nothing_in(house: House) -> None:
    incident, waiting, resolved = [await house.report() for _ in range(3)]
    await house.act("community", waiting, "hold", until="2026-12-23T09:00:00+08:00", reason="等许可")
    await house.act("street", waiting, "requests/1/approve")
    await house.act("community", resolved, "resolve", result="好了")
    for who in ("street", "ops"):
        for into in (waiting, resolved):
            assert await _refusal(house, who, incident, into) == (409, "conflict", [])
    assert await _refusal(house, "street", resolved, incident) == (409, "illegal_transition", [])
    merged = await house.act("street", waiting, "merge", into=incident["id"], reason="同一件")
    assert merged["closed_as"] == "merged"
    assert (await _see(house, incident))["due_at"] == incident["due_at"], "as if it were resumed now"


async def test_urgent_into_normal_keeps_the_urgency_and_the_deadline(house: House) -> None:
    calm = await house.report()
    urgent = await house.report("colleague", urgency="urgent")
    await house.act("street", urgent, "merge", into=calm["id"], reason="同一件")
    survivor = await _see(house, calm)
    assert (survivor["urgency"], survivor["due_at"]) == ("urgent", urgent["due_at"])
    assert survivor["calls"][0]["urgency"] == "normal", "as it was opened"
    assert [each["id"] for each in (await house.get("street", "/v1/incidents", urgency="urgent"))["items"]] == [
        urgent["id"],
        calm["id"],
    ]
    deadline = await house.get("worker", f"/v1/incidents/{calm['id']}/deadline")
    assert (deadline["row"]["urgency"], deadline["due_at"], deadline["counted_s"]) == (
        "normal",
        urgent["due_at"],
        URGENT_BOX,
    )
    [cap] = deadline["caps"]
    assert (cap["box"], cap["at"], cap["is_reached"]) == ("answer", urgent["due_at"], True)
    assert cap["because"].startswith("An answer is due at 2026-11-23T09:30:00+08:00 at the latest")
    await house.advance(seconds=URGENT_BOX)
    second = (await _see(house, calm))["calls"][1]
    assert (second["unit"], second["urgency"], second["answer_cap"]) == (STREET, "urgent", None)


async def test_another_line_another_place_or_a_lower_level_is_refused(house: House) -> None:
    incident, twin = await house.report(), await house.report("colleague")
    other_line = await house.report(category="party-01")
    far = await house.report(grid_code=f"{STREET}002001")
    high = await _raised(house, await house.report())
    for who in ("street", "ops"):
        assert await _refusal(house, who, incident, other_line) == (422, "validation_failed", ["/into"])
        assert await _refusal(house, who, high, incident) == (422, "validation_failed", ["/into"])
    assert await _refusal(house, "street", incident, far) == (422, "validation_failed", ["/into"])
    assert (await house.act("ops", incident, "merge", into=far["id"], reason="同一件"))["closed_as"] == "merged"
    assert (await house.act("street", twin, "merge", into=high["id"], reason="同一件"))["closed_as"] == "merged"


async def test_answered_into_calling_is_resolved_in_the_merged_ones_time(house: House) -> None:
    old = await house.act("community", await house.report(), "answer", measure="去看")
    await house.advance(seconds=23 * HOUR)
    new = await house.report("colleague")
    await house.act("street", old, "merge", into=new["id"], reason="同一件")
    deadline = await house.get("worker", f"/v1/incidents/{new['id']}/deadline")
    assert deadline["due_at"] == new["due_at"]
    assert [(each["box"], each["at"], each["is_reached"]) for each in deadline["caps"]] == [
        ("resolve", old["due_at"], False)
    ]
    await house.advance(seconds=HOUR // 2)
    answered = await house.act("community", new, "answer", measure="去看")
    assert answered["due_at"] == answered["calls"][0]["resolve_by"] == "2026-11-24T01:30:00Z", "an hour after it"
    problem = await house.refused("community", new, "extend", until="2026-11-24T05:00:00Z", reason="来不及")
    assert (problem["status"], problem["code"]) == (409, "illegal_transition")
    await house.advance(seconds=HOUR)
    assert (await _see(house, new))["calls"][0]["outcome"] == "not_resolved"


async def test_a_late_merge_by_the_community_is_none_at_all(house: House) -> None:
    """The community may never merge; its street may, for the call is not the street's own."""
    incident, other = await house.report(), await house.report("colleague")
    await house.advance(seconds=BOX - 1)
    assert (await _merge(house, COMMUNITY, incident, other)).status_code == 403
    assert (await _merge(house, "street", incident, other)).status_code == 200
    assert (await _see(house, other))["due_at"] == incident["due_at"]
