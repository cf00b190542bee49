"""Reports that wait at the same moment share a commit, and none of them spoils another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from service import metrics
from service.clock import VirtualClock
from service.context import Context
from service.incidents.intake import Intake
from service.incidents.waiting import IntakeOutcome, NewReport, RepeatedReport
from service.rules.acts import Draft
from service.rules.errors import IdempotencyMismatch, Unavailable, UnknownCategory
from service.rules.model import Actor
from service.rules.words import Role
from service.store.database import Database
from service.store.incidents import saving
from service.store.incidents.reports import Report
from service.store.incidents.tables import incident
from service.store.log.writing import Committed
from service.store.outages import Lane
from service.store.registry import world
from service.store.sessions import Patience
from service.store.sqlstates import Failure, Trouble
from service.web.cursors import Cursors
from service.worlds import CurrentWorld
from tests.house import CATEGORY, CELL, START, STREET

pytestmark = pytest.mark.anyio

WORKER = Actor(Role.REPORTER, "worker", area=STREET, systems=("grid-app", "worker"))
DRAFT = Draft(CELL, CATEGORY, "worker")
REPORT = Report("worker", b"hash", "路灯不亮")
POISON = replace(REPORT, description="\x00")  # the checks of a body let none of these through


@pytest.fixture
def committed() -> list[Committed]:
    return []


@pytest.fixture
async def context(haizhu: Database, committed: list[Committed]) -> Context:
    worlds = CurrentWorld()
    await worlds.reload(haizhu)
    return Context(haizhu, worlds, VirtualClock(START), metrics.new(), Cursors(), committed.append)


@pytest.fixture
async def intake(context: Context) -> AsyncIterator[Intake]:
    """Not started yet: what is submitted before is one group."""
    intake = Intake(context)
    yield intake
    await intake.stop()


async def submitted(intake: Intake, *reports: Report, draft: Draft = DRAFT) -> list[asyncio.Task[IntakeOutcome]]:
    """The reports in the queue, in this order."""

    async def submit(report: Report) -> IntakeOutcome:
        return await intake.submit(draft, report, WORKER)

    tasks = [asyncio.create_task(submit(each)) for each in reports]
    await asyncio.sleep(0)
    return tasks


async def outcomes_of(tasks: list[asyncio.Task[IntakeOutcome]]) -> list[IntakeOutcome | BaseException]:
    async with asyncio.timeout(20):
        return list(await asyncio.gather(*tasks, return_exceptions=True))


async def stored(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(incident))).scalar_one())


def count(context: Context, name: str, **labels: str) -> float:
    return context.metrics.registry.get_sample_value(name, labels) or 0.0


async def test_what_waits_together_is_one_commit(
    haizhu: Database, context: Context, intake: Intake, committed: list[Committed]
) -> None:
    tasks = await submitted(intake, *[REPORT] * 20)
    intake.start()
    outcomes = await outcomes_of(tasks)
    assert {type(each) for each in outcomes} == {NewReport}
    assert len({each.decision.after.number for each in outcomes if isinstance(each, NewReport)}) == 20
    assert (len(committed), await stored(haizhu)) == (1, 20)
    assert count(context, "sihu_intake_group_size_count") == 1
    assert count(context, "sihu_intake_group_size_sum") == 20


async def test_a_key_sent_twice_at_once_is_one_incident(haizhu: Database, intake: Intake) -> None:
    once = replace(REPORT, idempotency_key="k")
    tasks = await submitted(intake, once, once, replace(once, body_hash=b"another"), REPORT)
    intake.start()
    new, repeated, other, plain = await outcomes_of(tasks)
    assert isinstance(new, NewReport) and isinstance(plain, NewReport)
    assert isinstance(repeated, RepeatedReport) and not repeated.by_source
    assert repeated.known.id == new.decision.after.id
    assert isinstance(other, IdempotencyMismatch)
    assert await stored(haizhu) == 2


async def test_a_second_report_of_a_source_is_the_first(haizhu: Database, intake: Intake) -> None:
    sourced = replace(REPORT, source=("grid-app", "A-1"))
    tasks = await submitted(intake, sourced, sourced)
    intake.start()
    new, repeated = await outcomes_of(tasks)
    assert isinstance(new, NewReport) and isinstance(repeated, RepeatedReport)
    assert repeated.by_source and repeated.known.id == new.decision.after.id
    assert await stored(haizhu) == 1


async def test_the_first_of_a_chain_of_keys_and_sources_wins(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second report waits for the first, of which it has the key; so the third waits for the second, of which it
    has the source. The first is refused, so that the second becomes the incident."""
    monkeypatch.setattr("service.incidents.intake.MAX_GROUP", 1)
    source = ("grid-app", "A-1")
    refused = await submitted(intake, replace(REPORT, idempotency_key="k"), draft=replace(DRAFT, category="no"))
    others = (replace(REPORT, idempotency_key="k", source=source), replace(REPORT, source=source))
    intake.start()
    first, second, third = await outcomes_of(refused + await submitted(intake, *others))
    assert isinstance(first, UnknownCategory)
    assert isinstance(second, NewReport)
    assert isinstance(third, RepeatedReport) and third.by_source


