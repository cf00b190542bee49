"""Saving decisions: every table in one transaction, whatever a decision changes, and nothing beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from service.rules import lifecycle
from service.rules.model import Appeal, By
from service.rules.story import StoryOf
from service.rules.words import Arrow, EventType, Level, State
from service.store.database import Database
from service.store.incidents import claiming, saving
from service.store.incidents.saving import NUMBER_BLOCK, Stamp
from tests.rules.builders import COMMUNITY, NOW, STREET, WORLD, act, half, later, reported
from tests.rules.deciding import changed_call
from tests.store.incidents.rows import ask, done, fired, load, numbered, raised, save

pytestmark = pytest.mark.anyio

OPS = By("ops", "ops")


async def test_what_was_decided_is_what_is_loaded(database: Database) -> None:
    """An incident lives through requests, calls, an assistance, a resolution and a reopening, saved after each act."""
    incident = await raised(database, 1)
    for who, arrow in (
        ("street", Arrow.HOLD),
        ("ops", Arrow.APPROVE),
        ("street", Arrow.RESUME),
        ("street", Arrow.ANSWER),
        ("street", Arrow.ASSIST),
        ("street", Arrow.EXTEND),
        ("street", Arrow.RESOLVE),
        ("reporter", Arrow.REJECT),
        ("street", Arrow.RESOLVE),
        ("reporter", Arrow.RATE),
        ("reporter", Arrow.ACCEPT),
        ("reporter", Arrow.REOPEN),
    ):
        incident = (await done(database, incident, who, arrow, at=later(minutes=1))).after
        assert await load(database) == incident, arrow


async def test_a_decision_that_changes_two_calls_is_saved_whole(database: Database) -> None:
    """Both calls of a level below and the last one are changed by one decision, each in fields of its own."""
    incident = await raised(database, 2)
    story = StoryOf(incident, OPS, WORLD, later(minutes=1))
    story.change_call_numbered(2, rating=5)
    story.change_call_numbered(1, outcome_rating=1, appeal=Appeal("no power", OPS, NOW))
    story.change_call(assisting=("dept-c",))
    story.record(EventType.INCIDENT_COMMENTED)
    decision = story.decision()
    assert [call.seq for call in decision.changed] == [1, 2, 3]
    await save(database, decision)
    assert await load(database) == decision.after
    assert (decision.after.earlier[0].outcome_rating, decision.after.earlier[1].rating) == (1, 5)


async def test_an_old_call_of_a_closed_incident_is_changed_alone(database: Database) -> None:
    incident = await raised(database, 2)
    incident = (await done(database, incident, "department", Arrow.RESOLVE)).after
    incident = (await done(database, incident, "reporter", Arrow.ACCEPT)).after
    assert incident.state is State.CLOSED
    story = StoryOf(incident, OPS, WORLD, later(days=1))
    story.change_call_numbered(1, quietly=True, outcome_rating=2)
    story.record(EventType.INCIDENT_RATED, call=1, score=2)
    decision = story.decision()
    await save(database, decision)
    assert await load(database) == decision.after
    assert decision.after._replace(earlier=incident.earlier, sequence=incident.sequence) == incident
    assert await ask(database, "SELECT seq FROM call WHERE outcome_rating = 2") == [(1,)]


async def test_the_clocks_decision_leaves_alone_what_it_did_not_load(database: Database) -> None:
    """The sweep's incident has neither its earlier calls nor the answer on its last one; they are still there after."""
    incident = await raised(database, 1)
    incident = (await done(database, incident, "street", Arrow.ANSWER)).after
    sweeps = half(incident)
    sweeps = sweeps._replace(call=sweeps.call._replace(answer=None, answer_us=None, reason=None, ground=None))
    decision = fired(sweeps)
    await save(database, decision)
    stored = await load(database)
    assert [call.outcome for call in (*stored.earlier, stored.call)] == ["raised", "not_resolved", None]
    assert stored.earlier[0] == incident.earlier[0]
    missed = changed_call(decision)
    assert stored.earlier[1] == incident.call._replace(
        outcome=missed.outcome, late_s=2.0, ended_at=missed.ended_at, ended_by=By("clock"), box_used=100
    )
    assert (stored.level, stored.call.unit, stored.audience) == (Level.DEPARTMENT, "dept-a", decision.after.audience)


async def test_a_page_of_all_arrows_of_the_clock_keeps_what_was(database: Database) -> None:
    """Each column is written for all calls of a page, also for those that ended before."""
    await save(database, *(numbered(n) for n in range(1, 6)))
    for n, arrows in {
        2: [Arrow.ANSWER],
        3: [Arrow.ANSWER, Arrow.HOLD, Arrow.APPROVE, Arrow.RESUME, Arrow.RESOLVE],
        4: [Arrow.HOLD, Arrow.APPROVE],
        5: [Arrow.RESOLVE],
    }.items():
        for step, arrow in enumerate(arrows):
            who = "street" if arrow is Arrow.APPROVE else "community"
            await done(database, await load(database, n), who, arrow, at=later(seconds=10 * step))
    assert ((await load(database, 3)).call.held_s, (await load(database, 3)).call.box_used) == (10, 1)
    now = later(days=400)
    expected = [lifecycle.tick(await load(database, n), WORLD, now) for n in range(1, 6)]
    async with database.begin() as tx:
        page = await claiming.claim_due(tx, now, 10)
        decisions = [decision for each in page if (decision := lifecycle.tick(each, WORLD, now))]
        assert {each.events[0].type for each in decisions} == {
            EventType.CALL_MISSED,
            EventType.INCIDENT_RESUMED,
            EventType.INCIDENT_CLOSED,
        }
        await saving.save(tx, decisions)
    assert [await load(database, n) for n in range(1, 6)] == [each and each.after for each in expected]


