"""`sihu backup check FILE` restores a backup beside everything else, examines the copy, and removes it.

The copy lies in a server of its own below TMPDIR, or, where no embedded PostgreSQL is installed, in a database of its
own on the server of DATABASE_URL.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from service import clock, database_urls, postgres
from service.appraisal import checking
from service.commands import programs
from service.commands.backup import PATIENT_MS, described
from service.commands.database import on_database
from service.commands.endings import not_interrupted
from service.commands.programs import ProgramFailure
from service.commands.progress import TableProgress, shown
from service.commands.refusal import CommandRefusal
from service.postgres import EmbeddedError
from service.rules.figures.definition import Period
from service.rules.worktime import ZONE
from service.settings import Settings
from service.store import migrate, soundness
from service.store.database import Database
from service.store.registry import deployment
from service.store.soundness import Contents
from service.worlds import CurrentWorld

_MAGIC = b"PGDMP"
_OWN_TABLES = frozenset({"access_key", "call", "incident", "report"})
_LISTED = re.compile(r"\d+; \d+ \d+ TABLE DATA (\S+) (\S+) ")
_NOT_RESTORED = ("EXTENSION", "COMMENT - EXTENSION", "PUBLICATION", "SUBSCRIPTION", "EVENT TRIGGER")
"""Entries that reach beyond the tables of a copy: an extension that this server may lack, a tie to another server."""
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
}
_TOO_OLD = "unsupported version"
_TOO_NEW = "unrecognized configuration parameter"
_DATA = "processing data for table"
_SHOWN_NAMES = 5
_MIN_ROOM = 64 * 2**20
"""Bytes without which a server cannot go on: it ends then, and does not say why."""


class Scratch(NamedTuple):
    """An empty database for the copy: its URL, the programs to use, their environment, a folder for notes."""

    url: str
    programs: Path
    env: dict[str, str]
    folder: Path


class BackupFault(CommandRefusal):
    """A backup is not good; the message says what is wrong first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument of `sihu backup check`."""
    parser.add_argument("file", metavar="FILE", help="a file made by `sihu backup`, or by pg_dump -Fc")
    parser.set_defaults(command=check)


def check(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print "good" and what the backup holds. Otherwise one line on stderr says what is wrong first, and the exit code
    is 1."""
    file, began = Path(arguments.file).absolute(), clock.monotonic()
    _demand_archive(file)
    with _scratch(settings) as scratch:
        contents = asyncio.run(_examine(file, scratch))
    print(f"{arguments.file}: good: {described(contents)} (restored and examined in {clock.monotonic() - began:.1f} s)")
    return 0


def _demand_archive(file: Path) -> None:
    try:
        with file.open("rb") as archive:
            head = archive.read(len(_MAGIC))
    except OSError as error:
        raise BackupFault(f"{file} cannot be read: {error.strerror or error}") from None
    if not head:
        raise BackupFault(f"{file} is empty: nothing was saved")
    if head != _MAGIC:
        raise BackupFault(f"{file} is no backup: make one with `sihu backup FILE` (or pg_dump -Fc)")


async def _examine(file: Path, scratch: Scratch) -> Contents:
    schema, kept, tables = await _listed(file, scratch)
    await _restore(file, scratch, kept, tables)
    await _psql(scratch, "ANALYZE")
    return await on_database(database_urls.of_schema(scratch.url, schema), lambda database: _verify(file, database))


async def _listed(file: Path, scratch: Scratch) -> tuple[str, Path, int]:
    """The schema of the tables in a backup, a list of what to restore of it, and how many tables have data."""
    whole, kept = scratch.folder / "whole", scratch.folder / "kept"
    try:
        with whole.open("wb") as output:
            await programs.run(scratch.programs / "pg_restore", "--list", str(file), env=scratch.env, output=output)
    except ProgramFailure as error:
        _demand_programs_that_fit(file, error)
        raise BackupFault(f"{file} cannot be read as a backup: {error}") from None
    lines = whole.read_text(errors="surrogateescape").splitlines(keepends=True)
    listed = [(found[2], found[1]) for line in lines if (found := _LISTED.match(line))]
    schemas = dict(listed)
    if not schemas.keys() >= _OWN_TABLES:
        names = ", ".join(sorted(schemas)[:_SHOWN_NAMES]) or "none"
        raise BackupFault(f"{file} is no backup of sihu: its tables with data are {names}")
    districts = [schema for table, schema in listed if table == "incident"]
    if len(districts) > 1:
        several = ", ".join(sorted(districts)[:_SHOWN_NAMES])
        raise BackupFault(f"{file} holds {len(districts)} districts ({several}): `sihu backup` makes one of each")
    unwanted = re.compile(rf"\d+; \d+ \d+ ({'|'.join(_NOT_RESTORED)}) ")
    kept.write_text("".join(line for line in lines if not unwanted.match(line)), errors="surrogateescape")
    return schemas["incident"], kept, len(schemas)


