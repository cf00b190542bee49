"""A held request ends with what it waits for, or with its client."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import Request
from starlette.types import Message

from service.web import waiting
from service.web.waiting import HeldRequests

pytestmark = pytest.mark.anyio


def a_request(gone: asyncio.Event, method: str = "GET") -> Request:
    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": method}, receive)


async def test_the_result_is_what_was_waited_for() -> None:
    request = a_request(asyncio.Event())
    assert not waiting.was_held(request.scope)
    assert await waiting.while_connected(request, asyncio.sleep(0, "news")) == "news"
    assert waiting.was_held(request.scope)


async def test_a_client_that_hangs_up_ends_the_wait() -> None:
    gone, cancelled = asyncio.Event(), asyncio.Event()

    async def wait() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "never"

    held = asyncio.create_task(waiting.while_connected(a_request(gone), wait()))
    await asyncio.sleep(0)
    gone.set()
    async with asyncio.timeout(5):
        assert await held is None
    assert cancelled.is_set()


async def test_head_never_waits() -> None:
    request = a_request(asyncio.Event(), "HEAD")
    assert await waiting.while_connected(request, asyncio.sleep(60, "news")) is None
    assert not waiting.was_held(request.scope)


async def test_a_release_lets_go_whoever_waits() -> None:
    held, request = HeldRequests(), a_request(asyncio.Event())
    request.scope["state"] = held.as_state()
    waits = asyncio.create_task(waiting.while_connected(request, asyncio.sleep(60, "news")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    held.release()
    async with asyncio.timeout(5):
        assert await waits is None
        assert await waiting.while_connected(request, asyncio.sleep(60, "news")) is None
    assert not held.works


async def test_a_fault_of_the_wait_is_raised() -> None:
    async def fail() -> str:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await waiting.while_connected(a_request(asyncio.Event()), fail())
