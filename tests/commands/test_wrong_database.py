"""Every command on a database that is not ready for it: one line that says what to do, exit code 1, nothing written."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from service.commands import parser
from service.store import migrate
from tests.commands.running import NOWHERE, Run
from tests.conftest import clone
from tests.registry.bundles import in_yaml, written

EMPTY = "this database has no tables yet: run `sihu migrate`"
AHEAD = "this program is older than its tables (revision 9999), and can work on them: install the newer"
CONTRACTED = "COMMENT ON TABLE alembic_version IS 'programs that know revision 9998'"
NEWER = "this database is of a newer sihu (revision 9999): install that version of the program"
OLDER = "the tables are older than this version: run `sihu migrate`"

COMMANDS: dict[str, tuple[str, ...]] = {
    "sihu keys create": ("--role", "ops"),
    "sihu keys find": ("worker",),
    "sihu keys list": (),
    "sihu keys revoke": ("01900000-0000-7000-8000-000000000000",),
    "sihu keys rotate": ("01900000-0000-7000-8000-000000000000",),
    "sihu policy list": (),
    "sihu policy check": ("policy.yaml",),
    "sihu policy draft": ("policy.yaml",),
    "sihu policy activate": ("example", "1"),
    "sihu calendar load": ("days.csv",),
    "sihu calendar seed": (),
    "sihu calendar coverage": (),
    "sihu registry import": ("bundle",),
    "sihu personal erase": ("2026-000001", "--yes"),
    "sihu secrets rotate": (),
    "sihu appraisal check": ("2026-11",),
    "sihu serve": ("--port", "0"),
}
"""Every command that needs the tables of this version, with arguments that it takes."""
OTHERS = {"sihu backup", "sihu backup check", "sihu migrate", "sihu doctor", "sihu openapi", "sihu demo", "sihu bench"}
"""The commands that take the database as it is, or need none."""


def commands(of: argparse.ArgumentParser, name: str) -> Iterator[str]:
    """The full names of all commands below a parser."""
    groups = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        for word, inner in group.choices.items():
            yield from commands(inner, f"{name} {word}")
    if not groups:
        yield name


def foreign(tables: str) -> str:
    return (
        f"this database belongs to another program (tables: {tables}): "
        "give sihu a database of its own, and name it in DATABASE_URL"
    )


STRANGERS: dict[str, tuple[tuple[str, ...], str]] = {
    "a table": (("CREATE TABLE customers (id int)",), foreign("customers")),
    "a table in a schema": (("CREATE SCHEMA crm", "CREATE TABLE crm.orders (id int)"), foreign("orders")),
    "a view": (("CREATE VIEW today AS SELECT 1",), foreign("today")),
    "many tables": (
        tuple(f"CREATE TABLE t{n} (id int)" for n in range(8)),
        foreign("t0, t1, t2, t3, t4 and 3 more"),
    ),
    "a revision like ours": (
        ("CREATE TABLE alembic_version (version_num text)", "INSERT INTO alembic_version VALUES ('0001')"),
        foreign("alembic_version"),
    ),
    "another revision": (
        (
            "CREATE TABLE alembic_version (version_num text)",
            "INSERT INTO alembic_version VALUES ('1975ea83b712')",
            "CREATE TABLE customers (id int)",
        ),
        foreign("alembic_version, customers"),
    ),
    "tables named like ours": (
        ("CREATE TABLE event (id int)", "CREATE TABLE incident (id int)"),
        foreign("event, incident"),
    ),
}


_TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_|^information' ORDER BY 1, 2"


def execute(url: str, *statements: str) -> list[str]:
    """Execute the statements. Returns what the database holds then: its tables, and how many rows each has had."""

    async def work() -> list[str]:
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
            tables = await connection.execute(text(_TABLES))
            found = []
            for schema, table in list(tables):
                rows = await connection.execute(text(f'SELECT count(*) FROM "{schema}"."{table}"'))
                found.append(f"{schema}.{table} {rows.scalar_one()}")
        await engine.dispose()
        return found

    return asyncio.run(work())


@pytest.fixture
def files(tmp_path: Path, run: Run) -> None:
    """What the commands read, in the folder in which they run."""
    (tmp_path / "policy.yaml").write_bytes(in_yaml(written()))
    (tmp_path / "days.csv").write_text("day,workday\n2027-01-01,false\n")
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "lines.csv").write_text("code,name\nurban,城市\n")


@pytest.fixture
def newer_url(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["empty"]):
        execute(url, "UPDATE alembic_version SET version_num = '9999'", CONTRACTED)
        yield url


def test_the_table_knows_every_command() -> None:
    assert {*COMMANDS, *OTHERS} == set(commands(parser._parser(), "sihu"))


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_needs_tables_of_its_version(run: Run, name: str, bare_url: str, newer_url: str) -> None:
    arguments = (*name.split()[1:], *COMMANDS[name])
    for url, line in ((bare_url, EMPTY), (newer_url, NEWER)):
        before = execute(url)
        assert run(url, *arguments) == (1, [], [f"sihu: {line}"])
        assert execute(url) == before


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", [*COMMANDS, "sihu migrate", "sihu serve --demo"])
def test_another_programs_database_stays_as_it_is(
    run: Run, name: str, bare_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIHU_DATA_DIR", str(tmp_path / "data"))
    before = execute(bare_url, "CREATE TABLE customers (id int)", "INSERT INTO customers VALUES (1)")
    arguments = (*name.split()[1:], *COMMANDS.get(name, ()))
    assert run(bare_url, *arguments) == (1, [], [f"sihu: {foreign('customers')}"])
    assert execute(bare_url) == before


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_is_known_by_what_it_made(run: Run, bare_url: str, kind: str) -> None:
    statements, line = STRANGERS[kind]
    before = execute(bare_url, *statements)
    for arguments in (("migrate",), ("keys", "list")):
        assert run(bare_url, *arguments) == (1, [], [f"sihu: {line}"])
    assert run(bare_url, "doctor")[1][-1] == f"BAD  {line}"
    assert execute(bare_url) == before


def test_tables_that_were_only_added_to_serve_as_well(run: Run, haizhu_url: str) -> None:
    """The tables are of a newer version that took nothing away: an older program works on, and says so."""
    before = execute(haizhu_url, "UPDATE alembic_version SET version_num = '9999'")
    for arguments in (("migrate",), ("migrate", "--check")):
        assert run(haizhu_url, *arguments) == (0, [f"Nothing to do: {AHEAD}."], [])
    assert f"warn {AHEAD}" in run(haizhu_url, "doctor")[1]
    assert run(haizhu_url, "keys", "list")[0] == 0
    assert execute(haizhu_url) == before


def test_a_newer_database_is_not_migrated(run: Run, newer_url: str) -> None:
    before = execute(newer_url)
    assert run(newer_url, "migrate") == (1, [], [f"sihu: {NEWER}"])
    assert run(newer_url, "serve", "--demo") == (1, [], [f"sihu: {NEWER}"])
    assert run(newer_url, "doctor")[1][-1] == f"BAD  {NEWER}"
    assert execute(newer_url) == before


def test_older_tables_are_to_be_migrated(run: Run, database_url: str) -> None:
    execute(database_url, "UPDATE alembic_version SET version_num = '0001'")
    assert run(database_url, "keys", "list") == (1, [], [f"sihu: {OLDER}"])


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE EXTENSION pg_stat_statements",
        "CREATE TABLE alembic_version (version_num text)",
        "CREATE SCHEMA empty",
        "CREATE SEQUENCE numbers",
    ],
)
def test_what_belongs_to_nobody_is_no_hindrance(run: Run, bare_url: str, statement: str) -> None:
    if "EXTENSION" in statement and not _has_extension(bare_url):
        pytest.skip("this server has no contrib modules")
    execute(bare_url, statement)
    assert run(bare_url, "keys", "list") == (1, [], [f"sihu: {EMPTY}"])
    assert run(bare_url, "migrate")[0] == 0
    assert run(bare_url, "keys", "list") == (0, [], [])


def _has_extension(url: str) -> bool:
    try:
        execute(url, "CREATE EXTENSION pg_stat_statements", "DROP EXTENSION pg_stat_statements")
    except Exception:
        return False
    return True


def test_a_schema_of_ones_own_may_lie_beside_others(run: Run, bare_url: str) -> None:
    """Districts may share a database: each has a role whose search path names its schema."""
    role = "district_" + bare_url.rpartition("/")[2].partition("?")[0]
    execute(bare_url, "CREATE TABLE customers (id int)", f"CREATE ROLE {role} LOGIN")
    execute(bare_url, f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    try:
        url = bare_url.replace(f"//{bare_url.partition('//')[2].partition('@')[0]}@", f"//{role}@")
        assert run(url, "migrate")[0] == 0
        assert run(url, "keys", "list") == (0, [], [])
    finally:
        execute(bare_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "parameter", ["search_path=nowhere", "search_path=nowhere,public", "options=-csearch_path%3Dnowhere"]
)
@pytest.mark.parametrize("words", [("migrate",), ("serve", "--port", "0"), ("keys", "list"), ("backup", "x.dump")])
def test_a_schema_that_is_not_there_is_one_line(
    run: Run, database_url: str, parameter: str, words: tuple[str, ...]
) -> None:
    before = execute(database_url)
    code, lines, faults = run(f"{database_url}&{parameter}", *words)
    assert (code, lines, len(faults)) == (1, [], 1)
    assert faults[0].startswith("sihu: this database has no schema nowhere that the role ")
    assert "`CREATE SCHEMA nowhere AUTHORIZATION " in faults[0]
    assert execute(database_url) == before


def test_an_empty_schema_beside_tables_in_use_is_asked_about(run: Run, database_url: str) -> None:
    """The role has got a schema of its name, which now goes before that of the tables."""
    role = (make_url(database_url).username or "").replace('"', '""')
    execute(database_url, f'CREATE SCHEMA "{role}"')
    before = execute(database_url)
    code, _, faults = run(database_url, "migrate")
    assert (code, len(faults), f"?search_path={role} or ?search_path=public" in faults[0]) == (1, 1, True), faults
    assert execute(database_url) == before
    assert run(f"{database_url}&search_path=public", "keys", "list")[0] == 0
    assert run(f"{database_url}&search_path={role}", "migrate")[0] == 0


def test_an_account_without_rights_is_one_line(run: Run, bare_url: str) -> None:
    role = "poor_" + bare_url.rpartition("/")[2].partition("?")[0]
    execute(bare_url, f"CREATE ROLE {role} LOGIN")
    try:
        url = bare_url.replace(f"//{bare_url.partition('//')[2].partition('@')[0]}@", f"//{role}@")
        assert run(url, "migrate") == (
            1,
            [],
            ["sihu: the database refused this: permission denied for schema public: check DATABASE_URL"],
        )
        run(bare_url, "migrate")
        refused = "sihu: the database refused this: permission denied for table alembic_version: check DATABASE_URL"
        assert run(url, "keys", "list") == (1, [], [refused])
    finally:
        execute(bare_url, f"DROP ROLE {role}")


def test_a_server_that_serves_something_else_is_one_line(run: Run, server: URL, database_url: str) -> None:
    absent = server.set(database="absent").render_as_string(hide_password=False)
    for url in (NOWHERE, absent, "postgresql://a:secret@nowhere.invalid/b"):
        code, lines, faults = run(url, "keys", "list")
        assert (code, lines, len(faults)) == (1, [], 1)
        assert faults[0].startswith(("sihu: the database cannot be reached: ", "sihu: the database refused this: "))
        assert faults[0].endswith(": check DATABASE_URL")
        assert "secret" not in faults[0]
        assert "class" not in faults[0]


@pytest.mark.parametrize("folder", ["file", "file/deeper"])
def test_a_data_folder_that_is_a_file_is_named(
    run: Run, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SIHU_DATA_DIR", str(tmp_path / folder))
    code, lines, faults = run("", "keys", "list")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert faults[0].endswith(f"{tmp_path / 'file'} is a file, not a folder; set SIHU_DATA_DIR")


def test_nothing_is_pending_in_the_database_of_this_version(run: Run, database_url: str) -> None:
    assert run(database_url, "keys", "list") == (0, [], [])
    assert migrate.Survey(migrate.Tables.OURS).can_migrate
