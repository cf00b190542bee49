"""Migrations: they bring a database to the tables of this version, or show that it does not have them yet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from service.store.database import Database
from service.store.schema import metadata

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_STATEMENT_TIMEOUT_MS = 3_600_000


async def upgrade(database: Database) -> None:
    """Run the pending migrations in one transaction; without any, one look-up is all. Several hosts may do so at once:
    they take turns, and the later ones find nothing to do. Raises `Unavailable`."""
    if not await pending(database):
        return

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    # a connection of its own, since migrating a full table may take longer than the time limit of a request
    patient = Database(
        database.url, pool_size=1, statement_timeout_ms=_STATEMENT_TIMEOUT_MS, application="sihu migrate"
    )
    try:
        async with patient.begin() as connection:
            await connection.run_sync(run)
    finally:
        await patient.close()


async def pending(database: Database) -> bool:
    """Whether the database is at another revision than this code. Raises `Unavailable`."""
    async with database.read() as connection:
        return await connection.run_sync(_revision) != _head()


async def drift(database: Database) -> list[str]:
    """Return the differences between the migrated tables and the tables in code, as text; empty when they agree."""
    async with database.read() as connection:
        return await connection.run_sync(_differences)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _differences(connection: Connection) -> list[str]:
    options = {"compare_type": True, "compare_server_default": True}
    return [str(each) for each in compare_metadata(MigrationContext.configure(connection, opts=options), metadata)]
