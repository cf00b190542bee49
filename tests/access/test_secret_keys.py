"""The keys of a process are those of its database, or it does not begin to work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from service.access import secret_files
from service.access.secret_files import SecretFileError
from service.access.secret_keys import KeySource, SecretKeysError, Secrets, agreed
from service.access.secrets import SecretKey, SecretsBox, new_key
from service.clock import VirtualClock
from service.rules.errors import Unavailable
from service.settings import Settings
from service.store.access import contacts, secrets
from service.store.access.contacts import SealedContact
from service.store.bulk import insert_rows
from service.store.database import Database
from tests.house import CELL, START

pytestmark = pytest.mark.anyio

ONE, OTHER, THIRD = (SecretKey(bytes([n]) * 32) for n in range(3))
CLOCK = VirtualClock(START)


@pytest.fixture
def source(tmp_path: Path) -> KeySource:
    return KeySource(tmp_path / "here" / "secret.key")


async def known(database: Database) -> list[str]:
    async with database.read() as connection:
        return await secrets.known(connection)


async def put(database: Database, box: SecretsBox, *numbers: int) -> None:
    """Contacts that are sealed by the first key of a box."""
    rows = []
    for n in numbers:
        sealed = box.seal(b"{}", secrets.CONTACTS.row(UUID(int=n)))
        rows.append(SealedContact(UUID(int=n), CELL, sealed.key_id, sealed.data, "张*", None))
    async with database.begin() as tx:
        await insert_rows(tx, *contacts.new_rows(rows))


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    assert KeySource.of(Settings(data_dir=tmp_path, secret_key=None)).path == tmp_path / "secret.key"
    given = KeySource.of(Settings(data_dir=tmp_path, secret_key=(ONE.content, OTHER.content)))
    assert given.read() == (ONE, OTHER) and str(given) == "SIHU_SECRET_KEY"
    assert ONE.text not in repr(given)


async def test_the_first_process_makes_the_key(database: Database, source: KeySource) -> None:
    box = await agreed(database, source, CLOCK)
    assert await known(database) == [box.first]
    assert (await agreed(database, source, CLOCK)).first == box.first


async def test_processes_that_begin_together_agree(database: Database, source: KeySource) -> None:
    boxes = await asyncio.gather(*(agreed(database, source, CLOCK) for _ in range(5)))
    assert {box.first for box in boxes} == set(await known(database))


async def test_of_two_hosts_the_second_copies_the_file(database: Database, source: KeySource, tmp_path: Path) -> None:
    there = KeySource(tmp_path / "there" / "secret.key")
    found = await asyncio.gather(*(agreed(database, each, CLOCK) for each in (source, there)), return_exceptions=True)
    refused = next(each for each in found if isinstance(each, SecretKeysError))
    assert (await known(database))[0] in str(refused) and "copy secret.key from the first host" in str(refused)
    written, empty = (source, there) if source.path.exists() else (there, source)
    assert not empty.path.exists()
    empty.path.parent.mkdir(exist_ok=True)
    empty.path.write_bytes(written.path.read_bytes())
    empty.path.chmod(0o600)
    await agreed(database, empty, CLOCK)


async def test_a_lost_key_is_not_made_again(database: Database, source: KeySource) -> None:
    box = await agreed(database, source, CLOCK)
    source.path.unlink()
    with pytest.raises(SecretKeysError, match=box.first):
        await agreed(database, source, CLOCK)
    assert not source.path.exists()


async def test_a_wrong_key_is_refused_by_name(database: Database, source: KeySource) -> None:
    await agreed(database, KeySource(source.path, (ONE,)), CLOCK)
    with pytest.raises(SecretKeysError, match=f"{ONE.id}.*SIHU_SECRET_KEY"):
        await agreed(database, KeySource(source.path, (OTHER,)), CLOCK)
    assert await known(database) == [ONE.id]


async def test_a_new_first_key_is_noted(database: Database, source: KeySource) -> None:
    await agreed(database, KeySource(source.path, (ONE,)), CLOCK)
    await agreed(database, KeySource(source.path, (OTHER, ONE)), CLOCK)
    assert await known(database) == [ONE.id, OTHER.id]
    await agreed(database, KeySource(source.path, (OTHER,)), CLOCK)  # nothing is sealed by the first any more


async def test_a_key_that_seals_something_is_needed(database: Database, source: KeySource) -> None:
    for keys in ((ONE,), (OTHER, ONE), (THIRD, OTHER, ONE)):
        await put(database, await agreed(database, KeySource(source.path, keys), CLOCK), len(keys))
    with pytest.raises(SecretKeysError, match=f"keys {min(ONE.id, OTHER.id)}, {max(ONE.id, OTHER.id)}"):
        await agreed(database, KeySource(source.path, (THIRD,)), CLOCK)


async def test_a_file_that_others_read_stops_the_start(database: Database, source: KeySource) -> None:
    part = Secrets(database, source, CLOCK)
    await part.load()
    source.path.chmod(0o644)
    with pytest.raises(SecretFileError):
        await agreed(database, source, CLOCK)
    with pytest.raises(Unavailable) as refusal:
        await part.load()
    assert "chmod 600" in refusal.value.cause


async def test_a_change_of_the_file_is_noticed(database: Database, source: KeySource) -> None:
    part = Secrets(database, source, CLOCK)
    await part.load()
    before, key = part.box, new_key()
    assert part.box is before
    secret_files.write(source.path, [key, *(source.read() or ())])
    assert part.box.first == key.id and part.box.ids > before.ids
    changed = part.box
    source.path.write_text("nonsense")
    assert part.box is changed
