"""The shipped policy on the virtual clock, over HTTP: working days, holds, warnings, a new calendar, places."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.commands import sample
from service.places.coordinates import CoordType, from_wgs84
from tests.house import CELL, House

pytestmark = pytest.mark.anyio


def _where(incident: Any) -> str:
    return f"/v1/incidents/{incident['id']}"


async def _types(house: House, incident: Any) -> list[str]:
    items = (await house.get("worker", f"{_where(incident)}/timeline"))["items"]
    return [each["type"].removeprefix("sihu.") for each in items]


async def test_what_the_plan_says_is_what_the_engine_does_with_warnings_and_nights_between(shipped: House) -> None:
    incident = await shipped.report()
    plan = (await shipped.get("worker", f"{_where(incident)}/plan"))["items"]
    assert [step["arrow"] for step in plan] == ["warned", "warned", "no_answer"] * 4
    await shipped.advance(to=plan[-1]["at"])
    items = (await shipped.get("worker", f"{_where(incident)}/timeline"))["items"]
    told = [each for each in items if each["type"] in ("sihu.call.warned", "sihu.call.missed")]
    assert [each["time"] for each in told] == [step["at"] for step in plan]
    assert [each["data"]["incident"]["unit"] for each in told[2::3]] == [
        "440105003001",
        "440105003",
        "dept-urban-management",
        "leader-urban",
    ]
    calls = (await shipped.get("worker", _where(incident)))["calls"]
    assert [call["late_s"] for call in calls] == [0.0, 0.0, 0.0, 0.0, None]
    assert [call["opened_at"][5:16] for call in calls] == [
        "11-23T01:00",
        "11-23T07:00",  # four hours with lunch between
        "11-24T01:00",  # three hours that day, one the next
        "11-25T01:00",  # a working day
        "11-27T01:00",
    ]
    await shipped.sealed()
    feed = (await shipped.get("ops", "/v1/events", limit=500))["items"]
    assert [each["id"] for each in feed if each.get("subject") == incident["id"]] == [each["id"] for each in items]


async def test_a_hold_is_asked_by_the_called_unit_granted_by_who_called_and_ended_by_the_clock(shipped: House) -> None:
    incident = await shipped.report()
    asked = await shipped.act("community", incident, "hold", until="2026-11-30T09:00:00+08:00", reason="等许可")
    assert (asked["state"], asked["requests"][0]["outcome"], asked["due_at"]) == ("calling", None, incident["due_at"])
    assert (await shipped.refused("community", incident, "requests/1/approve"))["code"] == "not_yours"
    assert (await shipped.refused("stranger", incident, "requests/1/approve"))["code"] == "not_found"
    assert (await shipped.refused("street", incident, "requests/2/approve"))["code"] == "not_found"
    await shipped.advance(seconds=3600)
    held = await shipped.act("street", incident, "requests/1/approve", reason="同意")
    assert (held["state"], held["due_kind"], held["due_at"]) == ("on_hold", "resume", "2026-11-30T01:00:00Z")
    queue = (await shipped.get("community", "/v1/queues/440105003001"))["items"]
    assert [(each["id"], each["state"]) for each in queue] == [(incident["id"], "on_hold")]
    told = await shipped.get("worker", f"{_where(incident)}/deadline")
    assert (told["left_s"], told["counted_s"]) == (3 * 3600, 3600)
    await shipped.advance(to="2026-11-30T09:00:00+08:00")
    resumed = await shipped.get("worker", _where(incident))
    assert (resumed["state"], resumed["due_at"]) == ("calling", "2026-11-30T04:00:00Z"), "three hours were left"
    told = await shipped.get("worker", f"{_where(incident)}/deadline")
    assert (told["counted_s"], told["box_s"], told["left_s"]) == (4 * 3600, 4 * 3600, None)
    assert [each["kind"] for each in told["adjusted_by"]] == ["hold"]
    extended = await shipped.act("community", incident, "extend", until="2026-11-30T16:30:00+08:00", reason="人手不足")
    assert extended["requests"][1]["until"] == "2026-11-30T08:30:00Z"
    extended = await shipped.act("street", incident, "requests/2/approve")
    assert extended["due_at"] == extended["calls"][0]["answer_by"] == "2026-11-30T08:30:00Z"
    raised = await shipped.act("community", incident, "raise", ground="other", reason="不行")
    assert [each["outcome"] for each in raised["requests"]] == ["approved", "approved"]
    assert (await _types(shipped, incident))[2:] == [
        "call.requested",
        "incident.held",
        "incident.resumed",
        "call.requested",
        "call.extended",
        "call.raised",
        "call.opened",
    ]


async def test_the_same_key_decides_once_and_means_one_request(shipped: House) -> None:
    incident = await shipped.report()
    await shipped.act("community", incident, "hold", until="2026-11-30T09:00:00+08:00", reason="等")
    path, key = f"{_where(incident)}/requests", {"Idempotency-Key": "k-1"}
    first = await shipped.send("street", "POST", f"{path}/1/refuse", {}, headers=key)
    again = await shipped.send("street", "POST", f"{path}/1/refuse", {}, headers=key)
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (200, 200, "true")
    await shipped.act("community", incident, "extend", until="2026-11-23T17:00:00+08:00", reason="等")
    other = await shipped.send("street", "POST", f"{path}/2/refuse", {}, headers=key)
    assert other.json()["code"] == "idempotency_mismatch"
    stale = await shipped.send("street", "POST", f"{path}/2/refuse", {}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    problem = await shipped.refused("community", incident, "hold", until="2020-01-01T00:00:00Z", reason="昨天")
    assert problem["code"] == "illegal_transition", "the second request still waits"


async def test_ops_decide_what_a_leader_wants_and_until_is_checked(shipped: House) -> None:
    incident = await shipped.report()
    for who in ("community", "street", "department"):
        incident = await shipped.act(who, incident, "raise", ground="other", reason="上呼")
    problem = await shipped.refused("leader", incident, "hold", until="2020-01-01T00:00:00Z", reason="昨天")
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/until")
    waits = await shipped.act("leader", incident, "hold", until="2026-12-01T09:00:00+08:00", reason="专题会")
    assert (waits["state"], waits["requests"][0]["outcome"], waits["requests"][0]["approver"]) == (
        "calling",
        None,
        None,
    )
    assert (await shipped.refused("leader", incident, "requests/1/approve"))["code"] == "not_yours"
    held = await shipped.act("ops", incident, "requests/1/approve")
    assert (held["state"], held["requests"][0]["outcome"]) == ("on_hold", "approved")
    assert (await shipped.act("leader", incident, "resume"))["state"] == "calling"


async def test_loading_the_next_year_settles_provisional_deadlines(shipped: House) -> None:
    await shipped.advance(to="2026-12-31T13:00:00+08:00")
    today = await shipped.report()
    await shipped.advance(to="2026-12-31T16:00:00+08:00")
    tomorrow = await shipped.report()
    assert (today["provisional"], tomorrow["provisional"]) == (False, True)
    assert tomorrow["due_at"] == "2027-01-01T02:00:00Z"
    body = {"source": "通知", "fill_years": [2027], "days": [{"day": "2027-01-01", "workday": False, "note": "元旦"}]}
    answer = await shipped.send("ops", "PUT", "/v1/calendars/cn/days", body)
    changed = answer.json()
    assert (changed["days_changed"], changed["deadlines_looked_at"]) == (365, 1)
    assert "2028" in changed["warnings"][0]
    settled = await shipped.get("worker", _where(tomorrow))
    assert (settled["provisional"], settled["due_at"]) == (False, "2027-01-04T02:00:00Z")
    assert await _types(shipped, tomorrow) == ["incident.reported", "call.opened", "call.rescheduled"]
    assert await _types(shipped, today) == ["incident.reported", "call.opened", "call.warned"]
    covered = (await shipped.get("worker", "/v1/calendars/cn/coverage"))["years"][-1]
    assert covered == {"year": 2027, "days_known": 365, "covered": True}
    assert (await shipped.get("ops", "/readyz"))["checks"]["calendar"]["covered_until"] == 2027
    assert (await shipped.send("worker", "PUT", "/v1/calendars/cn/days", body)).status_code == 403


def _centre(code: str) -> tuple[float, float]:
    features = orjson.loads((sample.SAMPLE / "cells.geojson").read_bytes())["features"]
    ring = next(each["geometry"]["coordinates"][0] for each in features if each["properties"]["code"] == code)
    return sum(lat for _, lat in ring[:-1]) / 4, sum(lon for lon, _ in ring[:-1]) / 4


@pytest.mark.parametrize("kind", CoordType)
async def test_a_point_in_any_coordinates_stands_for_its_cell(shipped: House, kind: CoordType) -> None:
    lat, lon = from_wgs84(*_centre(CELL), kind)
    location = {"lat": lat, "lon": lon, "coord_type": kind.value, "accuracy_m": 12.0}
    body = {"category": "urban-0110", "description": "井盖缺失", "location": location}
    first, again = [
        await shipped.send("worker", "POST", "/v1/incidents", body, headers={"Idempotency-Key": "here"})
        for _ in range(2)
    ]
    assert (first.status_code, first.json()["grid_code"], first.json()["location"]) == (201, CELL, location)
    assert first.json()["location_mismatch"] is False
    assert again.headers["Idempotency-Replayed"] == "true"
    found = await shipped.get("worker", "/v1/grid-cells/locate", lat=lat, lon=lon, coord_type=kind.value)
    assert found["cell"]["code"] == CELL


async def test_a_cell_that_is_named_stands_and_a_point_outside_it_is_marked(shipped: House) -> None:
    lat, lon = _centre("440105003001002")
    far = await shipped.report(location={"lat": lat, "lon": lon, "coord_type": "wgs84", "accuracy_m": 20})
    assert (far["grid_code"], far["location_mismatch"]) == (CELL, True)
    vague = await shipped.report(location={"lat": lat, "lon": lon, "coord_type": "wgs84", "accuracy_m": 2000})
    assert vague["location_mismatch"] is False
    nowhere = {"lat": 39.9, "lon": 116.4, "coord_type": "wgs84"}
    body = {"category": "urban-0110", "description": "北京", "location": nowhere}
    answer = await shipped.send("worker", "POST", "/v1/incidents", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_cell")
    assert answer.json()["errors"][0]["pointer"] == "/location"
    here = {"lat": lat, "lon": lon, "coord_type": "wgs84"}
    answer = await shipped.send("stranger", "POST", "/v1/incidents", {**body, "location": here})
    assert answer.json()["code"] == "not_yours"
    answer = await shipped.send("worker", "GET", "/v1/grid-cells/locate", lat=39.9, lon=116.4, coord_type="wgs84")
    assert answer.status_code == 404


async def test_days_that_come_with_a_bundle_move_deadlines_at_once(shipped: House) -> None:
    incident = await shipped.report()
    days = "code,day,workday\ncn,2026-11-23,false\ncn,2026-11-24,false\n"
    answer = await shipped.send("ops", "POST", "/v1/registry/import", {"calendar.csv": days})
    assert answer.status_code == 200, answer.text
    moved = await shipped.get("worker", _where(incident))
    assert (incident["due_at"], moved["due_at"]) == ("2026-11-23T07:00:00Z", "2026-11-25T04:00:00Z")
    told = await shipped.get("worker", f"{_where(incident)}/deadline")
    assert (told["due_at"], told["counted_s"]) == (moved["due_at"], told["box_s"])
