"""Keys as rows: stored by their digest, revoked once, listed newest first, made one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from service.rules.errors import Unavailable
from service.rules.model import KeyQuota
from service.rules.words import Role
from service.store.access import keys
from service.store.access.keys import ANY_KEY, Key, KeyFilter
from service.store.database import Database

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


def _key(number: int, role: Role = Role.OPS, *, at: datetime = NOW, **fields: str) -> Key:
    names = {"subject": f"subject-{number}", "unit": None, "area": None, "name": None, **fields}
    return Key(UUID(int=number), role, created_at=at, expires_at=None, revoked_at=None, **names)  # type: ignore[arg-type]


REPORTER = _key(1, Role.REPORTER, area="440105003", subject="O'Hare", name='海珠 "甲"')
UNIT = _key(2, Role.UNIT, unit="440105003")


async def _add(database: Database, *added: Key) -> None:
    async with database.begin() as tx:
        for key in added:
            await keys.add(tx, key, b"digest of %d" % key.id.int)


async def test_a_key_comes_back_without_its_digest(database: Database) -> None:
    wide = replace(REPORTER, id=UUID(int=8), systems=("app", "12345"), quota=KeyQuota(None, 0), allow=("10.0.0.0/8",))
    await _add(database, REPORTER, UNIT, wide)
    async with database.read() as connection:
        assert await keys.find(connection, wide.id) == wide
        assert await keys.find(connection, REPORTER.id) == REPORTER
        assert await keys.find(connection, UNIT.id) == UNIT
        assert await keys.find(connection, UUID(int=9)) is None


async def test_a_key_is_revoked_once(database: Database) -> None:
    await _add(database, REPORTER, UNIT)
    async with database.begin() as tx:
        revoked = await keys.revoke(tx, REPORTER.id, NOW + timedelta(hours=1))
        assert revoked is not None
        assert revoked.revoked_at == NOW + timedelta(hours=1)
        assert await keys.revoke(tx, REPORTER.id, NOW + timedelta(hours=2)) is None
        assert await keys.find(tx, REPORTER.id) == revoked
        assert await keys.revoke(tx, UUID(int=9), NOW) is None
        assert await keys.usable(tx) == [(b"digest of 2", UNIT)]


async def test_a_subject_keeps_its_holder_after_a_revocation(database: Database) -> None:
    await _add(database, REPORTER)
    async with database.begin() as tx:
        revoked = await keys.revoke(tx, REPORTER.id, NOW)
        assert await keys.holder(tx, "O'Hare") == revoked
        assert await keys.holder(tx, "nobody") is None


async def test_expired_keys_are_usable_for_the_store(database: Database) -> None:
    """The store knows no time: whoever asks compares `expires_at` with its own clock."""
    async with database.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO access_key (id, digest, role, subject, created_at, expires_at)"
                " VALUES (gen_random_uuid(), 'old', 'ops', 'ops', :at, :at)"
            ),
            {"at": NOW - timedelta(days=900)},
        )
        assert [digest for digest, _ in await keys.usable(tx)] == [b"old"]


async def test_pages_lose_no_key_of_the_same_instant(database: Database) -> None:
    moments = [NOW, NOW, NOW, NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)]
    await _add(database, *(_key(n, at=at) for n, at in enumerate(moments, start=1)))
    seen: list[int] = []
    before: tuple[datetime, UUID] | None = None
    async with database.read() as connection:
        while page := await keys.newest(connection, limit=2, before=before):
            seen += [key.id.int for key in page]
            before = page[-1].created_at, page[-1].id
    assert seen == [4, 3, 2, 1, 5]


async def test_a_living_key_is_neither_revoked_nor_ended(database: Database) -> None:
    await _add(database, REPORTER, UNIT)
    async with database.begin() as tx:
        await keys.revoke(tx, REPORTER.id, NOW)
        await keys.end_at(tx, UNIT.id, NOW + timedelta(hours=1))
        assert await keys.living(tx, REPORTER.id, NOW) is None
        assert await keys.living(tx, UNIT.id, NOW) == replace(UNIT, expires_at=NOW + timedelta(hours=1))
        assert await keys.living(tx, UNIT.id, NOW + timedelta(hours=1)) is None
        assert await keys.living(tx, UUID(int=9), NOW) is None


async def test_a_key_is_found_by_its_digest_or_its_words(database: Database) -> None:
    await _add(database, replace(REPORTER, prefix="ab_%cd"), UNIT)
    async with database.read() as connection:
        assert await keys.with_digest(connection, b"digest of 2") == [UNIT]
        assert await keys.with_digest(connection, b"digest") == []
        cases = [
            ("440105003", [2]),
            ("海珠", [1]),
            ("o'h", [1]),
            ("SUBJECT", [2]),
            ("_", []),
            ("ab_", [1]),
            ("b_%", []),
        ]
        for words, ids in cases:
            assert [key.id.int for key in await keys.matching(connection, words, words, 9)] == ids, words
        assert len(await keys.matching(connection, "", "", 1)) == 1


async def test_lists_are_filtered(database: Database) -> None:
    await _add(database, REPORTER, UNIT, _key(3, Role.UNIT, unit="440105001"))
    only = (
        KeyFilter(role=Role.UNIT),
        KeyFilter(unit="440105001"),
        KeyFilter(role=Role.UNIT, subject="O'Hare"),
        ANY_KEY,
    )
    async with database.read() as connection:
        found = [await keys.newest(connection, limit=9, only=each) for each in only]
    assert [[key.id.int for key in each] for each in found] == [[3, 2], [3], [], [3, 2, 1]]


async def test_a_use_never_goes_back(database: Database) -> None:
    await _add(database, REPORTER, UNIT)
    for day, key in ((2, REPORTER), (1, REPORTER), (1, UNIT)):
        async with database.begin() as tx:
            await keys.note_use(tx, [key.id, UUID(int=9)], NOW + timedelta(days=day))
    async with database.read() as connection:
        found = {key.id.int: key.last_used_at for key in await keys.newest(connection, limit=9)}
    assert found == {1: NOW + timedelta(days=2), 2: NOW + timedelta(days=1)}


async def test_a_use_is_written_once_a_day(database: Database) -> None:
    """The second process that notes it changes no row."""
    await _add(database, REPORTER)
    versions = []
    for _ in range(2):
        async with database.begin() as tx:
            await keys.note_use(tx, [REPORTER.id], NOW)
        async with database.read() as connection:
            versions.append((await connection.execute(text("SELECT xmin::text FROM access_key"))).scalar_one())
    assert versions[0] == versions[1]


async def test_a_lock_keeps_other_makers_out_and_readers_in(database: Database) -> None:
    async with database.begin() as tx:
        await keys.lock(tx)
        async with database.read() as connection:
            assert await keys.usable(connection) == []
        with pytest.raises(Unavailable):
            await _lock_soon(database)
    await _lock_soon(database)


async def _lock_soon(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
        await keys.lock(tx)
