"""How much one subject may report a day: 429 `quota`, replays are free, and only what is stored counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from service import metrics
from service.clock import VirtualClock
from service.context import Context
from service.incidents.intake import Intake
from service.incidents.quotas import GroupQuotas, OvertakenError, Quotas, QuotaShare, _Known, _Taken
from service.incidents.waiting import IntakeOutcome, NewReport
from service.rules import world as worlds
from service.rules.acts import Draft
from service.rules.errors import QuotaReached, SihuError
from service.rules.model import Actor, KeyQuota
from service.rules.words import Role, Urgency
from service.rules.world import World
from service.store.access.tables import report_quota
from service.store.database import Database
from service.store.incidents.reports import Report
from service.web.cursors import Cursors
from service.worlds import CurrentWorld
from tests.house import CATEGORY, CELL, START, STREET, House

pytestmark = pytest.mark.anyio

TODAY = date(2026, 11, 23)
REPORT = Report("worker", b"hash", "路灯不亮")
BODY = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}


async def key(house: House, **fields: Any) -> dict[str, str]:
    """The headers of a new reporter's key with these fields."""
    made = await house.send("ops", "POST", "/v1/keys", {"role": "reporter", "area": STREET, **fields})
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def post(house: House, headers: dict[str, str], **fields: Any) -> httpx.Response:
    return await house.send("worker", "POST", "/v1/incidents", {**BODY, **fields}, headers=headers)


async def counted(house: House, subject: str) -> tuple[int, int] | None:
    statement = select(report_quota.c.reports, report_quota.c.urgent).where(report_quota.c.subject == subject)
    async with house.process.database.read() as connection:
        row = (await connection.execute(statement)).one_or_none()
    return None if row is None else (row.reports, row.urgent)


@pytest.mark.clause("ASVS 2.3.2")
async def test_the_day_ends_at_midnight_and_replays_are_free(house: House) -> None:
    worker = await key(house, subject="phone", quota={"reports": 2, "urgent": 1}, systems=["grid-app"])
    source = {"system": "grid-app", "ref": "A-1"}
    first = await post(house, worker | {"Idempotency-Key": "k"}, source=source)
    assert first.status_code == 201
    assert (await post(house, worker)).status_code == 201
    await house.advance(to="2026-11-23T23:59:59.5+08:00")
    refused = await post(house, worker)
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (429, "quota", "1")
    assert refused.json()["retryable"] and "2 reports today" in refused.json()["detail"]
    again = await post(house, worker | {"Idempotency-Key": "k"}, source=source)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    known = await post(house, worker, source=source)
    assert (known.status_code, known.json()["id"]) == (200, first.json()["id"])
    mismatch = await post(house, worker | {"Idempotency-Key": "k"}, description="另一件")
    assert mismatch.json()["code"] == "idempotency_mismatch"
    await house.advance(to="2026-11-24T00:00:00+08:00")
    assert (await post(house, worker)).status_code == 201


async def test_urgent_ones_have_a_quota_within_the_other(house: House) -> None:
    worker = await key(house, subject="phone", quota={"reports": 3, "urgent": 1})
    assert (await post(house, worker, urgency="urgent")).status_code == 201
    refused = await post(house, worker, urgency="urgent")
    assert refused.status_code == 429 and "1 urgent report today" in refused.json()["detail"]
    chinese = await post(house, worker | {"Accept-Language": "zh"}, urgency="urgent")
    assert "今天" in chinese.json()["detail"]
    assert [(await post(house, worker)).status_code for _ in range(3)] == [201, 201, 429]
    assert await counted(house, "phone") == (3, 1)


async def test_a_batch_is_refused_from_the_middle_on(house: House) -> None:
    """Each item is as a single POST would be: behind the quota of urgent ones, another one is still taken."""
    worker = await key(house, subject="phone", quota={"reports": 4, "urgent": 1})
    items: list[dict[str, Any]] = [{**BODY, "idempotency_key": f"k-{n}"} for n in range(6)]
    items[0]["urgency"] = items[1]["urgency"] = "urgent"
    items[3]["category"] = "no-such"
    done = (await house.send("worker", "POST", "/v1/incidents/batch", {"items": items}, headers=worker)).json()
    assert [each["status"] for each in done["results"]] == [201, 429, 201, 422, 201, 201]
    assert done["results"][1]["problem"]["code"] == "quota"
    again = (await house.send("worker", "POST", "/v1/incidents/batch", {"items": items}, headers=worker)).json()
    assert [each["status"] for each in again["results"]] == [201, 429, 201, 429, 201, 201]
    assert [each["replayed"] for each in again["results"]] == [True, False, True, False, True, True]
    assert await counted(house, "phone") == (4, 1)


