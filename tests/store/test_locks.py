"""Locks: each is of one district, and those of the schema `public` have the keys of earlier programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.errors import Unavailable
from service.store import locks
from service.store.database import Database
from service.store.locks import DistrictLock
from service.store.log import numbering, talk
from service.store.registry import world
from tests.districts import NORTH, SOUTH, neighbours
from tests.store.log.batches import write

pytestmark = pytest.mark.anyio

Step = Callable[[AsyncConnection], Awaitable[Any]]


@pytest.fixture
async def districts(bare_url: str) -> AsyncIterator[list[Database]]:
    async with neighbours(bare_url, NORTH, SOUTH) as found:
        yield found


async def _soon(database: Database, step: Step) -> Any:
    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
        return await step(tx)


def _older(call: str) -> Step:
    """What a program sends that does not know of districts."""

    async def step(tx: AsyncConnection) -> Any:
        return (await tx.execute(text(f"SELECT {call}"))).scalar_one()

    return step


async def _talk(tx: AsyncConnection) -> None:
    await talk.lock(tx, "worker")


async def _migrate(tx: AsyncConnection) -> bool:
    found: bool = (await tx.execute(locks.tried_for_session(DistrictLock.MIGRATE))).scalar_one()
    await tx.execute(text("SELECT pg_advisory_unlock_all()"))
    return found


OLDER_SEALER = f"pg_try_advisory_xact_lock({0x51480002})"
OLDER_DECIDER = f"pg_advisory_xact_lock_shared({0x51480003})"
OLDER_CHANGE = f"pg_advisory_xact_lock({0x51480003})"
OLDER_TALK = f"pg_advisory_xact_lock({0x5148}, hashtext('worker'))"
OLDER_MIGRATION = f"pg_try_advisory_xact_lock({0x51480001})"


@pytest.mark.parametrize(
    ("mine", "older"),
    [
        (world.hold, OLDER_CHANGE),
        (world.rise, OLDER_DECIDER),
        (world.rise, OLDER_CHANGE),
        (_talk, OLDER_TALK),
    ],
)
async def test_versions_wait_for_each_other_in_public(database: Database, mine: Step, older: str) -> None:
    for first, second in ((mine, _older(older)), (_older(older), mine)):
        async with database.begin() as tx:
            await first(tx)
            with pytest.raises(Unavailable):
                await _soon(database, second)
        await _soon(database, second)


async def test_versions_do_not_number_or_migrate_at_once_in_public(database: Database) -> None:
    await write(database)
    for mine, older in ((numbering.seal, OLDER_SEALER), (_migrate, OLDER_MIGRATION)):
        async with database.begin() as tx:
            assert await _older(older)(tx) is True
            assert not await _soon(database, mine)
    async with database.begin() as tx:
        assert await numbering.seal(tx) == 1
        assert await _soon(database, _older(OLDER_SEALER)) is False


async def test_deciders_of_two_versions_share_in_public(database: Database) -> None:
    async with database.begin() as tx:
        await world.hold(tx)
        await _soon(database, _older(OLDER_DECIDER))


@pytest.mark.parametrize("first", [world.rise, world.hold, _talk, numbering.seal])
@pytest.mark.parametrize("second", [world.rise, world.hold, _talk, numbering.seal])
async def test_a_district_never_waits_for_its_neighbour(districts: list[Database], first: Step, second: Step) -> None:
    for mine, other in (districts, reversed(districts)):
        await write(other)
        async with mine.begin() as tx:
            await first(tx)
            found = await _soon(other, second)
            assert second is not numbering.seal or found == 1


async def test_a_district_in_a_schema_excludes_its_own(districts: list[Database]) -> None:
    for each in districts:
        await write(each)
        async with each.begin() as tx:
            assert await numbering.seal(tx) == 1
            assert await _soon(each, numbering.seal) is None
            await world.rise(tx)
            await _talk(tx)
            for step in (world.hold, _talk):
                with pytest.raises(Unavailable):
                    await _soon(each, step)


async def test_neighbours_migrate_at_the_same_time(districts: list[Database]) -> None:
    one, other = districts
    async with one.begin() as mine, other.begin() as theirs, one.begin() as again:
        turn = locks.tried_for_session(DistrictLock.MIGRATE)
        assert [(await each.execute(turn)).scalar_one() for each in (mine, theirs, again)] == [True, True, False]
        await asyncio.gather(*(each.execute(text("SELECT pg_advisory_unlock_all()")) for each in (mine, theirs)))
