"""Sessions as rows: found by the digest of their cookie, ended for good, removed when they are long over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from service.rules.model import Actor
from service.rules.words import Role
from service.store.access import sessions
from service.store.access.sessions import Session
from service.store.access.tables import access_session
from service.store.database import Database
from tests.store.refusals import refused_by

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERSON = Actor(Role.UNIT, "p-0123456789abcdef0123", unit="440105003")


def a_session(number: int, *, person: Actor | None = None, life: timedelta = HOUR) -> Session:
    key_id = None if person else UUID(int=1)
    return Session(UUID(int=number), key_id, person, NOW, NOW + life, timedelta(minutes=30), NOW)


async def stored(database: Database, *some: Session) -> None:
    async with database.begin() as tx:
        for each in some:
            await sessions.add(tx, each, each.id.bytes)


async def found(database: Database, session: Session) -> Session | None:
    async with database.read() as connection:
        return await sessions.find(connection, session.id.bytes)


@pytest.mark.parametrize("person", [None, PERSON])
async def test_a_session_is_found_as_it_was_stored(database: Database, person: Actor | None) -> None:
    session = a_session(7, person=person)
    await stored(database, session)
    assert await found(database, session) == session
    assert await found(database, a_session(8)) is None


async def test_a_session_that_was_ended_is_found_no_more(database: Database) -> None:
    one, other = a_session(7), a_session(8)
    await stored(database, one, other)
    for at in (NOW, NOW + HOUR):
        async with database.begin() as tx:
            await sessions.end(tx, one.id, at)
    assert await found(database, one) is None
    assert await found(database, other) == other
    async with database.read() as connection:
        assert await sessions.ended(connection) == {one.id}


async def test_what_was_seen_never_goes_back(database: Database) -> None:
    one, other = a_session(7), a_session(8)
    await stored(database, one, other)
    for minutes in (5, 3):
        async with database.begin() as tx:
            await sessions.note_seen(tx, {other.id: NOW, one.id: NOW + timedelta(minutes=minutes)})
    seen = [each.seen_at for each in (await found(database, one), await found(database, other)) if each]
    assert seen == [NOW + timedelta(minutes=5), NOW]


async def test_sessions_that_are_long_over_are_removed(database: Database) -> None:
    some = [a_session(1), a_session(2, life=2 * HOUR), a_session(3, life=5 * HOUR), a_session(4, life=5 * HOUR)]
    await stored(database, *some)
    async with database.begin() as tx:
        await sessions.end(tx, some[2].id, NOW)
        await sessions.end(tx, some[3].id, NOW + HOUR)
        assert await sessions.remove_past(tx, NOW + 2 * HOUR, NOW + HOUR) == 2
        assert await sessions.remove_past(tx, NOW + 2 * HOUR, NOW + HOUR) == 0
    async with database.read() as connection:
        assert await sessions.ended(connection) == {some[3].id}
    assert await found(database, some[1]) == some[1]


async def test_a_session_has_a_key_or_a_person(database: Database) -> None:
    row = {"id": UUID(int=1), "digest": b"x", "created_at": NOW, "expires_at": NOW, "seen_at": NOW}
    person = {"role": "unit", "subject": "p-1"}
    for wrong in ({}, {"role": "unit"}, {"key_id": UUID(int=1), **person}):
        assert await refused_by(database, access_session, {**row, **wrong}) == "access_session_whose"
    assert await refused_by(database, access_session, {**row, **person}) is None
