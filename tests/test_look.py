"""A look is made once for all who ask at the same time, and nobody waits for it for long."""

from __future__ import annotations

import asyncio

import pytest

from service.look import Look

pytestmark = pytest.mark.anyio


async def test_a_look_is_shared_by_all_who_ask_meanwhile() -> None:
    looked, seen = 0, asyncio.Event()

    async def look() -> int:
        nonlocal looked
        looked += 1
        await seen.wait()
        return looked

    shared: Look[int] = Look()
    asking = [asyncio.create_task(shared.within(5, look)) for _ in range(10)]
    await asyncio.sleep(0)
    seen.set()
    assert await asyncio.gather(*asking) == [1] * 10
    assert await shared.within(5, look) == 2


async def test_a_look_that_takes_long_is_left_to_the_next() -> None:
    seen = asyncio.Event()

    async def look() -> str:
        await seen.wait()
        return "late"

    shared: Look[str] = Look()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await shared.within(0.01, look)
    seen.set()
    assert await shared.within(5, look) == "late"


async def test_a_look_under_way_ends_with_the_process() -> None:
    shared: Look[None] = Look()
    with pytest.raises(TimeoutError):
        await shared.within(0.01, lambda: asyncio.sleep(60))
    async with asyncio.timeout(5):
        await shared.stop()
