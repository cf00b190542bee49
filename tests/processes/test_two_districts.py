"""Two districts in one database live for an hour, and neither notices the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from service.clock import VirtualClock
from service.commands import sample
from service.main import create_app
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from service.store.log import numbering
from service.store.migrate import Tables
from service.store.registry import world
from tests.conftest import CONTINUOUS, WIDE
from tests.districts import NORTH, SOUTH, make_schemas, neighbours, url_of
from tests.house import START, House
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

FILES = {
    **{name: content for name, content in read_folder(sample.SAMPLE).items() if name != "cells.geojson"},
    "policy.yaml": CONTINUOUS.read_bytes() + WIDE,
}
MINUTES, REPORTS = 60, 4
"""How long they live, and how many reports each of them gets in a minute."""


@asynccontextmanager
async def _house(database: Database) -> AsyncIterator[House]:
    app = create_app(Settings(database_url=database.url, virtual_clock=START), VirtualClock(START))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        house = House(app)
        yield house
        await house.close()


async def _import(database: Database) -> None:
    report = await importing.import_bundle(database, FILES, START, By("ops", "tests"), dry_run=False)
    assert not report.faults


@pytest.fixture
async def districts(bare_url: str) -> AsyncIterator[list[Database]]:
    async with neighbours(bare_url, NORTH, SOUTH) as found:
        await asyncio.gather(*map(_import, found))
        yield found


async def _minute(house: House, n: int) -> None:
    made = [await house.report(key=f"{n}-{m}") for m in range(REPORTS)]
    await house.act("community", made[0], "answer", measure="去看看")
    if n % 5 == 0:
        await house.act("community", made[0], "resolve", result="修好了")
    await house.advance(seconds=60)


async def _feed(house: House) -> list[Any]:
    await house.sealed()
    items: list[Any] = []
    page = await house.get("auditor", "/v1/events", limit=500)
    while page["items"]:
        items += page["items"]
        page = await house.get("auditor", "/v1/events", limit=500, after=page["next_cursor"])
    return items


def _shape(event: Any) -> tuple[Any, ...]:
    """What is the same in two districts that live the same life."""
    data = event["data"]
    return event["type"], event["time"], event["sequence"], data.get("number"), data.get("level"), data.get("unit")


@pytest.mark.clause("ASVS 8.4.1")
async def test_two_districts_live_the_same_hour_apart(districts: list[Database]) -> None:
    """Both get the same reports and deadlines at the same time, and a day to climb in: whatever one saw of the other
    would show in a number, in a position of the feed or in the order of events."""
    async with AsyncExitStack() as stack:
        north, south = [await stack.enter_async_context(_house(each)) for each in districts]
        for n in range(MINUTES):
            await asyncio.gather(_minute(north, n), _minute(south, n))
        await asyncio.gather(*(each.advance(seconds=24 * 3600) for each in (north, south)))
        feeds = await asyncio.gather(_feed(north), _feed(south))
        ours, theirs = [[each for each in feed if "subject" in each] for feed in feeds]
        assert len(ours) > MINUTES * (REPORTS + 1)
        assert [*map(_shape, ours)] == [*map(_shape, theirs)]
        assert {each["id"] for each in feeds[0]}.isdisjoint(each["id"] for each in feeds[1])
        assert {each["subject"] for each in ours}.isdisjoint(each["subject"] for each in theirs)
        hidden = await north.send("auditor", "GET", f"/v1/incidents/{theirs[0]['subject']}")
        assert hidden.status_code == 404


async def test_a_district_works_while_its_neighbour_is_locked(districts: list[Database]) -> None:
    """Somebody in the north numbers, changes the world and holds the tables: the south reports, climbs and imports."""
    north, south = districts
    async with _house(south) as house, north.begin() as tx:
        await numbering.seal(tx)
        await world.lock(tx)
        await world.rise(tx)
        async with asyncio.timeout(30):
            incident = await house.report()
            await house.advance(seconds=24 * 3600)
            await house.sealed()
            await _import(south)
            again = await house.get("auditor", f"/v1/incidents/{incident['id']}")
    assert (incident["number"], again["level"] > incident["level"]) == ("2026-000001", True)


async def test_a_district_is_migrated_while_its_neighbour_serves(districts: list[Database], bare_url: str) -> None:
    west = "west"
    await make_schemas(bare_url, west)
    async with at_revision(url_of(bare_url, west), "0007") as older, _house(districts[0]) as house:
        upgrading = asyncio.create_task(migrate.upgrade(older))
        numbers = [(await house.report())["number"] for _ in range(5)]
        await upgrading
        assert numbers == [f"2026-{n:06d}" for n in range(1, 6)]
        assert (await migrate.survey(older)).tables is Tables.OURS
        assert (await house.get("ops", "/readyz"))["status"] == "ready"
