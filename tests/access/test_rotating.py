"""A new key takes the place of the old one while others work, and whatever breaks off is gone on with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from service.access import rotating
from service.access.rotating import Rotation
from service.access.secret_keys import KeySource, SecretKeysError, Secrets, agreed
from service.access.secrets import SealedValue, SecretsBox
from service.store.access import contacts, secrets
from service.store.database import Database
from tests.access.test_secret_keys import CLOCK, ONE, OTHER, put

pytestmark = pytest.mark.anyio


@pytest.fixture
def source(tmp_path: Path) -> KeySource:
    return KeySource(tmp_path / "secret.key")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating, "PAGE", 7)


async def in_use(database: Database) -> set[str]:
    async with database.read() as connection:
        return await secrets.in_use(connection)


async def opened(database: Database, box: SecretsBox, n: int) -> bytes:
    async with database.read() as connection:
        found = await contacts.of_incident(connection, UUID(int=n))
    assert found is not None
    return box.open(SealedValue(*found), secrets.CONTACTS.row(UUID(int=n)))


async def rotated(database: Database, source: KeySource) -> Rotation:
    rotation = Rotation()
    await rotating.rotate(database, source, CLOCK, rotation)
    return rotation


@pytest.mark.clause("ASVS 11.2.2")
async def test_everything_is_sealed_by_a_new_key(database: Database, source: KeySource) -> None:
    old = await agreed(database, source, CLOCK)
    await put(database, old, *range(30))
    done = await rotated(database, source)
    assert done.made and done.done == done.total == 30 and not done.unopened
    assert await in_use(database) == {done.key_id} != {old.first}
    new = await agreed(database, source, CLOCK)
    assert new.first == done.key_id and new.ids == {old.first, done.key_id}
    assert {await opened(database, new, n) for n in range(30)} == {b"{}"}


async def test_what_broke_off_is_gone_on_with(database: Database, source: KeySource) -> None:
    await put(database, await agreed(database, source, CLOCK), *range(30))
    rotation = Rotation()
    task = asyncio.create_task(rotating.rotate(database, source, CLOCK, rotation))
    while rotation.done < 7:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again = await rotated(database, source)
    assert again.key_id == rotation.key_id and not again.made
    assert await in_use(database) == {again.key_id}


async def test_two_share_the_work(database: Database, source: KeySource) -> None:
    """Each has begun before one is done: a rotation that begins later is another one, with a new key."""
    await put(database, await agreed(database, source, CLOCK), *range(60))
    done = [Rotation() for _ in range(3)]
    async with database.begin() as holder:
        await holder.execute(text("LOCK TABLE contact IN EXCLUSIVE MODE"))  # rows can be counted, and not be claimed
        at_once = [asyncio.create_task(rotating.rotate(database, source, CLOCK, each)) for each in done]
        async with asyncio.timeout(30):
            while any(each.total < 60 for each in done):
                await asyncio.sleep(0.001)
    await asyncio.gather(*at_once)
    assert sum(each.done for each in done) == 60
    assert len({each.key_id for each in done}) == 1


async def test_another_process_goes_on_with_the_new_key(database: Database, source: KeySource) -> None:
    other = Secrets(database, source, CLOCK)
    await other.load()
    await put(database, other.box, 1)
    done = await rotated(database, source)
    assert other.box.first == done.key_id
    assert await opened(database, other.box, 1) == b"{}"


async def test_the_setting_has_to_hold_the_new_key(database: Database, source: KeySource) -> None:
    old = KeySource(source.path, (ONE,))
    await put(database, await agreed(database, old, CLOCK), *range(10))
    with pytest.raises(SecretKeysError, match="put a new one before it"):
        await rotated(database, old)
    done = await rotated(database, KeySource(source.path, (OTHER, ONE)))
    assert (done.key_id, done.made, done.done) == (OTHER.id, False, 10)
    assert not source.path.exists()


async def test_a_changed_value_is_named_and_stays(database: Database, source: KeySource) -> None:
    old = await agreed(database, source, CLOCK)
    await put(database, old, *range(10))
    async with database.begin() as tx:
        await tx.execute(
            text("UPDATE contact SET sealed = sealed || '\\x00' WHERE incident_id = :id"), {"id": UUID(int=3)}
        )
    done = await rotated(database, source)
    assert done.unopened == {f"contact/{UUID(int=3)}"} and done.done == 9
    assert await in_use(database) == {old.first, done.key_id}
