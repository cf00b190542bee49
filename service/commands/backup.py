"""`sihu backup FILE` saves the whole district, as it is at one instant, while the service goes on."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service import clock
from service.commands import programs
from service.commands.database import database_url, on_database
from service.commands.progress import TableProgress, shown, size
from service.commands.refusal import CommandRefusal
from service.settings import Settings
from service.store import districts, migrate, soundness
from service.store.database import Database
from service.store.districts import Neighbourhood
from service.store.migrate import Tables, WrongDatabase
from service.store.registry import deployment
from service.store.soundness import Contents

PATIENT_MS = 24 * 3_600_000
"""The time limit of a statement that reads everything: one day."""
_OPTIONS = ("--format=custom", "--no-password", "--verbose", "--lock-wait-timeout=60s")
_DATA = "dumping contents of table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument of `sihu backup`."""
    parser.add_argument("file", metavar="FILE", help="the file to make; it must not exist")
    parser.set_defaults(command=back_up)


def back_up(settings: Settings, arguments: argparse.Namespace) -> int:
    """Save the database into a file that appears only when it is whole, and print what was saved."""
    file = Path(arguments.file)
    began = clock.monotonic()
    with _written_whole(file) as part, database_url(settings) as url:
        contents = asyncio.run(on_database(url, lambda database: _save(settings, database, part)))
    saved = f"{size(file.stat().st_size)} in {clock.monotonic() - began:.1f} s"
    print(f"{file}: {saved}: {described(contents)}")
    print(f"Check it now and then: sihu backup check {file}")
    return 0


def described(contents: Contents) -> str:
    """What a database holds, in words."""
    newest = "nothing happened yet" if contents.newest is None else f"the last event is of {_moment(contents)}"
    return f"{contents.incidents:,} incidents, {contents.events:,} events, the log ends at {contents.end:,}, {newest}"


def _moment(contents: Contents) -> str:
    return "" if contents.newest is None else contents.newest.isoformat(timespec="seconds")


async def _save(settings: Settings, database: Database, part: IO[bytes]) -> Contents:
    """Dump the database into `part`. What is counted and what is dumped are the same snapshot."""
    found = await migrate.survey(database)
    if found.tables in (Tables.NONE, Tables.FOREIGN, Tables.NOWHERE):
        raise WrongDatabase(found.advice)
    patient = Database(database.url, pool_size=1, statement_timeout_ms=PATIENT_MS, application="sihu backup")
    try:
        async with patient.read() as connection:
            folder = programs.at_least(await deployment.server_version(connection), settings)
            progress = TableProgress(await soundness.tables(connection), lambda: os.fstat(part.fileno()).st_size)
            snapshot = f"--snapshot={await soundness.exported_snapshot(connection)}"
            scope = _scope(await districts.neighbourhood(connection))
            async with shown(progress.line):
                await programs.run(
                    folder.path / "pg_dump",
                    *_OPTIONS,
                    *scope,
                    snapshot,
                    f"--file={part.name}",  # by its name: into standard output, pg_dump could not write at two places
                    env=programs.environment(database.url, embedded=settings.database_url is None),
                    on_line=lambda line: progress.note(_DATA in line),
                )
            return await soundness.contents(connection)
    finally:
        await patient.close()


def _scope(found: Neighbourhood) -> list[str]:
    """The options by which a dump leaves out other districts of the database. In `public` everything else goes along,
    such as what an extension needs; and of that schema alone pg_dump would say that it is to be made, which no restore
    could do."""
    if found.own == "public":
        return [f"--exclude-schema={_pattern(schema)}" for schema in found.others]
    return [f"--schema={_pattern(found.own)}"]


def _pattern(schema: str) -> str:
    """A pattern that only this schema fits."""
    quoted = schema.replace('"', '""')
    return f'"{quoted}"'


@contextmanager
def _written_whole(file: Path) -> Iterator[IO[bytes]]:
    """A file beside `file`, for its owner alone, that gets its name when the block ends and vanishes when the block
    raises."""
    if os.path.lexists(file):
        raise CommandRefusal(f"{file} exists: give a backup a name of its own, or remove that one first")
    beside = file.with_name(f"{file.name}.part")
    part = _open(beside, file)
    try:
        with part:
            yield part
            part.flush()
            os.fsync(part.fileno())
        if os.path.lexists(file):
            raise CommandRefusal(f"{file} was made by somebody else meanwhile: choose another name")
        beside.rename(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CommandRefusal(f"{file} cannot be written: {error.strerror or error}") from None
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(file.absolute().parent, os.O_RDONLY)
    os.fsync(folder)  # otherwise a power cut could undo the rename
    os.close(folder)


def _open(beside: Path, file: Path) -> IO[bytes]:
    """Open the file beside. One that a killed backup has left is used again, one that is being written is not."""
    try:
        part = open(beside, "r+b", opener=lambda path, _: os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # noqa: SIM115
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandRefusal(f"{file} cannot be written: {reason}: choose another folder") from None
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.truncate()
    except BlockingIOError:
        part.close()
        raise CommandRefusal(
            f"another backup is being written to {file}: wait for it, or choose another name"
        ) from None
    return part
