"""A PostgreSQL of a test's own, to be stopped, made a standby of another, and reached through a switch."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service import admission, postgres, proc
from service.postgres import Server

_PORT_OF_SOCKET = 5432


def own_server(data_dir: Path, **settings: str) -> Server:
    """A running server with a folder of its own."""
    bin_dir = os.environ.get("SIHU_PG_BIN")
    server = postgres.start(data_dir, bin_dir=Path(bin_dir) if bin_dir else None, settings=settings)
    let_all_in(server)
    return server


def let_all_in(server: Server) -> None:
    """Let every user of this host connect in every role, as a standby, a pooler or a role of a test has to."""
    rules = f"{admission.BY_SIHU}local all all trust\nlocal replication all trust\nhost all all 127.0.0.0/8 trust\n"
    (server.data_dir / "pg_hba.conf").write_text(rules)
    proc.run_as_owner(server.data_dir, server.bin_dir / "pg_ctl", "-D", str(server.data_dir), "reload")


def standby_of(server: Server, data_dir: Path) -> Server:
    """A running hot standby of `server`."""
    program = shutil.which("pg_basebackup", path=f"{server.bin_dir}:{os.environ['PATH']}")
    assert program is not None
    arguments = ("-h", str(server.socket_dir), "-p", str(_PORT_OF_SOCKET), "-U", "sihu", "-D", str(data_dir), "-R")
    subprocess.run([program, *arguments, "-c", "fast", "-X", "stream"], check=True, capture_output=True, timeout=60)
    (data_dir / f".s.PGSQL.{_PORT_OF_SOCKET}.lock").unlink()  # of the socket of the first, which lies in its folder
    owner = server.data_dir.stat()
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return own_server(data_dir)


def postmaster(server: Server) -> int:
    return int((server.data_dir / "postmaster.pid").read_text().splitlines()[0])


def signalled(server: Server, how: signal.Signals) -> None:
    """Send a signal to every process of a server."""
    first = postmaster(server)
    for each in (first, *children_of(first)):
        with suppress(ProcessLookupError):
            os.kill(each, how)


def children_of(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """The server does nothing as long as this block lasts, and goes on afterwards."""
    signalled(server, signal.SIGSTOP)
    try:
        yield
    finally:
        signalled(server, signal.SIGCONT)


class Switch:
    """A TCP port that leads to the socket of a server. It can lead elsewhere, cut its connections, or stop to pass
    bytes in either direction, as a network does that has lost a host. With the `host` on which the server listens it
    leads there, so that the server can notice that nobody reads what it sends: a socket file has no such limit."""

    def __init__(self, server: Server, host: str | None = None) -> None:
        self.server = server
        self._host = host
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._passing = threading.Event()
        self._passing.set()
        self._ends: list[socket.socket] = []
        self._passers: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def url(self) -> str:
        """The URL of the database at the other end, by way of the switch."""
        return f"postgresql://sihu@127.0.0.1:{self._listener.getsockname()[1]}/sihu"

    def freeze(self) -> None:
        """Pass no byte any more."""
        self._passing.clear()

    def cut(self) -> None:
        """End all connections; new ones are taken."""
        ends, self._ends = self._ends, []
        for each in ends:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def thaw(self) -> None:
        """Pass on what came meanwhile, and everything from now on."""
        self._passing.set()

    def close(self) -> None:
        """Take no connection any more, and end all."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.cut()
        self.thaw()
        for each in self._passers:
            each.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX if self._host is None else socket.AF_INET)
            self._ends += [near, far]
            with suppress(OSError):
                far.connect(self._address())
            for source, target in ((near, far), (far, near)):
                passer = threading.Thread(target=self._pass_on, args=(source, target), daemon=True)
                self._passers.append(passer)
                passer.start()

    def _address(self) -> str | tuple[str, int]:
        if self._host is not None:
            return self._host, _PORT_OF_SOCKET
        return str(self.server.socket_dir / f".s.PGSQL.{_PORT_OF_SOCKET}")

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._passing.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        source.close()
