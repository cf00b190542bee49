"""The timeline of an incident beside the feed: the same events, numbered or not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from service.feed import cloud_events
from service.rules.model import Actor
from service.rules.sight import Viewer
from service.rules.words import Role, State
from service.shown.aspect import aspect_of
from service.web.paging import PageQuery
from tests.house import COMMUNITY, START, House
from tests.rules.builders import an_incident
from tests.shapes import without_words

pytestmark = pytest.mark.anyio


async def test_a_timeline_shows_events_before_they_are_numbered(house: House) -> None:
    await house.sealed()
    await house.process.tail.stop()
    incident = await house.report()
    timeline = await house.get("worker", f"/v1/incidents/{incident['id']}/timeline")
    assert [each["type"] for each in timeline["items"]] == ["sihu.incident.reported", "sihu.call.opened"]
    assert timeline["next_cursor"] is None
    assert (await house.get("worker", "/v1/events"))["items"] == []


async def test_a_timeline_is_the_feed_of_one_incident(house: House) -> None:
    incident, other = await house.report(), await house.report()
    await house.act("community", incident, "answer", measure="派人清理")
    await house.act("worker", other, "comment", text="还在")
    await house.sealed()
    timeline = (await house.get("worker", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    feed = (await house.get("worker", "/v1/events"))["items"]
    assert [without_words(each) for each in timeline] == [each for each in feed if each["subject"] == incident["id"]]
    assert [each["data"]["by"]["subject"] for each in timeline] == ["worker", "worker", COMMUNITY]
    assert [each["sequence"][-1] for each in timeline] == ["1", "2", "3"]


async def test_an_unknown_incident_has_an_empty_timeline(house: House) -> None:
    """Whether the viewer sees the incident is for the caller to ask."""
    aspect = aspect_of(Viewer(Actor(Role.OPS, "ops"), house.process.worlds.world, START), an_incident(State.CALLING))
    wanted = cloud_events.wanted(house.process.context, "ops", UUID(int=1), PageQuery())
    page = await cloud_events.timeline(house.process.context, aspect, wanted)
    assert page == {"items": [], "next_cursor": None}


async def test_a_timeline_comes_page_by_page(house: House) -> None:
    incident = await house.report()
    for _ in range(5):
        await house.act("worker", incident, "comment", text="还在")
    path = f"/v1/incidents/{incident['id']}/timeline"
    whole = await house.get("worker", path, limit=500)
    assert whole["next_cursor"] is None
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = await house.get("worker", path, limit=3, **after)
        found += page["items"]
        if page["next_cursor"] is None:
            break
        after = {"cursor": page["next_cursor"]}
        if len(found) == 3:
            await house.act("worker", incident, "comment", text="又来了")
    assert [int(each["sequence"]) for each in found] == list(range(1, 9))
    assert found[:7] == whole["items"]


@pytest.mark.clause("API1:2023")
async def test_a_cursor_is_good_for_its_timeline_and_subject(house: House) -> None:
    one, other = await house.report(), await house.report()
    path = "/v1/incidents/{}/timeline".format
    cursor = (await house.get("worker", path(one["id"]), limit=1))["next_cursor"]
    for who, incident in (("worker", other), ("street", one)):
        answer = await house.send(who, "GET", path(incident["id"]), cursor=cursor)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
    for query in ({"limit": 501}, {"limit": 0}, {"after": "x"}):
        assert (await house.send("worker", "GET", path(one["id"]), **query)).status_code == 422
    assert (await house.send("stranger", "GET", path(one["id"]))).status_code == 404
