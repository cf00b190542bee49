"""`sihu keys create|list|revoke` manages the keys of the people and systems that may use the API."""

from __future__ import annotations

import argparse
from uuid import UUID

from service.access import keys
from service.access.new_keys import NewKey
from service.commands.database import OPS, now_and_world, with_database
from service.rules.errors import ValidationFailed
from service.rules.model import KeyQuota
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.settings import Settings
from service.store.access.keys import Key
from service.store.database import Database

_PAGE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of `sihu keys`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    creates = commands.add_parser("create", help="make a key; prints the key alone")
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
    creates.set_defaults(command=create)
    commands.add_parser("list", help="list all keys, without their text").set_defaults(command=list_all)
    revokes = commands.add_parser("revoke", help="revoke a key: it is refused from now on")
    revokes.add_argument("id", help="the id of the key, from `sihu keys list`")
    revokes.set_defaults(command=revoke)


def create(settings: Settings, arguments: argparse.Namespace) -> int:
    """Make a key, and print the key and nothing else, so that a script can store it. A key is shown only once."""
    new_key = NewKey(
        Role(arguments.role),
        arguments.unit,
        arguments.area,
        arguments.subject,
        arguments.name,
        systems=tuple(arguments.system),
        quota=_quota_of(arguments.quota_reports, arguments.quota_urgent),
    )

    async def work(database: Database) -> str:
        now, world = await now_and_world(database)
        return (await keys.create(database, world, now, new_key, OPS)).text

    print(with_database(settings, work))
    return 0


def _quota_of(reports: int | None, urgent: int | None) -> KeyQuota | None:
    return None if reports is urgent is None else KeyQuota(reports, urgent)


def list_all(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one line for each key, newest first: its id, role, subject and scope, and whether it still works."""

    async def work(database: Database) -> None:
        before = None
        while page := await keys.page(database, _PAGE, before):
            for key in page:
                print(_line(key))
            before = (page[-1].created_at, page[-1].id)

    with_database(settings, work)
    return 0


def _line(key: Key) -> str:
    scope = key.unit or key.area or "-"
    return f"{key.id}  {key.role:8}  {key.subject:24}  {scope:16}  {'revoked' if key.revoked_at else 'valid'}"


def revoke(settings: Settings, arguments: argparse.Namespace) -> int:
    """Revoke a key; every process refuses it within 250 ms."""
    try:
        key_id = UUID(arguments.id)
    except ValueError:
        raise ValidationFailed(Sentence("{key} is not a key's id: see `sihu keys list`.", key=arguments.id)) from None

    async def work(database: Database) -> None:
        now, world = await now_and_world(database)
        await keys.revoke(database, world, now, key_id, OPS)

    with_database(settings, work)
    print(f"Key {key_id} is revoked.")
    return 0
