"""The newest events are read once in a process for all who wait, and only while somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from service.feed import newest as module
from service.feed.newest import Newest
from service.rules.errors import Unavailable
from tests.feed.test_event_routes import all_of, subjects
from tests.house import House

pytestmark = pytest.mark.anyio

NOTHING = {"types": "sihu.call.appeal_refused"}
PEOPLE = ("worker", "colleague", "community", "street", "auditor", "ops")


class Reads:
    """The statements that read events, by whoever they are sent."""

    def __init__(self, house: House) -> None:
        self.count = 0
        for lane in (house.process.lanes.parts, house.process.lanes.people):
            event.listen(lane.engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.count += "FROM log_batch JOIN LATERAL" in statement


@pytest.fixture
async def readers(house: House) -> AsyncIterator[list[asyncio.Task[httpx.Response]]]:
    """Tasks that end with the test."""
    tasks: list[asyncio.Task[httpx.Response]] = []
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def waiting(house: House, many: int, **query: Any) -> list[asyncio.Task[httpx.Response]]:
    """Readers of several people that wait at the end of the log."""
    for who in PEOPLE:
        await house.key(who)
    await house.report()  # numbered after the keys, of which nobody told the tail
    await house.sealed()
    before = len(house.process.held)
    polls = [
        asyncio.create_task(house.send(PEOPLE[n % len(PEOPLE)], "GET", "/v1/events", after="now", wait=20, **query))
        for n in range(many)
    ]
    async with asyncio.timeout(10):
        while len(house.process.held) < before + many:
            await asyncio.sleep(0.01)
    return polls


async def test_new_events_are_read_once_for_all_who_wait(
    house: House, readers: list[asyncio.Task[httpx.Response]]
) -> None:
    polls = await waiting(house, 60)
    readers += polls
    reads = Reads(house)
    incident = await house.report()
    async with asyncio.timeout(10):
        answers = [answer.json() for answer in await asyncio.gather(*polls)]
    assert all(subjects(answer["items"]) == {incident["id"]} for answer in answers)
    assert len({answer["next_cursor"] for answer in answers}) == 1
    assert reads.count == 1


async def test_a_filter_that_matches_nothing_costs_no_read(
    house: House, readers: list[asyncio.Task[httpx.Response]]
) -> None:
    polls = await waiting(house, 60, **NOTHING)
    readers += polls
    reads = Reads(house)
    for round_ in range(1, 4):
        await house.report()
        await house.sealed()
        await asyncio.sleep(0.1)
        assert reads.count <= round_
    assert not any(poll.done() for poll in polls)


async def test_nothing_is_read_while_nobody_waits(
    house: House, readers: list[asyncio.Task[httpx.Response]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_INTEREST_S", 0.1)
    [poll] = readers[:] = await waiting(house, 1)
    await house.report()
    assert (await poll).status_code == 200
    await asyncio.sleep(0.3)
    reads = Reads(house)
    await house.report()
    await house.sealed()
    await asyncio.sleep(0.2)
    assert reads.count == 0


async def test_an_empty_wait_gives_the_same_cursor_back(house: House) -> None:
    await house.report()
    first = await house.get("worker", "/v1/events")
    for _ in range(2):
        waits = asyncio.create_task(house.get("worker", "/v1/events", after=first["next_cursor"], wait=1, **NOTHING))
        await asyncio.sleep(0.2)
        await house.report()
        assert await waits == {"items": [], "next_cursor": first["next_cursor"]}


async def test_waiting_readers_miss_nothing_and_get_nothing_twice(house: House) -> None:
    """Whatever their page size, and while others write."""
    reading = [
        asyncio.create_task(_follow(house, who, limit)) for who in ("worker", "auditor") for limit in (1, 3, 500)
    ]
    for _ in range(12):
        await asyncio.gather(*(house.report() for _ in range(4)))
    found = await asyncio.gather(*reading)
    for who, seen in zip(("worker", "worker", "worker", "auditor", "auditor", "auditor"), found, strict=True):
        everything = await all_of(house, who)
        assert seen == [each["id"] for each in everything if "subject" in each], who


async def _follow(house: House, who: str, limit: int) -> list[str]:
    """The ids of the events of 48 reports."""
    seen: list[str] = []
    after: dict[str, str] = {}
    while len(seen) < 96:
        page = await house.get(who, "/v1/events", wait=20, limit=limit, **after)
        after = {"after": page["next_cursor"]}
        seen += [each["id"] for each in page["items"] if "subject" in each]
    return seen


async def test_too_long_a_stretch_is_read_by_its_readers(
    house: House, readers: list[asyncio.Task[httpx.Response]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 3)
    polls = await waiting(house, 6)
    readers += polls
    body = {"grid_code": "440105003001001", "category": "urban-0110", "description": "巷口垃圾堆积"}
    await house.send("worker", "POST", "/v1/incidents/batch", {"items": [body] * 5})
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*polls)
    assert {len(answer.json()["items"]) for answer in answers} == {10}


async def test_a_log_that_was_taken_back_leaves_nothing_in_memory(
    house: House, readers: list[asyncio.Task[httpx.Response]]
) -> None:
    newest, tail = house.process.context.part(Newest), house.process.tail
    polls = await waiting(house, 3, **NOTHING)
    readers += polls
    await house.report()
    await house.sealed()
    async with asyncio.timeout(30):
        while not newest._events:
            await asyncio.sleep(0.01)
        await tail._begin_anew()
        while newest._events or newest._end.position != tail.position:
            await asyncio.sleep(0.01)
    incident = await house.report()
    await house.sealed()  # or it is numbered between the look at the end of the log and the page
    [page] = await asyncio.gather(house.get("worker", "/v1/events", after="now", wait=0))
    assert page["items"] == []
    assert subjects(await all_of(house, "worker")) >= {incident["id"]}


async def test_few_readers_go_to_the_database_at_once(house: House) -> None:
    newest = house.process.context.part(Newest)
    inside = [newest.behind(1) for _ in range(3)]
    for each in inside:
        await each.__aenter__()
    with pytest.raises(Unavailable):
        async with newest.behind(0.05):
            pass
    for each in inside:
        await each.__aexit__(None, None, None)
    async with newest.behind(0.05):
        pass
