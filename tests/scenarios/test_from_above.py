"""Holds and extensions are decided from above, by nobody who gains by them: the leader in charge, or ops."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from service.store.incidents.tables import request
from tests.house import COMMUNITY, LEADER, STREET, House

pytestmark = pytest.mark.anyio

LONG = {"until": "2027-11-22T09:00:00+08:00", "reason": "等许可"}
SHORT = {"until": "2026-12-01T09:00:00+08:00", "reason": "等许可"}
LISTS = ("community", "street", "department", "leader", "other_street", "ops", "worker", "auditor")


async def _raised(house: House, *who: str) -> Any:
    incident = await house.report()
    for each in who:
        incident = await house.act(each, incident, "raise", ground="beyond_powers", reason="上呼")
    return incident


async def _waiting(house: House) -> dict[str, list[str]]:
    """Who finds which incidents by `approver=me`; who finds none is left out."""
    found = {who: (await house.get(who, "/v1/incidents", approver="me"))["items"] for who in LISTS}
    return {who: [each["id"] for each in items] for who, items in found.items() if items}


async def test_a_year_on_hold_takes_a_word_of_ops(house: House) -> None:
    incident = await house.report()
    asked = await house.act("community", incident, "hold", **LONG)
    assert (asked["state"], asked["requests"][0]["approver"]) == ("calling", None)
    for who in ("street", "community"):
        assert (await house.refused(who, incident, "requests/1/approve"))["code"] == "not_yours"
    assert await _waiting(house) == {"ops": [incident["id"]]}
    held = await house.act("ops", incident, "requests/1/approve", reason="同意")
    assert (held["state"], held["requests"][0]["decided_by"]["kind"]) == ("on_hold", "ops")
    assert await _waiting(house) == {}


async def test_many_short_holds_are_one_long_one(house: House) -> None:
    incident = await house.report()
    for n, until in enumerate(("2026-12-13T09:00:00+08:00", "2026-12-23T09:00:00+08:00"), start=1):
        asked = await house.act("community", incident, "hold", until=until, reason="等料")
        assert asked["requests"][-1]["approver"] == STREET
        await house.act("street", incident, f"requests/{n}/approve")
        await house.advance(to=until)
    more = await house.act("community", incident, "hold", until="2026-12-23T09:00:01+08:00", reason="再等等")
    assert more["requests"][-1]["approver"] is None, "thirty days and a second"
    await house.act("ops", incident, "requests/3/refuse", reason="已挂满三十天")


async def test_nobody_below_decides(house: House) -> None:
    incident = await _raised(house, "community")
    asked = await house.act("street", incident, "hold", **SHORT)
    assert asked["requests"][0]["approver"] == LEADER
    assert await _waiting(house) == {"leader": [incident["id"]]}
    for who in ("community", "street"):
        assert (await house.refused(who, incident, "requests/1/approve"))["code"] == "not_yours"
    assert (await house.send("department", "GET", f"/v1/incidents/{incident['id']}")).status_code == 404
    await house.act("leader", incident, "requests/1/approve", reason="同意")
    assert (await house.refused("leader", incident, "requests/1/approve"))["code"] == "illegal_transition"
    resumed = await house.act("leader", incident, "resume")
    assert resumed["state"] == "calling"


async def test_the_leader_hears_of_it_when_it_is_asked(house: House) -> None:
    incident = await _raised(house, "community", "street")
    assert (await house.send("leader", "GET", f"/v1/incidents/{incident['id']}")).status_code == 404
    await house.sealed()
    start = (await house.get("leader", "/v1/events", after="now"))["next_cursor"]
    until = "2026-11-25T09:00:00+08:00"
    await house.act("department", incident, "extend", until=until, reason="缺料")
    await house.sealed()
    told = (await house.get("leader", "/v1/events", after=start))["items"]
    assert [each["type"] for each in told] == ["sihu.call.requested"]
    seen = await house.get("leader", f"/v1/incidents/{incident['id']}")
    assert [each["id"] for each in (await house.get("leader", "/v1/incidents"))["items"]] == [seen["id"]]
    await house.act("ops", incident, "requests/1/refuse", reason="不同意")
    assert (await house.get("leader", f"/v1/incidents/{incident['id']}"))["requests"][0]["outcome"] == "refused"


async def test_a_request_lapses_with_its_call(house: House) -> None:
    incident = await _raised(house, "community")
    await house.act("street", incident, "hold", **SHORT)
    assert (await house.refused("street", incident, "extend", **SHORT))["status"] == 409, "one at a time"
    raised = await house.act("street", incident, "raise", ground="beyond_powers", reason="上呼")
    assert raised["requests"][0]["outcome"] == "lapsed"
    assert await _waiting(house) == {}
    assert (await house.refused("leader", incident, "requests/1/approve"))["code"] == "illegal_transition"


async def test_pages_of_what_waits(house: House) -> None:
    incidents = [await _raised(house, "community") for _ in range(3)]
    for each in incidents:
        await house.act("street", each, "hold", **SHORT)
    found: list[str] = []
    cursor: dict[str, Any] | None = {}
    while cursor is not None:
        page = await house.get("leader", "/v1/incidents", approver="me", limit=2, **cursor)
        found += [each["id"] for each in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert found == [each["id"] for each in reversed(incidents)]
    both = await house.get("leader", "/v1/incidents", approver="me", state="answered")
    assert both["items"] == []


async def test_a_request_from_before_is_decided_by_the_new_rule(house: House) -> None:
    """A program from before has asked: it named nobody, and told the leader nothing."""
    incident = await _raised(house, "community")
    await house.act("street", incident, "hold", **SHORT)
    async with house.process.database.begin() as tx:
        await tx.execute(update(request).values(approver=None))
    assert await _waiting(house) == {"ops": [incident["id"]]}
    assert (await house.refused(COMMUNITY, incident, "requests/1/approve"))["code"] == "not_yours"
    assert (await house.get("leader", f"/v1/incidents/{incident['id']}"))["requests"][0]["approver"] == LEADER
    await house.act("leader", incident, "requests/1/approve")
    assert (await house.get("ops", f"/v1/incidents/{incident['id']}"))["requests"][0]["approver"] == LEADER


async def test_what_waits_for_an_ended_street_is_for_ops(house: House) -> None:
    """A deliberation waits on hold, and its street alone may let it begin: until the street is no more."""
    incident = await house.report(kind="deliberation")
    await house.refused("ops", incident, "resume")
    rows = f"code,name,kind,parent,valid_to\n{STREET},昌岗街道,street,440105,2026-11-24\n"
    imported = await house.send("ops", "POST", "/v1/registry/import", {"units.csv": rows}, dry_run="false")
    assert imported.status_code == 200, imported.text
    assert (await house.refused("ops", incident, "resume"))["status"] == 403, "today it is still the street's"
    await house.advance(seconds=16 * 3600)
    assert (await house.act("ops", incident, "resume"))["state"] == "calling"
