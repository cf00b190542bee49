"""One turn of the engine: a page at a time, every deadline once, and one bad row spoils nobody else's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.bench.seeding import seed
from service.escalation import sweep
from service.rules.errors import Unavailable
from service.rules.figures.definition import Period
from service.store.database import Database
from service.store.log.writing import Committed
from service.store.sessions import Patience
from service.worlds import CurrentWorld

pytestmark = pytest.mark.anyio

DUE = datetime(2026, 11, 23, 1, tzinfo=UTC)
NOW = DUE + timedelta(seconds=2)


@pytest.fixture
async def worlds(haizhu: Database) -> CurrentWorld:
    worlds = CurrentWorld()
    await worlds.reload(haizhu)
    return worlds


async def _all(database: Database, question: str, **values: Any) -> list[Any]:
    async with database.read() as connection:
        return list(await connection.execute(text(question), values))


async def _do(database: Database, *statements: str) -> None:
    async with database.begin() as tx:
        for statement in statements:
            await tx.execute(text(statement))


async def test_a_page_is_fired_whole_and_told_once(haizhu: Database, worlds: CurrentWorld) -> None:
    await seed(haizhu, 30, reported_at=DUE, due_at=DUE)
    told: list[Committed] = []
    swept = await sweep.run_once(haizhu, worlds, NOW, told.append, limit=20)
    assert (swept.fired, swept.backed_off, swept.full, set(swept.lateness)) == (20, 0, True, {2.0})
    swept = await sweep.run_once(haizhu, worlds, NOW, told.append, limit=20)
    assert (swept.fired, swept.full) == (10, False)
    assert (await sweep.run_once(haizhu, worlds, NOW, told.append)).fired == 0
    assert len([each for each in told if each.queues]) == 2
    assert all("440105" in key for batch in told for key in batch.queues)


async def test_the_front_moves_with_each_page(haizhu: Database, worlds: CurrentWorld) -> None:
    """What lies behind the front, such as what another engine gave back, is due at the next sweep."""
    await seed(haizhu, 30, reported_at=DUE, due_at=DUE)
    front = sweep.Front()
    assert (await sweep.run_once(haizhu, worlds, NOW, lambda _: None, limit=20, front=front)).full
    assert front.place.wake_at == DUE
    await seed(haizhu, 5, reported_at=DUE, due_at=DUE - timedelta(seconds=1), name="behind")
    assert (await sweep.run_once(haizhu, worlds, NOW, lambda _: None, limit=20, front=front)).fired == 10
    assert (await sweep.run_once(haizhu, worlds, NOW, lambda _: None, limit=20, front=front)).fired == 0
    assert (await sweep.run_once(haizhu, worlds, NOW, lambda _: None, limit=20)).fired == 5


async def test_a_refused_page_goes_row_by_row_from_its_start(haizhu: Database, worlds: CurrentWorld) -> None:
    await seed(haizhu, 10, reported_at=DUE, due_at=DUE)
    await seed(haizhu, 10, reported_at=DUE, due_at=DUE + timedelta(seconds=1), name="second")
    await _do(
        haizhu,
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.number = 'second-3' AND NEW.level = 2 THEN RAISE 'poisoned'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER poison BEFORE UPDATE ON incident FOR EACH ROW EXECUTE FUNCTION poison()",
    )
    front = sweep.Front()
    async with haizhu.begin() as other:  # another engine is at work on the first ten
        await other.execute(text("SELECT FROM incident WHERE due_at = :due FOR UPDATE"), {"due": DUE})
        front.place = front.place._replace(wake_at=DUE + timedelta(microseconds=1))
        swept = await sweep.run_once(haizhu, worlds, NOW, lambda _: None, limit=10, front=front)
        assert (swept.fired, swept.backed_off, swept.full) == (9, 1, True)
    assert (await sweep.run_once(haizhu, worlds, NOW, lambda _: None, limit=10)).fired == 10


async def test_row_by_row_counts_what_cannot_be_decided(haizhu: Database, worlds: CurrentWorld) -> None:
    await seed(haizhu, 10, reported_at=DUE, due_at=DUE)
    await _do(
        haizhu,
        "UPDATE incident SET calls_at = '{}' WHERE number = 'seed-7'",
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.number = 'seed-3' AND NEW.level = 2 THEN RAISE 'poisoned'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER poison BEFORE UPDATE ON incident FOR EACH ROW EXECUTE FUNCTION poison()",
    )
    swept = await sweep.run_once(haizhu, worlds, NOW, lambda _: None)
    assert (swept.fired, swept.backed_off) == (8, 2)


async def test_sweeps_side_by_side_share_the_work_and_fire_each_once(haizhu: Database, worlds: CurrentWorld) -> None:
    await seed(haizhu, 200, reported_at=DUE, due_at=DUE)

    async def engine() -> int:
        fired = 0
        while swept := (await sweep.run_once(haizhu, worlds, NOW, lambda _: None, limit=20)).fired:
            fired += swept
        return fired

    shares = await asyncio.gather(*(engine() for _ in range(4)))
    assert sum(shares) == 200
    assert len(await _all(haizhu, "SELECT seq FROM call WHERE seq = 2")) == 200


async def test_a_row_the_database_refuses_is_put_aside_and_the_others_go_on(
    haizhu: Database, worlds: CurrentWorld
) -> None:
    await seed(haizhu, 10, reported_at=DUE, due_at=DUE)
    await _do(
        haizhu,
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.number = 'seed-3' AND NEW.level = 2 THEN RAISE 'poisoned'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER poison BEFORE UPDATE ON incident FOR EACH ROW EXECUTE FUNCTION poison()",
    )
    swept = await sweep.run_once(haizhu, worlds, NOW, lambda _: None)
    assert (swept.fired, swept.backed_off) == (9, 1)
    bad = (await _all(haizhu, "SELECT level, due_at, wake_at, faults FROM incident WHERE number = 'seed-3'"))[0]
    assert (bad.level, bad.due_at, bad.faults) == (1, DUE, 1)
    assert bad.wake_at == NOW + timedelta(seconds=30)

    later = bad.wake_at
    for faults in (2, 3):
        assert (await sweep.run_once(haizhu, worlds, later, lambda _: None)).backed_off == 1
        again = (await _all(haizhu, "SELECT wake_at, faults FROM incident WHERE number = 'seed-3'"))[0]
        assert (again.faults, again.wake_at - later) == (faults, timedelta(seconds=30) * 2 ** (faults - 1))
        later = again.wake_at

    await _do(haizhu, "DROP TRIGGER poison ON incident")
    assert (await sweep.run_once(haizhu, worlds, later, lambda _: None)).fired == 1
    healed = (await _all(haizhu, "SELECT level, faults FROM incident WHERE number = 'seed-3'"))[0]
    assert (healed.level, healed.faults) == (2, 0)
    assert len(await _all(haizhu, "SELECT seq FROM call WHERE seq = 2")) == 10


async def test_a_row_that_takes_too_long_is_put_aside(haizhu: Database, haizhu_url: str, worlds: CurrentWorld) -> None:
    """The page is cut by its time limit, and then this row alone: the others are fired."""
    await seed(haizhu, 5, reported_at=DUE, due_at=DUE)
    await _do(
        haizhu,
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.number = 'seed-3' AND NEW.level = 2 THEN PERFORM pg_sleep(9); END IF; RETURN NEW; END $$",
        "CREATE TRIGGER linger BEFORE UPDATE ON incident FOR EACH ROW EXECUTE FUNCTION linger()",
    )
    engine = Database(haizhu_url, patience=Patience(wait_s=1, lock_s=1, statement_s=0.5, idle_s=5, block_s=5))
    swept = await sweep.run_once(engine, worlds, NOW, lambda _: None)
    assert (swept.fired, swept.backed_off) == (4, 1)
    await engine.close()


async def test_an_outage_puts_no_row_aside(worlds: CurrentWorld) -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(Unavailable):
        await sweep.run_once(nowhere, worlds, NOW, lambda _: None)
    await nowhere.close()


async def test_a_row_the_rules_cannot_decide_is_put_aside_and_the_others_go_on(
    haizhu: Database, worlds: CurrentWorld
) -> None:
    await seed(haizhu, 10, reported_at=DUE, due_at=DUE)
    await _do(haizhu, "UPDATE incident SET calls_at = '{}' WHERE number = 'seed-7'")
    swept = await sweep.run_once(haizhu, worlds, NOW, lambda _: None)
    assert (swept.fired, swept.backed_off) == (9, 1)
    bad = (await _all(haizhu, "SELECT level, faults FROM incident WHERE number = 'seed-7'"))[0]
    assert (bad.level, bad.faults) == (1, 1)


async def test_an_incident_somebody_acts_on_is_passed_over_not_waited_for(
    haizhu: Database, worlds: CurrentWorld
) -> None:
    await seed(haizhu, 3, reported_at=DUE, due_at=DUE)
    async with haizhu.begin() as tx:
        await tx.execute(text("SELECT FROM incident WHERE number = 'seed-2' FOR NO KEY UPDATE"))
        async with asyncio.timeout(5):
            assert (await sweep.run_once(haizhu, worlds, NOW, lambda _: None)).fired == 2
    assert (await sweep.run_once(haizhu, worlds, NOW, lambda _: None)).fired == 1


async def test_a_row_that_cannot_be_read_is_put_aside(haizhu: Database, worlds: CurrentWorld) -> None:
    await seed(haizhu, 10, reported_at=DUE, due_at=DUE)
    await _do(haizhu, "UPDATE incident SET urgency = 'soon' WHERE number = 'seed-7'")
    swept = await sweep.run_once(haizhu, worlds, NOW, lambda _: None)
    assert (swept.fired, swept.backed_off) == (9, 1)
    bad = (await _all(haizhu, "SELECT level, faults FROM incident WHERE number = 'seed-7'"))[0]
    assert (bad.level, bad.faults) == (1, 1)


async def test_a_lost_policy_holds_no_deadline_back(
    haizhu: Database, worlds: CurrentWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Incidents whose version of the policy is not in the database fire all the same, and ops are told once."""
    sweep._say_lost.cache_clear()
    await seed(haizhu, 10, reported_at=DUE, due_at=DUE)
    await _do(haizhu, "UPDATE incident SET policy_version = 99 WHERE number < 'seed-5'")
    for now in (NOW, NOW + timedelta(days=1)):
        swept = await sweep.run_once(haizhu, worlds, now, lambda _: None)
        assert (swept.fired, swept.backed_off) == (10, 0)
    lost = [each for each in caplog.records if each.__dict__.get("event") == "policy_lost"]
    assert len(lost) == 1 and "version 99" in lost[0].message
    kept = await _all(haizhu, "SELECT count(*) FROM incident WHERE policy_version = 99")
    assert kept[0][0] == 5, "what was pinned stays as evidence"