async def test_a_key_like_a_source_is_another_thing(intake: Intake) -> None:
    """The subject and the key of one report are the system and the reference of another."""
    tasks = await submitted(
        intake, replace(REPORT, idempotency_key="k"), replace(REPORT, source=(REPORT.subject, "k")), REPORT
    )
    intake.start()
    assert {type(each) for each in await outcomes_of(tasks)} == {NewReport}


async def test_only_new_incidents_take_numbers(intake: Intake) -> None:
    """Of a group with replays and refusals, the numbers are dense and in order."""
    keyed = [replace(REPORT, idempotency_key=f"k-{n}") for n in range(5)]
    intake.start()
    await outcomes_of(await submitted(intake, *keyed))
    bad = await submitted(intake, REPORT, draft=replace(DRAFT, category="no"))
    await outcomes_of(bad + await submitted(intake, *keyed, *keyed))
    outcomes = await outcomes_of(await submitted(intake, REPORT, replace(keyed[0], body_hash=b"another"), REPORT))
    numbers = [each.decision.after.number for each in outcomes if isinstance(each, NewReport)]
    assert numbers == ["2026-000006", "2026-000007"]


async def test_a_group_larger_than_a_block_is_numbered(intake: Intake) -> None:
    count = saving.NUMBER_BLOCK + 1
    intake.start()
    outcomes = await outcomes_of(await submitted(intake, *[REPORT] * count))
    numbers = [each.decision.after.number for each in outcomes if isinstance(each, NewReport)]
    assert numbers == [f"2026-{n:06d}" for n in range(1, count + 1)]


async def test_a_refusal_of_the_rules_is_one_reports_own(haizhu: Database, context: Context, intake: Intake) -> None:
    good, bad = await submitted(intake, REPORT), await submitted(intake, REPORT, draft=replace(DRAFT, category="no"))
    intake.start()
    outcomes = await outcomes_of(good + bad)
    assert [type(each) for each in outcomes] == [NewReport, UnknownCategory]
    assert await stored(haizhu) == 1
    assert count(context, "sihu_faults_total", where="intake") == 0


async def test_a_poisoned_group_is_taken_apart(haizhu: Database, context: Context, intake: Intake) -> None:
    """The database refuses the whole group; then only the one report it cannot store. That is a fault, counted once."""
    tasks = await submitted(intake, REPORT, POISON, REPORT)
    intake.start()
    first, poisoned, last = await outcomes_of(tasks)
    assert isinstance(first, NewReport) and isinstance(last, NewReport)
    assert isinstance(poisoned, Exception)
    assert await stored(haizhu) == 2
    context.metrics.fault("http", poisoned)  # as the handler of faults does on its way out
    assert count(context, "sihu_faults_total", where="intake") == 1
    assert count(context, "sihu_faults_total", where="http") == 0


async def test_a_key_that_another_process_took_meanwhile_is_found(context: Context, intake: Intake) -> None:
    """Both look before either commits; the second insert meets the constraint and looks once more."""
    elsewhere = Intake(context)
    once = replace(REPORT, idempotency_key="k")
    tasks = await submitted(intake, once) + await submitted(elsewhere, once)
    intake.start()
    elsewhere.start()
    outcomes = await outcomes_of(tasks)
    await elsewhere.stop()
    assert {type(each) for each in outcomes} == {NewReport, RepeatedReport}


@pytest.mark.clause("ASVS 2.3.4")
async def test_two_processes_give_no_number_twice(context: Context, intake: Intake) -> None:
    elsewhere = Intake(context)
    tasks = await submitted(intake, *[REPORT] * 5) + await submitted(elsewhere, *[REPORT] * 5)
    intake.start()
    elsewhere.start()
    outcomes = await outcomes_of(tasks)
    await elsewhere.stop()
    assert len({each.decision.after.number for each in outcomes if isinstance(each, NewReport)}) == 10


async def test_a_report_whose_sender_went_away_is_stored(haizhu: Database, intake: Intake) -> None:
    gone, waiting = await submitted(intake, REPORT, REPORT)
    gone.cancel()
    intake.start()
    assert isinstance(await waiting, NewReport)
    assert await stored(haizhu) == 2


async def test_stopping_answers_the_group_under_way(haizhu: Database, intake: Intake) -> None:
    tasks = await submitted(intake, *[REPORT] * 50)
    intake.start()
    async with asyncio.timeout(20):
        while haizhu.engine.pool.checkedout() == 0:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
    await intake.stop()
    assert await stored(haizhu) == 50, "it has stopped when the group is stored"
    assert {type(each) for each in await outcomes_of(tasks)} == {NewReport}


