"""The commands of docs/upgrade.md run as they stand there: a backup, its check, a restore, a move to another server."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service import postgres
from tests.docs import pages

PAGE = pages.DOCS / "upgrade.md"
BACKUP = "Backup"
EMBEDDED = "Restore: the embedded server"
OWN = "Restore: a server of your own"
NO_FSYNC = {"fsync": "off"}
Shell = Callable[..., str]


def _blocks(heading: str) -> list[str]:
    """The shell blocks below a heading."""
    return [each.split("\n```")[0] for each in pages.section(PAGE, heading).split("```sh\n")[1:]]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a clone has after `make run`: an environment with `python` and `sihu`."""
    folder = tmp_path_factory.mktemp("clone")
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name, module in {"python": "", "sihu": "-m service.commands.parser"}.items():
        (binaries / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {module} "$@"\n')
        (binaries / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def shell(clone: Path) -> Shell:
    """A shell in the clone. Its variables are those of the environment, and whatever it is given."""
    path = f"{clone / '.venv' / 'bin'}:{postgres.wheel_binaries()}:{os.environ['PATH']}"
    ours = {"PATH": path, "PYTHONPATH": str(pages.ROOT), "SIHU_DATA_DIR": str(clone / ".sihu")}
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SIHU_PG_BIN")}

    def run(lines: str, **variables: str) -> str:
        command = ["bash", "-euo", "pipefail", "-c", lines]
        environment = {**inherited, **ours, **variables}
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def stock(shell: Shell, clone: Path) -> Iterator[str]:
    """An embedded database with a district and a key, whose server runs for as long as the tests: each command would
    start and stop it anew. Yields the list of its keys."""
    bundle = clone / "bundle"
    bundle.mkdir()
    (bundle / "units.csv").write_text("code,name,kind\n440105,District,district\n")
    with postgres.running(clone / ".sihu" / "postgres", settings=NO_FSYNC):
        shell("sihu migrate && sihu registry import bundle && sihu keys create --role ops")
        yield shell("sihu keys list")


@pytest.mark.clause("GB/T 22239 8.1.4.9 a")
def test_a_backup_is_good_and_restores_into_a_new_folder(shell: Shell, stock: str, clone: Path) -> None:
    save, _ = _blocks(BACKUP)
    define, restore, _ = _blocks(EMBEDDED)
    assert "sihu.dump: good: " in shell(save)
    with postgres.running(clone / "restored" / "postgres"):
        shell(f"{define}\n{restore}")
        assert shell("sihu keys list", SIHU_DATA_DIR=str(clone / "restored")) == stock


def test_the_database_moves_to_a_server_and_from_there(shell: Shell, stock: str, clone: Path) -> None:
    """From the embedded server to one of one's own, and by a backup into a second database there."""
    define, _, move = _blocks(EMBEDDED)
    (restore,) = _blocks(OWN)
    with postgres.running(clone / "own") as url:
        own, second = url.replace("+asyncpg", ""), url.replace("+asyncpg", "").replace("/sihu?", "/second?")
        shell(f"{define}\n{move}\ncreatedb --maintenance-db {shlex.quote(own)} second", NEW_DATABASE_URL=own)
        shell(f"rm -f sihu.dump\nsihu backup sihu.dump\n{restore}", DATABASE_URL=own, NEW_DATABASE_URL=second)
        assert shell("sihu keys list", DATABASE_URL=second) == stock
