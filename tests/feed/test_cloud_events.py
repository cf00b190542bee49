"""The timeline of an incident beside the feed: the same events, numbered or not."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.feed import cloud_events
from service.rules.model import Actor
from service.rules.sight import Viewer
from service.rules.words import Role
from tests.house import START, House

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
    assert timeline == [each for each in feed if each["subject"] == incident["id"]]
    assert [each["sequence"][-1] for each in timeline] == ["1", "2", "3"]


async def test_an_unknown_incident_has_an_empty_timeline(house: House) -> None:
    """Whether the viewer sees the incident is for the caller to ask."""
    viewer = Viewer(Actor(Role.OPS, "ops"), house.process.worlds.world, START)
    page = await cloud_events.timeline(house.process.database, viewer, UUID(int=1))
    assert page == {"items": [], "next_cursor": None}
