"""What rooms are given: parts by their class, and one way to pass on a change of the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service import context as contexts
from service import metrics
from service.clock import VirtualClock
from service.context import Context, CurrentContext, RepeatedPart, TurnFault
from service.queues.tags import QueueTags
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.store.database import Database
from service.store.log.writing import Committed
from service.web.cursors import Cursors
from service.worlds import CurrentWorld
from tests.house import CATEGORY, CELL, START, House
from tests.registry.bundles import NOW, bring, files

pytestmark = pytest.mark.anyio


class Heard:
    """Where commits and rings of a context arrive."""

    def __init__(self) -> None:
        self.commits: list[Committed] = []
        self.rings = 0

    async def ring(self) -> int:
        self.rings += 1
        return 0


@pytest.fixture
def heard() -> Heard:
    return Heard()


def context_of(database: Database, heard: Heard) -> Context:
    return Context(
        database=database,
        worlds=CurrentWorld(),
        clock=VirtualClock(START),
        metrics=metrics.new(),
        cursors=Cursors(),
        tell=heard.commits.append,
        parts={QueueTags: QueueTags()},
        fire_due=heard.ring,
    )


@pytest.fixture
async def nowhere() -> AsyncIterator[Database]:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    yield database
    await database.close()


async def test_a_part_is_found_by_its_class(nowhere: Database, heard: Heard) -> None:
    context = context_of(nowhere, heard)
    assert context.part(QueueTags) is context.parts[QueueTags]
    with pytest.raises(KeyError):
        context.part(FastAPI)


async def test_a_route_is_given_the_context_of_its_application(nowhere: Database, heard: Heard) -> None:
    apps = [FastAPI(), FastAPI()]
    for app in apps:
        app.state.context = context_of(nowhere, heard)

        @app.get("/id")
        async def read_id(context: CurrentContext) -> int:
            return id(context)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client:
            assert (await client.get("/id")).json() == id(contexts.of({"app": app}))
    assert apps[0].state.context is not apps[1].state.context


async def test_without_a_commit_there_is_nothing_to_announce(nowhere: Database, heard: Heard) -> None:
    await context_of(nowhere, heard).announce(None)
    assert (heard.commits, heard.rings) == ([], 0)


async def test_a_changed_world_is_read_before_the_answer(database: Database, heard: Heard) -> None:
    await bring(database, files(), NOW)
    context = context_of(database, heard)
    keys, world = Committed(1, uuid4(), (), None, ("keys",)), Committed(2, uuid4(), (), None, ("world",))
    await context.announce(keys)
    assert (heard.commits, heard.rings, context.worlds.world.version) == ([keys], 0, 0)
    await context.announce(world)
    assert (heard.commits, heard.rings, context.worlds.world.version) == ([keys, world], 1, 2)


async def test_a_change_is_announced_though_the_database_went_away(nowhere: Database, heard: Heard) -> None:
    """It is committed: the tail reads the world anew when the database is back."""
    world = Committed(2, uuid4(), (), None, ("world",))
    await context_of(nowhere, heard).announce(world)
    assert (heard.commits, heard.rings) == ([world], 0)


async def test_on_the_virtual_clock_a_change_fires_deadlines(house: House) -> None:
    """No engine hears the bell there, so the one who changed the registry finds it done."""
    incident = await house.report()
    assert isinstance(house.process.clock, VirtualClock)
    house.process.clock.move_to(START + timedelta(days=2))
    days = {"source": "test", "days": [{"day": "2027-03-01", "workday": False}]}
    answer = await house.send("ops", "PUT", "/v1/calendars/cn/days", days)
    assert answer.status_code == 200, answer.text
    now = await house.get("worker", f"/v1/incidents/{incident['id']}")
    assert now["level"] > incident["level"], (CELL, CATEGORY)


class Turns(RepeatedPart):
    """Fails as often as it has errors, and then works on."""

    PAUSE_S = 0.001
    FAULT = TurnFault("turns", "turns_failed", "a turn has failed")

    def __init__(self, context: Context, *errors: Exception) -> None:
        super().__init__(context)
        self.errors = list(errors)
        self.worked = asyncio.Event()

    async def turn(self) -> None:
        if self.errors:
            raise self.errors.pop()
        self.worked.set()


async def test_a_turn_that_fails_is_told_and_not_the_last(
    database: Database, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    context = context_of(database, heard)
    part = Turns(context, LookupError("broken"), Unavailable(Sentence("The service is starting.")))
    part.start()
    async with asyncio.timeout(5):
        await part.worked.wait()
    await part.stop()
    assert [(each.name, each.getMessage()) for each in caplog.records] == [(__name__, "a turn has failed")]
    assert 'sihu_faults_total{where="turns"} 1.0' in context.metrics.page().decode()
