"""The engine sleeps until the nearest deadline, is woken for a nearer one, and survives what fails."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text

from service import metrics
from service.bench.seeding import seed
from service.clock import DatabaseClock, VirtualClock
from service.context import Context
from service.engine import SIDE_BY_SIDE, Engine
from service.escalation import sweep
from service.feed.tail import Tail
from service.queues.tags import QueueTags
from service.rules.figures.definition import Period
from service.store.access import quotas
from service.store.access.tables import access_session, report_quota
from service.store.database import Database
from service.store.figures import seeds
from service.web.cursors import Cursors
from service.worlds import CurrentWorld
from tests.house import START

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


async def context_of(database: Database, clock: DatabaseClock | VirtualClock) -> Context:
    worlds, measured = CurrentWorld(), metrics.new()
    await worlds.reload(database)
    tail = Tail(database, QueueTags(), measured, VirtualClock(START))  # never started: nothing rings but the test
    return Context(database, worlds, clock, measured, Cursors(), tail.tell, {Tail: tail})


@pytest.fixture
async def context(haizhu: Database) -> Context:
    clock = DatabaseClock()
    await clock.synchronise(haizhu)
    return await context_of(haizhu, clock)


@pytest.fixture
async def engine(context: Context) -> AsyncIterator[Engine]:
    engine = Engine(context)
    yield engine
    await engine.stop()


def count(context: Context, name: str, **labels: str) -> float:
    return context.metrics.registry.get_sample_value(name, labels) or 0.0


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


async def asleep(engine: Engine) -> datetime:
    """Wait until the engine has swept and set its bell; when it will ring."""
    await until(lambda: engine._next is not None)
    assert engine._next is not None
    return engine._next


async def climbed(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM call WHERE seq = 2"))).scalar_one())


async def test_it_rings_at_the_nearest_deadline(haizhu: Database, context: Context, engine: Engine) -> None:
    now = context.clock.now()
    await seed(haizhu, 3, reported_at=now - HOUR, due_at=now + timedelta(seconds=1))
    engine.start()
    assert await asleep(engine) == now + timedelta(seconds=1)
    assert await climbed(haizhu) == 0
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 3)
    assert context.clock.now() >= now + timedelta(seconds=1)
    assert await climbed(haizhu) == 3


async def test_rings_in_quick_succession_alarm_nobody(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """APScheduler would skip a ring that comes before it has learned of the end of the one before, and warn of it."""
    engine.start()
    await asleep(engine)
    for _ in range(50):
        engine._ring_at(engine._clock.now())
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert "skipped" not in caplog.text


async def test_a_nearer_deadline_rings_it_earlier(haizhu: Database, context: Context, engine: Engine) -> None:
    """Without the ring it would look again after five seconds; a later deadline changes nothing."""
    engine.start()
    backstop = await asleep(engine)
    now = context.clock.now()
    assert backstop > now + timedelta(seconds=4)
    engine.wake(backstop + HOUR)
    assert engine._next == backstop
    await seed(haizhu, 1, reported_at=now - HOUR, due_at=now)
    engine.wake(now)
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 1)
    assert context.clock.now() < backstop


async def test_the_tail_rings_it_for_deadlines_of_others(haizhu: Database, context: Context, engine: Engine) -> None:
    engine.start()
    backstop = await asleep(engine)
    context.part(Tail)._wake(backstop - timedelta(seconds=2))
    assert engine._next == backstop - timedelta(seconds=2)


async def test_a_sweep_begins_where_the_last_one_has_come_to(
    haizhu: Database, context: Context, engine: Engine
) -> None:
    """What was taken from the front of the index is litter until a vacuum comes, and nobody walks over it again."""
    now = context.clock.now()
    await seed(haizhu, 3, reported_at=now - HOUR, due_at=now, name="due")
    await seed(haizhu, 1, reported_at=now - HOUR, due_at=now + HOUR, name="later")
    engine.start()
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 3)
    await until(lambda: engine.start_at.wake_at == now + HOUR)
    await seed(haizhu, 2, reported_at=now - HOUR, due_at=now + timedelta(minutes=1), name="set")
    async with haizhu.begin() as tx:
        await tx.execute(
            text("UPDATE incident SET due_at = :now, wake_at = :now WHERE number LIKE 'set-%'"), {"now": now}
        )
    engine.wake(now)
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 5)


async def test_an_incident_that_was_locked_is_found_again(haizhu: Database, context: Context, engine: Engine) -> None:
    now = context.clock.now()
    await seed(haizhu, 3, reported_at=now - HOUR, due_at=now, name="due")
    async with haizhu.begin() as tx:
        await tx.execute(text("SELECT FROM incident WHERE number = 'due-2' FOR UPDATE"))
        engine.start()
        await until(lambda: count(context, "sihu_deadlines_fired_total") == 2)
        await until(lambda: engine.start_at.wake_at == now)
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 3)


async def test_a_deadline_that_was_moved_by_hand_is_found(
    haizhu: Database, context: Context, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = context.clock.now()
    await seed(haizhu, 2, reported_at=now - HOUR, due_at=now + HOUR)
    engine.start()
    await until(lambda: engine.start_at.wake_at == now + HOUR)
    monkeypatch.setattr("service.engine._EVERYWHERE_S", 0.0)
    async with haizhu.begin() as tx:
        await tx.execute(text("UPDATE incident SET due_at = :now, wake_at = :now"), {"now": now})
    engine._bell.set()
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 2)


async def test_a_bell_that_is_late_is_rung_by_the_beat(haizhu: Database) -> None:
    """The scheduler follows the wall clock, which does not move with the service's time."""
    clock = VirtualClock(START)
    context = await context_of(haizhu, clock)
    await seed(haizhu, 1, reported_at=START - HOUR, due_at=START + HOUR)
    engine = Engine(context)
    engine.start()
    await asleep(engine)
    clock.move_to(START + 2 * HOUR)
    engine.beat()
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 1, seconds=3)
    await engine.stop()


