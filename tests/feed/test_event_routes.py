"""`GET /v1/events` as its readers meet it: who sees what, filters, waits, cursors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.feed import newest
from service.rules.words import EventType
from service.store.log import feed
from tests.house import CELL, COMMUNITY, STREET, House
from tests.shapes import without_words

pytestmark = pytest.mark.anyio

OTHER_CELL = "440105001001001"


async def all_of(house: House, who: str, **query: Any) -> list[Any]:
    """Everything `who` may see, page by page."""
    await house.sealed()
    items: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = await house.get(who, "/v1/events", **after, **query)
        items += page["items"]
        if after.get("after") == page["next_cursor"]:
            return items
        after = {"after": page["next_cursor"]}


def subjects(events: list[Any]) -> set[str]:
    return {event["subject"] for event in events if "subject" in event}


async def test_each_sees_its_area_its_audience_or_everything(house: House) -> None:
    here = await house.report()
    there = await house.report("stranger", grid_code=OTHER_CELL)
    for who in ("worker", "colleague", "community", "street"):
        assert subjects(await all_of(house, who)) == {here["id"]}, who
    for who in ("stranger", "other_street"):
        assert subjects(await all_of(house, who)) == {there["id"]}, who
    for who in ("department", "leader"):
        assert await all_of(house, who) == [], who
    for who in ("auditor", "ops"):
        assert subjects(await all_of(house, who)) == {here["id"], there["id"]}, who
        assert any("subject" not in event for event in await all_of(house, who)), "keys and imports, too"


async def test_a_unit_that_is_called_later_sees_from_then_on(house: House) -> None:
    incident = await house.report()
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="beyond_powers", reason="不在权限内")
    seen = await all_of(house, "department")
    assert seen and subjects(seen) == {incident["id"]}
    assert seen[0]["sequence"] > "0000000001"
    assert len(seen) < len(await all_of(house, "worker"))


async def test_an_event_is_a_cloud_event(house: House) -> None:
    incident = await house.report()
    [reported, opened] = await all_of(house, "worker")
    assert reported["specversion"] == "1.0" and reported["source"] == "/sihu/440105"
    assert (reported["type"], opened["type"]) == ("sihu.incident.reported", "sihu.call.opened")
    assert reported["subject"] == incident["id"] == reported["data"]["incident"]["id"]
    assert [reported["sequence"], opened["sequence"]] == ["0000000001", "0000000002"]
    assert reported["id"].rpartition("-")[0] == opened["id"].rpartition("-")[0]
    assert reported["time"].endswith("Z")
    timeline = await house.get("worker", f"/v1/incidents/{incident['id']}/timeline")
    assert [without_words(each) for each in timeline["items"]] == [reported, opened]


async def test_filters_narrow_what_is_seen_and_widen_nothing(house: House) -> None:
    here = await house.report()
    await house.report("stranger", grid_code=OTHER_CELL)
    opened = await all_of(house, "ops", types="sihu.call.opened,sihu.call.raised", area=STREET)
    assert [(event["type"], event["subject"]) for event in opened] == [("sihu.call.opened", here["id"])]
    assert subjects(await all_of(house, "ops", unit=COMMUNITY)) == {here["id"]}
    assert await all_of(house, "stranger", area=CELL) == []
    assert await all_of(house, "stranger", unit=COMMUNITY) == []


async def test_pages_of_one_go_through_every_event_once(house: House) -> None:
    for _ in range(3):
        await house.report()
    assert await all_of(house, "street", limit=1) == await all_of(house, "street")


async def test_now_starts_at_the_end_and_a_wait_is_woken(house: House) -> None:
    await house.report()
    await house.sealed()
    end = (await house.get("worker", "/v1/events", after="now"))["next_cursor"]
    waits = asyncio.create_task(house.get("worker", "/v1/events", after=end, wait=20))
    elsewhere = asyncio.create_task(house.get("stranger", "/v1/events", after=end, wait=1))
    await asyncio.sleep(0.05)
    incident = await house.report()
    page = await waits
    assert subjects(page["items"]) == {incident["id"]} and page["next_cursor"] != end
    assert await elsewhere == {"items": [], "next_cursor": end}


async def test_a_filter_that_matches_little_moves_the_cursor_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await house.report()
    for _ in range(4):
        await house.report("stranger", grid_code=OTHER_CELL)
    await house.act("worker", first, "comment", text="还在")
    await house.sealed()
    monkeypatch.setattr(feed, "SCAN", 2)
    monkeypatch.setattr(newest, "_WARM_EVENTS", 0)
    cursors: list[str] = []
    while True:
        query = {"after": cursors[-1]} if cursors else {}
        page = await house.get("auditor", "/v1/events", types="sihu.incident.commented", **query)
        cursors.append(page["next_cursor"])
        if page["items"]:
            break
    assert [event["type"] for event in page["items"]] == ["sihu.incident.commented"]
    assert len(set(cursors)) == len(cursors) >= 5
    async with asyncio.timeout(5):  # there is more behind: it is not held
        held = await house.get("auditor", "/v1/events", types="sihu.incident.rated", wait=60)
    assert held == {"items": [], "next_cursor": cursors[0]}


async def test_a_misspelt_event_type_is_refused_with_the_known_ones(house: House) -> None:
    """It would be an empty feed for ever: nobody would notice."""
    for wrong in ("sihu.call.missd", "missed", "sihu.call.missed,sihu.call.opend"):
        refusal = await house.send("auditor", "GET", "/v1/events", types=wrong)
        assert refusal.status_code == 422
        [fault] = refusal.json()["errors"]
        assert fault["pointer"].startswith("?types/")
        assert "Did you mean sihu.call." in fault["detail"] or wrong == "missed"
        assert (fault["rule"], fault["allowed"]) == ("not_one_of", [each.value for each in EventType])
        assert all(known in fault["detail"] for known in EventType)


async def test_event_types_are_separated_by_commas(house: House) -> None:
    await house.report()
    await house.sealed()
    found = await house.get("auditor", "/v1/events", types="sihu.incident.reported,sihu.call.opened")
    assert [each["type"] for each in found["items"]] == ["sihu.incident.reported", "sihu.call.opened"]


async def test_any_number_may_wait_and_hold_no_connection(house: House) -> None:
    await house.sealed()
    many = 3 * house.process.settings.pool_size
    await house.key("worker")
    waits = [asyncio.create_task(house.get("worker", "/v1/events", after="now", wait=30)) for _ in range(many)]
    await asyncio.sleep(0.3)
    async with asyncio.timeout(5):
        incident = await house.report()
        pages = await asyncio.gather(*waits)
    assert all(subjects(page["items"]) == {incident["id"]} for page in pages)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"after": "WzFd"}, 400, "bad_cursor"),
        ({"limit": "0"}, 422, "validation_failed"),
        ({"limit": "501"}, 422, "validation_failed"),
        ({"wait": "61"}, 422, "validation_failed"),
        ({"typo": "1"}, 422, "validation_failed"),
        ({"area": "%"}, 422, "validation_failed"),
    ],
)
async def test_bad_questions_get_one_clear_problem(house: House, query: dict[str, Any], status: int, code: str) -> None:
    answer = await house.send("worker", "GET", "/v1/events", **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_client_that_hangs_up_ends_its_wait(house: House) -> None:
    key, sent = await house.key("worker"), []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/v1/events", "raw_path": b"/v1/events", "query_string": b"after=now&wait=60", "root_path": "",
        "headers": [(b"authorization", f"Bearer {key}".encode())], "client": ("x", 1), "server": ("house", 80),
    }  # fmt: skip
    told = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(told)

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(5):
        await house.app(scope, receive, send)
