"""The share of a subject: turns at the database in the order of coming, waits, and the bucket of writes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from service.rules.errors import TooMany, Unavailable
from service.web import shares
from service.web.shares import MAX_AT_DATABASE, MAX_REFUSAL_S, MAX_WAITING, MAX_WRITES, Share, Shares

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def full(share: Share) -> AsyncIterator[None]:
    """All turns of the share are taken while the block lasts."""
    for _ in range(MAX_AT_DATABASE):
        await share.enter()
    yield
    for _ in range(MAX_AT_DATABASE):
        share.leave()


async def test_turns_go_in_the_order_of_coming() -> None:
    share, came = Share(0.0), list[int]()

    async def come(number: int) -> None:
        await share.enter()
        came.append(number)

    async with full(share):
        tasks = [asyncio.create_task(come(number)) for number in range(3)]
        await asyncio.sleep(0)
        assert (share.waiting, came) == (3, [])
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)
    await asyncio.gather(tasks[0], tasks[2])
    assert (share.waiting, came) == (0, [0, 2])


async def test_a_turn_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MAX_TURN_S", 0.05)
    share = Share(0.0)
    async with full(share):
        with pytest.raises(Unavailable):
            await share.enter()
    async with asyncio.timeout(10), full(share):  # no turn was lost
        pass


async def test_a_turn_given_to_nobody_goes_to_the_next() -> None:
    """The turn comes in the very moment in which its request is given up."""
    share = Share(0.0)
    for _ in range(MAX_AT_DATABASE):
        await share.enter()
    first, second = (asyncio.create_task(share.enter()) for _ in range(2))
    await asyncio.sleep(0)
    share.leave()
    first.cancel()
    async with asyncio.timeout(10):
        await second


async def test_a_request_takes_one_turn_however_deep_it_reads() -> None:
    share = Share(0.0)
    token = shares.take(share)
    try:
        async with asyncio.timeout(10), shares.at_database(), shares.at_database():
            for _ in range(MAX_AT_DATABASE - 1):
                await share.enter()
            await asyncio.gather(*(_briefly() for _ in range(3)))
            assert share.waiting == 0
    finally:
        shares.give_back(token)
    await asyncio.wait_for(share.enter(), 1)


async def _briefly() -> None:
    async with shares.at_database():
        await asyncio.sleep(0)


async def test_what_no_request_began_needs_no_turn() -> None:
    async with shares.at_database():
        with shares.waiting():
            pass


async def test_the_sixty_fifth_does_not_wait() -> None:
    share = Share(0.0)
    with contextlib.ExitStack() as waits:
        for _ in range(MAX_WAITING):
            waits.enter_context(share.wait())
        with pytest.raises(TooMany), share.wait():
            pass
    assert share.waiting == 0


async def test_what_can_neither_work_nor_wait_is_not_admitted() -> None:
    share = Share(0.0)
    for _ in range(MAX_AT_DATABASE + MAX_WAITING):
        share.admit()
    with pytest.raises(TooMany):
        share.admit()
    assert share.open == MAX_AT_DATABASE + MAX_WAITING


async def test_the_bucket_fills_by_fifty_a_second() -> None:
    share = Share(100.0)
    for left in range(MAX_WRITES, 0, -1):
        assert share.writes(100.0)[0] == left
        share.take_write(100.0)
    assert share.writes(100.0) == (0, 10)
    with pytest.raises(TooMany) as refused:
        share.take_write(100.0)
    assert refused.value.retry_after_s == 1
    share.take_write(100.03)
    assert share.writes(109.0) == (449, 2)
    assert not share.is_idle(109.0) and share.is_idle(120.0)
    assert share.writes(500.0) == (MAX_WRITES, 0)


async def test_refusals_in_quick_succession_take_their_time() -> None:
    share = Share(0.0)
    delays = [share.refusal_delay_s(0.0) for _ in range(400)]
    assert delays[:50] == pytest.approx([0.0] * 50)
    assert delays[99] == pytest.approx(1.0)
    assert delays == sorted(delays)
    assert delays[-1] == MAX_REFUSAL_S
    assert share.refusal_delay_s(60.0) == 0.0


async def test_idle_shares_are_dropped() -> None:
    many = Shares()
    busy = many.of("busy")
    busy.admit()
    for number in range(5_000):
        many.of(f"subject-{number}")
    assert len(many) <= 1_000
    assert many.of("busy") is busy
