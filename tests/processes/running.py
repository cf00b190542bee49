"""The real `sihu` command in processes of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


ROOT = Path(__file__).parents[2]


def command(*arguments: str, url: str, code: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end. `code`: the folder of the program."""
    return subprocess.run(
        [sys.executable, "-m", "service.commands.parser", *arguments],
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code), "DATABASE_URL": url, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


class Running:
    """One `sihu serve`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.log = log

    def wait_until(self, path: str, status: int, *, seconds: float = 30) -> httpx.Response:
        """The answer of `path`, once it has this status."""
        end = time.monotonic() + seconds
        while True:
            try:
                answer = httpx.get(self.url + path, timeout=5)
                if answer.status_code == status:
                    return answer
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"{path} never answered {status}: {self.log.read_text()}"
            time.sleep(0.05)

    def wait_for(self, words: str, *, seconds: float = 30) -> str:
        """What the process has printed, once these words are in it."""
        end = time.monotonic() + seconds
        while words not in (printed := self.log.read_text()):
            assert self.process.poll() is None, printed
            assert time.monotonic() < end, f"never printed {words}: {printed}"
            time.sleep(0.05)
        return printed

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *map(int, children.read_text().split())] if children.exists() else [pid]


def lives(pid: int) -> bool:
    """Whether a process runs; a dead one whose parent has not taken note does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def postmaster(data_dir: Path) -> int:
    """The number of the first process of the server in this folder."""
    return int((data_dir / "postmaster.pid").read_text().splitlines()[0])


def servers_in(folder: Path) -> list[int]:
    """Every PostgreSQL that runs on data below this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and lives(int(entry.name)):
            with suppress(OSError):
                if f"{folder}/" in (entry / "cmdline").read_text().replace("\0", " ") and "postgres" in os.readlink(
                    entry / "exe"
                ):
                    found.append(int(entry.name))
    return found


@contextmanager
def serving(
    url: str, log: Path, *arguments: str, port: int | None = None, code: Path = ROOT, **environment: str
) -> Iterator[Running]:
    """`sihu serve` on a database, on a free port; killed at the end if it still runs. `code`: the folder of the
    program."""
    port = free_port() if port is None else port
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.commands.parser", "serve", "--port", str(port), *arguments],
            cwd=code,
            env={**os.environ, "PYTHONPATH": str(code), "DATABASE_URL": url, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Running(process, port, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
