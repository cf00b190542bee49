"""Whether a database holds together: a sound one breaks no rule, and whatever is taken from it breaks one."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from service.bench.seeding import seed
from service.store import soundness
from service.store.database import Database
from service.store.log import stretches
from service.store.log.stretches import STRETCH
from service.store.soundness import Contents
from tests.house import START, House
from tests.store.log.batches import archive_oldest, skip_to

pytestmark = pytest.mark.anyio


async def live(house: House) -> None:
    """Three incidents: one answered, one closed after two calls, one calling."""
    answered, missed, _ = [await house.report() for _ in range(3)]
    await house.act("community", answered, "answer", measure="去看看")
    await house.advance(to=missed["due_at"])
    await house.act("worker", missed, "withdraw", reason="已经好了")
    await house.sealed()


async def faults(database: Database) -> list[str]:
    async with database.read() as connection:
        return [fault async for fault in soundness.faults(connection)]


async def test_what_a_service_leaves_behind_is_sound(house: House) -> None:
    assert await faults(house.process.database) == []
    await live(house)
    assert await faults(house.process.database) == []


async def test_events_without_a_number_are_sound(house: House) -> None:
    """A backup may be taken between a commit and its numbering."""
    await house.process.tail.stop()
    await house.report()
    assert await faults(house.process.database) == []


async def test_a_log_with_an_archive_is_sound(house: House) -> None:
    database = house.process.database
    await live(house)
    await skip_to(database, 2 * STRETCH)
    async with database.begin() as tx:
        await stretches.make_ahead(tx)
    await live(house)
    async with database.read() as connection:
        before = await soundness.contents(connection)
    await archive_oldest(database)
    assert await faults(database) == []
    async with database.read() as connection:
        assert await soundness.contents(connection) == before
    async with database.begin() as tx:
        await tx.execute(text("DELETE FROM event_archive WHERE sequence = 2"))
    assert "should have the events 1 to" in "".join(await faults(database))


async def test_seeded_incidents_are_sound(haizhu: Database) -> None:
    await seed(haizhu, 3, reported_at=START, due_at=START)
    assert await faults(haizhu) == []


@pytest.mark.clause("GB/T 22239 8.1.4.3 c", "GB/T 22239 8.1.4.7 b")
@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        ("UPDATE log_batch SET last_position = last_position + 1000 WHERE id = (SELECT max(id) FROM log_batch)", "gap"),
        ("DELETE FROM log_batch WHERE id = (SELECT max(id) FROM log_batch)", "is in no batch of the log"),
        ("DELETE FROM event WHERE batch_id = (SELECT max(batch_id) FROM event)", "of the log should have"),
        ("DELETE FROM event WHERE sequence = 2", "should have the events 1 to"),
        ("UPDATE event SET sequence = CASE sequence WHEN 1 THEN 2 ELSE 1 END WHERE sequence < 3", "after a later one"),
        ("DELETE FROM incident WHERE state = 'closed'", "which is missing"),
        ("DELETE FROM report WHERE id = (SELECT min(id::text)::uuid FROM report)", "the report is missing"),
        ("DELETE FROM incident WHERE state = 'closed'", "where it stands is missing"),
        ("DELETE FROM call WHERE outcome IS NULL", "should have the calls 1 to"),
        ("UPDATE call SET outcome = NULL, ended_at = NULL, late_s = NULL WHERE outcome = 'closed'", "1 open"),
        ("UPDATE incident SET policy_version = 99", "is under policy example 99"),
        ("UPDATE queue_mark SET position = 100000", "after the end of the log"),
        ("SELECT setval('incident_number', 1, false)", "number 3 was given already, and the next one would be"),
        (
            "SELECT setval(pg_get_serial_sequence('log_batch', 'id'), 1)",
            "was given already, and the next one would be 2",
        ),
    ],
)
async def test_whatever_is_taken_away_is_missed(house: House, harm: str, fault: str) -> None:
    await live(house)
    async with house.process.database.begin() as tx:
        await tx.execute(text("SET LOCAL session_replication_role = replica"))  # no foreign key is asked
        await tx.execute(
            text("ALTER TABLE event_from_0 DROP CONSTRAINT IF EXISTS event_from_0_incident_id_sequence_key")
        )
        await tx.execute(text(harm))
    found = await faults(house.process.database)
    assert [each for each in found if fault in each] != [], found


async def test_contents_are_counted(house: House) -> None:
    async with house.process.database.read() as connection:
        before = await soundness.contents(connection)
        assert await soundness.months(connection) is None
    await live(house)
    async with house.process.database.read() as connection:
        found, months = await soundness.contents(connection), await soundness.months(connection)
        assert await soundness.tables(connection) > 15
    assert found.incidents - before.incidents == 3
    assert (found.end, found.newest) == (found.events, house.process.clock.now())
    assert isinstance(found, Contents)
    assert months is not None and months[0] == START < months[1]


async def test_a_snapshot_can_be_seen_by_another_session(haizhu: Database) -> None:
    async with haizhu.read() as connection:
        name = await soundness.exported_snapshot(connection)
        await seed(haizhu, 3, reported_at=START, due_at=START)
        async with haizhu.engine.connect() as other:
            await other.execution_options(isolation_level="REPEATABLE READ")
            await other.execute(text(f"SET TRANSACTION SNAPSHOT '{name}'"))
            assert (await other.execute(text("SELECT count(*) FROM incident"))).scalar_one() == 0
