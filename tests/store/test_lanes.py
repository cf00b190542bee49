"""Whoever takes all connections of one lane takes none of another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from service import engine
from service.rules.errors import Unavailable
from service.settings import Settings
from service.store import lanes
from service.store.database import Database
from service.store.lanes import Lanes
from service.store.outages import Outages

pytestmark = pytest.mark.anyio


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Lanes]:
    made = lanes.open_to(database_url, 2, Outages(logs=False))
    yield made
    await made.close()


def of(process: Lanes) -> list[Database]:
    return [process.people, process.people.patient, process.parts, process.engine, process.tail, process.probe]


@pytest.mark.clause("API4:2023", "ASVS 15.2.2")
async def test_an_exhausted_lane_takes_nothing_from_the_others(process: Lanes) -> None:
    async with process.people.begin(), process.people.begin():
        for lane in of(process)[1:]:
            await lane.ping()
        with pytest.raises(Unavailable) as refusal:
            await process.people.ping()
    assert refusal.value.cause == "all 2 connections for people stayed in use for 2 s"
    assert refusal.value.retry_after_s == 1
    await process.people.ping()


async def test_a_process_opens_no_more_than_it_says(process: Lanes) -> None:
    sizes = [lane.engine.pool.size() for lane in of(process)]  # type: ignore[attr-defined]
    assert sum(sizes) == 2 + lanes.BESIDE_PEOPLE
    assert str(Settings.model_fields["pool_size"].description).count("twelve") == 1 and lanes.BESIDE_PEOPLE == 12


def test_the_engine_has_a_connection_for_each_page() -> None:
    assert lanes._ENGINE_POOL == engine.SIDE_BY_SIDE


async def test_short_lanes_give_their_locks_up_soon(process: Lanes) -> None:
    """The rows of a process that vanished are free after five seconds; imports may take longer between statements."""
    idle = []
    for lane in of(process):
        async with lane.read() as connection:
            shown = await connection.execute(text("SHOW idle_in_transaction_session_timeout"))
            idle.append(shown.scalar_one())
    assert idle == ["5s", "30s", "5s", "5s", "5s", "5s"]


async def test_closing_ends_every_connection(process: Lanes, database: Database) -> None:
    for lane in of(process):
        await lane.ping()
    await process.close()
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    async with database.read() as connection:
        assert (await connection.execute(query)).scalar_one() == 0


async def test_cutting_ends_what_waits_for_an_answer(process: Lanes) -> None:
    async def waits(lane: Database) -> None:
        async with lane.begin() as tx:
            await tx.execute(text("SELECT pg_sleep(60)"))

    for lane in (process.people, process.people.patient, process.engine):
        await lane.ping()
        task = asyncio.create_task(waits(lane))
        await asyncio.sleep(0.2)
        process.cut()
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await task


async def test_a_lane_that_does_not_close_keeps_no_other_open(process: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fails at once, another takes its time: the call is over when both are."""
    closed = []

    async def fail() -> None:
        raise ConnectionError

    async def linger() -> None:
        await asyncio.sleep(0.01)
        closed.append("tail")

    with monkeypatch.context() as patch:
        patch.setattr(process.people, "close", fail)
        patch.setattr(process.tail, "close", linger)
        with pytest.raises(ConnectionError):
            await process.close()
    assert closed == ["tail"]
