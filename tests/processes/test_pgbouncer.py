"""Behind PgBouncer: session mode works, transaction mode is refused in one line."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.postgres import Server
from tests.processes.running import command, free_port, serving
from tests.processes.servers import own_server

_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
# `.ci/run` installs it from Debian; who has no root runs the rest of the suite without it
pytestmark = [pytest.mark.slow, pytest.mark.skipif(_PROGRAM is None, reason="pgbouncer is not installed")]

BODY = {"grid_code": "440105003001001", "category": "urban-0110", "description": "路灯不亮"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="sihu-pooled-") as folder:
        os.chmod(folder, 0o711)
        server = own_server(Path(folder) / "pg")
        assert command("migrate", url=server.url()).returncode == 0
        assert command("registry", "import", "service/registry/haizhu", url=server.url()).returncode == 0
        yield server
        server.stop()


@contextmanager
def pooled(server: Server, mode: str) -> Iterator[str]:
    """The URL of the database behind a PgBouncer in this mode."""
    with tempfile.TemporaryDirectory(prefix="sihu-pooler-") as folder:
        port, settings = free_port(), Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\nsihu = host={server.socket_dir} port=5432 user=sihu\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = {mode}\ndefault_pool_size = 40\n"
        )
        os.chmod(folder, 0o755)
        user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        assert _PROGRAM is not None
        output = subprocess.DEVNULL
        process = subprocess.Popen([_PROGRAM, "-q", str(settings)], stdout=output, stderr=output, user=user)
        try:
            _wait_for(port)
            yield f"postgresql://sihu@127.0.0.1:{port}/sihu"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_that_shares_sessions_is_refused(server: Server, mode: str) -> None:
    with pooled(server, mode) as url:
        for _ in range(3):  # whether its sessions are new or were used before
            refused = command("serve", "--port", "0", url=url)
            assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
            assert "set pool_mode = session" in refused.stderr


def test_a_pooler_that_keeps_sessions_works(server: Server, tmp_path: Path) -> None:
    key = command("keys", "create", "--role", "reporter", "--area", "440105003", url=server.url()).stdout.strip()
    with pooled(server, "session") as url, serving(url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {key}"}) as client:
            made = [client.post("/v1/incidents", json=BODY) for _ in range(5)]
            assert {each.status_code for each in made} == {201}
            assert client.get(made[0].headers["location"]).status_code == 200
        running.stop()
        assert "Traceback" not in running.log.read_text()
