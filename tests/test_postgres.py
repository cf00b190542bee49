from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from service import postgres
from service.postgres import EmbeddedError, Server
from tests.processes.running import family, lives

Start = Callable[..., Server]

# Starting for real, in another process, and saying so.
_OTHER = """
import pathlib, sys
from service import postgres
data, bin_dir = map(pathlib.Path, sys.argv[1:])
server = postgres.start(data, bin_dir=bin_dir)
print(server.url(), flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def bin_dir() -> Path | None:
    given = os.environ.get("SIHU_PG_BIN")
    return Path(given) if given else None


@pytest.fixture
def start(bin_dir: Path | None) -> Iterator[Start]:
    """`postgres.start`, with whatever it started stopped at the end."""
    servers = []

    def start(data_dir: Path, **settings: str) -> Server:
        servers.append(postgres.start(data_dir, bin_dir=bin_dir, settings=settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def ask(server: Server, *statements: str) -> object:
    """The last statement's answer."""

    async def run() -> object:
        engine = create_async_engine(server.url(), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            results = [await connection.execute(text(statement)) for statement in statements]
            answer = results[-1].scalar() if results[-1].returns_rows else None
        await engine.dispose()
        return answer

    return asyncio.run(run())


def postmaster(server: Server) -> int:
    return int((server.data_dir / "postmaster.pid").read_text().splitlines()[0])


def other(server_or_data: Path, bin_dir: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", _OTHER, str(server_or_data), str(bin_dir)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.clause("ASVS 13.2.3", "ASVS 13.3.2")
def test_it_listens_on_a_private_socket_only_and_takes_the_settings(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg", work_mem="5MB")
    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SHOW work_mem") == "5MB"
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SHOW fsync") == "on"
    assert server.data_dir.stat().st_mode & 0o077 == 0


def test_what_was_stored_is_there_after_a_stop(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg")
    ask(server, "CREATE TABLE kept AS SELECT 1 AS n")
    server.stop()
    server.stop()
    assert not (server.data_dir / "postmaster.pid").exists()
    assert ask(start(tmp_path / "pg"), "SELECT n FROM kept") == 1


def test_what_was_stored_is_there_after_a_kill(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg")
    ask(server, "CREATE TABLE kept AS SELECT 1 AS n")
    os.kill(postmaster(server), signal.SIGKILL)
    assert ask(start(tmp_path / "pg"), "SELECT n FROM kept") == 1


def test_a_killed_server_is_revived(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg", work_mem="5MB")
    ask(server, "CREATE TABLE kept AS SELECT 1 AS n")
    assert server.is_running()
    os.kill(postmaster(server), signal.SIGKILL)
    while server.is_running():
        time.sleep(0.01)
    assert not server.is_closed()
    server.revive()
    assert ask(server, "SELECT n FROM kept") == 1
    assert ask(server, "SHOW work_mem") == "5MB"


def test_a_server_stopped_on_purpose_is_told_apart(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg")
    os.kill(postmaster(server), signal.SIGINT)
    while server.is_running():
        time.sleep(0.01)
    assert server.is_closed()


def test_a_hanging_server_is_killed_with_its_children(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg")
    ask(server, "CREATE TABLE kept AS SELECT 1 AS n")
    pids = family(postmaster(server))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 10
    assert not any(map(lives, pids))
    assert ask(start(tmp_path / "pg"), "SELECT n FROM kept") == 1


def test_a_server_that_is_being_stopped_is_not_revived(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg")
    server.stop()
    with pytest.raises(EmbeddedError, match="being stopped"):
        server.revive()
    assert not server.is_running()


def test_another_process_with_the_killed_servers_number_is_no_hindrance(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / "pg")
    pid_file = server.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(int(lines[0]), signal.SIGKILL)
    sleeper = subprocess.Popen(["sleep", "60"], user=server.data_dir.stat().st_uid)
    try:
        pid_file.write_text("\n".join([str(sleeper.pid), *lines[1:]]))
        assert ask(start(tmp_path / "pg"), "SELECT 1") == 1
    finally:
        sleeper.kill()
        sleeper.wait()


def test_the_last_process_that_uses_it_stops_it(tmp_path: Path, start: Start) -> None:
    first = start(tmp_path / "pg")
    second = start(tmp_path / "pg")
    assert first.url() == second.url()
    second.stop()
    assert ask(first, "SELECT 1") == 1
    first.stop()
    assert not (first.data_dir / "postmaster.pid").exists()


def test_processes_that_start_at_once_share_one_server_and_a_killed_one_does_not_count(
    tmp_path: Path, start: Start, bin_dir: Path | None
) -> None:
    binaries = bin_dir or postgres.wheel_binaries()
    processes = [other(tmp_path / "pg", binaries) for _ in range(3)]
    urls = {process.stdout.readline().strip() for process in processes if process.stdout}
    server = start(tmp_path / "pg")
    assert urls == {server.url()}
    processes[0].kill()
    for process in processes:
        process.communicate()
    assert ask(server, "SELECT 1") == 1
    server.stop()
    assert not (server.data_dir / "postmaster.pid").exists()


def test_a_long_path_in_chinese_with_a_comma_and_a_space_works(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / ("海珠区, " * 8) / "pg")
    assert ask(server, "SELECT 1") == 1
    assert len(os.fsencode(server.socket_dir)) < 90


def test_the_environments_postgres_variables_do_not_reach_it(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGDATABASE", "nowhere")
    assert ask(start(tmp_path / "pg"), "SELECT current_database()") == "sihu"


def test_a_folder_only_root_may_enter_is_no_hindrance(tmp_path: Path, start: Start) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert ask(start(closed / "pg"), "SELECT 1") == 1


def test_a_setting_it_refuses_is_named(tmp_path: Path, start: Start) -> None:
    with pytest.raises(EmbeddedError, match=r'"shared_buffers".*server\.log'):
        start(tmp_path / "pg", shared_buffers="much")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, start: Start) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "letter").write_text("dear")
    with pytest.raises(EmbeddedError, match="not empty"):
        start(tmp_path / "pg")
    assert (tmp_path / "pg" / "letter").read_text() == "dear"


def test_a_folder_without_binaries_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=f"no initdb in {tmp_path}: set SIHU_PG_BIN"):
        postgres.start(tmp_path / "pg", bin_dir=tmp_path)


@pytest.mark.parametrize("folder", ["file", "file/pg", "file/deeper/pg"])
def test_a_file_in_the_folders_place_is_named(tmp_path: Path, start: Start, folder: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=f"{tmp_path}/file is a file, not a folder; set SIHU_DATA_DIR"):
        start(tmp_path / folder)


def test_a_folder_that_cannot_be_made_is_named(start: Start) -> None:
    with pytest.raises(EmbeddedError, match=r"cannot use /proc/sihu/pg: .+; set SIHU_DATA_DIR"):
        start(Path("/proc/sihu/pg"))
