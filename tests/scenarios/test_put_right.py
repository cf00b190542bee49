"""Wrong reports and floods on the virtual clock: what is put right is chased again, and nobody gains time by it."""

from __future__ import annotations

from typing import Any

import pytest

from service.appraisal import checking
from service.rules.figures.definition import Period
from tests.house import CELL, COMMUNITY, DEPARTMENT, LEADER, STREET, House
from tests.scenarios.figures import figures, scores

pytestmark = pytest.mark.anyio

MINUTE, HOUR = 60, 3600
NEXT_CELL, NEXT_COMMUNITY = "440105003002001", "440105003002"
OTHER_CELL, OTHER_STREET = "440105001001001", "440105001"
START, LATER = "2026-11-23T09:00:00+08:00", "2026-11-23T10:00:00+08:00"


async def _shown(house: House, incident: Any) -> Any:
    return await house.get("ops", f"/v1/incidents/{incident['id']}")


async def _types(house: House, incident: Any) -> list[str]:
    told = (await house.get("ops", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    return [each["type"].removeprefix("sihu.") for each in told]


async def _figures(house: House, *units: str) -> dict[str, dict[str, int]]:
    """What counts for these units, and nothing that is zero. Calls and log have to tell the same."""
    world = house.process.worlds.world
    assert await checking.differences(house.process.database, Period.of("2026-11"), world) == []
    found = await figures(house)
    return {unit: {name: n for name, n in found.get(unit, {}).items() if name in _SOME and n} for unit in units}


_SOME = ("calls", "missed", "exempt", "resolved", "closed")


async def test_a_unit_does_not_book_its_own_burst_pipe_as_a_deliberation(house: House) -> None:
    """It runs as an incident and is chased; only ops would let it wait, and the log keeps what was wanted."""
    incident = await house.report("community", category="order-02", kind="deliberation")
    assert (incident["kind"], incident["state"], incident["due_kind"]) == ("incident", "calling", "answer")
    told = (await house.get("street", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    assert told[0]["data"]["kind_asked"] == "deliberation"
    assert (await house.refused("street", incident, "correct", kind="deliberation", reason="商议"))["status"] == 403
    await house.advance(seconds=4 * HOUR)
    assert (await _shown(house, incident))["level_name"] == "street", "nobody answered, so it climbs"
    held = await house.act("ops", incident, "correct", kind="deliberation", reason="确需议事协商")
    assert (held["state"], held["due_at"]) == ("on_hold", "2027-01-22T05:00:00Z")
    assert (await _types(house, incident))[-2:] == ["incident.corrected", "incident.held"]
    await house.advance(to="2027-01-22T13:00:00+08:00")
    resumed = await _shown(house, incident)
    assert (resumed["state"], resumed["unit"]["code"]) == ("calling", STREET), "after its longest time it is chased"


async def test_an_emergency_is_urgent_once_the_street_says_so(house: House) -> None:
    """A category that is never urgent: the report runs as normal, and the street puts it right within the hour."""
    incident = await house.report(category="party-01", urgency="urgent")
    assert (incident["urgency"], incident["urgency_asked"], incident["due_at"]) == (
        "normal",
        "urgent",
        "2026-11-23T05:00:00Z",
    )
    await house.advance(seconds=10 * MINUTE)
    urgent = await house.act("street", incident, "correct", urgency="urgent", reason="漏电")
    assert (urgent["urgency"], urgent["urgency_asked"], urgent["due_at"]) == (
        "urgent",
        "urgent",
        "2026-11-23T01:40:00Z",
    )
    explained = await house.get("street", f"/v1/incidents/{incident['id']}/deadline")
    assert explained["due_at"] == urgent["due_at"]
    await house.advance(to="2026-11-23T09:40:00+08:00")
    climbed = await _shown(house, incident)
    assert (climbed["level_name"], climbed["calls"][0]["outcome"]) == ("street", "no_answer")
    assert climbed["calls"][1]["urgency"] == "urgent"


async def test_a_wrong_category_calls_the_right_department(house: House) -> None:
    """A hand-computed line: the first department ends as corrected, and is neither missed nor late."""
    incident = await house.report()
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="beyond_powers", reason="需要执法权")
    before = await _shown(house, incident)
    assert before["unit"]["code"] == DEPARTMENT
    await house.advance(seconds=HOUR)
    after = await house.act("street", incident, "correct", category="fire-02", reason="是消防设施")
    assert (after["unit"]["code"], after["level_name"], after["line"]) == ("dept-fire", "department", "fire")
    assert after["due_at"] <= before["due_at"]
    assert [each["outcome"] for each in after["calls"]] == ["raised", "raised", "corrected", None]
    assert (after["calls"][3]["cause"], after["calls"][3]["from_unit"]) == ("corrected", STREET)
    await house.act("dept-fire", incident, "resolve", result="已修")
    assert await _figures(house, DEPARTMENT, "dept-fire") == {
        DEPARTMENT: {"calls": 1},
        "dept-fire": {"calls": 1, "resolved": 1},
    }
    lines = await figures(house, "line")
    calls = {line: each["calls"] for line, each in lines.items()}
    assert calls == {"urban": 3, "fire": 1, "total": 4}, "each call counts for what it was opened with"


async def test_there_and_back_gives_nobody_time(house: House) -> None:
    """A street moves the call of its community away and back, a minute before it is due."""
    incident = await house.report(urgency="urgent")
    answered = await house.act("community", incident, "answer", measure="去看")
    await house.advance(to=answered["due_at"])  # fires: see below for the minute before
    other = await house.report(urgency="urgent")
    answered = await house.act("community", other, "answer", measure="去看")
    await house.advance(seconds=2 * HOUR - MINUTE)
    for cell in (NEXT_CELL, CELL):
        moved = await house.act("street", other, "correct", grid_code=cell, reason="改一下")
        assert (moved["state"], moved["due_at"]) == ("calling", answered["due_at"])
    again = await house.act("community", other, "answer", measure="再去看")
    assert again["due_at"] == answered["due_at"]
    await house.advance(seconds=MINUTE)
    shown = await _shown(house, other)
    assert [each["outcome"] for each in shown["calls"]] == ["corrected", "corrected", "not_resolved", None]
    assert (await _figures(house, COMMUNITY))[COMMUNITY]["missed"] == 2, "it has missed both"


async def test_a_flood_costs_nobody_anything(house: House) -> None:
    """Twenty urgent reports in a minute; the community has missed them all before ops come by."""
    item = {"grid_code": CELL, "category": "urban-0110", "description": "垃圾", "urgency": "urgent"}
    answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": [item] * 20})
    assert {each["status"] for each in answer.json()["results"]} == {201}
    real = await house.report("colleague")
    await house.advance(seconds=31 * MINUTE)
    assert (await scores(house))[COMMUNITY] == 0.0
    flood = {"reporter": "worker", "from": START, "to": LATER, "reason": "同一账号刷报,经核实均不存在"}
    pages = [(await house.send("ops", "POST", "/v1/incidents/flood", flood)).json() for _ in range(2)]
    assert pages == [{"closed": 20, "exempted": 20}, {"closed": 0, "exempted": 0}]
    assert (await _shown(house, real))["state"] == "calling"
    assert await _figures(house, COMMUNITY, STREET) == {
        COMMUNITY: {"calls": 21, "missed": 20, "exempt": 20},
        STREET: {"calls": 20, "closed": 20},
    }
    assert (await scores(house))[COMMUNITY] is None, "nothing of it is scored"


async def test_a_leader_keeps_what_it_assigned(house: House) -> None:
    """The street cannot take a binding call away by another category."""
    incident = await house.report()
    for who in ("community", "street", "department"):
        await house.act(who, incident, "raise", ground="other", reason="r")
    await house.act(LEADER, incident, "assign", unit=DEPARTMENT, reason="由你办")
    after = await house.act("street", incident, "correct", category="fire-02", reason="消防")
    assert (after["unit"]["code"], after["category"], after["calls"][-1]["binding"]) == (DEPARTMENT, "fire-02", True)