async def test_the_policy_bounds_every_subject_but_ops(shipped: House) -> None:
    items = [BODY] * 301
    for who, extra in (("worker", {}), ("street", {}), ("ops", {"on_behalf_of": "caller"})):
        body = {"items": [{**each, **extra} for each in items]}
        results = (await shipped.send(who, "POST", "/v1/incidents/batch", body)).json()["results"]
        assert [each["status"] for each in results] == [201] * 300 + [201 if who == "ops" else 429], who
    assert (await shipped.send("colleague", "POST", "/v1/incidents", BODY)).status_code == 201
    assert await counted(shipped, "ops") is None


async def test_one_subject_has_one_count_and_each_key_its_quota(house: House) -> None:
    narrow = await key(house, subject="phone", quota={"reports": 1})
    wide = await key(house, subject="phone", quota={"reports": 2})
    assert [(await post(house, each)).status_code for each in (wide, narrow, wide, wide)] == [201, 429, 201, 429]


async def test_the_quota_comes_after_403_and_before_422(house: House) -> None:
    worker = await key(house, subject="phone", quota={"reports": 0})
    outside = await post(house, worker, grid_code="440105001001001")
    foreign = await post(house, worker, source={"system": "hotline", "ref": "1"})
    unknown = await post(house, worker, category="no-such")
    malformed = await post(house, worker, urgency="soon")
    assert [each.status_code for each in (outside, foreign, unknown, malformed)] == [403, 403, 429, 422]
    assert await counted(house, "phone") is None


# --- two processes ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def context(haizhu: Database) -> Context:
    current = CurrentWorld()
    await current.reload(haizhu)
    return Context(haizhu, current, VirtualClock(START), metrics.new(), Cursors(), lambda _: None)


@asynccontextmanager
async def intakes(context: Context, many: int) -> AsyncIterator[list[Intake]]:
    made = [Intake(context) for _ in range(many)]
    yield made
    for each in made:
        await each.stop()


def submit(intake: Intake, actor: Actor, urgency: Urgency | None = None) -> asyncio.Future[IntakeOutcome]:
    draft = Draft(CELL, CATEGORY, actor.subject, urgency=urgency)
    return intake.submit(draft, replace(REPORT, subject=actor.subject), actor)


async def outcomes_of(futures: list[asyncio.Future[IntakeOutcome]]) -> list[type]:
    async with asyncio.timeout(60):
        return [type(each) for each in await asyncio.gather(*futures, return_exceptions=True)]


async def rows_of(database: Database) -> list[tuple[Any, ...]]:
    async with database.read() as connection:
        found = await connection.execute(select(report_quota).order_by(report_quota.c.subject))
        return [tuple(row) for row in found]


def an_actor(subject: str = "worker", reports: int = 300, urgent: int = 30) -> Actor:
    return Actor(Role.REPORTER, subject, area=STREET, quota=KeyQuota(reports, urgent))


