"""A held request ends with what it waits for, with its client, with its key, or with the process."""

from __future__ import annotations

import asyncio
import time

import pytest
from fastapi import Request
from starlette.types import Message, Scope

from service.rules.errors import Unauthorized, Unavailable
from service.rules.sentences import Sentence
from service.web import waiting
from service.web.waiting import HeldRequests, Wakeups

pytestmark = pytest.mark.anyio


def a_request(gone: asyncio.Event | None = None, method: str = "GET", **scope: str) -> Request:
    gone = gone or asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": method, **scope}, receive)


async def good(scope: Scope) -> None:
    if scope.get("key") == "revoked":
        raise Unauthorized(Sentence("This key is unknown here, revoked or expired. Ask ops for a new one."))


def answer() -> None:
    """What an answer costs."""
    time.sleep(0.001)


async def for_ever() -> str:
    await asyncio.Event().wait()
    return "never"


async def test_the_result_is_what_was_waited_for() -> None:
    request, holds = a_request(), HeldRequests(good)
    assert not waiting.was_held(request.scope)
    held = asyncio.create_task(holds.while_connected(request, asyncio.sleep(0.01, "news")))
    await asyncio.sleep(0)
    assert len(holds) == 1
    assert await held == "news"
    assert waiting.was_held(request.scope) and len(holds) == 0


async def test_a_client_that_hangs_up_ends_the_wait() -> None:
    gone, cancelled = asyncio.Event(), asyncio.Event()

    async def wait() -> str:
        try:
            return await for_ever()
        finally:
            cancelled.set()

    held = asyncio.create_task(HeldRequests(good).while_connected(a_request(gone), wait()))
    await asyncio.sleep(0)
    gone.set()
    async with asyncio.timeout(5):
        assert await held is None
    assert cancelled.is_set()


async def test_head_never_waits() -> None:
    request = a_request(method="HEAD")
    assert await HeldRequests(good).while_connected(request, asyncio.sleep(60, "news")) is None
    assert not waiting.was_held(request.scope)


async def test_a_fault_of_the_wait_is_raised() -> None:
    async def fail() -> str:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await HeldRequests(good).while_connected(a_request(), fail())


async def test_a_key_that_ends_ends_its_holds_alone() -> None:
    holds, ends, stays = HeldRequests(good), a_request(), a_request()
    ended, stayed = (asyncio.create_task(holds.while_connected(each, for_ever())) for each in (ends, stays))
    await asyncio.sleep(0)
    ends.scope["key"] = "revoked"
    await holds.look_again()
    async with asyncio.timeout(10):
        with pytest.raises(Unauthorized):
            await ended
    assert not stayed.done() and len(holds) == 1
    stayed.cancel()
    await asyncio.gather(stayed, return_exceptions=True)


async def test_an_outage_at_a_look_spares_no_other_hold() -> None:
    """A session may have to be read from the database, which may be away just then."""

    async def look(scope: Scope) -> None:
        if scope.get("session") == "unread":
            raise Unavailable(Sentence("The service is starting. Send the same request again."))
        await good(scope)

    holds = HeldRequests(look)
    unread, ended = a_request(session="unread"), a_request(key="revoked")
    polls = [asyncio.create_task(holds.while_connected(each, for_ever())) for each in (unread, ended)]
    await asyncio.sleep(0.01)
    await holds.look_again()
    with pytest.raises(Unauthorized):
        await polls[1]
    assert not polls[0].done(), "it is looked at once more before it is answered"
    holds.release()
    with pytest.raises(Unavailable):
        await polls[0]


async def test_the_key_is_looked_at_again_before_news_are_sent() -> None:
    request = a_request(key="revoked")
    with pytest.raises(Unauthorized):
        await HeldRequests(good).while_connected(request, asyncio.sleep(0, "news"))


async def test_all_holds_end_when_the_process_stops() -> None:
    holds = HeldRequests(good)
    held = [asyncio.create_task(holds.while_connected(a_request(), for_ever())) for _ in range(3)]
    await asyncio.sleep(0)
    holds.release()
    async with asyncio.timeout(10):
        assert await asyncio.gather(*held) == [None, None, None]
        assert await holds.while_connected(a_request(), for_ever()) is None


async def test_many_are_woken_in_order_a_few_at_once() -> None:
    wakeups, woken = Wakeups(), list[int]()
    loop = asyncio.get_running_loop()
    waiters: list[asyncio.Future[None]] = [loop.create_future() for _ in range(40)]

    async def wait(number: int) -> None:
        await waiters[number]
        woken.append(number)
        answer()

    tasks = [asyncio.create_task(wait(number)) for number in range(40)]
    await asyncio.sleep(0)
    waiters[7].cancel()
    for waiter in waiters:
        wakeups.wake(waiter)
    most = 0
    while not all(task.done() for task in tasks):
        before = len(woken)
        await asyncio.sleep(0)
        most = max(most, len(woken) - before)
    assert woken == [number for number in range(40) if number != 7]
    assert most <= 8
