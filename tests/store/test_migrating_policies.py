"""From 0001 to now: what was a policy with its boxes is a version with a document, and in force since its import."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.rules.policy import Box, FairPlay
from service.rules.words import ClockKind, Level, Urgency
from service.rules.world import World
from service.store import migrate
from service.store.database import Database
from service.store.migrate import Tables
from service.store.registry import world as world_
from tests.registry.bundles import NOW, bring, files, policy
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

FIRST, SECOND = datetime(2026, 1, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, 1, 2, 3, 456_789, tzinfo=UTC)
BOXES = [
    (level, urgency, 600 * level + (0 if urgency == "urgent" else 7), 86_400 * level)
    for level in (1, 2, 3, 4)
    for urgency in ("normal", "urgent")
]


@pytest.fixture
async def old(blank_url: str) -> AsyncIterator[Database]:
    """A database as 0001 made it."""
    async with at_revision(blank_url, "0001") as database:
        yield database


async def put(database: Database, version: int, at: datetime, *, active: bool, factor: int = 1) -> None:
    """One version as the import of 0001 wrote it."""
    head = "INSERT INTO policy VALUES ('example', :version, '标题', :verify, :reopen, :at, :active)"
    box = "INSERT INTO policy_box VALUES ('example', :version, :level, :urgency, :answer, :resolve, 'continuous')"
    rows = [
        {"version": version, "level": level, "urgency": urgency, "answer": answer * factor, "resolve": resolve * factor}
        for level, urgency, answer, resolve in BOXES
    ]
    async with database.begin() as tx:
        values = {"version": version, "verify": 1000 * factor, "reopen": 2000 * factor, "at": at, "active": active}
        await tx.execute(text(head), values)
        await tx.execute(text(box), rows)


async def world(database: Database) -> World:
    async with database.read() as connection:
        return await world_.load(connection)


async def rows(database: Database, statement: str) -> Sequence[tuple[object, ...]]:
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


async def test_versions_keep_their_boxes_and_their_times(old: Database) -> None:
    await put(old, 1, FIRST, active=False)
    await put(old, 2, SECOND, active=True, factor=3)
    assert (await migrate.survey(old)).tables is Tables.OLDER
    await migrate.upgrade(old)
    assert (await migrate.survey(old)).tables is Tables.OURS
    policies = (await world(old)).policies
    assert list(policies) == [("example", 1), ("example", 2)]
    for version, factor in ((1, 1), (2, 3)):
        found = policies["example", version]
        assert (found.verify_s, found.reopen_s) == (1000 * factor, 2000 * factor)
        assert found.boxes == {
            (Level(level), Urgency(urgency)): (Box(answer * factor, resolve * factor, ClockKind.CONTINUOUS),)
            for level, urgency, answer, resolve in BOXES
        }
        assert found.box(Level.LEADER, Urgency.NORMAL, "urban-0110").answer_s == 2407 * factor


async def test_what_0001_did_not_know_is_as_it_was_then(old: Database) -> None:
    await put(old, 1, FIRST, active=True)
    await migrate.upgrade(old)
    found = (await world(old)).policies["example", 1]
    assert (found.hours, found.warn, found.returns) == (None, (), 2)
    assert (found.holds, found.hold_s) == (1, 365 * 86_400)
    assert (found.extensions, found.extend_percent) == (2, 100)
    assert found.fair_play == FairPlay()
    assert await rows(old, "SELECT title, created_at, created_by->>'kind' FROM policy") == [("标题", FIRST, "ops")]


async def test_each_version_is_in_force_from_its_import_on_and_the_active_one_now(old: Database) -> None:
    await put(old, 1, FIRST, active=False)
    await put(old, 2, SECOND, active=True, factor=3)
    await migrate.upgrade(old)
    found = await world(old)
    instant = timedelta(microseconds=1)
    moments = (FIRST - instant, FIRST, SECOND - instant, SECOND, NOW)
    active = [found.active(moment) for moment in moments]
    assert [each and each.version for each in active] == [None, 1, 1, 2, 2]


async def test_of_two_imported_at_one_instant_the_active_one_is_in_force(old: Database) -> None:
    for version, active in ((1, False), (2, True)):
        await put(old, version, FIRST, active=active)
    await migrate.upgrade(old)
    found = (await world(old)).active(FIRST)
    assert found is not None
    assert found.version == 2


async def test_the_next_import_goes_on_from_there(old: Database) -> None:
    await put(old, 1, FIRST, active=False)
    await put(old, 2, SECOND, active=True)
    await migrate.upgrade(old)
    report = await bring(old, files() | policy("2h"))
    assert (report.faults, report.policy) == ((), ("example", 3))
    assert [each.version for each in (await world(old)).activations] == [1, 2, 3]


async def test_a_database_without_policies_is_migrated_as_well_and_agrees_with_the_tables(old: Database) -> None:
    await migrate.upgrade(old)
    assert await migrate.drift(old) == []
    assert (await world(old)).policies == {}
    await migrate.upgrade(old)  # again: nothing to do
    assert (await bring(old, files())).policy == ("example", 1)


async def test_the_old_columns_and_tables_are_gone(old: Database) -> None:
    await put(old, 1, FIRST, active=True)
    await migrate.upgrade(old)
    assert await migrate.drift(old) == []
    assert await rows(old, "SELECT to_regclass('policy_box')") == [(None,)]
