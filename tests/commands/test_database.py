"""`sihu migrate`, and the database that every command works on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from service.commands import database as commands
from service.commands.database import database_url, on_database, with_any_database, with_database
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from service.store.migrate import Tables
from tests.commands.running import Run

DONE: tuple[int, list[str], list[str]] = (0, ["The database is at this version's tables."], [])


def test_migrating_twice_is_migrating_once(run: Run, bare_url: str) -> None:
    assert run(bare_url, "migrate") == DONE
    assert run(bare_url, "migrate", "--check") == DONE
    assert with_database(Settings(database_url=bare_url), migrate.survey) == (Tables.OURS, "", "")


def test_check_names_each_difference_and_ends_with_1(run: Run, database_url: str) -> None:
    async def add_stranger(database: Database) -> None:
        async with database.begin() as tx:
            await tx.execute(text("CREATE TABLE stranger (id integer)"))

    asyncio.run(on_database(database_url, add_stranger))
    code, lines, faults = run(database_url, "migrate", "--check")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert faults[0].startswith("migrations and tables differ: ")
    assert "stranger" in faults[0]
    assert run(database_url, "migrate") == DONE, "only --check compares"


def test_time_and_registry_are_those_of_the_database(haizhu_url: str) -> None:
    now, world = with_database(Settings(database_url=haizhu_url), commands.now_and_world)
    assert abs((now - datetime.now(UTC)).total_seconds()) < 60
    assert len(world.units) == 278


def test_a_given_database_is_used_as_it_is(haizhu_url: str) -> None:
    settings = Settings(database_url=haizhu_url)
    with database_url(settings) as url:
        assert url == settings.database_url


def test_without_a_database_an_embedded_one_runs(tmp_path: Path) -> None:
    """The embedded server lives in the folder of the settings, and ends with the block."""

    async def answer(database: Database) -> int:
        async with database.read() as connection:
            return int((await connection.execute(text("SELECT 42"))).scalar_one())

    settings = Settings(data_dir=tmp_path / "data")
    assert with_any_database(settings, answer) == 42
    assert (settings.data_dir / "postgres" / "PG_VERSION").exists()
    assert not (settings.data_dir / "postgres" / "postmaster.pid").exists()
