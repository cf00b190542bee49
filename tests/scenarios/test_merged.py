"""Two people report the same thing: one incident is merged into the other, and both hear what becomes of it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.commands import sample
from tests.house import CELL, COMMUNITY, House
from tests.scenarios.figures import figures, scores, shares, times

pytestmark = pytest.mark.anyio

DAY = 86_400
WORDS = {"category": "urban-0110", "description": "井盖缺失"}


def _ring(code: str) -> list[tuple[float, float]]:
    features = orjson.loads((sample.SAMPLE / "cells.geojson").read_bytes())["features"]
    ring = next(each["geometry"]["coordinates"][0] for each in features if each["properties"]["code"] == code)
    return [(lon, lat) for lon, lat in ring]


async def test_the_duplicate_is_found_merged_and_followed(house: House) -> None:
    first = await house.report()
    await house.advance(seconds=600)
    second = await house.report("colleague", description="垃圾没人收")
    await house.report(category="fire-01", description="消防通道被堵")
    found = (await house.get("street", f"/v1/incidents/{second['id']}/similar"))["items"]
    assert [(each["id"], each["same_cell"], each["same_category"], each["hours_apart"]) for each in found] == [
        (first["id"], True, True, 0.17)
    ]

    assert (await house.refused("community", second, "merge", into=first["id"], reason="同一件"))["code"] == "not_yours"
    merged = await house.act("street", second, "merge", into=first["id"], reason="同一堆垃圾")
    assert (merged["state"], merged["closed_as"], merged["merged_into"]) == ("closed", "merged", first["id"])
    assert merged["calls"][0]["outcome"] == "closed"
    target = await house.get("colleague", f"/v1/incidents/{first['id']}")
    assert (target["state"], target["version"]) == ("calling", first["version"]), "whoever works on it need not look"
    assert (await house.get("worker", f"/v1/incidents/{second['id']}/similar"))["items"] != []

    await house.act("colleague", first, "comment", text="我也在等")
    assert (await house.refused("colleague", first, "withdraw", reason="算了"))["code"] == "not_yours"
    await house.act("community", first, "resolve", result="已清运")
    await house.sealed()
    heard = [
        (each["type"], each["subject"] == first["id"]) for each in (await house.get("colleague", "/v1/events"))["items"]
    ]
    assert ("sihu.incident.merged", True) in heard
    assert ("sihu.incident.resolved", True) in heard
    told = (await house.get("worker", f"/v1/incidents/{first['id']}/timeline"))["items"]
    event = next(each for each in told if each["type"] == "sihu.incident.merged")
    assert (event["data"]["merged"], event["data"]["number"]) == (second["id"], second["number"])
    await _a_merged_call_counts_against_nobody(house)


async def _a_merged_call_counts_against_nobody(house: House) -> None:
    # three calls at the community: one resolved, one closed by the merge and counted against nobody, one still open
    done = {"answered": 1, "answered_in_time": 1, "resolved": 1, "resolved_level_1": 1}
    all_three = {"calls": 3, "closed": 1, "open": 1, **done}
    assert await figures(house) == {COMMUNITY: all_three, "total": all_three}
    assert await figures(house, "line") == {
        "urban": {"calls": 2, "closed": 1, **done},
        "fire": {"calls": 1, "open": 1},
        "total": all_three,
    }
    assert await scores(house) == {COMMUNITY: 100.0, "total": 100.0}
    ten_minutes = {"answer": (600.0, 600.0), "resolve": (600.0, 600.0)}
    assert await times(house) == {COMMUNITY: ten_minutes, "total": ten_minutes}
    assert await shares(house) == {COMMUNITY: {1: 1.0}, "total": {1: 1.0}}


async def test_a_merge_that_is_none(house: House) -> None:
    incident, other = await house.report(), await house.report()
    for into, status in ((incident["id"], 422), ("019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", 422), ("nonsense", 422)):
        problem = await house.refused("street", incident, "merge", into=into, reason="同一件")
        assert (problem["status"], problem["errors"][0]["pointer"]) == (status, "/into")
    elsewhere = await house.report("stranger", grid_code="440105001001001")
    assert (await house.refused("street", incident, "merge", into=elsewhere["id"], reason="同一件"))["status"] == 422
    assert (await house.refused("other_street", incident, "merge", into=elsewhere["id"], reason="x"))["status"] == 404
    await house.act("worker", other, "withdraw", reason="弄错了")
    problem = await house.refused("street", incident, "merge", into=other["id"], reason="同一件")
    assert (problem["status"], problem["code"]) == (409, "conflict")
    assert (await house.get("worker", f"/v1/incidents/{incident['id']}"))["state"] == "calling", "nothing half-done"
    await house.act("ops", incident, "merge", into=elsewhere["id"], reason="跨街道同一件")
    assert await figures(house) == {
        COMMUNITY: {"calls": 2, "closed": 2},  # withdrawn, merged
        elsewhere["community"]: {"calls": 1, "open": 1},
        "total": {"calls": 3, "closed": 2, "open": 1},
    }
    assert await scores(house) == dict.fromkeys((COMMUNITY, elsewhere["community"], "total"))


async def test_a_chain_of_merges_is_followed_to_its_end(house: House) -> None:
    first, second, third = [await house.report(who) for who in ("colleague", "worker", "worker")]
    await house.act("street", first, "merge", into=second["id"], reason="同一件")
    await house.act("street", second, "merge", into=third["id"], reason="同一件")
    await house.advance(seconds=1800)
    await house.act("community", third, "resolve", result="已清运")
    await house.sealed()
    heard = [
        each["type"] for each in (await house.get("colleague", "/v1/events"))["items"] if each["subject"] == third["id"]
    ]
    assert "sihu.incident.resolved" in heard
    # two closed by merges, and the last one resolved for all three, half an hour after it was reported
    done = {"answered": 1, "answered_in_time": 1, "resolved": 1, "resolved_level_1": 1}
    counted = {"calls": 3, "closed": 2, **done}
    assert await figures(house) == {COMMUNITY: counted, "total": counted}
    assert await scores(house) == {COMMUNITY: 100.0, "total": 100.0}
    assert (await times(house))["total"] == {"answer": (1800.0, 1800.0), "resolve": (1800.0, 1800.0)}


async def test_points_near_each_other_are_similar_across_a_cells_edge(shipped: House) -> None:
    (west, south), (east, _), (_, north), *_ = _ring(CELL)
    middle, edge = (south + north) / 2, max(west, east)
    ids = []
    for lon in (edge - 0.0001, edge + 0.0001, edge + 0.0011):
        point = {"lat": middle, "lon": lon, "coord_type": "wgs84"}
        answer = await shipped.send("worker", "POST", "/v1/incidents", {**WORDS, "location": point})
        ids.append((answer.json()["id"], answer.json()["grid_code"]))
    assert ids[0][1] == CELL != ids[1][1]
    found = (await shipped.get("street", f"/v1/incidents/{ids[0][0]}/similar"))["items"]
    assert [(each["id"], each["same_cell"]) for each in found] == [(ids[1][0], False)], "120 m away is another matter"
    assert 15 < found[0]["distance_m"] < 25
    assert (await shipped.send("stranger", "GET", f"/v1/incidents/{ids[0][0]}/similar")).status_code == 404


async def test_what_was_reported_a_month_apart_is_another_matter(house: House) -> None:
    """Suggestions: they wait for a month, and then climb, so that all of them are still open."""
    first = await house.report(kind="suggestion")
    await house.advance(seconds=29 * DAY)
    later = await house.report(kind="suggestion")
    await house.advance(seconds=2 * DAY)
    last = await house.report(kind="suggestion")
    near = {
        each["id"]: [(found["id"], found["hours_apart"]) for found in (await _similar(house, each))]
        for each in (first, later, last)
    }
    assert near == {
        first["id"]: [(later["id"], 29 * 24.0)],
        later["id"]: [(last["id"], 2 * 24.0), (first["id"], 29 * 24.0)],
        last["id"]: [(later["id"], 2 * 24.0)],
    }, "30 days, backwards and forwards"


async def _similar(house: House, incident: Any) -> Any:
    return (await house.get("street", f"/v1/incidents/{incident['id']}/similar"))["items"]