async def test_a_full_queue_refuses_at_once(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.incidents.intake.MAX_QUEUE", 3)
    waiting = await submitted(intake, *[REPORT] * 3)
    refused = await outcomes_of(await submitted(intake, REPORT))
    assert [type(each) for each in refused] == [Unavailable]
    intake.start()
    assert {type(each) for each in await outcomes_of(waiting)} == {NewReport}


async def test_a_report_that_waits_too_long_is_not_stored(
    haizhu: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.incidents.intake.MAX_WAIT_S", 0.2)
    late = await submitted(intake, REPORT, REPORT)
    await asyncio.sleep(0.1)
    later = await submitted(intake, REPORT)
    assert [type(each) for each in await outcomes_of(late)] == [Unavailable] * 2
    intake.start()
    assert [type(each) for each in await outcomes_of(later)] == [NewReport]
    assert await stored(haizhu) == 1
    again = await submitted(intake, REPORT)  # the time of the first ones says nothing about the next
    assert [type(each) for each in await outcomes_of(again)] == [NewReport]


async def test_an_outage_takes_no_group_apart(haizhu_url: str, context: Context) -> None:
    """A lock that nobody gives up refuses all of a group after the wait for one."""
    quick = Patience(wait_s=1, lock_s=0.3, statement_s=1, idle_s=5, block_s=2)
    lane = Database(haizhu_url, patience=quick, lane=Lane.PARTS)
    intake = Intake(replace(context, database=lane))
    async with context.database.begin() as holder:
        await holder.execute(text("LOCK TABLE incident IN EXCLUSIVE MODE"))
        tasks = await submitted(intake, *[REPORT] * 20)
        intake.start()
        began = asyncio.get_running_loop().time()
        assert {type(each) for each in await outcomes_of(tasks)} == {Unavailable}
        assert asyncio.get_running_loop().time() - began < 2
    assert {type(each) for each in await outcomes_of(await submitted(intake, *[REPORT] * 3))} == {NewReport}
    await intake.stop()
    await lane.close()


async def test_an_outage_while_a_group_is_taken_apart_ends_it(
    haizhu_url: str, haizhu: Database, context: Context
) -> None:
    """The poisoned report makes the others be saved one by one; they do not wait one after the other."""
    quick = Patience(wait_s=1, lock_s=0.3, statement_s=1, idle_s=5, block_s=2)
    lane = Database(haizhu_url, patience=quick, lane=Lane.PARTS)
    intake = Intake(replace(context, database=lane))
    once = replace(REPORT, idempotency_key="k")
    async with haizhu.begin() as holder:
        await world.rise(holder)  # as an import does at its end
        tasks = await submitted(intake, POISON, once, *[REPORT] * 20)
        intake.start()
        began = asyncio.get_running_loop().time()
        assert {type(each) for each in await outcomes_of(tasks)} == {Unavailable}
        assert asyncio.get_running_loop().time() - began < 2
    await intake.stop()
    await lane.close()


async def test_while_the_database_is_known_to_be_away_nothing_waits(context: Context) -> None:
    outages = context.database.outages
    outages.met(Lane.TAIL, Failure(Trouble.SILENT, True, "timeout", "no answer within 5 s"))
    lane = Database(context.database.url, lane=Lane.PARTS, outages=outages)
    refused = await outcomes_of(await submitted(Intake(replace(context, database=lane)), REPORT))
    assert [type(each) for each in refused] == [Unavailable]
    outages.served(Lane.TAIL, wrote=True)
    await lane.close()


async def test_a_database_that_is_away_is_no_fault(context: Context) -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    away = Intake(replace(context, database=nowhere))
    away.start()
    outcomes = await outcomes_of(await submitted(away, REPORT, REPORT))
    assert [type(each) for each in outcomes] == [Unavailable, Unavailable]
    assert count(context, "sihu_faults_total", where="intake") == 0
    await away.stop()
    await nowhere.close()


async def _stored(intake: Intake) -> str:
    """The number of one more report."""
    (task,) = await submitted(intake, REPORT)
    outcome = await task
    assert isinstance(outcome, NewReport)
    return outcome.decision.after.number


async def test_no_number_is_given_twice_after_a_restore(intake: Intake, context: Context, haizhu: Database) -> None:
    """The sequence begins again where the backup was taken, and whoever reserved numbers after that gives them up."""
    other = Intake(context)
    intake.start()
    other.start()
    lost = await _stored(intake)
    async with haizhu.begin() as tx:
        await tx.execute(text("ALTER SEQUENCE incident_number RESTART"))
    await intake.load()
    numbers = [await _stored(each) for each in (other, intake, intake, other)]
    assert len(set(numbers)) == 4
    assert numbers[0] == lost, "the number of an incident that was lost is free again"
    await other.stop()


async def test_numbers_are_given_up_when_the_database_was_away(intake: Intake, haizhu: Database) -> None:
    """It may be another one, in which they are free. All connections are lost then."""
    intake.start()
    first = await _stored(intake)
    async with haizhu.begin() as tx:
        await tx.execute(text("ALTER SEQUENCE incident_number RESTART WITH 1001"))
    haizhu.cut()
    with pytest.raises(Unavailable):
        await _stored(intake)
    assert (first, await _stored(intake)) == ("2026-000001", "2026-001001")
