"""What people see of a log while the words of events from before are moved out of it: no difference, and no word in the
feed."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from service.access.new_keys import NewKey
from service.feed import old_words as parts
from service.feed.event_types import REGISTRY_DATA
from service.feed.old_words import OldWords
from service.rules.words import EventType, Role
from service.store.incidents import old_words
from service.store.log.tables import words_moved
from tests import house as houses
from tests.house import CELL, COMMUNITY, STREET, House
from tests.store.log.older_events import make_old, old_left

pytestmark = pytest.mark.anyio

PLANTED = "planted-7f3a"
"""In every word and every name of a person below, and nowhere else."""
TYPES = ",".join(each for each in EventType if each not in REGISTRY_DATA)
VIEWERS = ("planted", "colleague", "community", "street", "auditor", "ops")


@pytest.fixture
async def office(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A service whose people all have planted names and words; nothing is moved but by hand."""
    await house.process.context.part(OldWords).stop()
    worker = NewKey(Role.REPORTER, area=STREET, subject=f"{PLANTED}-worker", systems=houses.SYSTEMS)
    desk = NewKey(Role.UNIT, unit=COMMUNITY, subject=f"{PLANTED}-desk")
    monkeypatch.setitem(houses.PEOPLE, "planted", worker)
    monkeypatch.setitem(houses.PEOPLE, "desk", desk)
    return house


def _said(n: int) -> str:
    return f"{PLANTED} 第{n}句"


async def _live(house: House) -> Any:
    source = {"system": "grid-app", "ref": f"{PLANTED}-1"}
    incident = await house.report("planted", description=_said(0), source=source, grid_code=CELL)
    await house.act("planted", incident, "comment", text=_said(1))
    await house.act("desk", incident, "answer", measure=_said(2))
    await house.act("desk", incident, "raise", ground="beyond_powers", reason=_said(3))
    await house.act("street", incident, "return", reason_code="not_our_duty", reason=_said(4))
    await house.act("desk", incident, "resolve", result=_said(5))
    return incident


async def _feeds(house: House, **query: Any) -> list[bytes]:
    """What each viewer reads of incidents, as bytes."""
    answers = [await house.send(who, "GET", "/v1/events", types=TYPES, limit=500, **query) for who in VIEWERS]
    assert all(each.status_code == 200 and each.json()["items"] for each in answers)
    return [each.content for each in answers]


async def _items(house: House) -> list[Any]:
    return [json.loads(each)["items"] for each in await _feeds(house)]


async def _timeline(house: House, incident: Any, who: str = "ops") -> Any:
    return (await house.get(who, f"/v1/incidents/{incident['id']}/timeline", limit=500))["items"]


async def test_no_feed_has_a_word_or_a_person(office: House) -> None:
    start = {who: (await office.get(who, "/v1/events", after="now"))["next_cursor"] for who in VIEWERS}
    waits = [
        asyncio.create_task(office.send(who, "GET", "/v1/events", types=TYPES, after=start[who], wait=20))
        for who in VIEWERS
    ]
    incident = await _live(office)
    await office.sealed()
    held = [answer.content for answer in await asyncio.gather(*waits)]
    for content in (*held, *await _feeds(office)):
        assert PLANTED.encode() not in content
    items = await _timeline(office, incident)
    assert {each["data"]["note"] for each in items} >= {_said(n) for n in (1, 2, 3, 4, 5)}
    assert {each["data"]["by"]["subject"] for each in items} == {f"{PLANTED}-worker", f"{PLANTED}-desk", STREET}


async def test_nobody_sees_a_difference_while_words_are_moved(office: House) -> None:
    incident = await _live(office)
    await office.sealed()
    database = office.process.database
    timeline, feeds = await _timeline(office, incident), await _items(office)
    async with database.begin() as tx:
        await make_old(tx)
    mover = OldWords(office.process.context)
    has_more = True
    while has_more:
        assert await _timeline(office, incident) == timeline
        assert await _items(office) == feeds
        async with database.begin() as tx:
            moved = await old_words.step(tx, 3)
        assert moved is not None
        has_more = moved.up_to < moved.end
    assert not await mover.step(), "all is done"
    assert await _timeline(office, incident) == timeline
    assert await _items(office) == feeds
    async with database.read() as connection:
        assert await old_left(connection) == 0


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the part has said of its progress, among the lines of requests."""
    return [each.getMessage() for each in caplog.records if each.__dict__.get("event") == "old_words_moved"]


async def test_the_part_goes_on_by_itself_and_says_so(office: House, caplog: pytest.LogCaptureFixture) -> None:
    incident = await _live(office)
    await office.sealed()
    timeline = await _timeline(office, incident)
    async with office.process.database.begin() as tx:
        count = await make_old(tx)
    caplog.set_level(logging.INFO, parts.__name__)
    mover = OldWords(office.process.context)
    mover.start()
    async with asyncio.timeout(60):
        while not (told := _told(caplog)):
            await asyncio.sleep(0.01)
    await mover.stop()
    assert f"the words of {count} old events were moved" in told[-1]
    async with office.process.database.read() as connection:
        assert await old_left(connection) == 0
    assert await _timeline(office, incident) == timeline


async def test_nothing_new_needs_no_look(office: House) -> None:
    await office.sealed()
    mover = OldWords(office.process.context)
    while await mover.step():
        pass
    async with office.process.database.begin() as tx:
        await tx.execute(words_moved.delete())
    assert not await mover.step(), "it would be an error"