async def test_a_page_saves_new_old_and_closing_incidents_together(database: Database) -> None:
    first, second = numbered(1), numbered(2)
    await save(database, first, second)
    withdrawn = act(first.after, "reporter", Arrow.WITHDRAW, at=later(minutes=5))
    answered = act(second.after, "community", Arrow.ANSWER, at=later(minutes=5))
    await save(database, withdrawn, numbered(3), answered)
    for n, expected in enumerate((withdrawn, answered, numbered(3)), start=1):
        assert await load(database, n) == expected.after


async def test_the_log_hears_which_queues_changed_and_when_to_wake(database: Database) -> None:
    committed = await save(database, numbered(1), numbered(2, at=NOW - timedelta(minutes=7)))
    assert committed is not None
    assert committed.queues == (f"{COMMUNITY}:calling",)
    assert committed.wake_at == later(minutes=53), "the nearest"
    incident = numbered(1).after
    committed = await save(database, act(incident, "community", Arrow.RAISE, at=later(minutes=1)))
    assert committed is not None
    assert committed.queues == (f"{COMMUNITY}:calling", f"{STREET}:calling")


async def test_a_comment_changes_no_queue(database: Database) -> None:
    await save(database, reported())
    committed = await save(database, act(reported().after, "reporter", Arrow.COMMENT))
    assert committed is not None
    assert committed.queues == ()
    assert await ask(database, "SELECT version, sequence FROM incident") == [(1, 3)]


async def test_the_queues_of_assisting_units_change_too(database: Database) -> None:
    await save(database, reported())
    helped = await done(database, reported().after, "community", Arrow.ASSIST)
    committed = await save(database, act(helped.after, "community", Arrow.RAISE))
    assert committed is not None
    assert committed.queues == (f"{COMMUNITY}:calling", f"{STREET}:calling", "firm-1:calling")


async def test_the_clock_that_only_looks_again_writes_no_event(database: Database) -> None:
    incident = reported().after
    await save(database, reported())
    story = StoryOf(half(incident), By("clock"), WORLD, NOW)
    story.change_quietly(wake_at=later(minutes=30))
    assert await save(database, story.decision()) is None
    assert await ask(database, "SELECT wake_at, version FROM incident") == [(later(minutes=30), 1)]


async def test_saving_forgives_the_faults_of_a_sweep(database: Database) -> None:
    await save(database, reported())
    async with database.begin() as tx:
        await tx.exec_driver_sql("UPDATE incident SET faults = 3")
    await save(database, fired(half(reported().after)))
    assert await ask(database, "SELECT faults FROM incident") == [(0,)]


@pytest.mark.clause("ASVS 2.3.3")
async def test_a_refused_page_leaves_nothing_behind(database: Database) -> None:
    """The same report twice in one page: neither it nor the good one beside it is written."""
    with pytest.raises(IntegrityError):
        async with database.begin() as tx:
            await saving.save(tx, [numbered(2), numbered(1), numbered(1)])
    assert await ask(database, "SELECT count(*) FROM incident, call, event") == [(0,)]


async def test_the_stamp_of_an_action_is_on_its_first_event(database: Database) -> None:
    incident = await raised(database, 0)
    stamp = Stamp("worker", "key-1", b"\x01\x02")
    await save(database, act(incident, "community", Arrow.RESOLVE), stamp=stamp)
    async with database.read() as connection:
        assert await saving.stamped_hash(connection, [incident.id], "worker", "key-1") == b"\x01\x02"
        assert await saving.stamped_hash(connection, [incident.id], "another", "key-1") is None
        assert await saving.stamped_hash(connection, [incident.id], "worker", "key-2") is None
        assert await saving.stamped_hash(connection, [UUID(int=9)], "worker", "key-1") is None
        both = [UUID(int=9), incident.id]
        assert await saving.stamped_hash(connection, both, "worker", "key-1") == b"\x01\x02", "a chain at once"
    stamped = "SELECT type, sequence FROM event WHERE idempotency_key IS NOT NULL"
    assert await ask(database, stamped) == [("sihu.call.answered", 3)]


async def test_a_block_of_numbers_belongs_to_one_caller(database: Database) -> None:
    async with database.begin() as tx:
        blocks = [await saving.number_block(tx) for _ in range(3)]
    assert [b - a for a, b in pairwise(blocks)] == [NUMBER_BLOCK] * 2


async def test_a_locked_incident_waits_for_nobody_in_a_circle(database: Database) -> None:
    """Two transactions lock the same two incidents, named in opposite order: both come through."""
    await save(database, numbered(1), numbered(2))

    async def both(*ids: int) -> None:
        async with database.begin() as tx:
            await saving.lock(tx, [UUID(int=each) for each in ids])
            await asyncio.sleep(0.05)

    await asyncio.wait_for(asyncio.gather(both(1, 2), both(2, 1), both(2, 1)), 8)
