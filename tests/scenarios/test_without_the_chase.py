"""Suggestions and deliberations wait at their community, with a longest time as their deadline, and get an outcome."""

from __future__ import annotations

import pytest

from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, House
from tests.scenarios.figures import figures, scores

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("kind", "due"), [("suggestion", "2026-12-23"), ("deliberation", "2027-01-22")])
async def test_it_waits_and_is_concluded_by_the_community(house: House, kind: str, due: str) -> None:
    parked = await house.report(kind=kind, description="建议在巷口加装路灯", key="once")
    again = await house.report(kind=kind, description="建议在巷口加装路灯", key="once")
    assert again["id"] == parked["id"]
    assert (parked["state"], parked["due_kind"], parked["due_at"]) == ("on_hold", "resume", f"{due}T01:00:00Z")
    assert [(each["kind"], each["reason"], each["outcome"]) for each in parked["requests"]] == [
        ("hold", kind, "approved")
    ]
    shown = await house.get("worker", f"/v1/incidents/{parked['id']}")
    assert shown == parked
    await house.advance(seconds=20 * 86400)
    assert (await house.get("worker", f"/v1/incidents/{parked['id']}"))["state"] == "on_hold", "nobody chases it"
    assert [row["id"] for row in (await house.get("community", f"/v1/queues/{COMMUNITY}"))["items"]] == [parked["id"]]
    resumed = await house.act("community", parked, "resume", comment="议事会已召开")
    assert (resumed["state"], resumed["calls"][0]["answer_by"]) == ("calling", "2026-12-13T05:00:00Z"), "its whole box"
    done = await house.act("community", parked, "resolve", result="议定:年内加装两盏")
    assert (done["state"], done["calls"][0]["result"]) == ("resolved", "议定:年内加装两盏")
    await house.act("worker", parked, "accept")
    row = (await house.get("auditor", "/v1/appraisal", period="2026-11"))["items"][0]
    assert (row["answer_s"]["median"], row["resolve_s"]["median"]) == (0.0, 0.0), "waiting is nobody's slowness"
    told = [e["type"] for e in (await house.get("worker", f"/v1/incidents/{parked['id']}/timeline"))["items"]]
    assert told[:3] == ["sihu.incident.reported", "sihu.call.opened", "sihu.incident.held"]
    done = {"calls": 1, "answered": 1, "answered_in_time": 1, "resolved": 1, "resolved_in_time": 1}
    counted = {**done, "resolved_level_1": 1}
    assert await figures(house) == {COMMUNITY: counted, "total": counted}, "in November, when it was called"
    assert await scores(house) == {COMMUNITY: 100.0, "total": 100.0}


async def test_what_nobody_concludes_goes_the_way_of_every_call(house: House) -> None:
    parked = await house.report(kind="suggestion")
    plan = (await house.get("worker", f"/v1/incidents/{parked['id']}/plan"))["items"]
    assert [step["arrow"] for step in plan] == ["resume", *["no_answer"] * 4]
    await house.advance(to=plan[-1]["at"])
    calls = (await house.get("worker", f"/v1/incidents/{parked['id']}"))["calls"]
    assert [call["opened_at"] for call in calls[1:]] == [step["at"] for step in plan[1:]]
    # reported on 23 November, resumed a month later: every call but the first is of December
    missed = {"calls": 1, "missed": 1, "missed_answer": 1}
    assert await figures(house) == {COMMUNITY: missed, "total": missed}
    assert await figures(house, period="2026-12") == {
        STREET: missed,
        DEPARTMENT: missed,
        LEADER: {"calls": 2, "missed": 1, "missed_answer": 1, "open": 1},
        "total": {"calls": 4, "missed": 3, "missed_answer": 3, "open": 1},
    }