async def test_a_sweep_that_fails_is_counted_and_taken_again(
    haizhu: Database, context: Context, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    now = context.clock.now()
    await seed(haizhu, 2, reported_at=now - HOUR, due_at=now)
    await change_type(haizhu, "text")
    engine.start()
    await until(lambda: count(context, "sihu_faults_total", where="engine") >= 1)
    assert "the sweep failed" in caplog.text
    await change_type(haizhu, "timestamptz")
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 2)
    assert await climbed(haizhu) == 2


async def test_a_database_that_is_away_is_no_fault(context: Context) -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    away = Engine(replace(context, database=nowhere))
    away.start()
    assert await asleep(away) <= context.clock.now() + timedelta(seconds=1)
    await away.stop()
    await nowhere.close()
    assert count(context, "sihu_faults_total", where="engine") == 0


async def test_a_page_that_fails_leaves_none_under_way(
    context: Context, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page fails while the others beside it take their time: the sweep is over when all of them are."""
    pages = itertools.count()
    ended = []

    async def page(*_: object, **__: object) -> sweep.Swept:
        if next(pages) == 0:
            raise ArithmeticError
        await asyncio.sleep(0.01)
        ended.append("page")
        return sweep.Swept()

    monkeypatch.setattr(sweep, "run_once", page)
    with pytest.raises(ArithmeticError):
        await engine._sweep_all()
    assert len(ended) == SIDE_BY_SIDE - 1


async def test_stopping_lets_the_sweep_under_way_finish(haizhu: Database, context: Context, engine: Engine) -> None:
    now = context.clock.now()
    await seed(haizhu, 1200, reported_at=now - HOUR, due_at=now)
    engine.start()
    await until(lambda: count(context, "sihu_deadlines_fired_total") > 0)
    await engine.stop()
    assert await climbed(haizhu) == count(context, "sihu_deadlines_fired_total")
    assert haizhu.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    await seed(haizhu, 1, reported_at=now - HOUR, due_at=now, name="later")
    engine.wake(now)
    assert await climbed(haizhu) == count(context, "sihu_deadlines_fired_total")


async def change_type(database: Database, name: str) -> None:
    """Give the moment at which the engine looks next another type, so that no statement fits it."""
    async with database.begin() as tx:
        await tx.execute(text(f"ALTER TABLE incident ALTER COLUMN wake_at TYPE {name} USING wake_at::{name}"))


async def test_counts_of_past_days_are_removed(context: Context, engine: Engine) -> None:
    """Those of yesterday stay: no clock is further behind."""
    today = quotas.day_of(context.clock.now())
    days = [{"day": today - timedelta(days=n), "subject": "s", "reports": 1, "urgent": 0} for n in range(4)]
    async with context.database.begin() as tx:
        await tx.execute(insert(report_quota), days)
    engine.start()
    async with asyncio.timeout(20):
        while len(left := await _days(context)) > 2:
            await asyncio.sleep(0.01)
    assert left == {today, today - timedelta(days=1)}


async def test_sessions_that_are_over_are_removed(context: Context, engine: Engine) -> None:
    """One that was ended stays for an hour, so that every process learns of it."""
    now = context.clock.now()
    rows = [(HOUR, None), (-HOUR, None), (HOUR, 2 * HOUR), (HOUR, HOUR / 2)]
    key = uuid4()
    made = [
        {
            **{"id": UUID(int=n), "digest": bytes([n]), "key_id": key, "created_at": now, "seen_at": now},
            **{"expires_at": now + life, "ended_at": None if ago is None else now - ago},
        }
        for n, (life, ago) in enumerate(rows)
    ]
    async with context.database.begin() as tx:
        for row in made:
            await tx.execute(insert(access_session).values(row))
    engine.start()
    async with asyncio.timeout(20):
        while len(left := await _session_ids(context)) > 2:
            await asyncio.sleep(0.01)
    assert left == {UUID(int=0), UUID(int=3)}


async def _session_ids(context: Context) -> set[UUID]:
    async with context.database.read() as connection:
        return set((await connection.execute(select(access_session.c.id))).scalars())


async def _days(context: Context) -> set[date]:
    async with context.database.read() as connection:
        return set((await connection.execute(select(report_quota.c.day))).scalars())


async def test_seeds_of_this_month_and_the_next_are_made(haizhu: Database, context: Context, engine: Engine) -> None:
    engine.start()
    await asleep(engine)
    period = Period.at(context.clock.now())
    async with haizhu.read() as connection:
        assert [await seeds.seed_of(connection, each) is None for each in (period, period.next)] == [False, False]


async def test_counts_that_cannot_be_removed_stop_no_deadline(
    haizhu: Database, context: Context, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    now = context.clock.now()
    await seed(haizhu, 1, reported_at=now - HOUR, due_at=now)
    async with haizhu.begin() as tx:
        await tx.execute(text("ALTER TABLE report_quota ALTER COLUMN day TYPE text USING day::text"))
    engine.start()
    await until(lambda: count(context, "sihu_deadlines_fired_total") == 1)
    await until(lambda: count(context, "sihu_faults_total", where="engine") == 1)
    assert await asleep(engine) > context.clock.now() + timedelta(seconds=2), "no sooner than without it"
    engine.wake(context.clock.now())
    await asleep(engine)
    assert caplog.text.count("counts of past days could not be removed") == 1, "tried again in ten minutes"