@pytest.mark.clause("API6:2023", "ASVS 2.4.1")
async def test_processes_together_never_pass_a_quota(context: Context) -> None:
    subjects = [an_actor(f"s-{n}", 7, 3) for n in range(5)]
    urgencies = (Urgency.URGENT, Urgency.NORMAL)
    async with intakes(context, 3) as processes:
        futures = []
        for each in processes:
            each.start()
        for n in range(60):
            futures += [submit(each, subjects[n % 5], urgencies[n // 5 % 2]) for each in processes]
            if n % 7 == 0:
                await asyncio.sleep(0.005)
        kinds = await outcomes_of(futures)
    assert set(kinds) == {NewReport, QuotaReached}
    rows = await rows_of(context.database)
    assert [(day, reports) for day, _, reports, _ in rows] == [(TODAY, 7)] * 5
    assert all(urgent <= 3 for *_, urgent in rows)
    assert kinds.count(NewReport) == 35
    stored = text(
        "SELECT subject, count(*), count(*) FILTER (WHERE urgency = 'urgent') FROM report GROUP BY 1 ORDER BY 1"
    )
    async with context.database.read() as connection:
        assert [tuple(row) for row in await connection.execute(stored)] == [row[1:] for row in rows]


async def test_what_another_process_counted_is_found_before_the_commit(context: Context) -> None:
    """The second process believes that nothing was reported; the sums tell it otherwise, and it decides once more."""
    actor = an_actor(reports=3)
    async with intakes(context, 2) as (first, second):
        waiting = [submit(first, actor) for _ in range(2)]
        first.start()
        assert await outcomes_of(waiting) == [NewReport] * 2
        late = [submit(second, actor) for _ in range(3)]
        second.start()
        assert await outcomes_of(late) == [NewReport, QuotaReached, QuotaReached]
    assert await rows_of(context.database) == [(TODAY, "worker", 3, 0)]


async def test_a_large_group_counts_first_and_by_itself(context: Context) -> None:
    """A hundred rows go by a statement of their own, and the counts before them."""
    actors = [an_actor(f"s-{n}", 2) for n in range(120)]
    async with intakes(context, 1) as (intake,):
        waiting = [submit(intake, actors[n % 120]) for n in range(360)]
        intake.start()
        kinds = await outcomes_of(waiting)
    assert kinds == [NewReport] * 240 + [QuotaReached] * 120
    assert {row[2] for row in await rows_of(context.database)} == {2}


async def test_what_the_database_refuses_is_not_counted(context: Context) -> None:
    actor = an_actor(reports=2)
    async with intakes(context, 1) as (intake,):
        poisoned = intake.submit(Draft(CELL, CATEGORY, "worker"), replace(REPORT, description="\x00"), actor)
        waiting = [poisoned, *(submit(intake, actor) for _ in range(3))]
        intake.start()
        kinds = await outcomes_of(waiting)
    assert not issubclass(kinds[0], SihuError)
    assert kinds[1:] == [NewReport, NewReport, QuotaReached]
    assert await rows_of(context.database) == [(TODAY, "worker", 2, 0)]


async def test_a_database_that_was_taken_back_counts_from_there(context: Context) -> None:
    actor = an_actor(reports=1)
    async with intakes(context, 1) as (intake,):
        intake.start()
        assert await outcomes_of([submit(intake, actor), submit(intake, actor)]) == [NewReport, QuotaReached]
        async with context.database.begin() as tx:
            await tx.execute(text("DELETE FROM report_quota"))
        assert await outcomes_of([submit(intake, actor)]) == [QuotaReached]
        await intake.load()
        assert await outcomes_of([submit(intake, actor)]) == [NewReport]


def share(world: World, **changes: Any) -> QuotaShare | None:
    group = GroupQuotas(Quotas())
    group.begin(world, START)
    return group.share_of(replace(an_actor(), **changes))


async def test_a_key_may_carry_half_a_quota_of_its_own(context: Context) -> None:
    world = context.worlds.world
    for quota, urgent in ((None, None), (KeyQuota(0, None), None), (KeyQuota(None, 1), 1)):
        mine = share(world, quota=quota)
        assert mine is not None
        assert (mine.refusal(START) is None) == (quota != KeyQuota(0, None))
        mine.take(is_urgent=True)
        assert (mine.refusal(START, is_urgent=True) is None) == (urgent is None and quota is None)
    assert share(world, role=Role.OPS, quota=None) is None
    assert share(world, role=Role.OPS, quota=KeyQuota(1)) is not None
    assert share(worlds.build(0)) is None, "before the first import nothing can be reported anyway"


async def test_a_group_that_gives_way_takes_no_other_along(context: Context) -> None:
    """Another process has counted five of seven, and two groups of this one find eight each. Neither is stored, also
    while the transaction of the first has not ended yet; and nobody is refused for what is not stored."""
    quotas, actor = Quotas(), an_actor(reports=7)
    first, second, third = groups = [GroupQuotas(quotas) for _ in range(3)]
    for group in groups:
        group.begin(context.worlds.world, START)
    for group in (first, second):
        for _ in range(3):
            taken = group.share_of(actor)
            assert taken is not None and taken.refusal(START) is None
            taken.take(is_urgent=False)
    for group in (first, second):
        with pytest.raises(OvertakenError):
            group.compare([(TODAY, "worker", 5 + 3, 0)])
    late = third.share_of(actor)
    assert late is not None and late.refusal(START) is None


def test_what_others_counted_is_believed_as_far_as_it_is_sure() -> None:
    """A wide quota is no reason to decide once more, though another process counts all the time."""
    known, wide = _Known(), _Taken(_Known())
    first, second = _Taken(known), _Taken(known)
    for taken in (first, second):
        taken.add(10)
    assert not first.is_overtaken(2)
    assert not first.is_overtaken(10)
    assert known.total == 10
    assert second.is_overtaken(11)
    second.give_back()
    assert known.total == 10
    for _ in range(5):
        wide.add(5000)
    assert not wide.is_overtaken(400)
