"""The gauges of the deployment: read in the background, so that a scrape never waits for the database."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from service import clock as clocks
from service import gauges
from service.bench.seeding import seed
from service.clock import DatabaseClock, VirtualClock
from service.gauges import Gauges
from service.main import create_app
from service.process import Process
from service.settings import EngineMode, Settings
from service.store.database import Database
from tests.house import House

pytestmark = pytest.mark.anyio

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nowhere"


def read(process: Process, name: str, **labels: str) -> float | None:
    return process.metrics.registry.get_sample_value(name, labels)


@asynccontextmanager
async def running(url: str) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """A process without an engine, on real time."""
    app = create_app(Settings(database_url=url, engine=EngineMode.OFF), clocks.of(None))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client,
    ):
        yield app.state.process, client


async def test_open_incidents_and_overdue_ones_by_level(house: House) -> None:
    await house.report()
    await house.report()
    assert isinstance(house.process.clock, VirtualClock)
    house.process.clock.move_to(house.process.clock.now() + timedelta(days=2))
    await house.process.context.part(Gauges).refresh()
    assert read(house.process, "sihu_open_incidents", level="1") == 2
    assert read(house.process, "sihu_open_incidents", level="4") == 0
    overdue = read(house.process, "sihu_oldest_due_seconds", level="1")
    assert overdue is not None and 86_400 < overdue < 2 * 86_400
    assert read(house.process, "sihu_oldest_due_seconds", level="2") == 0
    assert read(house.process, "sihu_engine_lag_seconds") == overdue


async def test_a_scrape_wakes_the_reader_and_waits_for_nothing(
    haizhu: Database, haizhu_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "_FRESH_S", 0.05)
    async with running(haizhu_url) as (process, client), asyncio.timeout(30):
        await process.ready.wait()
        while read(process, "sihu_open_incidents", level="1") is None:
            await asyncio.sleep(0.01)
        due = datetime.now(UTC) - timedelta(hours=1)
        await seed(haizhu, 3, reported_at=due - timedelta(hours=4), due_at=due)
        await asyncio.sleep(0.3)
        assert read(process, "sihu_open_incidents", level="1") == 0, "nobody has looked"
        while read(process, "sihu_open_incidents", level="1") != 3:
            assert (await client.get("/metrics")).status_code == 200
            await asyncio.sleep(0.01)
        overdue = read(process, "sihu_oldest_due_seconds", level="1")
        assert overdue is not None and overdue >= 3600


async def test_a_database_that_hangs_holds_up_no_scrape(
    haizhu: Database, haizhu_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "_FRESH_S", 0.01)
    monkeypatch.setattr(gauges, "_LIMIT_S", 0.1)
    async with running(haizhu_url) as (process, client), asyncio.timeout(60):
        await process.ready.wait()
        while read(process, "sihu_open_incidents", level="1") is None:
            await asyncio.sleep(0.01)
        async with haizhu.begin() as tx:
            await tx.execute(text("LOCK TABLE incident IN ACCESS EXCLUSIVE MODE"))
            before = None
            for _ in range(20):
                began = clocks.monotonic()
                page = (await client.get("/metrics")).text
                assert clocks.monotonic() - began < 0.5
                assert 'sihu_open_incidents{level="1"} 0.0' in page, "as it was read last"
                age = read(process, "sihu_gauges_age_seconds")
                assert age is not None and (before is None or age > before)
                before = age
                await asyncio.sleep(0.05)
        while (read(process, "sihu_gauges_age_seconds") or 9) > 0.5:
            await client.get("/metrics")
            await asyncio.sleep(0.05)
        assert read(process, "sihu_faults_total", where="gauges") is None


async def test_before_the_database_was_reached_there_are_no_figures() -> None:
    async with running(NOWHERE) as (process, client):
        page = (await client.get("/metrics")).text
    assert "sihu_open_incidents{" not in page
    assert math.isnan(read(process, "sihu_clock_offset_seconds") or 0)
    assert math.isnan(read(process, "sihu_calendar_days_left") or 0)


async def test_the_calendar_says_how_far_it_reaches(house: House, shipped: House) -> None:
    house.process.context.part(Gauges).scrape()
    assert read(house.process, "sihu_calendar_days_left") == math.inf, "every clock is continuous"
    gauge = shipped.process.context.part(Gauges)
    gauge.scrape()
    assert read(shipped.process, "sihu_calendar_days_left") == 39, "from 23 November to the end of the year"
    assert isinstance(shipped.process.clock, VirtualClock)
    shipped.process.clock.move_to(shipped.process.clock.now() + timedelta(days=60))
    gauge.scrape()
    assert read(shipped.process, "sihu_calendar_days_left") == 0


@pytest.mark.clause("ASVS 16.2.2")
async def test_the_clock_says_how_far_it_is_from_this_host(haizhu: Database) -> None:
    clock = DatabaseClock()
    assert clocks.offset_s(clock) is None
    await clock.synchronise(haizhu)
    offset_s = clocks.offset_s(clock)
    assert offset_s is not None and abs(offset_s) < 1
    assert clocks.offset_s(clocks.of("now")) is None
