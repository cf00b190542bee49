"""Processes of this machine: starting one to its end, and what Linux shows of any in /proc."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

_PROC = Path("/proc")
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MAX_FILES = 65_536
_LOOKS, _LOOK_S = 100, 0.02


def raise_open_files() -> int:
    """Let this process open as many files and connections as the system allows, within reason. Returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return min(soft, most) if soft != resource.RLIM_INFINITY else most


def run_as_owner(folder: Path, program: Path, *arguments: str) -> tuple[int, str]:
    """Run a program and return its exit code and output. The program runs as the owner of `folder`, without the
    variables of the environment, and in a session of its own, so that Ctrl-C in the terminal of the service does not
    reach it, nor what it starts."""
    return _run_to_its_end(folder, program, arguments)


def run(program: Path, *arguments: str) -> tuple[int, str]:
    """Run a program as `run_as_owner` does, but as the user of this process."""
    return _run_to_its_end(None, program, arguments)


def _run_to_its_end(folder: Path | None, program: Path, arguments: Sequence[str]) -> tuple[int, str]:
    with tempfile.TemporaryFile() as output:  # not a pipe: a server that the program starts would keep it open
        process = None
        try:
            with _signals_deferred():  # else it might run, and nobody know its number
                process = _started(folder, [str(program), *arguments], output)
            code = process.wait()
        except BaseException:  # Ctrl-C: the program ends as well, with what it has started in its own session
            if process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            raise
        output.seek(0)
        return code, output.read().decode(errors="replace")


def _started(folder: Path | None, command: list[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    owner = folder.stat() if folder is not None and os.geteuid() == 0 else None
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        cwd="/",
        env={"LC_ALL": "C"},
        user=None if owner is None else owner.st_uid,
        group=None if owner is None else owner.st_gid,
        extra_groups=None if owner is None else (),
    )


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Handle the signals that end a command at the end of this block, and not within it."""
    if threading.current_thread() is not threading.main_thread():  # no handler ever runs in another thread
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    handlers = {int(number): handler for number in _ENDING if callable(handler := signal.getsignal(number))}
    for number in handlers:
        signal.signal(number, lambda *signalled: caught.append(signalled))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for number, frame in caught:
        handlers[number](number, frame)


def is_alive(pid: int, name: str = "") -> bool:
    """Whether the process with this number lives and, if a `name` is given, runs the program of that name.

    A dead process keeps its number until its parent has taken note of its end. When this process is the parent, as the
    first process of a container is for all whose own parent has ended, it takes note here.
    """
    if pid <= 0:
        return False
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    if not _PROC.joinpath("self").exists():  # not Linux: the number is all there is to go by
        return exists(pid)
    try:
        found, _, state = (_PROC / str(pid) / "stat").read_text().partition("(")[2].rpartition(") ")
    except OSError:
        return False
    return name in ("", found) and state[:1] not in "ZX"


def exists(pid: int) -> bool:
    """Whether a process has this number, be it dead and not taken note of yet."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return pid > 0


def kill_family(pid: int) -> None:
    """Kill the children of a process and the process itself, and return when they are dead. A process that hangs, or is
    stopped, ends as well."""
    try:
        children = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError:
        children = []
    family = [*map(int, children), pid]
    for each in family:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    for _ in range(_LOOKS):
        if not any(map(is_alive, family)):
            return
        time.sleep(_LOOK_S)
