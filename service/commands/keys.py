"""`sihu keys create|list|find|rotate|revoke` manages the keys of the people and systems that may use the API."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from service.access import keys
from service.access.new_keys import NewKey
from service.commands.database import OPS, current_time, now_and_world, with_database
from service.rules.errors import NotFound, ValidationFailed
from service.rules.model import KeyQuota
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.rules.worktime import ZONE
from service.settings import Settings
from service.store.access.keys import Key, KeyFilter
from service.store.database import Database
from service.web import faults
from service.web.text import Moment, Params

_PAGE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of `sihu keys`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_options(commands.add_parser("create", help="make a key; prints the key alone"))
    lists = commands.add_parser("list", help="list keys, without their text")
    lists.add_argument("--unit", help="those of this unit")
    lists.add_argument("--role", choices=[role.value for role in Role], help="those of this role")
    lists.add_argument("--subject", help="those of this subject")
    lists.set_defaults(command=list_some)
    finds = commands.add_parser("find", help="find keys by their first characters, unit, subject or name, or by a key")
    finds.add_argument("text", metavar="TEXT", help="what to look for; - reads it from standard input")
    finds.set_defaults(command=find)
    rotates = commands.add_parser("rotate", help="make a key in the place of another one; prints the new key alone")
    rotates.add_argument("id", help="the id of the key, from `sihu keys list`")
    says = "how long the old key works on"
    rotates.add_argument("--overlap", type=int, default=keys.OVERLAP_S, metavar="SECONDS", help=says)
    rotates.set_defaults(command=rotate)
    revokes = commands.add_parser("revoke", help="revoke a key: it is refused from now on")
    revokes.add_argument("id", help="the id of the key, from `sihu keys list`")
    revokes.set_defaults(command=revoke)


def _add_options(creates: argparse.ArgumentParser) -> None:
    """Add what a new key is to be."""
    creates.add_argument("--role", required=True, choices=[role.value for role in Role], help="what the key may do")
    creates.add_argument("--unit", help="the unit as which the key acts (role unit)")
    creates.add_argument("--area", help="the code prefix of the area (role reporter)")
    creates.add_argument("--subject", help="the stable name behind one or more keys")
    creates.add_argument("--name", help="a note for people")
    creates.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="SYSTEM",
        help="a source.system in whose name the key reports; may be given more than once",
    )
    creates.add_argument("--quota-reports", type=int, metavar="N", help="reports a day, where the policy's are not it")
    creates.add_argument("--quota-urgent", type=int, metavar="N", help="how many of them may be urgent")
    creates.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NETWORK",
        help="an address or network from which alone it may be used; may be given more than once",
    )
    creates.add_argument(
        "--may-report-for",
        action="store_true",
        help="a vendor's key that also reports and acts for its workers, each by name (role reporter)",
    )
    creates.add_argument("--wall", action="store_true", help="it only reads, for a screen that nobody touches")
    creates.add_argument("--expires-at", metavar="TIME", help="when it ends, as an RFC 3339 time; else after 365 days")
    creates.set_defaults(command=create)


def create(settings: Settings, arguments: argparse.Namespace) -> int:
    """Make a key, and print the key and nothing else, so that a script can store it. A key is shown only once."""
    new_key = NewKey(
        Role(arguments.role),
        arguments.unit,
        arguments.area,
        arguments.subject,
        arguments.name,
        expires_at=_KeyTime.of(arguments.expires_at),
        systems=tuple(arguments.system),
        allow=tuple(arguments.allow),
        wall=arguments.wall,
        quota=_quota_of(arguments.quota_reports, arguments.quota_urgent),
        may_report_for=arguments.may_report_for,
    )

    async def work(database: Database) -> str:
        now, world = await now_and_world(database)
        return (await keys.create(database, world, now, new_key, OPS)).text

    print(with_database(settings, work))
    return 0


def _quota_of(reports: int | None, urgent: int | None) -> KeyQuota | None:
    return None if reports is urgent is None else KeyQuota(reports, urgent)


class _KeyTime(Params):
    """A time on the command line, by the name of its option."""

    expires_at: Moment

    @classmethod
    def of(cls, text: str | None) -> datetime | None:
        """The time that a text names; None for no text. Raises `ValidationFailed`."""
        if text is None:
            return None
        try:
            return cls.model_validate({"expires_at": text}).expires_at
        except ValidationError as error:
            raise faults.validation_failed(error, cls) from None


def list_some(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one line for each key, newest first: its id, first characters, role, subject and scope, the day on which it
    was used last, and whether it works still."""
    only = KeyFilter(arguments.unit, arguments.role and Role(arguments.role), arguments.subject)

    async def work(database: Database) -> None:
        now, before = await current_time(database), None
        while page := await keys.page(database, _PAGE, before, only):
            for key in page:
                print(_line(key, now))
            before = (page[-1].created_at, page[-1].id)

    with_database(settings, work)
    return 0


def find(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one line for each key that the text is or means, newest first, as `list_some` does."""
    words = (sys.stdin.readline() if arguments.text == "-" else arguments.text).strip()
    if not words:
        raise ValidationFailed(Sentence("There is nothing to look for: name some characters."))

    async def work(database: Database) -> bool:
        now, found = await current_time(database), await keys.search(database, words, _PAGE)
        for key in found:
            print(_line(key, now))
        return bool(found)

    if not with_database(settings, work):
        raise NotFound(Sentence("No key is that, or has it in its unit, subject or name."))
    return 0


def rotate(settings: Settings, arguments: argparse.Namespace) -> int:
    """Make a key in the place of another one, and print it alone, so that a script can store it."""
    key_id = _id_of(arguments.id)

    async def work(database: Database) -> str:
        now, world = await now_and_world(database)
        return (await keys.rotate(database, world, now, key_id, arguments.overlap, OPS)).created.text

    print(with_database(settings, work))
    return 0


def _line(key: Key, now: datetime) -> str:
    names = f"{key.prefix or '-':6}  {key.role:8}  {key.subject:24}  {key.unit or key.area or '-':16}"
    used = "never used" if key.last_used_at is None else f"used {_day(key.last_used_at)}"
    return f"{key.id}  {names}  {used:15}  {_standing(key, now)}"


def _standing(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if key.expires_at > now else 'ended'} {_day(key.expires_at)}"


def _day(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d}"


def revoke(settings: Settings, arguments: argparse.Namespace) -> int:
    """Revoke a key; every process refuses it within 250 ms."""
    key_id = _id_of(arguments.id)

    async def work(database: Database) -> None:
        now, world = await now_and_world(database)
        await keys.revoke(database, world, now, key_id, OPS)

    with_database(settings, work)
    print(f"Key {key_id} is revoked.")
    return 0


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValidationFailed(Sentence("{key} is not a key's id: see `sihu keys list`.", key=text)) from None
