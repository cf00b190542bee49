"""GET /v1/incidents/{id}/deadline: how `due_at` came about, with every extension, and of a resolved incident."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.house import House

pytestmark = pytest.mark.anyio


async def _deadline(house: House, incident: Any, who: str = "worker") -> Any:
    return await house.get(who, f"/v1/incidents/{incident['id']}/deadline")


async def _extended(house: House, incident: Any, n: int, until: str) -> Any:
    """Extension `n`, asked by the community, and approved by the street a minute later."""
    await house.act("community", incident, "extend", until=until, reason="人手不足")
    await house.advance(seconds=60)
    return await house.act("street", incident, f"requests/{n}/approve", reason="同意")


async def test_each_extension_is_told_with_who_asked_and_who_decided(shipped: House) -> None:
    incident = await shipped.report()  # Monday 09:00, four hours: until 15:00
    untils = ["2026-11-23T08:00:00Z", "2026-11-24T01:30:00Z"]
    for n, until in enumerate(untils, start=1):
        incident = await _extended(shipped, incident, n, until)
        told = await _deadline(shipped, incident)
        assert [each["until"] for each in told["adjusted_by"]] == untils[:n]
        assert (told["due_at"], told["due_kind"]) == (incident["due_at"], "answer") == (until, "answer")
        assert (told["box"], told["box_s"], told["left_s"]) == ("answer", 4 * 3600, None)
    assert [(each["n"], each["kind"], each["outcome"]) for each in told["adjusted_by"]] == [
        (1, "extend", "approved"),
        (2, "extend", "approved"),
    ]
    assert [(each["asked_at"], each["decided_at"]) for each in told["adjusted_by"]] == [
        ("2026-11-23T01:00:00Z", "2026-11-23T01:01:00Z"),
        ("2026-11-23T01:01:00Z", "2026-11-23T01:02:00Z"),
    ]
    assert told["adjusted_by"][0]["asked_by"]["unit"] == "440105003001"
    assert told["adjusted_by"][0]["decided_by"]["unit"] == "440105003"
    assert told["counted_s"] == (3 + 4 + 1.5) * 3600, "Monday from 09:00 with lunch between, Tuesday to 09:30"
    assert told["segments"][-1]["to"] == untils[1]


async def test_what_was_asked_but_not_granted_moves_nothing_and_is_not_told(shipped: House) -> None:
    incident = await shipped.report()
    await shipped.act("community", incident, "extend", until="2026-11-23T16:00:00+08:00", reason="等")
    assert (await _deadline(shipped, incident))["adjusted_by"] == []
    await shipped.act("street", incident, "requests/1/refuse")
    told = await _deadline(shipped, incident)
    assert (told["adjusted_by"], told["due_at"]) == ([], incident["due_at"])


async def test_a_hold_and_the_extension_after_it_are_both_told(shipped: House) -> None:
    incident = await shipped.report()
    await shipped.act("community", incident, "hold", until="2026-11-25T09:00:00+08:00", reason="等许可")
    await shipped.act("street", incident, "requests/1/approve")
    await shipped.advance(to="2026-11-25T10:00:00+08:00")
    await _extended(shipped, incident, 2, "2026-11-25T09:00:00Z")  # 15:00 without it
    told = await _deadline(shipped, incident)
    assert [each["kind"] for each in told["adjusted_by"]] == ["hold", "extend"]
    assert (told["due_at"], told["counted_s"]) == ("2026-11-25T09:00:00Z", 6 * 3600)


@pytest.mark.parametrize("answered", [True, False])
async def test_a_resolved_incident_is_due_a_verify_box_after_it_was_resolved(shipped: House, answered: bool) -> None:
    incident = await shipped.report()
    await shipped.advance(seconds=600)
    if answered:
        await shipped.act("community", incident, "answer", measure="派人清理")
    resolved_at = (await shipped.advance(seconds=54_321))["now"]  # in the night
    who = "community" if answered else "street"  # where it rose to
    incident = await shipped.act(who, incident, "resolve", result="已清理")
    assert incident["state"] == "resolved"
    told = await _deadline(shipped, incident)
    assert (told["box"], told["due_kind"], told["due_at"]) == ("verify", "verify", incident["due_at"])
    assert told["start"] == incident["calls"][-1]["ended_at"]
    start, due_at = datetime.fromisoformat(told["start"]), datetime.fromisoformat(told["due_at"])
    assert start == datetime.fromisoformat(resolved_at)
    assert start + timedelta(seconds=told["counted_s"]) == due_at
    assert (told["box_s"], told["clock"], told["provisional"]) == (told["counted_s"], "continuous", False)
    await shipped.advance(to=told["due_at"])
    closed = await shipped.get("worker", f"/v1/incidents/{incident['id']}")
    assert (closed["state"], closed["closed_as"], closed["closed_at"]) == ("closed", "unverified", told["due_at"])
    assert (await _deadline(shipped, closed))["due_at"] is None
