"""A queue page is read once for all who want it at the same moment, and nobody gets one older than its tag."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from service.queues.pages import PageKey, QueuePage, SharedPages
from service.rules.errors import TooMany, Unavailable
from service.rules.sentences import Sentence
from service.rules.sight import EVERYTHING, NOTHING
from service.rules.words import Role
from tests.house import COMMUNITY, STREET, House

pytestmark = pytest.mark.anyio

QUEUE = f"/v1/queues/{COMMUNITY}"
KEY = PageKey(COMMUNITY, ("calling",), None, 50, EVERYTHING, (COMMUNITY, Role.UNIT, COMMUNITY), 'W/"1"')


class Reader:
    """A slow read that counts how often it is done."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.times = 0
        self.go = asyncio.Event()
        self._fault = fault

    async def __call__(self) -> QueuePage:
        self.times += 1
        page = QueuePage(b"[%d]" % self.times, None)
        await self.go.wait()
        if self._fault and self.times == 1:
            raise self._fault
        return page


async def together(pages: SharedPages, read: Reader, *wanted: tuple[PageKey, int, bool]) -> list[Any]:
    tasks = [asyncio.create_task(pages.page(key, commits, read, woken=woken)) for key, commits, woken in wanted]
    await asyncio.sleep(0)
    read.go.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_those_who_come_during_a_reading_share_it() -> None:
    read = Reader()
    found = await together(SharedPages(), read, (KEY, 7, False), (KEY, 7, False), (KEY, 7, True), (KEY, 8, True))
    assert read.times == 1 and {page.items for page in found} == {b"[1]"}


async def test_another_page_tag_or_sight_is_read_for_itself() -> None:
    read = Reader()
    others = [KEY._replace(tag='W/"2"'), KEY._replace(sight=NOTHING), KEY._replace(limit=51), KEY._replace(unit=STREET)]
    await together(SharedPages(), read, *((key, 7, True) for key in (KEY, *others)))
    assert read.times == 5


async def test_who_has_committed_since_reads_anew() -> None:
    read = Reader()
    [first, second] = await together(SharedPages(), read, (KEY, 7, False), (KEY, 8, False))
    assert (first.items, second.items) == (b"[1]", b"[2]")


async def test_only_the_woken_take_what_was_read_a_moment_ago() -> None:
    pages, read = SharedPages(), Reader()
    await together(pages, read, (KEY, 7, True))
    [late] = await together(pages, read, (KEY, 9, True))
    [new] = await together(pages, read, (KEY, 7, False))
    assert (late.items, new.items) == (b"[1]", b"[2]")


async def test_a_refused_reader_leaves_the_turn_to_the_next() -> None:
    read = Reader(TooMany(Sentence("Something went wrong here, not with your request.")))
    [first, second] = await together(SharedPages(), read, (KEY, 7, True), (KEY, 7, True))
    assert isinstance(first, TooMany) and second.items == b"[2]"


async def test_a_database_is_away_for_all_who_share() -> None:
    read = Reader(Unavailable(Sentence("The service is starting. Send the same request again.")))
    found = await together(SharedPages(), read, *((KEY, 7, True) for _ in range(5)))
    assert all(isinstance(each, Unavailable) for each in found) and read.times == 1


async def test_a_hundred_woken_polls_read_the_queue_once(house: House) -> None:
    """Once for each of three subjects, to whom it looks different; the cursor that each gets is its own."""
    for _ in range(2):
        await house.report()
    people = ("community", "ops", "auditor")
    tags = {who: (await house.send(who, "GET", QUEUE)).headers["ETag"] for who in people}
    await house.sealed()
    tags = {who: (await house.send(who, "GET", QUEUE)).headers["ETag"] for who in people}
    polls = [
        asyncio.create_task(house.send(who, "GET", QUEUE, headers={"If-None-Match": tags[who]}, wait=20, limit=1))
        for who in people * 33
    ]
    async with asyncio.timeout(10):
        while len(house.process.held) < len(polls):
            await asyncio.sleep(0.01)
    reads: list[str] = []
    engine = house.process.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, said, *_: reads.append(said))
    await house.report()
    async with asyncio.timeout(10):
        answers: list[httpx.Response] = await asyncio.gather(*polls)
    pages = [said for said in reads if "AS queue" in said]
    assert {answer.status_code for answer in answers} == {200}
    changes = len({answer.headers["ETag"] for answer in answers})
    assert changes <= 2 and len(pages) <= changes * len(people)
    cursors = {who: answer.json()["next_cursor"] for who, answer in zip(people * 33, answers, strict=True)}
    assert len(set(cursors.values())) == 3
    for who, cursor in cursors.items():
        assert len((await house.get(who, QUEUE, cursor=cursor, limit=5))["items"]) == 2


async def test_a_rating_is_in_the_page_that_is_read_next(house: House) -> None:
    """A rating moves no version, and so no tag."""
    incident = await house.report()
    await house.act("community", incident, "resolve", result="已清理")
    path = f"{QUEUE}?state=resolved"
    for score in (None, 4):
        if score:
            await house.act("worker", incident, "rate", score=score)
        [row] = (await house.get("community", path))["items"]
        assert row["rating"] == score
