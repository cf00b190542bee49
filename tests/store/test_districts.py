"""Districts of one database: each finds its own schema, and no table of another one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from service.store import districts, migrate, server, soundness
from service.store.database import Database
from service.store.migrate import Tables, WrongDatabase
from service.store.schema import metadata
from tests.districts import NORTH, SOUTH, make_schemas, neighbours, url_of
from tests.processes.running import command as command_line
from tests.store.catalog import described
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio


async def test_a_district_knows_its_neighbours(bare_url: str) -> None:
    await make_schemas(bare_url, "empty")
    async with neighbours(bare_url, NORTH, SOUTH) as (north, south):
        async with north.read() as connection:
            assert await districts.neighbourhood(connection) == (NORTH, (SOUTH,))
        async with south.read() as connection:
            assert await districts.neighbourhood(connection) == (SOUTH, (NORTH,))
            divided = [each for each in metadata.tables.values() if each.dialect_options["postgresql"]["partition_by"]]
            whole = len(metadata.tables) + 1 - len(divided)
            assert await soundness.tables(connection) == whole + 2, (
                "with a stretch of the events and one of the batches"
            )


@pytest.mark.clause("ASVS 8.4.1")
async def test_a_session_looks_into_one_schema(bare_url: str) -> None:
    """What a district lacks is missing, although its neighbour in `public` has it."""
    public = Database(bare_url, pool_size=2)
    await migrate.upgrade(public)
    await make_schemas(bare_url, NORTH)
    for path in (f"{NORTH},public", f'"{NORTH}", public'):
        north = Database(
            make_url(bare_url).update_query_dict({"search_path": path}).render_as_string(False), pool_size=2
        )
        assert (await migrate.survey(north)).tables is Tables.NONE
        await north.close()
    async with neighbours(bare_url, SOUTH) as (south,), south.read() as connection:
        assert (await connection.execute(text("SHOW search_path"))).scalar_one() == '"Haizhu-""2"""'
    await public.close()


@pytest.mark.slow
def test_neighbours_migrate_side_by_side(bare_url: str) -> None:
    """Each to the tables of this version, without waiting for the other."""
    asyncio.run(make_schemas(bare_url, NORTH, SOUTH))
    with ThreadPoolExecutor(2) as hosts:
        urls = [url_of(bare_url, schema) for schema in (NORTH, SOUTH)]
        done = list(hosts.map(lambda url: command_line("migrate", "--check", url=url), urls))
    assert [each.returncode for each in done] == [0, 0], done
    assert [line for each in done for line in each.stderr.splitlines() if "another host" in line] == []


async def test_a_migration_leaves_the_neighbour_as_it_is(bare_url: str) -> None:
    public = Database(bare_url, pool_size=2)
    await migrate.upgrade(public)
    before = await described(public)
    await make_schemas(bare_url, NORTH)
    async with at_revision(url_of(bare_url, NORTH), "0007") as north:
        assert (await migrate.survey(public)).tables is Tables.OURS
        assert (await migrate.survey(north)).tables is Tables.OLDER
        await migrate.upgrade(north)
        assert await migrate.drift(north) == []
        assert await described(public) == before
    await public.close()


async def test_a_district_in_public_may_come_last(bare_url: str) -> None:
    """What lies beside it in the database are districts, and no other program's tables."""
    async with neighbours(bare_url, NORTH):
        public = Database(bare_url, pool_size=2)
        assert (await migrate.survey(public)).tables is Tables.NONE
        await migrate.upgrade(public)
        assert await migrate.drift(public) == []
        await public.close()


async def test_an_engine_fires_for_its_own_district(bare_url: str) -> None:
    async with neighbours(bare_url, NORTH, SOUTH) as (north, south):
        engine = Database(north.url, pool_size=1, application=server.ENGINE_SESSION)
        await engine.ping()
        found = []
        for each in (north, south):
            async with each.read() as connection:
                found.append((await server.sessions(connection)).engine_s is not None)
        await engine.close()
        assert found == [True, False]


async def test_older_programs_stop_before_a_schema_of_their_own(bare_url: str) -> None:
    """They take the locks of the whole database, and would not wait for the later ones."""
    await make_schemas(bare_url, NORTH)
    async with at_revision(url_of(bare_url, NORTH), "0014") as north:
        async with north.begin() as tx:
            await tx.execute(text("INSERT INTO log_history (server, at) VALUES ('here', now())"))
        older = Database(bare_url, pool_size=1, application=server.ENGINE_SESSION)
        await older.ping()
        with pytest.raises(WrongDatabase, match=r"^1 connections of an older sihu are open.*: stop its processes"):
            await migrate.upgrade(north)
        await older.close()
        async with north.read() as connection:
            assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one() == "0014"
        await migrate.upgrade(north)
        async with north.read() as connection:
            says = text("SELECT obj_description(to_regclass('alembic_version'), 'pg_class')")
            assert (await connection.execute(says)).scalar_one() == "programs that know revision 0015"


@pytest.mark.parametrize("schema", ["public", NORTH])
async def test_the_numbers_belong_to_a_column(bare_url: str, schema: str) -> None:
    if schema != "public":
        await make_schemas(bare_url, schema)
    database = Database(url_of(bare_url, schema), pool_size=2)
    await migrate.upgrade(database)
    async with database.begin() as tx:
        owned = text("SELECT pg_get_serial_sequence('incident', 'number')")
        assert (await tx.execute(owned)).scalar_one() == f"{schema}.incident_number"
        older = text("SELECT nextval('incident_number')")  # as programs from before go on doing
        assert [(await tx.execute(older)).scalar_one() for _ in range(2)] == [1, 101]
    await database.close()
