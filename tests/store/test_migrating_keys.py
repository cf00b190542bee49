"""From 0032 to now: keys work on as they did, and one subject goes on looking after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from service.access.keyring import Keyring, digest_of
from service.rules.words import Role
from service.store import migrate
from service.store.access import keys
from service.store.database import Database
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
_INSERT = text(
    "INSERT INTO access_key (id, digest, role, subject, unit, created_at, expires_at, revoked_at) "
    "VALUES (:id, :digest, :role, :subject, :unit, :at, :end, :revoked)"
)


def _old(n: int, role: str, subject: str, hours: int, **more: Any) -> dict[str, Any]:
    times = {"at": NOW + timedelta(hours=hours), "end": None, "revoked": None}
    return {"id": UUID(int=n), "digest": digest_of(f"sihu_{n}"), "role": role, "subject": subject, "unit": None} | (
        times | more
    )


async def test_old_keys_work_on_without_an_end(blank_url: str) -> None:
    async with at_revision(blank_url, "0032") as database:
        async with database.begin() as tx:
            await tx.execute(_INSERT, [_old(1, "unit", "street", 0, unit="440105003"), _old(2, "auditor", "a", 0)])
        await migrate.upgrade(database)
        async with database.read() as connection:
            found = await keys.newest(connection, limit=9)
        assert [(key.id.int, key.expires_at, key.prefix, key.last_used_at, key.allow) for key in found] == [
            (2, None, None, None, ()),
            (1, None, None, None, ()),
        ]
        keyring = Keyring(database)
        await keyring.load()
        actor = keyring.find("sihu_1", NOW + timedelta(days=9999))
        assert actor is not None and (actor.role, actor.unit) == (Role.UNIT, "440105003")


async def test_the_oldest_living_ops_go_on_with_keys(blank_url: str) -> None:
    async with at_revision(blank_url, "0032") as database:
        gone = [_old(1, "ops", "gone", 0, revoked=NOW), _old(2, "ops", "ended", 1, end=NOW + timedelta(hours=2))]
        async with database.begin() as tx:
            await tx.execute(_INSERT, [*gone, _old(3, "ops", "younger", 5), _old(4, "ops", "older", 4)])
        await migrate.upgrade(database)
        keyring = Keyring(database)
        await keyring.load()
        assert keyring.holder_of_all(NOW + timedelta(hours=9)) == "older"
        assert all(keyring.find(f"sihu_{n}", NOW + timedelta(hours=9)) for n in (3, 4))


async def test_a_key_of_an_older_program_has_what_it_knows(database: Database) -> None:
    """Beside this version, an older program goes on making keys: it knows nothing of the new columns."""
    async with database.begin() as tx:
        await tx.execute(_INSERT, [_old(1, "ops", "ops", 0)])
        (key,) = await keys.newest(tx, limit=9)
    assert (key.expires_at, key.prefix, key.last_used_at, key.allow) == (None, None, None, ())
