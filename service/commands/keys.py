"""`sihu keys create|list|revoke`: who may call."""

from __future__ import annotations

import argparse
from uuid import UUID

from service.access import keys
from service.access.keys import NewKey
from service.commands.database import OPS, now_and_world, with_database
from service.rules.errors import ValidationFailed
from service.rules.words import Role
from service.settings import Settings
from service.store.database import Database


def create(settings: Settings, asked: argparse.Namespace) -> int:
    """Prints the key alone, so that a script can keep it: it is not shown again."""
    wanted = NewKey(Role(asked.role), asked.unit, asked.area, asked.subject, asked.name)

    async def work(database: Database) -> str:
        clock, worlds = await now_and_world(database)
        return (await keys.create(database, worlds.world, clock.now(), wanted, OPS)).text

    print(with_database(settings, work))
    return 0


def show(settings: Settings, asked: argparse.Namespace) -> int:
    """One line a key: id, role, subject, scope, whether it still works."""

    async def work(database: Database) -> None:
        before = None
        while found := await keys.page(database, 500, before):
            for key in found:
                scope = key.unit or key.area or "-"
                print(
                    f"{key.id}  {key.role:8}  {key.subject:24}  {scope:16}  {'revoked' if key.revoked_at else 'valid'}"
                )
            before = (found[-1].created_at, found[-1].id)

    with_database(settings, work)
    return 0


def revoke(settings: Settings, asked: argparse.Namespace) -> int:
    """Refused by every process within 250 ms."""
    try:
        key_id = UUID(asked.id)
    except ValueError:
        raise ValidationFailed(f"'{asked.id}' is not a key's id: see `sihu keys list`.") from None

    async def work(database: Database) -> None:
        clock, worlds = await now_and_world(database)
        await keys.revoke(database, worlds.world, clock.now(), key_id, OPS)

    with_database(settings, work)
    print(f"Key {key_id} is revoked.")
    return 0
