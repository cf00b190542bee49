"""Who may connect to the embedded PostgreSQL."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import admission, postgres, proc
from service.postgres import Server

_TRUST = "local all all trust\n"
"""As folders had it from before."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = _started(tmp_path / "pg")
    yield server
    server.stop()


def _started(data_dir: Path) -> Server:
    bin_dir = os.environ.get("SIHU_PG_BIN")
    return postgres.start(data_dir, bin_dir=Path(bin_dir) if bin_dir else None)


def _asked(server: Server, user: str | None = None) -> tuple[int, str]:
    """The exit code and the output of psql, run by a user of this host."""
    address = ("-h", str(server.socket_dir), "-p", "5432", "-U", "sihu", "-d", "sihu")
    command = [str(server.bin_dir / "psql"), *address, "-wAtc", "SELECT current_user"]
    account = None if user is None else pwd.getpwnam(user)
    done = subprocess.run(
        command,
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else (),
        cwd="/",
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def _opened(server: Server) -> None:
    """Make the folder one from before, in which everybody was trusted."""
    (server.data_dir / "pg_hba.conf").write_text(_TRUST)
    (server.data_dir / "pg_ident.conf").write_text("")
    proc.run_as_owner(server.data_dir, server.bin_dir / "pg_ctl", "-D", str(server.data_dir), "reload")
    assert any(_asked(server, "nobody")[0] == 0 for _ in range(100))


_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.mark.clause("ASVS 13.2.3", "GB/T 22239 8.1.4.2 b")
@_AS_ROOT
def test_another_user_of_this_host_is_not_let_in(server: Server) -> None:
    assert _asked(server) == (0, "sihu\n")
    code, said = _asked(server, "nobody")
    assert code == 2 and "Peer authentication failed" in said


@_AS_ROOT
def test_a_folder_from_before_is_closed_at_the_next_start(server: Server) -> None:
    _opened(server)
    server.stop()
    again = _started(server.data_dir)
    try:
        assert _asked(again) == (0, "sihu\n")
        assert "Peer authentication failed" in _asked(again, "nobody")[1]
    finally:
        again.stop()


@_AS_ROOT
def test_a_server_from_before_that_runs_is_closed_as_well(server: Server) -> None:
    _opened(server)
    second = _started(server.data_dir)
    try:
        said = (_asked(second, "nobody")[1] for _ in range(100))  # it reads its rules again a moment later
        assert any("Peer authentication failed" in each for each in said)
        assert _asked(second) == (0, "sihu\n")
    finally:
        second.stop()


def test_what_was_added_by_hand_stays(server: Server) -> None:
    own = pwd.getpwuid(os.geteuid()).pw_name
    rules, names = server.data_dir / "pg_hba.conf", server.data_dir / "pg_ident.conf"
    with names.open("a") as file:
        file.write('sihu "backup" sihu\n')
    with rules.open("a") as file:
        file.write("local all watcher peer\n")
    before = rules.read_text(), names.read_text()
    assert admission.admit_own_user(server.data_dir) is False
    assert (rules.read_text(), names.read_text()) == before
    assert before[1].count(f'sihu "{own}" sihu') == 1 and (rules.stat().st_mode & 0o777) == 0o600


def test_no_link_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = tmp_path / "pg"
    folder.mkdir()
    (folder / "pg_hba.conf").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        admission.admit_own_user(folder)
    assert secret.read_text() == "secret"