async def _restore(file: Path, scratch: Scratch, kept: Path, tables: int) -> None:
    progress = TableProgress(tables)
    options = ("--no-owner", "--no-acl", "--exit-on-error", "--verbose", "--no-password", "--use-list", str(kept))
    place = ("--dbname", scratch.env["PGDATABASE"])
    try:
        async with shown(progress.line):
            await programs.run(
                scratch.programs / "pg_restore",
                *options,
                *place,
                str(file),
                env=scratch.env,
                on_line=lambda line: progress.note(_DATA in line),
            )
    except ProgramFailure as error:
        if "No space left" in str(error) or shutil.disk_usage(scratch.folder).free < _MIN_ROOM:
            raise CommandRefusal(f"there is no room to restore {file}: name a larger folder in TMPDIR") from None
        _demand_programs_that_fit(file, error)
        raise BackupFault(f"{file} cannot be restored: {error}") from None


def _demand_programs_that_fit(file: Path, error: ProgramFailure) -> None:
    """Refuse where the programs are too old for the file, or too new for the server: the backup may well be good."""
    if _TOO_OLD in str(error):
        raise CommandRefusal(
            f"{file} was made by a newer PostgreSQL than the one that is to read it here ({error}): check it beside a "
            "server of that version, or with the embedded PostgreSQL"
        )
    if _TOO_NEW in str(error):
        raise CommandRefusal(
            f"the pg_restore at hand is too new for the server of DATABASE_URL ({error}): install the client programs "
            "of the server's version, or set SIHU_PG_BIN to their folder"
        )


async def _psql(scratch: Scratch, statement: str) -> None:
    await programs.run(scratch.programs / "psql", "-X", "-q", "-w", "-c", statement, env=scratch.env)


async def _verify(file: Path, database: Database) -> Contents:
    """Examine the copy, as tables of this version. Raises `BackupFault` with what is wrong first."""
    found = await migrate.survey(database)
    if not found.can_migrate:
        raise BackupFault(f"{file} cannot be examined: {found.advice}")
    await migrate.upgrade(database)
    patient = Database(database.url, pool_size=1, statement_timeout_ms=PATIENT_MS)
    try:
        async with patient.read() as connection:
            async for fault in soundness.faults(connection):
                raise BackupFault(f"{file} is not good: {fault}")
            contents, months = await soundness.contents(connection), await soundness.months(connection)
        worlds = CurrentWorld()
        await worlds.reload(patient)
        for period in _periods(*months) if months else ():
            for line in await checking.differences(patient, period, worlds.world):
                raise BackupFault(f"{file} is not good: the figures of {period} differ: {line}")
    finally:
        await patient.close()
    return contents


def _periods(first: datetime, last: datetime) -> Iterator[Period]:
    """The months in which calls were opened, from the first to the last."""
    period = Period(*first.astimezone(ZONE).timetuple()[:2])
    while period.start <= last:
        yield period
        period = Period(*period.end.astimezone(ZONE).timetuple()[:2])


@contextmanager
def _scratch(settings: Settings) -> Iterator[Scratch]:
    """An empty database that vanishes with the block."""
    bin_dir = _embeddable(settings)
    if bin_dir is None and settings.database_url is None:
        raise CommandRefusal("there is nowhere to restore to: install the embedded PostgreSQL, or set DATABASE_URL")
    with not_interrupted():
        folder = Path(tempfile.mkdtemp(prefix="sihu-check-"))
    try:
        if bin_dir is not None:
            yield from _own_server(folder, bin_dir)
        else:
            yield from _own_database(folder, settings)
    finally:
        with not_interrupted():
            shutil.rmtree(folder, ignore_errors=True)


def _embeddable(settings: Settings) -> Path | None:
    """The folder of the programs of a server to start: the newest, since it reads what any older one has saved."""
    try:
        return postgres.wheel_binaries()
    except EmbeddedError:
        given = settings.pg_bin
        return given if given is not None and (given / "initdb").exists() else None


def _own_server(folder: Path, bin_dir: Path) -> Iterator[Scratch]:
    server = None
    try:
        with not_interrupted():
            server = postgres.start(folder / "postgres", bin_dir=bin_dir, settings=_FAST)
        url = server.url()
        yield Scratch(url, bin_dir, programs.environment(url, embedded=True), folder)
    finally:
        if server is not None:
            with not_interrupted():
                server.stop()


async def _version(database: Database) -> int:
    async with database.read() as connection:
        return await deployment.server_version(connection)


def _own_database(folder: Path, settings: Settings) -> Iterator[Scratch]:
    url = settings.database_url or ""
    name = f"sihu_check_{secrets.token_hex(6)}"
    path = programs.at_least(asyncio.run(on_database(url, _version)), settings).path
    env = programs.environment(url, embedded=False)
    made = False
    try:
        with not_interrupted():
            asyncio.run(programs.run(path / "createdb", "--no-password", "--template=template0", name, env=env))
            made = True
        yield Scratch(database_urls.of_another_database(url, name), path, {**env, "PGDATABASE": name}, folder)
    except ProgramFailure as error:
        if made:
            raise
        raise CommandRefusal(f"a database for the copy cannot be made on the server of DATABASE_URL: {error}") from None
    finally:
        if made:
            with not_interrupted():
                asyncio.run(programs.run(path / "dropdb", "--no-password", "--force", name, env=env))
