"""Migrations: they bring a database to the tables of this version, or show whose tables it holds instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service import database_urls
from service.store import districts, locks, migration_steps
from service.store.database import Database
from service.store.locks import DistrictLock
from service.store.log import stretches
from service.store.log.stretches import PARTITION
from service.store.schema import metadata
from service.store.sqlstates import cause_of

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_STATEMENT_TIMEOUT_MS = 3_600_000
_MAX_NAMES = 5
"""How many tables of another program are named."""

# a session looks into one schema (`sessions`), so whatever is found here is of this district
_OWN_TABLES = text("SELECT count(to_regclass(name)) = count(*) FROM unnest(CAST(:names AS text[])) AS name")
_SCHEMA = text("SELECT current_schema(), current_setting('search_path'), current_user")
_MAY_USE_PUBLIC = text(
    "SELECT coalesce(bool_or(has_table_privilege(relation.oid, 'INSERT')), false) FROM pg_class AS relation "
    "WHERE relation.relname = 'incident' AND relation.relnamespace = to_regnamespace('public') "
    f"AND 'public' IN ({districts.SCHEMAS})"  # nosec B608 # of constants
)
# what extensions have made belongs to nobody. What lies in another schema shows whose database this is, when ours is
# the one that every database has; but the others may be those of districts
_RELATIONS = text(
    "SELECT relation.relname FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relation.relnamespace "
    "WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'f') "
    "AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND space.nspname NOT LIKE 'pg\\_temp%' "
    "AND (space.nspname = current_schema() "
    f"OR current_schema() = 'public' AND space.nspname NOT IN ({districts.SCHEMAS})) "  # nosec B608 # of constants
    "AND NOT EXISTS (SELECT FROM pg_depend AS made WHERE made.objid = relation.oid AND made.deptype = 'e') ORDER BY 1"
)
_HAS_REVISION = text("SELECT EXISTS (SELECT FROM alembic_version)")
_LOCK_TAKEN, _DEADLOCK = "55P03", "40P01"
_MAX_TRIES = 60
_PAUSE_S = 1.0
_QUIET_S = 2.0
"""Seconds after which a step that still runs is reported."""

Progress = Callable[[str], None]
"""Takes one line about a migration that takes its time."""


class Tables(StrEnum):
    """Whose tables a database holds. The tables of a newer version are `ahead` when this version can work on them, too,
    and `newer` when it cannot. `nowhere`: the schema that should hold them is missing, or is not the one that does."""

    OURS = "ours"
    NOWHERE = "nowhere"
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
        return await connection.run_sync(_survey, "search_path" in database_urls.session_settings(database.url))


async def upgrade(database: Database, progress: Progress = lambda line: None) -> None:
    """Run the pending migrations; without any, a look at the tables is all. Several hosts may do so at once: they take
    turns, and the later ones find nothing to do.

    Raises:
        WrongDatabase: the tables are another program's, or of a newer version on which this one cannot work.
        Unavailable: the database cannot be reached. What was migrated so far stays; the next run goes on from there.
    """
    found = await survey(database)
    if not found.can_migrate:
        raise WrongDatabase(found.advice)
    if found.tables not in (Tables.OURS, Tables.AHEAD):
        await bring_to(database, _head(), progress)
    async with database.begin() as tx:
        await stretches.make_ahead(tx)


async def bring_to(database: Database, revision: str, progress: Progress = lambda line: None) -> None:
    """Run the migrations up to `revision` that are still to be run, each in a transaction of its own: a migration
    holds its locks for its own statements only, and people's requests go on between two of them.

    Raises:
        WrongDatabase: a migration cannot be made before something else is done.
        Unavailable: the database cannot be reached.
    """
    # a connection of its own, since migrating a full table may take longer than the time limit of a request
    patient = Database(
        database.url, pool_size=1, statement_timeout_ms=_STATEMENT_TIMEOUT_MS, application="sihu migrate"
    )
    try:
        async with patient.connected() as connection:
            await _take_turn(connection, progress)
            for step in await connection.run_sync(_steps, revision):
                await connection.rollback()  # a migration begins and ends its own transactions
                await _apply(connection, step, progress)
    except migration_steps.NotYetError as error:
        raise WrongDatabase(str(error)) from None
    finally:
        await patient.close()


async def _take_turn(connection: AsyncConnection, progress: Progress) -> None:
    """Wait until no other host migrates. The lock is tried, not waited for: a session that waits holds a snapshot, and
    an index that is built beside the traffic waits for every snapshot. The lock ends with its connection."""
    attempt = 0
    while not (await connection.execute(locks.tried_for_session(DistrictLock.MIGRATE))).scalar_one():
        await connection.rollback()
        if attempt == 0:
            progress("another host is migrating this district: waiting for it")
        attempt += 1
        await asyncio.sleep(_PAUSE_S)


async def _apply(connection: AsyncConnection, step: str, progress: Progress) -> None:
    """Run one migration. A migration that does not get its locks gives way to the traffic and is tried again."""
    loop = asyncio.get_running_loop()
    for attempt in range(1, _MAX_TRIES + 1):
        slow = loop.call_later(_QUIET_S, progress, f"revision {step} is being made ...")
        try:
            await connection.run_sync(_run, step)
            return
        except DBAPIError as error:
            await connection.rollback()
            state = getattr(error.orig, "sqlstate", None)
            if state not in (_LOCK_TAKEN, _DEADLOCK) or attempt == _MAX_TRIES:
                raise
            progress(f"revision {step} gave way to others ({cause_of(error)}): try {attempt + 1} of {_MAX_TRIES}")
        finally:
            slow.cancel()
        await asyncio.sleep(_PAUSE_S)


def _run(connection: Connection, step: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, step)


def _steps(connection: Connection, revision: str) -> list[str]:
    """Return the revisions that are to be made, oldest first."""
    made = {each.revision for head in _heads(connection) for each in _scripts().iterate_revisions(head, "base")}
    wanted = _scripts().iterate_revisions(revision, "base")
    return [each.revision for each in wanted if each.revision not in made][::-1]


async def drift(database: Database) -> list[str]:
    """Return the differences between the migrated tables and the tables in code, as text; empty when they agree."""
    async with database.read() as connection:
        return await connection.run_sync(_differences)


def is_described(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Whether the code describes an object of the database: it describes no partition, and nothing of Alembic's."""
    return kind != "table" or not (name == "alembic_version" or PARTITION.match(name or ""))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _head() -> str:
    head = _scripts().get_current_head()
    assert head is not None
    return head


