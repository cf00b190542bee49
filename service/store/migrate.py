"""Migrations: they bring a database to the tables of this version, or show whose tables it holds instead."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.store.database import Database
from service.store.schema import metadata

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_STATEMENT_TIMEOUT_MS = 3_600_000
_MAX_NAMES = 5
"""How many tables of another program are named."""

# the tables of the first revision: a revision alone proves nothing, since other programs number theirs 0001, too
_OWN_TABLES = text(
    "SELECT count(to_regclass(name)) = count(*) FROM unnest(ARRAY['access_key', 'call', 'event', 'incident']) AS name"
)
# what extensions have made belongs to nobody; a role with a schema of its own shares the database with others' schemas
_RELATIONS = text(
    "SELECT relation.relname FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relation.relnamespace "
    "WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'f') "
    "AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND space.nspname NOT LIKE 'pg\\_temp%' "
    "AND (space.nspname = current_schema() OR coalesce(current_schema(), 'public') = 'public') "
    "AND NOT EXISTS (SELECT FROM pg_depend AS made WHERE made.objid = relation.oid AND made.deptype = 'e') ORDER BY 1"
)
_HAS_REVISION = text("SELECT EXISTS (SELECT FROM alembic_version)")
_OLDEST_PROGRAM = text("SELECT obj_description(to_regclass('alembic_version'), 'pg_class')")
_NEEDS_PROGRAM = "programs that know revision "
"""How the comment on `alembic_version` begins. The revision follows, and nothing else."""


class Tables(StrEnum):
    """Whose tables a database holds. The tables of a newer version are `ahead` when this version can work on them, too,
    and `newer` when it cannot."""

    OURS = "ours"
    NONE = "none"
    OLDER = "older"
    AHEAD = "ahead"
    NEWER = "newer"
    FOREIGN = "foreign"


class Survey(NamedTuple):
    """What a database holds. `advice` is one line that says what to do; it is empty when this version can work.
    `notice` is one line about what works, and is no reason to stop."""

    tables: Tables
    advice: str = ""
    notice: str = ""

    @property
    def can_migrate(self) -> bool:
        """Whether the migrations of this version make its tables here, or have made them."""
        return self.tables in (Tables.OURS, Tables.NONE, Tables.OLDER, Tables.AHEAD)


class WrongDatabase(Exception):
    """The database cannot be used as it is, and nothing was written. The message is one line that says what to do."""


async def survey(database: Database) -> Survey:
    """Find out whose tables the database holds. Raises `Unavailable`."""
    async with database.read() as connection:
        return await connection.run_sync(_survey)


async def upgrade(database: Database) -> None:
    """Run the pending migrations in one transaction; without any, a look at the tables is all. Several hosts may do so
    at once: they take turns, and the later ones find nothing to do.

    Raises:
        WrongDatabase: the tables are another program's, or of a newer version on which this one cannot work.
        Unavailable: the database cannot be reached.
    """
    found = await survey(database)
    if not found.can_migrate:
        raise WrongDatabase(found.advice)
    if found.tables in (Tables.OURS, Tables.AHEAD):
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


async def drift(database: Database) -> list[str]:
    """Return the differences between the migrated tables and the tables in code, as text; empty when they agree."""
    async with database.read() as connection:
        return await connection.run_sync(_differences)


def contract(operations: Operations, revision: str) -> None:
    """Note, in a migration, that from now on only programs that know `revision` can work on the tables. Every program
    asks before it begins, and again at each look at its readiness: an older one then answers 503."""
    operations.execute(f"COMMENT ON TABLE alembic_version IS '{_NEEDS_PROGRAM}{revision}'")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _head() -> str | None:
    return _scripts().get_current_head()


def _heads(connection: Connection) -> tuple[str, ...]:
    return tuple(MigrationContext.configure(connection).get_current_heads())


def _survey(connection: Connection) -> Survey:
    if not connection.execute(_OWN_TABLES).scalar_one():
        return _survey_of_strangers(connection)
    heads = _heads(connection)
    if heads == (_head(),):
        return Survey(Tables.OURS)
    known = {each.revision for each in _scripts().walk_revisions()}
    if not known.issuperset(heads):
        return _survey_of_newer(", ".join(heads), _oldest_program(connection), known)
    return Survey(Tables.OLDER, "the tables are older than this version: run `sihu migrate`")


def _survey_of_newer(revision: str, oldest: str | None, known: set[str]) -> Survey:
    """Describe tables that newer migrations have made. A migration that takes away what an older program needs says so
    (`contract`); as long as none did, programs of both versions work side by side."""
    if oldest is None or oldest in known:
        notice = f"this program is older than its tables (revision {revision}), and can work on them: install the newer"
        return Survey(Tables.AHEAD, notice=notice)
    advice = f"this database is of a newer sihu (revision {revision}): install that version of the program"
    return Survey(Tables.NEWER, advice)


def _oldest_program(connection: Connection) -> str | None:
    """Return the revision that a program has to know in order to work on these tables; None when any may."""
    comment = connection.execute(_OLDEST_PROGRAM).scalar_one()
    return None if comment is None else comment.removeprefix(_NEEDS_PROGRAM)


def _survey_of_strangers(connection: Connection) -> Survey:
    """Describe a database without the tables of this service. After a downgrade to nothing, an empty alembic_version
    is left."""
    names = list(connection.execute(_RELATIONS).scalars())
    if not names or (names == ["alembic_version"] and not connection.execute(_HAS_REVISION).scalar_one()):
        return Survey(Tables.NONE, "this database has no tables yet: run `sihu migrate`")
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return Survey(
        Tables.FOREIGN,
        f"this database belongs to another program (tables: {', '.join(names[:_MAX_NAMES])}{more}): "
        "give sihu a database of its own, and name it in DATABASE_URL",
    )


def _differences(connection: Connection) -> list[str]:
    options = {"compare_type": True, "compare_server_default": True}
    return [str(each) for each in compare_metadata(MigrationContext.configure(connection, opts=options), metadata)]
