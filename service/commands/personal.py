"""`sihu personal erase` erases the texts and the contact of incidents at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from uuid import UUID

from service.commands.database import OPS, now_and_world, with_database
from service.commands.refusal import CommandRefusal
from service.escalation import erasing
from service.rules.errors import NotFound
from service.rules.sentences import Sentence
from service.settings import Settings
from service.store.database import Database
from service.store.incidents import texts
from service.store.incidents.texts import Named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command of `sihu personal`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    erases = commands.add_parser("erase", help="erase the texts and the contact of incidents for good")
    erases.add_argument("incidents", nargs="+", metavar="INCIDENT", help="a number such as 2026-000123, or an id")
    erases.add_argument("--yes", action="store_true", help="do not ask first")
    erases.set_defaults(command=erase)


def erase(settings: Settings, arguments: argparse.Namespace) -> int:
    """Erase all texts and the contact of the named incidents, open and closed ones alike, and print a line for each.
    Nothing is erased when one of them is unknown, or when nobody says yes."""

    async def find(database: Database) -> Sequence[Named]:
        return await _named(database, arguments.incidents)

    found = with_database(settings, find)
    if not arguments.yes:
        _ask(len(found))

    async def work(database: Database) -> int:
        now, world = await now_and_world(database)
        return await erasing.erase(database, [each.id for each in found], OPS, world, now, lambda _: None)

    with_database(settings, work)
    for each in found:
        print(f"{each.number}: {'texts and contact erased' if each.has_texts else 'nothing is left to erase'}")
    return 0


async def _named(database: Database, words: Sequence[str]) -> Sequence[Named]:
    """The incidents with these numbers or ids, in the order of their numbers. Raises `NotFound` for the first word that
    names none."""
    ids = {word: each for word in words if (each := _id_of(word)) is not None}
    async with database.read() as connection:
        found = await texts.named(connection, [word for word in words if word not in ids], list(ids.values()))
    known = {each.number for each in found} | {str(each.id) for each in found}
    for word in words:
        if str(ids.get(word, word)) not in known:
            raise NotFound(Sentence("There is no incident {incident}; nothing was erased.", incident=word))
    return sorted(found, key=lambda named: named.number)


def _id_of(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None


def _ask(count: int) -> None:
    """Ask whether to go on. Raises `CommandRefusal` when nobody is there, or when the answer is no."""
    what = f"the texts and the contact of {count} incident{'' if count == 1 else 's'}"
    if not sys.stdin.isatty():
        raise CommandRefusal(f"nothing was erased: say --yes to erase {what} for good")
    if input(f"Erase {what} for good? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandRefusal("nothing was erased")
