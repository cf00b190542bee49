"""Programs that are run to their end, and processes that live, are dead, or dead and not taken note of."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service import proc

_INTERRUPTED = """
import pathlib, signal, sys, threading
from service import proc
threading.Timer(0.5, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
proc.run_as_owner(pathlib.Path(sys.argv[1]), pathlib.Path("/bin/sh"), "-c", "echo $$ > " + sys.argv[2] + "; sleep 60")
"""


def test_a_program_gives_its_code_and_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    code, output = proc.run_as_owner(tmp_path, Path("/bin/sh"), "-c", "echo ${PGPORT:-none}; echo more >&2; exit 3")
    assert (code, output) == (3, "none\nmore\n")


def test_a_broken_off_program_leaves_nothing_behind(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    subprocess.run([sys.executable, "-c", _INTERRUPTED, str(tmp_path), str(tmp_path / "pid")], timeout=30, check=False)
    pid = int((tmp_path / "pid").read_text())
    assert not proc.is_alive(pid, "sh")


def test_a_signal_waits_until_the_program_is_known() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), proc._signals_deferred():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        reached.append(True)
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_dead_process_is_not_alive() -> None:
    """Not even while its number is in use, since nobody has taken note of its end."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z":
        time.sleep(0.01)
    assert proc.exists(pid)
    assert not proc.is_alive(pid, Path("/proc/self/comm").read_text().strip())
    assert not proc.exists(pid), "this process, its parent, has taken note"


def test_alive_is_a_process_of_that_name() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        while not proc.is_alive(sleeper.pid, "sleep"):
            time.sleep(0.01)
        assert not proc.is_alive(sleeper.pid, "postgres")
        sleeper.send_signal(signal.SIGSTOP)
        assert proc.is_alive(sleeper.pid, "sleep")
        sleeper.kill()
    assert not proc.is_alive(0, "sleep") and not proc.exists(0)


def test_a_family_dies_together() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"]) as parent:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        while len(found := children.read_text().split()) < 2:
            time.sleep(0.01)
        for pid in found:
            os.kill(int(pid), signal.SIGSTOP)
        proc.kill_family(parent.pid)
    assert not any(proc.is_alive(int(pid), "sleep") for pid in found)


def test_open_files_are_raised_to_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: chosen.append(limits))
    for soft, hard, most in ((1024, 4096, 4096), (1024, resource.RLIM_INFINITY, 65_536), (4096, 4096, 4096)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, given=(soft, hard): given)
        assert proc.raise_open_files() == most
    assert chosen == [(4096, 4096), (65_536, resource.RLIM_INFINITY)]
