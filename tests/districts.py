"""Districts that share one database: each in a schema of its own, some with names that SQL has to quote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from service import database_urls
from service.store import migrate
from service.store.database import Database

NORTH, SOUTH = "d440105", 'Haizhu-"2"'


def url_of(url: str, schema: str) -> str:
    """The URL of a district in the database at `url`."""
    return database_urls.of_schema(url, schema)


async def make_schemas(url: str, *schemas: str) -> None:
    database = Database(url, pool_size=1)
    async with database.begin() as tx:
        for schema in schemas:
            await tx.execute(text('CREATE SCHEMA "{}"'.format(schema.replace('"', '""'))))
    await database.close()


@asynccontextmanager
async def neighbours(url: str, *schemas: str) -> AsyncIterator[list[Database]]:
    """Migrated districts of these schemas in the database at `url`."""
    await make_schemas(url, *schemas)
    found = [Database(url_of(url, schema), pool_size=4) for schema in schemas]
    for each in found:
        await migrate.upgrade(each)
    yield found
    for each in found:
        await each.close()


async def spread(database: Database, group: int) -> None:
    """What an engine that spreads a database over nodes adds to the catalogue: the group of this node, and a way to ask
    the only other one, which answers as this session would."""
    async with database.begin() as tx:
        for statement in (
            "SET LOCAL allow_system_table_mods = on",
            f"CREATE TABLE pg_catalog.pg_dist_local_group AS SELECT {group} AS groupid",
            "CREATE FUNCTION pg_catalog.run_command_on_workers(command text, OUT nodename text, OUT nodeport int, "
            "OUT success bool, OUT result text) RETURNS SETOF record LANGUAGE plpgsql AS "
            "$$BEGIN nodename = 'w1'; nodeport = 5432; success = true; EXECUTE command INTO result; RETURN NEXT; END$$",
        ):
            await tx.execute(text(statement))
