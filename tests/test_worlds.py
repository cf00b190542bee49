"""The world of a process: never half of one and half of the next, never older than what a transaction sees."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from service.rules.errors import Unavailable
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.registry import world as world_
from service.worlds import CurrentWorld
from tests.registry.bundles import DAY, NOW, bring, files, water

pytestmark = pytest.mark.anyio


async def test_a_transaction_that_sees_a_newer_version_reads_it_first(database: Database) -> None:
    await bring(database, files())
    worlds = CurrentWorld()
    await worlds.reload(database)
    held = worlds.world
    await bring(database, water("新名"), NOW + DAY)
    async with database.begin() as tx:
        fresh = await worlds.fresh(tx)
    assert (held.version, fresh.version) == (2, 3)
    assert held.unit_name("dept-water") == "水务局"  # the old snapshot itself never changes
    assert fresh.unit_name("dept-water") == "新名"


async def test_a_world_that_is_up_to_date_is_not_read_again(database: Database) -> None:
    await bring(database, files())
    worlds = CurrentWorld()
    await worlds.reload(database)
    held = worlds.world
    async with database.begin() as tx:
        assert await worlds.fresh(tx) is held


async def test_who_comes_while_a_new_world_is_committed_waits_and_then_sees_all_of_it(database: Database) -> None:
    await bring(database, files())
    worlds = CurrentWorld()

    async def look() -> tuple[int, str]:
        async with database.begin() as tx:
            world = await worlds.fresh(tx)
            return world.version, world.unit_name("dept-water")

    async with database.begin() as importing:
        await world_.lock(importing)
        assert await look() == (2, "水务局"), "a long import keeps nobody waiting"
        await world_.rise(importing)
        looking = asyncio.create_task(look())
        await somebody_waits(database)
        await importing.execute(text("UPDATE unit SET name = '新名' WHERE code = 'dept-water'"))
    assert await looking == (3, "新名")


async def somebody_waits(database: Database) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(10):
        while True:
            async with database.read() as connection:
                if (await connection.execute(waiting)).scalar_one():
                    return
            await asyncio.sleep(0.01)


async def test_a_reload_that_fails_goes_on_with_what_was_known(database: Database) -> None:
    await bring(database, files())
    worlds = CurrentWorld()
    await worlds.reload(database)
    held = worlds.world
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(Unavailable):
        await worlds.reload(nowhere)
    await nowhere.close()
    assert worlds.world is held


async def test_a_lock_kept_too_long_is_no_fault_of_who_waits_for_it(database: Database) -> None:
    """The engine takes such a page again; it does not put a row aside."""
    await bring(database, files())
    worlds = CurrentWorld()

    async def impatient() -> None:
        async with database.begin() as tx:
            await tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
            await worlds.fresh(tx)

    async with database.begin() as importing:
        await world_.rise(importing)
        with pytest.raises(Unavailable):
            await impatient()


async def _take_back(database: Database, version: int, name: str) -> None:
    """The database as a restored dump has it: another version, with a mark and a content of its own."""
    async with database.begin() as tx:
        await tx.execute(
            text("UPDATE deployment SET world_version = :version, world_mark = gen_random_uuid()"), {"version": version}
        )
        await tx.execute(text("UPDATE unit SET name = :name WHERE code = 'dept-water'"), {"name": name})


@pytest.mark.parametrize("version", [1, 2])
async def test_a_world_that_was_taken_back_is_taken(database: Database, version: int) -> None:
    """A restore brings an older version, or the same number with another content: the next decision goes by it."""
    await bring(database, files())
    worlds = CurrentWorld()
    await worlds.reload(database)
    assert worlds.world.version == 2
    await _take_back(database, version, "旧名")
    async with database.begin() as tx:
        fresh = await worlds.fresh(tx)
    assert (fresh.version, fresh.unit_name("dept-water")) == (version, "旧名")
    assert worlds.world is fresh
    await _take_back(database, 1, "更旧")
    await worlds.reload(database)
    assert worlds.world.unit_name("dept-water") == "更旧"


async def test_an_older_snapshot_brings_no_old_world_back(database: Database) -> None:
    await bring(database, files())
    worlds = CurrentWorld()
    await worlds.reload(database)
    async with database.read() as earlier:
        assert (await worlds.seen(earlier)).version == 2
        await bring(database, water("新名"), NOW + DAY)
        await worlds.reload(database)
        assert (await worlds.seen(earlier)).version == 3
    assert worlds.world.version == 3


async def test_of_two_readings_the_later_one_counts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await bring(database, files())
    worlds, began, goes_on, load = CurrentWorld(), asyncio.Event(), asyncio.Event(), world_.load

    async def slow(connection: Transaction) -> World:
        loaded = await load(connection)
        if not began.is_set():
            began.set()
            await goes_on.wait()
        return loaded

    monkeypatch.setattr(world_, "load", slow)
    first = asyncio.create_task(worlds.reload(database))
    await began.wait()
    await bring(database, water("新名"), NOW + DAY)
    await worlds.reload(database)
    goes_on.set()
    await first
    assert worlds.world.version == 3
