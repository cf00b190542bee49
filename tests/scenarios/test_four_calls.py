"""One unanswered incident, on the virtual clock, through real HTTP handlers and a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.clock import VirtualClock
from tests.house import COMMUNITY, DEPARTMENT, LEADER, START, STREET, House
from tests.scenarios.figures import fair, figures, scores, shares, times
from tests.shapes import without_words

pytestmark = pytest.mark.anyio

HOUR = 3600
CHAIN = [COMMUNITY, STREET, DEPARTMENT, LEADER, LEADER]
BOXES_H = [4, 4, 24, 48]
"""Answer boxes of the sample policy for a normal incident at levels 1 to 4, in hours."""


async def test_an_unanswered_incident_climbs_all_four_levels_and_is_called_again_at_the_fourth(house: House) -> None:
    incident = await house.report()
    planned = (await house.get("worker", f"/v1/incidents/{incident['id']}/plan"))["items"]

    moved = await house.advance(seconds=timedelta(hours=sum(BOXES_H)).total_seconds())

    assert moved["fired"] == 4
    now = await house.get("worker", f"/v1/incidents/{incident['id']}")
    calls = now["calls"]
    assert [call["unit"] for call in calls] == CHAIN
    assert [call["level"] for call in calls] == [1, 2, 3, 4, 4]
    assert [call["round"] for call in calls] == [1, 1, 1, 1, 2]
    assert [call["cause"] for call in calls] == ["report", *["no_answer"] * 4]
    assert [call["outcome"] for call in calls] == [*["no_answer"] * 4, None]
    assert [call["from_unit"] for call in calls] == [None, *CHAIN[:4]]
    assert [call["late_s"] for call in calls] == [0.0, 0.0, 0.0, 0.0, None]
    assert (now["state"], now["level"], now["unit"]["code"]) == ("calling", 4, LEADER)
    opened = [datetime.fromisoformat(call["opened_at"]) for call in calls]
    assert opened == [START + timedelta(hours=sum(BOXES_H[:n])) for n in range(5)]
    assert [step["unit"] for step in planned] == CHAIN[1:]
    assert [datetime.fromisoformat(step["at"]) for step in planned] == opened[1:]
    missed = {"calls": 1, "missed": 1, "missed_answer": 1}
    assert await figures(house) == {
        **dict.fromkeys(CHAIN[:3], missed),
        LEADER: {"calls": 2, "missed": 1, "missed_answer": 1, "open": 1},
        "total": {"calls": 5, "missed": 4, "missed_answer": 4, "open": 1},
    }
    assert await scores(house) == dict.fromkeys([*CHAIN, "total"], 0.0)
    assert (await times(house), await shares(house)) == ({}, {})


async def test_timeline_feed_and_queues_tell_the_same_story(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=timedelta(hours=sum(BOXES_H)).total_seconds())
    await house.sealed()

    timeline = (await house.get("auditor", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    feed = [e for e in (await house.get("auditor", "/v1/events"))["items"] if e.get("subject") == incident["id"]]

    assert feed == [without_words(each) for each in timeline]
    missed = ["sihu.call.missed", "sihu.call.opened"]
    assert [e["type"] for e in timeline] == ["sihu.incident.reported", "sihu.call.opened", *missed * 4]
    assert [e["sequence"] for e in timeline] == [f"{n:010d}" for n in range(1, 11)]
    for unit in (COMMUNITY, STREET, DEPARTMENT):
        assert (await house.get(unit, f"/v1/queues/{unit}"))["items"] == []
    held = (await house.get(LEADER, f"/v1/queues/{LEADER}"))["items"]
    assert [row["id"] for row in held] == [incident["id"]]
    assert "calls" not in held[0]


async def test_people_answer_raise_resolve_and_accept(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=1 * HOUR)
    await house.act("community", incident, "answer", measure="今天清运", contact="值班室")
    raised = await house.act("community", incident, "raise", ground="beyond_powers", reason="需要执法权")
    assert (raised["level"], raised["unit"]["code"], raised["state"]) == (2, STREET, "calling")

    await house.advance(seconds=2 * HOUR)
    resolved = await house.act("street", incident, "resolve", result="已清运")
    assert (resolved["state"], resolved["due_kind"]) == ("resolved", "verify")
    problem = await house.refused("street", incident, "accept")
    assert problem["code"] == "not_yours"

    closed = await house.act("worker", incident, "accept", comment="干净了")
    assert (closed["state"], closed["closed_as"], closed["due_at"]) == ("closed", "verified", None)
    assert [call["outcome"] for call in closed["calls"]] == ["raised", "resolved"]
    await house.advance(seconds=86_400 * 30)
    assert (await house.get("worker", f"/v1/incidents/{incident['id']}"))["version"] == closed["version"]
    answered = {"calls": 1, "answered": 1, "answered_in_time": 1}
    resolved = {"resolved": 1, "resolved_in_time": 1, "resolved_level_2": 1}
    assert await figures(house) == {
        COMMUNITY: {**answered, "raised": 1},
        STREET: {**answered, **resolved},
        "total": {**dict.fromkeys(answered, 2), **resolved, "raised": 1},
    }
    assert await scores(house) == dict.fromkeys((COMMUNITY, STREET, "total"), 100.0)
    one_h, two_h = (1.0 * HOUR, 1.0 * HOUR), (2.0 * HOUR, 2.0 * HOUR)
    assert await times(house) == {
        COMMUNITY: {"answer": one_h},
        STREET: {"answer": two_h, "resolve": two_h},
        "total": {"answer": (1.5 * HOUR, 1.9 * HOUR), "resolve": two_h},  # the 90th lies 0.9 of the way from 1 h to 2 h
    }
    assert await shares(house) == {STREET: {2: 1.0}, "total": {2: 1.0}}


async def test_an_answer_that_is_forgotten_comes_back_by_the_resolve_clock(house: House) -> None:
    incident = await house.report()
    answered = await house.act("community", incident, "answer", measure="马上去")
    due = datetime.fromisoformat(answered["due_at"])

    await house.advance(to=due.isoformat())

    now = await house.get("worker", f"/v1/incidents/{incident['id']}")
    assert (now["state"], now["level"]) == ("calling", 2)
    assert (now["calls"][0]["outcome"], now["calls"][1]["cause"]) == ("not_resolved", "not_resolved")
    forgotten = {"answered": 1, "answered_in_time": 1, "missed": 1, "missed_resolve": 1}
    assert await figures(house) == {
        COMMUNITY: {"calls": 1, **forgotten},
        STREET: {"calls": 1, "open": 1},
        "total": {"calls": 2, **forgotten, "open": 1},
    }
    # answered 1 of 1, resolved 0 of 1: 30 / 70
    assert await scores(house) == {COMMUNITY: 42.86, STREET: None, "total": 42.86}
    assert await times(house) == {code: {"answer": (0.0, 0.0)} for code in (COMMUNITY, "total")}


async def test_rejecting_twice_climbs_and_nobody_looking_closes_unverified(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "resolve", result="扫了")
    again = await house.act("worker", incident, "reject", reason="还在")
    assert (again["level"], again["unit"]["code"]) == (1, COMMUNITY)
    await house.act("community", incident, "resolve", result="又扫了")
    climbed = await house.act("worker", incident, "reject", reason="仍在")
    assert (climbed["level"], climbed["unit"]["code"]) == (2, STREET)
    resolved = await house.act("street", incident, "resolve", result="清了")

    await house.advance(to=resolved["due_at"])

    closed = await house.get("worker", f"/v1/incidents/{incident['id']}")
    assert closed["closed_as"] == "unverified"
    reopened = await house.act("worker", incident, "reopen", reason="又堆了")
    assert (reopened["state"], reopened["unit"]["code"], reopened["calls"][-1]["cause"]) == (
        "calling",
        STREET,
        "reopened",
    )
    done = {"answered": 1, "answered_in_time": 1, "resolved": 1}  # and none of it was so, as it turned out
    assert await figures(house) == {
        COMMUNITY: {"calls": 2, **dict.fromkeys(done, 2), "resolved_level_1": 2},
        STREET: {"calls": 2, **done, "resolved_level_2": 1, "open": 1},
        "total": {"calls": 4, **dict.fromkeys(done, 3), "resolved_level_1": 2, "resolved_level_2": 1, "open": 1},
    }
    turned_down = {COMMUNITY: {"rejected": 2}, STREET: {"reopened": 1}, "total": {"rejected": 2, "reopened": 1}}
    assert await fair(house) == turned_down
    # answered all, resolved nothing: (30 × 1 + 40 × 0) / 70
    assert await scores(house) == dict.fromkeys((COMMUNITY, STREET, "total"), 42.86)
    assert await shares(house) == {COMMUNITY: {1: 1.0}, STREET: {2: 1.0}, "total": {1: 0.6667, 2: 0.3333}}


async def test_after_downtime_a_late_incident_climbs_one_level_at_a_time(house: House) -> None:
    """Nobody fired for ten days: each new box starts when the clock fires, and the lateness is on the missed call."""
    incident = await house.report()
    assert isinstance(house.process.clock, VirtualClock)
    house.process.clock.move_to(START + timedelta(days=10))

    moved = await house.advance(seconds=0)

    now: Any = await house.get("worker", f"/v1/incidents/{incident['id']}")
    assert moved["fired"] == 1
    assert (now["level"], now["calls"][0]["late_s"]) == (2, timedelta(days=10, hours=-4).total_seconds())
    assert datetime.fromisoformat(now["due_at"]) == START + timedelta(days=10, hours=4)
    # each call counts in the month in which it was opened: the street's on 3 December
    missed, waits = {"calls": 1, "missed": 1, "missed_answer": 1}, {"calls": 1, "open": 1}
    assert await figures(house) == {COMMUNITY: missed, "total": missed}
    assert await figures(house, period="2026-12") == {STREET: waits, "total": waits}