async def test_the_last_number_of_a_call_is_put_aside(haizhu: Database, worlds: CurrentWorld) -> None:
    """An incident that was called 32,767 times cannot be called once more. The others can."""
    await seed(haizhu, 3, reported_at=DUE, due_at=DUE)
    await _do(
        haizhu,
        "UPDATE incident SET seq = 32767, calls_at = '{32767,0,0,0}' WHERE number = 'seed-1'",
        "UPDATE call SET seq = 32767, round = 32767 FROM incident WHERE id = incident_id AND number = 'seed-1'",
    )
    swept = await sweep.run_once(haizhu, worlds, NOW, lambda _: None)
    assert (swept.fired, swept.backed_off) == (2, 1)


async def test_a_sweep_makes_the_seeds_that_are_lacking(haizhu: Database, worlds: CurrentWorld) -> None:
    """They are read once for the pages of a sweep, and made again for the next one if they were lost."""
    told: list[Committed] = []
    front = sweep.Front()
    for _ in range(2):
        await sweep.run_once(haizhu, worlds, NOW, told.append, front=front)
    assert (len(told), set(front.seeds)) == (1, {Period(2026, 11), Period(2026, 12)})
    assert str(front.seeds[Period(2026, 11)])[2:-1] not in repr(front)
    await _do(haizhu, "DELETE FROM appraisal_seed WHERE period = '2026-11'")
    await sweep.run_once(haizhu, worlds, NOW, told.append)
    assert len(told) == 2
    await sweep.run_once(haizhu, worlds, NOW + timedelta(days=62), told.append, front=front)
    assert (len(told), set(front.seeds)) == (3, {Period(2027, 1), Period(2027, 2)})


@pytest.mark.parametrize("lacking", ["2026-12", "2026-11"])
async def test_a_seed_that_cannot_be_made_stops_no_deadline(
    haizhu: Database, worlds: CurrentWorld, caplog: pytest.LogCaptureFixture, lacking: str
) -> None:
    """Of the next month or of this one: calls are missed all the same."""
    await seed(haizhu, 3, reported_at=DUE, due_at=DUE)
    await _do(haizhu, f"ALTER TABLE appraisal_seed ADD CONSTRAINT broken CHECK (period <> '{lacking}')")
    swept = await sweep.run_once(haizhu, worlds, NOW, lambda committed: None)
    assert (swept.fired, swept.backed_off) == (3, 0)
    assert "the seed of a month could not be made" in caplog.text