def _heads(connection: Connection) -> tuple[str, ...]:
    return tuple(MigrationContext.configure(connection).get_current_heads())


def _survey(connection: Connection, names_schema: bool) -> Survey:
    if not connection.execute(_OWN_TABLES, {"names": [*districts.OWN_TABLES]}).scalar_one():
        missing = _survey_of_schema(connection, names_schema)
        return Survey(Tables.NOWHERE, missing) if missing else _survey_of_strangers(connection)
    heads = _heads(connection)
    if heads == (_head(),):
        return Survey(Tables.OURS)
    known = {each.revision for each in _scripts().walk_revisions()}
    if not known.issuperset(heads):
        return _survey_of_newer(", ".join(heads), migration_steps.oldest_program(connection), known)
    return Survey(Tables.OLDER, "the tables are older than this version: run `sihu migrate`")


def _survey_of_newer(revision: str, oldest: str | None, known: set[str]) -> Survey:
    """Describe tables that newer migrations have made. A migration that takes away what an older program needs says so
    (`migration_steps.contract`); as long as none did, programs of both versions work side by side."""
    if oldest is None or oldest in known:
        notice = f"this program is older than its tables (revision {revision}), and can work on them: install the newer"
        return Survey(Tables.AHEAD, notice=notice)
    advice = f"this database is of a newer sihu (revision {revision}): install that version of the program"
    return Survey(Tables.NEWER, advice)


def _survey_of_schema(connection: Connection, names_schema: bool) -> str | None:
    """Return what to do about the schema that has no tables of this service; None when they may be made there."""
    schema, path, role = connection.execute(_SCHEMA).one()
    if schema is None:
        return (
            f"this database has no schema {path} that the role {role} may use: "
            f"`CREATE SCHEMA {path} AUTHORIZATION {role}`, or name another one in DATABASE_URL (?search_path=)"
        )
    if not names_schema and schema != "public" and connection.execute(_MAY_USE_PUBLIC).scalar_one():
        return (
            f"the schema {schema} has no tables of sihu, and the schema public has some that the role {role} may use: "
            f"say which is meant, with ?search_path={schema} or ?search_path=public in DATABASE_URL"
        )
    return None


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
    options = {"compare_type": True, "compare_server_default": True, "include_object": is_described}
    return [str(each) for each in compare_metadata(MigrationContext.configure(connection, opts=options), metadata)]
