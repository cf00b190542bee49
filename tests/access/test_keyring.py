"""Who is let in is known in memory, and told at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import ids
from service.access.keyring import Keyring, digest_of
from service.rules.errors import Unavailable
from service.rules.model import Actor
from service.rules.words import Role
from service.store.access import keys
from service.store.access.keys import Key
from service.store.database import Database

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
UNIT = Actor(Role.UNIT, "440402001", unit="440402001")


def a_key(*, expires_at: datetime | None = None) -> Key:
    return Key(ids.new_id(NOW), Role.UNIT, "440402001", "440402001", None, None, NOW, expires_at, None)


async def stored(database: Database, key: Key, key_text: str) -> Key:
    async with database.begin() as tx:
        await keys.add(tx, key, digest_of(key_text))
    return key


class Slow(Database):
    """The real database, whose answers wait for a gate, once it is closed, after they have been read."""

    def __init__(self, behind: Database) -> None:
        self.behind, self.read_done, self.gate = behind, asyncio.Event(), asyncio.Event()
        self.gate.set()

    def close_gate(self) -> None:
        self.read_done.clear()
        self.gate.clear()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        async with self.behind.read() as connection:
            yield connection
            self.read_done.set()
            await self.gate.wait()


@pytest.mark.clause("ASVS 6.3.2", "ASVS 13.2.3", "ASVS 16.5.3", "GB/T 22239 8.1.4.2 b")
async def test_an_empty_keyring_lets_nobody_in(database: Database) -> None:
    assert Keyring(database).find("sihu_anything", NOW) is None


async def test_after_a_reload_each_key_is_known(database: Database) -> None:
    await stored(database, a_key(), "sihu_one")
    keyring = Keyring(database)
    await keyring.load()
    assert keyring.find("sihu_one", NOW) == UNIT
    assert keyring.find("sihu_two", NOW) is None
    assert keyring.find("", NOW) is None


async def test_a_key_works_until_the_instant_it_expires(database: Database) -> None:
    await stored(database, a_key(expires_at=NOW + timedelta(seconds=1)), "sihu_one")
    keyring = Keyring(database)
    await keyring.load()
    assert keyring.find("sihu_one", NOW) == UNIT
    assert keyring.find("sihu_one", NOW + timedelta(seconds=1)) is None


@pytest.mark.clause("ASVS 16.3.1")
async def test_a_use_is_noted_once_a_day(database: Database) -> None:
    """A day is one of Asia/Shanghai: 09:00 UTC is 17:00 there."""
    key = await stored(database, a_key(), "sihu_one")
    keyring = Keyring(database)
    await keyring.load()
    assert keyring.take_uses() == {}
    day = datetime(2026, 11, 1, 16, tzinfo=UTC)
    for _ in range(2):
        keyring.find("sihu_one", NOW)
    assert keyring.take_uses() == {key.id: day}
    keyring.find("sihu_one", NOW + timedelta(hours=6, minutes=59))
    assert keyring.take_uses() == {}
    keyring.find("sihu_one", NOW + timedelta(hours=7))
    assert keyring.take_uses() == {key.id: day + timedelta(days=1)}


async def test_what_is_written_is_noted_no_more(database: Database) -> None:
    key = await stored(database, a_key(), "sihu_one")
    async with database.begin() as tx:
        await keys.note_use(tx, [key.id], datetime(2026, 11, 1, 16, tzinfo=UTC))
    keyring = Keyring(database)
    await keyring.load()
    keyring.find("sihu_one", NOW)
    assert keyring.take_uses() == {}


async def test_a_key_that_is_refused_is_not_used(database: Database) -> None:
    await stored(database, a_key(expires_at=NOW), "sihu_one")
    keyring = Keyring(database)
    await keyring.load()
    keyring.find("sihu_one", NOW)
    assert keyring.take_uses() == {}


def of(role: Role, subject: str, *, hours: int = 0, expires_at: datetime | None = None) -> Key:
    at = NOW + timedelta(hours=hours)
    return Key(ids.new_id(at), role, subject, None, None, None, at, expires_at, None)


async def test_who_has_been_ops_for_longest_holds_all(database: Database) -> None:
    """A subject goes on from its first key to its later ones; who has no living key passes the roles on."""
    keyring, end = Keyring(database), NOW + timedelta(days=9)
    assert keyring.holder_of_all(NOW) is None
    first = await stored(database, of(Role.OPS, "z", expires_at=NOW + timedelta(days=1)), "sihu_1")
    await stored(database, of(Role.OPS, "a", hours=1), "sihu_2")
    await stored(database, of(Role.AUDITOR, "auditor", hours=-1), "sihu_3")
    renewed = await stored(database, of(Role.OPS, "z", hours=2, expires_at=end), "sihu_4")
    await keyring.load()
    assert keyring.holder_of_all(NOW) == "z"
    async with database.begin() as tx:
        await keys.revoke(tx, first.id, NOW)
    await keyring.load()
    assert [keyring.holder_of_all(at) for at in (NOW + timedelta(days=2), end)] == ["z", "a"]
    await keyring.forget(renewed.id)
    assert keyring.holder_of_all(NOW) == "a"


@pytest.mark.parametrize("how", ["admitted", "loaded", "revoked"])
async def test_once_security_was_made_nobody_holds_all(database: Database, how: str) -> None:
    await stored(database, of(Role.OPS, "ops"), "sihu_1")
    keyring = Keyring(database)
    await keyring.load()
    assert keyring.holder_of_all(NOW) == "ops"
    security = of(Role.SECURITY, "security")
    if how == "admitted":
        await keyring.admit(digest_of("sihu_2"), security)
    else:
        await stored(database, security, "sihu_2")
        if how == "revoked":
            async with database.begin() as tx:
                await keys.revoke(tx, security.id, NOW)
        await keyring.load()
    assert keyring.holder_of_all(NOW) is None


async def test_the_first_ops_admitted_holds_all(database: Database) -> None:
    keyring = Keyring(database)
    await keyring.load()
    await keyring.admit(digest_of("sihu_1"), of(Role.OPS, "ops"))
    assert keyring.holder_of_all(NOW) == "ops"


async def test_of_two_ops_of_one_instant_the_first_holds_all(database: Database) -> None:
    """A virtual clock stands still while keys are made."""
    keyring = Keyring(database)
    for text, subject in (("sihu_1", "z"), ("sihu_2", "a")):
        await keyring.admit(digest_of(text), await stored(database, of(Role.OPS, subject), text))
        assert keyring.holder_of_all(NOW) == "z"
    await keyring.load()
    assert keyring.holder_of_all(NOW) == "z"


async def test_a_key_revoked_elsewhere_is_refused_after_a_reload(database: Database) -> None:
    key = await stored(database, a_key(), "sihu_one")
    keyring = Keyring(database)
    await keyring.load()
    async with database.begin() as tx:
        await keys.revoke(tx, key.id, NOW)
    await keyring.load()
    assert keyring.find("sihu_one", NOW) is None


@pytest.mark.clause("ASVS 16.5.3")
async def test_a_key_revoked_here_is_refused_even_after_a_reload_that_had_still_read_it(database: Database) -> None:
    key = await stored(database, a_key(), "sihu_one")
    slow = Slow(database)
    keyring = Keyring(slow)
    await keyring.load()
    slow.close_gate()
    reloading = asyncio.create_task(keyring.load())
    await slow.read_done.wait()
    forgetting = asyncio.create_task(keyring.forget(key.id))
    await asyncio.sleep(0)
    assert keyring.find("sihu_one", NOW) is None
    slow.gate.set()
    await asyncio.gather(reloading, forgetting)
    assert keyring.find("sihu_one", NOW) is None


async def test_a_key_that_ends_here_ends_after_a_reload(database: Database) -> None:
    key = await stored(database, a_key(expires_at=NOW + timedelta(days=1)), "sihu_one")
    slow = Slow(database)
    keyring = Keyring(slow)
    await keyring.load()
    slow.close_gate()
    reloading = asyncio.create_task(keyring.load())
    await slow.read_done.wait()
    ending = asyncio.create_task(keyring.shorten(key.id, NOW + timedelta(seconds=1)))
    await asyncio.sleep(0)
    assert keyring.find("sihu_one", NOW) == UNIT
    assert keyring.find("sihu_one", NOW + timedelta(seconds=1)) is None
    slow.gate.set()
    await asyncio.gather(reloading, ending)
    assert keyring.find("sihu_one", NOW + timedelta(seconds=1)) is None
    assert keyring.ends_within(NOW, NOW + timedelta(seconds=1))


async def test_a_key_made_here_stays_known_after_a_reload_that_had_not_read_it(database: Database) -> None:
    slow = Slow(database)
    keyring = Keyring(slow)
    slow.close_gate()
    reloading = asyncio.create_task(keyring.load())
    await slow.read_done.wait()
    admitting = asyncio.create_task(keyring.admit(digest_of("sihu_one"), a_key()))
    slow.gate.set()
    await asyncio.gather(reloading, admitting)
    assert keyring.find("sihu_one", NOW) == UNIT


@pytest.mark.clause("ASVS 16.5.2")
async def test_a_reload_that_fails_keeps_what_was_known(database: Database) -> None:
    await stored(database, a_key(), "sihu_one")
    moved = Slow(database)
    keyring = Keyring(moved)
    await keyring.load()
    moved.behind = nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(Unavailable):
        await keyring.load()
    await nowhere.close()
    assert keyring.find("sihu_one", NOW) == UNIT
