"""Migrating: a database is brought to the tables of this version by whoever comes first, and never half-way."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from service.rules.errors import Unavailable
from service.store import migrate, migration_steps
from service.store.database import Database
from service.store.migrate import Tables, WrongDatabase
from tests.processes.running import command as command_line
from tests.store.catalog import described
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

SCRIPTS = ScriptDirectory.from_config(migrate._config())
REVISIONS = [each.revision for each in SCRIPTS.walk_revisions("base", "head")][::-1]
REVERSIBLE = {
    *("0001", "0005", "0007", "0008", "0010", "0011", "0012", "0013", "0014", "0015", "0016", "0019", "0021", "0022"),
    *("0023", "0026", "0028", "0035", "0037", "0043", "0051", "0053", "0055", "0056", "0057", "0058"),
}
"""The revisions whose downgrade loses nothing that the older version could have kept."""


async def _downgrade(database: Database, revision: str) -> None:
    def run(connection: Connection) -> None:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    async with database.begin() as tx:
        await tx.run_sync(run)


def _contract(connection: Connection, revision: str) -> None:
    migration_steps.contract(Operations(MigrationContext.configure(connection)), revision)


async def test_a_migrated_database_has_nothing_pending_and_no_drift(database: Database) -> None:
    assert await migrate.survey(database) == (Tables.OURS, "", "")
    assert await migrate.drift(database) == []


async def test_an_empty_database_is_pending_until_upgraded(blank_url: str) -> None:
    database = Database(blank_url, pool_size=2)
    assert (await migrate.survey(database)).tables is Tables.NONE
    await migrate.upgrade(database)
    assert (await migrate.survey(database)).tables is Tables.OURS
    await migrate.upgrade(database)
    assert await migrate.drift(database) == []
    await database.close()


async def test_drift_names_what_differs(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("ALTER TABLE line DROP COLUMN name"))
        await tx.execute(text("DROP INDEX call_unit_idx"))
    differences = await migrate.drift(database)
    assert len(differences) == 2
    assert "'add_column'" in " ".join(differences)
    assert "call_unit_idx" in " ".join(differences)


@pytest.mark.slow
def test_several_hosts_may_upgrade_at_once(blank_url: str) -> None:
    with ThreadPoolExecutor(3) as hosts:
        done = list(hosts.map(lambda _: command_line("migrate", "--check", url=blank_url), range(3)))
    assert [each.returncode for each in done] == [0, 0, 0], done


async def test_a_survey_tells_whose_tables_these_are(blank_url: str) -> None:
    """From nothing to this version and beyond; advice is given wherever something is to be done."""
    database = Database(blank_url, pool_size=2)
    found = [await migrate.survey(database)]
    async with at_revision(blank_url, REVISIONS[0]) as old:
        found.append(await migrate.survey(old))
    await migrate.upgrade(database)
    found.append(await migrate.survey(database))
    async with database.begin() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    found.append(await migrate.survey(database))
    for known in (REVISIONS[-1], "9998"):
        async with database.begin() as tx:
            await tx.run_sync(_contract, known)
        found.append(await migrate.survey(database))
    with pytest.raises(WrongDatabase, match=r"^this database is of a newer sihu"):
        await migrate.upgrade(database)
    await database.close()
    tables = [Tables.NONE, Tables.OLDER, Tables.OURS, Tables.AHEAD, Tables.AHEAD, Tables.NEWER]
    assert [each.tables for each in found] == tables
    assert [each.can_migrate for each in found] == [True, True, True, True, True, False]
    assert [bool(each.advice) for each in found] == [True, True, False, False, False, True]
    assert [bool(each.notice) for each in found] == [False, False, False, True, True, False]


async def test_a_failed_upgrade_leaves_the_older_version_whole(blank_url: str) -> None:
    """A table of somebody else's stands in the way of 0004: nothing of 0004 stays, and the next run goes on there."""
    async with at_revision(blank_url, REVISIONS[2]) as database:
        before = await described(database)
        async with database.begin() as tx:
            await tx.execute(text("CREATE TABLE duty_proposal (id int)"))
        with pytest.raises(ProgrammingError):
            await migrate.upgrade(database)
        async with database.begin() as tx:
            await tx.execute(text("DROP TABLE duty_proposal"))
        assert await described(database) == before
        await migrate.upgrade(database)
        assert (await migrate.survey(database)).tables is Tables.OURS


async def test_a_migration_gives_way_to_others_and_tries_again(blank_url: str) -> None:
    """Somebody reads a table for long. The migration keeps nobody waiting behind it, and is made at last."""
    lines: list[str] = []
    async with at_revision(blank_url, "0007") as database:
        reader = database.begin()
        tx = await reader.__aenter__()
        await tx.execute(text("SELECT count(*) FROM call"))
        gave_way = asyncio.Event()

        def progress(line: str) -> None:
            lines.append(line)
            if "gave way" in line:
                gave_way.set()

        upgrading = asyncio.create_task(migrate.upgrade(database, progress))
        await asyncio.wait_for(gave_way.wait(), 30)
        async with database.begin() as other:  # while the migration rests, others work
            await other.execute(text("SET LOCAL lock_timeout = '1s'"))
            await other.execute(text("UPDATE call SET rating = 1"))
        await reader.__aexit__(None, None, None)
        await asyncio.wait_for(upgrading, 30)
        assert (await migrate.survey(database)).tables is Tables.OURS
    assert "revision 0008 gave way to others" in " ".join(lines)


async def test_an_interrupted_upgrade_goes_on_where_it_was(blank_url: str) -> None:
    """The server cuts the connection in the middle of a migration: what was made before it stays, the rest follows."""
    async with at_revision(blank_url, REVISIONS[2]) as database:
        async with database.begin() as tx:
            await tx.execute(text("LOCK TABLE call IN SHARE MODE"))
            waiting = asyncio.Event()
            upgrading = asyncio.create_task(migrate.upgrade(database, lambda line: waiting.set()))
            await asyncio.wait_for(waiting.wait(), 30)
            await tx.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'sihu migrate' AND datname = current_database()"
                )
            )
        with pytest.raises(Unavailable):
            await upgrading
        assert (await migrate.survey(database)).tables is Tables.OLDER
        await migrate.upgrade(database)
        assert (await migrate.survey(database)).tables is Tables.OURS
        assert await migrate.drift(database) == []


async def test_an_absent_database_is_unavailable(database_url: str) -> None:
    absent = Database(database_url.replace("sihu_", "nobody_"), pool_size=1)
    for ask in (migrate.upgrade, migrate.survey, migrate.drift):
        with pytest.raises(Unavailable):
            await ask(absent)
    await absent.close()


@pytest.mark.parametrize(("older", "revision"), list(zip(["base", *REVISIONS], REVISIONS, strict=False)))
async def test_a_downgrade_is_clean_or_refused(blank_url: str, older: str, revision: str) -> None:
    """What cannot be undone without a loss says so, and what to do instead; the rest leaves the older tables."""
    if older != "base":
        async with at_revision(blank_url, older) as database:
            before = await described(database)
    else:
        before = {}
    async with at_revision(blank_url, revision) as database:
        if revision in REVERSIBLE:
            await _downgrade(database, older)
            assert await described(database) == before
        else:
            with pytest.raises(NotImplementedError, match="restore a dump"):
                await _downgrade(database, older)
