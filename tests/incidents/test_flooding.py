"""The end of a flood over HTTP: what is closed and what stays, page by page, and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from service.incidents import flooding
from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio

HOUR = 3600
FLOOD = {
    "reporter": "worker",
    "from": "2026-11-23T09:00:00+08:00",
    "to": "2026-11-23T10:00:00+08:00",
    "reason": "同一账号重复上报",
}


async def _batch(house: House, many: int, who: str = "worker", **fields: Any) -> list[Any]:
    item = {"grid_code": CELL, "category": CATEGORY, "description": "垃圾", "urgency": "urgent", **fields}
    answer = await house.send(who, "POST", "/v1/incidents/batch", {"items": [item] * many})
    assert {each["status"] for each in answer.json()["results"]} == {201}, answer.text
    return [each["incident"] for each in answer.json()["results"]]


async def _ended(house: House, **changed: Any) -> Any:
    answer = await house.send("ops", "POST", "/v1/incidents/flood", {**FLOOD, **changed})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_flood_is_closed_and_nobody_is_judged_by_it(house: House) -> None:
    flood = await _batch(house, 12)
    [other] = await _batch(house, 1, who="colleague")
    await house.act("community", flood[0], "resolve", result="真的有")
    await house.act("community", flood[1], "answer", measure="去看")
    await house.act("community", flood[2], "hold", until="2026-11-25T09:00:00+08:00", reason="等")
    await house.act("street", flood[2], "requests/1/approve")
    await house.act("worker", flood[3], "withdraw", reason="错了")
    await house.advance(seconds=HOUR)
    [later] = await _batch(house, 1)
    await house.advance(seconds=1)
    [last] = await _batch(house, 1)
    assert await _ended(house) == {"closed": 11, "exempted": 16}, "of eight, two calls each were missed"
    shown = [await house.get("ops", f"/v1/incidents/{each['id']}") for each in (*flood, other, later, last)]
    assert [each["state"] for each in shown[:5]] == ["resolved", "closed", "closed", "closed", "closed"]
    assert [each["closed_as"] for each in shown[:5]] == [None, "void", "void", "withdrawn", "void"]
    assert [each["state"] for each in shown[12:]] == ["calling", "closed", "calling"]
    *missed, now = shown[5]["calls"]
    assert [(each["outcome"], each["exempt"]) for each in missed] == [("no_answer", True)] * 2
    assert (now["outcome"], now["end_code"], now["end_reason"]) == ("closed", "flood", FLOOD["reason"])
    assert shown[12]["calls"][0]["exempt"] is False, "a colleague's report counts"
    events = (await house.get("ops", f"/v1/incidents/{flood[5]['id']}/timeline"))["items"]
    assert [each["type"] for each in events[-3:]] == ["sihu.incident.closed", *["sihu.call.exempted"] * 2]
    assert (events[-3]["data"]["reason_code"], events[-3]["data"]["by"]["kind"]) == ("flood", "ops")
    assert await _ended(house) == {"closed": 0, "exempted": 0}
    assert [await house.get("ops", f"/v1/incidents/{each['id']}") for each in shown] == shown, "nothing is done twice"


async def test_only_its_reporter_reopens_what_was_flooded(house: House) -> None:
    incident, _ = await _batch(house, 2)
    assert (await _ended(house))["closed"] == 2
    assert (await house.refused("street", incident, "reopen", reason="r"))["status"] == 403
    reopened = await house.act("worker", incident, "reopen", reason="确有其事")
    assert (reopened["state"], reopened["level_name"]) == ("calling", "street")


async def test_a_flood_ends_page_by_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flooding, "MAX_CLOSED", 4)
    await _batch(house, 10)
    assert [(await _ended(house))["closed"] for _ in range(4)] == [4, 4, 2, 0]


async def test_a_flood_ends_with_nothing_left_to_exempt(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops at 0 has left nothing undone, however many pages were closed before."""
    monkeypatch.setattr(flooding, "MAX_CLOSED", 4)
    flood = await _batch(house, 11)
    await house.advance(seconds=HOUR // 2)
    for incident in flood[:10]:
        await house.act("worker", incident, "withdraw", reason="错了")
    assert await _ended(house) == {"closed": 1, "exempted": 5}
    assert await _ended(house) == {"closed": 0, "exempted": 6}
    shown = [await house.get("ops", f"/v1/incidents/{each['id']}") for each in flood]
    assert {each["calls"][0]["exempt"] for each in shown} == {True}


async def test_a_withdrawn_one_that_was_answered_late_is_exempt(house: House) -> None:
    """Answered after the deadline, before the clock fired: late, though the clock had no part in it."""
    [incident] = await _batch(house, 1)
    await house.act("community", incident, "answer", measure="去看")
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE call SET answered_at = answer_by + interval '1 second'"))
    await house.act("worker", incident, "withdraw", reason="错了")
    assert await _ended(house) == {"closed": 0, "exempted": 1}


async def test_two_floods_at_once_close_each_incident_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both choose the same page first: whoever is later takes the next one, and does not say that nothing is left."""
    monkeypatch.setattr(flooding, "MAX_CLOSED", 4)
    flood = await _batch(house, 8)
    done = await asyncio.gather(_ended(house), _ended(house))
    assert [each["closed"] for each in done] == [4, 4]
    events = [await house.get("ops", f"/v1/incidents/{each['id']}/timeline") for each in flood]
    closed = [sum(each["type"] == "sihu.incident.closed" for each in page["items"]) for page in events]
    assert closed == [1] * 8
    assert (await _ended(house))["closed"] == 0


async def test_what_was_closed_before_is_exempt_as_well(house: House) -> None:
    """Missed by the community, and called no incident by the street."""
    [incident] = await _batch(house, 1)
    await house.advance(seconds=HOUR // 2)
    await house.act("street", incident, "void", reason_code="not_an_incident", reason="没有")
    assert await _ended(house) == {"closed": 0, "exempted": 1}
    shown = await house.get("ops", f"/v1/incidents/{incident['id']}")
    assert ([call["exempt"] for call in shown["calls"]], shown["version"]) == ([True, False], 4)


async def test_who_reported_nothing_has_flooded_nothing(house: House) -> None:
    assert await _ended(house, reporter="nobody-7") == {"closed": 0, "exempted": 0}
