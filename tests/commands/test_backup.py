"""`sihu backup` and `sihu backup check` with real servers of both kinds, real signals, and files that are not whole."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from service import postgres
from service.clock import VirtualClock
from service.commands import programs
from service.commands.database import on_database
from service.commands.progress import size
from service.commands.refusal import CommandRefusal
from service.main import create_app
from service.postgres import EmbeddedError
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from service.store.log import stretches
from service.store.log.stretches import STRETCH
from tests.commands.running import NOWHERE, Run
from tests.districts import NORTH, SOUTH, make_schemas, url_of
from tests.house import START, House
from tests.store.log.batches import archive_oldest, seal, skip_to, write

COMMAND = [sys.executable, "-m", "service.commands.parser"]


@pytest.fixture
def tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, which is also where copies are restored."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert list((tmp_path / "scratch").iterdir()) == []
    assert list(tmp_path.rglob("*.part")) == []


@pytest.fixture
def full_url(haizhu_url: str) -> str:
    """The sample with six incidents: closed, answered, and called at every level; the last events have no number."""
    asyncio.run(_live(haizhu_url))
    return haizhu_url


async def _live(url: str) -> None:
    app = create_app(Settings(database_url=url, virtual_clock=START), VirtualClock(START))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        house = House(app)
        answered, withdrawn, *_ = [await house.report() for _ in range(5)]
        await house.act("community", answered, "answer", measure="去看看")
        await house.act("worker", withdrawn, "withdraw", reason="已经好了")
        await house.advance(seconds=40 * 86_400)
        await house.sealed()
        await house.process.tail.stop()
        await house.report()
        await house.close()


def run_sql(url: str, work: Callable[[Database], object]) -> None:
    asyncio.run(on_database(make_url(url).render_as_string(hide_password=False), work))  # type: ignore[arg-type]


def on_server(server: URL, query: str) -> list[str]:
    async def run() -> list[str]:
        engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            result = await connection.execute(text(query))
            found = list(result.scalars()) if result.returns_rows else []
        await engine.dispose()
        return found

    return asyncio.run(run())


def version_of(server: URL) -> int:
    return int(on_server(server, "SELECT current_setting('server_version_num')")[0]) // 10_000


# --- good ones --------------------------------------------------------------------------------------------------------


@pytest.mark.clause("ASVS 13.3.2", "GB/T 22239 8.1.4.9 a")
def test_a_backup_of_a_server_is_made_and_is_good(run: Run, full_url: str, tmp_path: Path) -> None:
    code, lines, faults = run(full_url, "backup", "sihu.dump")
    assert (code, faults) == (0, [])
    assert ": 6 incidents, " in lines[0] and "the last event is of 2027-01-02T01:00:00+00:00" in lines[0]
    assert (tmp_path / "sihu.dump").stat().st_mode & 0o777 == 0o600
    code, lines, faults = run(full_url, "backup", "check", "sihu.dump")
    assert (code, faults) == (0, [])
    assert lines[0].startswith("sihu.dump: good: 6 incidents, ")


def test_a_backup_of_the_embedded_server_is_good(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SIHU_PG_BIN")}
    environment |= {"SIHU_DATA_DIR": str(tmp_path / "data"), "PGHOST": "nowhere.invalid", "PGUSER": "nobody"}

    def sihu(*words: str) -> str:
        done = subprocess.run([*COMMAND, *words], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    pythonpath = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = pythonpath
    sihu("migrate")
    assert sihu("backup", "sihu.dump").startswith("sihu.dump: ")
    assert sihu("backup", "check", "sihu.dump").startswith("sihu.dump: good: 0 incidents, ")


def test_where_there_is_no_wheel_a_database_beside_is_used(
    run: Run, full_url: str, server: URL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(full_url, "backup", "sihu.dump")[0] == 0
    monkeypatch.setenv("PATH", f"{postgres.wheel_binaries()}:{os.environ['PATH']}")
    before = on_server(server, "SELECT datname FROM pg_database ORDER BY 1")
    monkeypatch.setattr("service.postgres.wheel_binaries", lambda: (_ for _ in ()).throw(EmbeddedError("none")))
    monkeypatch.delenv("SIHU_PG_BIN", raising=False)
    code, lines, faults = run(full_url, "backup", "check", "sihu.dump")
    assert (code, faults) == (0, [])
    assert lines[0].startswith("sihu.dump: good: 6 incidents, ")
    assert on_server(server, "SELECT datname FROM pg_database ORDER BY 1") == before


def test_programs_that_do_not_fit_say_nothing_against_the_backup(
    run: Run, full_url: str, server: URL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """pg_restore 17 sets what a server of 16 does not know; pg_restore 15 does not read what pg_dump 17 has written.
    Here stand-ins complain as they do, since no machine has all of them."""
    assert run(full_url, "backup", "sihu.dump")[0] == 0
    real = programs.at_least(version_of(server), Settings()).path
    monkeypatch.setattr("service.postgres.wheel_binaries", lambda: (_ for _ in ()).throw(EmbeddedError("none")))
    monkeypatch.setenv("SIHU_PG_BIN", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    for name in ("createdb", "dropdb", "pg_dump"):
        (tmp_path / "bin" / name).symlink_to(real / name)
    for arguments, complaint, advice in [
        ("--list", "unsupported version (1.16) in file header", "check it beside a server of that version"),
        (
            "*",
            'ERROR:  unrecognized configuration parameter "transaction_timeout"',
            "the client programs of the server",
        ),
    ]:
        pg_restore = tmp_path / "bin" / "pg_restore"
        pg_restore.write_text(
            f"#!/bin/sh\ncase $1 in --version) ;; {arguments})\necho 'pg_restore: error: {complaint}' >&2; exit 1;;\n"
            f'esac\nexec {real}/pg_restore "$@"\n'
        )
        pg_restore.chmod(0o755)
        code, lines, faults = run(full_url, "backup", "check", "sihu.dump")
        assert (code, lines, len(faults)) == (1, [], 1)
        assert advice in faults[0] and "not good" not in faults[0]


def test_tables_of_an_older_version_are_examined_as_well(run: Run, bare_url: str) -> None:
    """The way back from an upgrade is a backup that the older program made."""

    async def make(database: Database) -> None:
        await migrate.bring_to(database, "0005", lambda _: None)

    run_sql(bare_url, make)
    assert run(bare_url, "backup", "old.dump")[0] == 0
    code, lines, _ = run(bare_url, "backup", "check", "old.dump")
    assert (code, lines[0][:15]) == (0, "old.dump: good:")


@pytest.mark.clause("GB/T 22239 8.1.4.3 c")
def test_an_archive_of_the_log_is_in_the_backup(run: Run, full_url: str) -> None:
    async def archive(database: Database) -> None:
        await seal(database)
        await skip_to(database, 2 * STRETCH)
        async with database.begin() as tx:
            await stretches.make_ahead(tx)
        await write(database)
        await seal(database)
        await archive_oldest(database)

    run_sql(full_url, archive)
    assert run(full_url, "backup", "archived.dump")[0] == 0
    code, lines, faults = run(full_url, "backup", "check", "archived.dump")
    assert (code, faults, lines[0][:20]) == (0, [], "archived.dump: good:")


def test_a_schema_of_ones_own_and_extensions_are_no_hindrance(run: Run, server: URL, bare_url: str) -> None:
    name = make_url(bare_url).database
    on_server(server, f'ALTER DATABASE "{name}" SET search_path TO district')
    on_server(server.set(database=name), "CREATE SCHEMA district")
    on_server(server.set(database=name), "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
    assert run(bare_url, "migrate")[0] == 0
    assert run(bare_url, "backup", "sihu.dump")[0] == 0
    code, lines, _ = run(bare_url, "backup", "check", "sihu.dump")
    assert (code, lines[0][:16]) == (0, "sihu.dump: good:")


def test_a_backup_is_of_one_district(run: Run, bare_url: str) -> None:
    """Three in one database: each is in its own backup alone, also that of the schema `public`."""

    def url(schema: str) -> str:
        return url_of(bare_url, schema)

    asyncio.run(make_schemas(bare_url, NORTH, SOUTH))
    for n, schema in enumerate(("public", NORTH, SOUTH)):
        assert run(url(schema), "migrate")[0] == 0
        for _ in range(n + 1):
            assert run(url(schema), "keys", "create", "--role", "ops")[0] == 0
    for n, (schema, file) in enumerate((("public", "p.dump"), (NORTH, "n.dump"), (SOUTH, "s.dump"))):
        assert run(url(schema), "backup", file)[0] == 0
        code, lines, _ = run(url(NORTH), "backup", "check", file)
        assert (code, f"{file}: good: 0 incidents, {n + 1} events" in lines[0]) == (0, True), lines


def test_a_dump_of_several_districts_is_none_of_one(run: Run, bare_url: str, server: URL, tmp_path: Path) -> None:
    asyncio.run(make_schemas(bare_url, NORTH))
    for schema in ("public", NORTH):
        assert run(url_of(bare_url, schema), "migrate")[0] == 0
    folder = programs.at_least(version_of(server), Settings()).path
    env = programs.environment(make_url(bare_url).render_as_string(hide_password=False), embedded=False)
    subprocess.run([folder / "pg_dump", "-Fc", "-f", str(tmp_path / "all.dump")], env=env, check=True)
    fault = "sihu: all.dump holds 2 districts (d440105, public): `sihu backup` makes one of each"
    code, lines, faults = run(bare_url, "backup", "check", "all.dump")
    assert (code, lines, faults[0].replace(f"{tmp_path}/", "")) == (1, [], fault)


# --- bad ones ---------------------------------------------------------------------------------------------------------


def test_a_file_that_exists_is_not_overwritten(run: Run, full_url: str, tmp_path: Path) -> None:
    (tmp_path / "sihu.dump").write_text("the only backup")
    code, _, faults = run(full_url, "backup", "sihu.dump")
    assert (code, len(faults)) == (1, 1)
    assert "exists: give a backup a name of its own" in faults[0]
    assert (tmp_path / "sihu.dump").read_text() == "the only backup"


@pytest.mark.parametrize("file", ["nowhere/sihu.dump", "taken/sihu.dump", "x" * 300])
def test_a_place_that_cannot_be_written_is_one_line(run: Run, full_url: str, tmp_path: Path, file: str) -> None:
    (tmp_path / "taken").write_text("a file")
    code, lines, faults = run(full_url, "backup", file)
    assert (code, lines, len(faults)) == (1, [], 1)
    assert faults[0].startswith("sihu: ")


def test_a_database_out_of_reach_leaves_no_file(run: Run) -> None:
    code, _, faults = run(NOWHERE, "backup", "sihu.dump")
    assert (code, len(faults)) == (1, 1)
    assert not Path("sihu.dump").exists()


def test_a_foreign_database_is_not_backed_up(run: Run, bare_url: str) -> None:
    code, _, faults = run(bare_url, "backup", "sihu.dump")
    assert (code, faults) == (
        1,
        ["sihu: this database has no tables yet: run `sihu migrate`"],
    )


def test_a_full_disk_is_one_line_and_leaves_nothing(full_url: str, tmp_path: Path) -> None:
    """The system lets no file grow beyond 32 KB, as a full disk would."""
    done = subprocess.run(
        [*COMMAND, "backup", "sihu.dump"],
        cwd=tmp_path,
        env={**os.environ, "DATABASE_URL": full_url, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (32_768, 32_768)),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sihu: ") and done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert not (tmp_path / "sihu.dump").exists()


def test_a_password_stands_in_no_command_line(full_url: str, tmp_path: Path, server: URL) -> None:
    """It is looked for while a backup waits for a lock that somebody keeps."""
    secret = "hunter2hunter2"
    url = make_url(full_url).set(password=secret).render_as_string(hide_password=False)

    async def locked(database: Database) -> list[str]:
        async with database.begin() as tx:
            await tx.execute(text("LOCK TABLE duty IN ACCESS EXCLUSIVE MODE"))
            process = _started(url, tmp_path, "backup", "sihu.dump")
            await _waits_for_a_lock(process, server)
            lines = _command_lines()
            process.terminate()
            await asyncio.to_thread(process.wait, 60)
            return lines

    lines = asyncio.run(on_database(full_url, locked))
    assert [line for line in lines if "pg_dump" in line] != []
    assert [line for line in lines if secret in line] == []


def test_programs_are_of_the_servers_version_or_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (14, 16, 17):
        folder = tmp_path / str(version)
        folder.mkdir()
        for name in ("pg_dump", "pg_restore"):
            (folder / name).write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.2 (Debian)'\n")
            (folder / name).chmod(0o755)
    monkeypatch.setattr(programs, "_PACKAGED", tuple(f"{tmp_path}/{version}" for version in (17, 16, 14)))
    monkeypatch.setattr("service.postgres.wheel_binaries", lambda: (_ for _ in ()).throw(EmbeddedError("none")))
    monkeypatch.setenv("PATH", str(tmp_path / "14"))
    settings = Settings(pg_bin=None)
    assert [programs.at_least(major, settings).major for major in (13, 14, 15, 17)] == [14, 14, 16, 17]
    with pytest.raises(CommandRefusal, match="install postgresql-client-18, or set SIHU_PG_BIN"):
        programs.at_least(18, settings)
    assert programs.at_least(15, Settings(pg_bin=tmp_path / "17")).major == 17


def _spoil(whole: bytes, how: str) -> bytes:
    if how == "in the middle":
        return whole[: len(whole) * 9 // 10]
    if how == "head":
        return whole[:20]
    middle = len(whole) // 2
    return whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 64]) + whole[middle + 64 :]


@pytest.mark.parametrize("how", ["in the middle", "head", "flipped"])
def test_a_file_that_is_not_whole_is_not_good(run: Run, full_url: str, tmp_path: Path, how: str) -> None:
    assert run(full_url, "backup", "sihu.dump")[0] == 0
    file = tmp_path / "sihu.dump"
    file.write_bytes(_spoil(file.read_bytes(), how))
    code, lines, faults = run(full_url, "backup", "check", "sihu.dump")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert "cannot be re" in faults[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: nothing was saved"),
        (b"-- PostgreSQL database dump", "is no backup: make one with `sihu backup FILE`"),
        (b"PGDMP", "cannot be read as a backup"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_another_file_is_no_backup(run: Run, tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    code, _, faults = run(NOWHERE, "backup", "check", "file")
    assert (code, len(faults)) == (1, 1)
    assert words in faults[0]


def test_a_folder_is_no_backup(run: Run, tmp_path: Path) -> None:
    code, _, faults = run(NOWHERE, "backup", "check", str(tmp_path))
    assert (code, len(faults), "Is a directory" in faults[0]) == (1, 1, True)


def test_a_backup_of_another_program_is_told_apart(run: Run, bare_url: str, server: URL, tmp_path: Path) -> None:
    on_server(server.set(database=make_url(bare_url).database), "CREATE TABLE customers AS SELECT 1 AS n")
    folder = programs.at_least(version_of(server), Settings()).path
    env = programs.environment(bare_url, embedded=False)
    subprocess.run([folder / "pg_dump", "-Fc", "-f", tmp_path / "other.dump"], env=env, check=True)
    code, _, faults = run(bare_url, "backup", "check", "other.dump")
    assert code == 1
    assert faults == [f"sihu: {tmp_path}/other.dump is no backup of sihu: its tables with data are customers"]


@pytest.mark.clause("GB/T 22239 8.1.4.3 c")
def test_a_backup_with_a_gap_is_not_good(run: Run, full_url: str) -> None:
    async def harm(database: Database) -> None:
        async with database.begin() as tx:
            await tx.execute(
                text("DELETE FROM call WHERE incident_id = (SELECT id FROM incident WHERE seq = 1 LIMIT 1)")
            )

    run_sql(full_url, harm)
    assert run(full_url, "backup", "sihu.dump")[0] == 0
    code, lines, faults = run(full_url, "backup", "check", "sihu.dump")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert "is not good: incident 2026-0000" in faults[0] and "should have the calls 1 to 1 and has 0" in faults[0]


# --- ended in the middle ----------------------------------------------------------------------------------------------


@pytest.mark.clause("GB/T 22239 8.1.4.10")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("words", ["postgres", "kept"])
def test_a_check_that_is_ended_leaves_nothing_behind(
    run: Run, full_url: str, tmp_path: Path, how: signal.Signals, words: str
) -> None:
    """Neither a server nor a folder, whether it is ended while the server starts or while the copy is restored."""
    assert run(full_url, "backup", "sihu.dump")[0] == 0
    process = _started(full_url, tmp_path, "backup", "check", "sihu.dump")
    while not list((tmp_path / "scratch").glob(f"*/*{words}*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    assert process.wait(timeout=60) == 128 + how
    assert not [each for each in _command_lines() if str(tmp_path / "scratch") in each]


def test_a_backup_that_is_ended_leaves_nothing_behind(full_url: str, tmp_path: Path, server: URL) -> None:
    """It is ended while it waits for a lock that somebody keeps."""

    async def locked(database: Database) -> None:
        async with database.begin() as tx:
            await tx.execute(text("LOCK TABLE duty IN ACCESS EXCLUSIVE MODE"))
            process = _started(full_url, tmp_path, "backup", "sihu.dump")
            await _waits_for_a_lock(process, server)
            process.terminate()
            assert await asyncio.to_thread(process.wait, 60) == 128 + signal.SIGTERM

    run_sql(full_url, locked)
    assert not (tmp_path / "sihu.dump").exists()


async def _waits_for_a_lock(process: subprocess.Popen[bytes], server: URL) -> None:
    waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = 'sihu backup' AND wait_event = 'relation'"
    while not await asyncio.to_thread(on_server, server, waiting):
        assert process.poll() is None
        await asyncio.sleep(0.05)


def _started(url: str, folder: Path, *words: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([*COMMAND, *words], cwd=folder, env=environment, stderr=subprocess.DEVNULL)


def _command_lines() -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def test_two_backups_do_not_write_one_file(run: Run, full_url: str, tmp_path: Path) -> None:
    with (tmp_path / "sihu.dump.part").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        code, _, faults = run(full_url, "backup", "sihu.dump")
    assert (code, "another backup is being written" in faults[0]) == (1, True)
    assert run(full_url, "backup", "sihu.dump")[0] == 0, "what a killed one has left is no hindrance"


def test_a_long_backup_shows_how_far_it_is(
    run: Run, full_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.commands.progress._FIRST_S", 0.01)
    _, _, shown = run(full_url, "backup", "sihu.dump")
    assert any(line.startswith("table ") and " of " in line for line in shown)


def test_sizes_are_for_people() -> None:
    assert [size(n) for n in (0, 999, 1000, 12_345_678, 10**15)] == [
        "0 bytes",
        "999 bytes",
        "1.0 KB",
        "12.3 MB",
        "1000.0 TB",
    ]
