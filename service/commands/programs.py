"""PostgreSQL's own programs, such as `pg_dump`: which of those at hand to take, and how they are run.

A program reads where its database is from its environment, as libpq does. So a password stands in no command line, and
several hosts work as they do for the service.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from service import database_urls, postgres
from service.commands.refusal import CommandRefusal
from service.postgres import EmbeddedError
from service.settings import Settings

_PACKAGED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)
_VERSION = re.compile(r"\) (\d+)")
_COMPLAINT = re.compile(rb"(?:error|FATAL|PANIC): +(.*)")
_PREFIX = re.compile(r"^(?:error: |FATAL: +|could not execute query: )+")
_MAX_COMPLAINT = 400

OnLine = Callable[[str], None]
"""A function that takes each line that a program prints about its work."""


class ProgramFailure(CommandRefusal):
    """A program has failed. The message is its own first complaint."""


class ProgramFolder(NamedTuple):
    """A folder with PostgreSQL's programs, and their major version."""

    path: Path
    major: int


def at_least(major: int, settings: Settings) -> ProgramFolder:
    """The folder with the oldest programs that can dump a server of this version. SIHU_PG_BIN goes before all others.

    A dump of the server's own version can be restored into any server from that version on.

    Raises:
        CommandRefusal: no program at hand is new enough.
    """
    found = [folder for folder in folders(settings) if folder.major >= major]
    if not found:
        raise CommandRefusal(
            f"there is no pg_dump for PostgreSQL {major} or newer here: install postgresql-client-{major}, or set "
            "SIHU_PG_BIN to the folder of one"
        )
    return found[0] if found[0].path == settings.pg_bin else min(found, key=lambda folder: folder.major)


def folders(settings: Settings) -> Iterator[ProgramFolder]:
    """All folders at hand: SIHU_PG_BIN, those of PATH, those that distributions use, that of the wheel."""
    on_path = shutil.which("pg_dump")
    candidates = [settings.pg_bin, Path(on_path).parent if on_path else None]
    candidates += [path for pattern in _PACKAGED for path in sorted(Path("/").glob(pattern[1:]))]
    with suppress(EmbeddedError):
        candidates.append(postgres.wheel_binaries())
    for path in dict.fromkeys(candidates):
        if path is not None and (path / "pg_dump").exists() and (path / "pg_restore").exists():
            printed = subprocess.run([path / "pg_dump", "--version"], capture_output=True, text=True, check=False)
            if version := _VERSION.search(printed.stdout):
                yield ProgramFolder(path, int(version[1]))


def environment(url: str, *, embedded: bool) -> dict[str, str]:
    """The environment of a program that works on the database at `url`. For the embedded server, nothing of the
    surrounding environment is handed on."""
    surrounding = {} if embedded else {"PGCONNECT_TIMEOUT": "10", **os.environ}  # noqa: TID251 - handed on whole
    return {**surrounding, **database_urls.libpq_variables(url), "PGAPPNAME": "sihu backup", "LC_ALL": "C"}


async def run(
    program: Path,
    *arguments: str,
    env: Mapping[str, str],
    output: IO[bytes] | int = DEVNULL,
    on_line: OnLine = lambda _: None,
) -> None:
    """Run a program to its end; if this is cancelled, the program is killed. Raises `ProgramFailure`."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=DEVNULL,
        stdout=output,
        stderr=PIPE,
        env=dict(env),
        start_new_session=True,  # Ctrl-C is for the command, which then ends the program
        restore_signals=False,  # a file that may not grow is then an error, and no sudden death
    )
    assert process.stderr is not None
    try:
        complaint = await _follow(process.stderr, on_line)
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise ProgramFailure(complaint or f"{program.name} ended with {code} and gave no reason")


async def _follow(stderr: asyncio.StreamReader, on_line: OnLine) -> str:
    """Read the lines of a program to their end. Returns its first complaint, or its last line; empty: it printed
    none."""
    complaint, last, rest = "", b"", b""
    while chunk := await stderr.read(1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            found = _COMPLAINT.search(line)
            if found and not complaint:
                complaint = _shown(found[1])
            on_line(line.decode(errors="replace"))
            last = line or last
    return complaint or _shown(last or rest)


def _shown(line: bytes) -> str:
    text = _PREFIX.sub("", line.decode(errors="replace").strip())
    return text if len(text) <= _MAX_COMPLAINT else f"{text[:_MAX_COMPLAINT]}…"
