"""`sihu secrets rotate` lets a new key take the place of the one by which personal data is encrypted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator

from service.access import rotating
from service.access.rotating import Rotation
from service.access.secret_files import SecretFileError
from service.access.secret_keys import KeySource, missing
from service.access.secrets import SecretsBox
from service.clock import DatabaseClock
from service.commands import progress
from service.commands.database import with_database
from service.commands.finding import Finding, warned
from service.settings import Settings
from service.store.access import secrets
from service.store.database import Database, Transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command of `sihu secrets`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rotates = commands.add_parser("rotate", help="make a new key, or finish with one, and encrypt everything by it")
    rotates.set_defaults(command=rotate)


def rotate(settings: Settings, arguments: argparse.Namespace) -> int:
    """Seal everything by a new key, or go on where that was interrupted. Exit code 1 when a value does not open."""
    rotation = Rotation()

    async def work(database: Database) -> None:
        clock = DatabaseClock()
        await clock.synchronise(database)
        async with progress.shown(rotation.line):
            await rotating.rotate(database, KeySource.of(settings), clock, rotation)

    with_database(settings, work)
    for name in sorted(rotation.unopened):
        print(f"sihu: {name} does not open: it was changed, and stays as it is", file=sys.stderr)
    verb = "is new and encrypts" if rotation.made else "encrypts"
    values = f"{rotation.done} value{'' if rotation.done == 1 else 's'}"
    print(f"Key {rotation.key_id} {verb} from now on; {values} encrypted anew. Keep the older keys for older backups.")
    return 1 if rotation.unopened else 0


async def findings(connection: Transaction, source: KeySource) -> AsyncIterator[Finding]:
    """Yield whether the secret keys at hand are those of the database, and whether all is sealed by the newest."""
    try:
        keys = source.read()
    except SecretFileError as error:
        yield Finding(False, str(error))
        return
    known = await secrets.known(connection)
    if not keys:
        yield _without_keys(source, known)
        return
    box = SecretsBox(keys)
    if lacking := await missing(connection, box.ids):
        advice = "copy secret.key from the first host, or name its keys in SIHU_SECRET_KEY"
        yield Finding(False, f"{source} does not hold the secret keys {', '.join(lacking)} of this database: {advice}")
        return
    older = await secrets.in_use(connection) - {box.first}
    if older:
        sentence = f"personal data is still encrypted by older secret keys ({', '.join(sorted(older))})"
        yield warned(f"{sentence}: `sihu secrets rotate` encrypts it by {box.first}")
    else:
        yield Finding(True, f"personal data is encrypted by the secret key {box.first}, of {source}")


def _without_keys(source: KeySource, known: list[str]) -> Finding:
    if known:
        advice = "copy it from the first host, or from where it is kept safe"
        return Finding(False, f"{source} is missing, and the database knows the secret key {known[-1]}: {advice}")
    return Finding(True, f"there is no secret key yet: `sihu serve` makes {source}")
