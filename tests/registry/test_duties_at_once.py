"""Beside the import, and at the same moment as others: whatever happens, history is a line and one decision counts."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.registry import duties
from service.registry.bundle.rows import DutyRow
from service.registry.duties import Approval, ProposalOutcome
from service.rules.errors import Conflict
from service.rules.model import By
from service.rules.world import World
from service.store.database import Database
from service.store.registry import world as world_
from tests.house import DEPARTMENT, START, STREET, House
from tests.registry.admissions import (
    ALWAYS,
    APPROVE,
    DUTIES,
    MOMENT,
    OTHER,
    PROPOSALS,
    approve,
    duty,
    events_of,
    imported,
    in_file,
    lead,
    move,
    propose,
    rows,
)
from tests.registry.bundles import DAY, NOW, OPS, bring, files

pytestmark = pytest.mark.anyio

ASKED = 7
"""At once: one less than the connections of the pool."""


async def test_an_import_admits_by_itself_and_leaves_the_open_proposal_alone(house: House) -> None:
    proposed = await propose(house)
    await house.advance(seconds=60)
    assert (await imported(house, in_file("dept-water")))["changed"] == 1
    assert (await house.get("auditor", PROPOSALS))["items"] == [proposed]
    assert await lead(house) == ["dept-water"]
    await house.advance(seconds=60)
    await approve(house)
    minute = timedelta(minutes=1)
    assert await rows(house) == [
        (DEPARTMENT, ALWAYS, START + minute),
        ("dept-water", START + minute, START + 2 * minute),
        (OTHER, START + 2 * minute, None),
    ]
    assert (await imported(house, in_file("dept-water")))["changed"] == 1
    await propose(house)  # the same again, since it no longer holds


async def test_an_import_can_follow_whatever_was_planned_and_taken_back(house: House) -> None:
    assert (await imported(house, in_file("dept-water", "2027-01-01")))["changed"] == 1
    await move(house, OTHER, 5)
    assert (await imported(house, in_file("dept-water", "2027-01-01")))["changed"] == 1
    assert [row[0] for row in await rows(house)] == [DEPARTMENT, OTHER, "dept-water"]
    await move(house, STREET, 5)
    assert (await imported(house, in_file("dept-water")))["changed"] == 1  # it never was in force: corrected there
    assert await rows(house) == [(DEPARTMENT, ALWAYS, START + 5 * DAY), ("dept-water", START + 5 * DAY, None)]


async def test_whatever_is_admitted_and_imported_history_is_a_line_and_the_past_stays(database: Database) -> None:
    await bring(database, files())
    chance, now, past = random.Random(20_261_125), NOW, list[tuple[datetime, str | None]]()
    for step in range(60):
        past.append((now - MOMENT, in_force(await world(database), now - MOMENT)))
        title, days = f"第{step}版", chance.randrange(6)
        if chance.random() < 0.3:
            start = (now + (1 + days) * DAY).date().isoformat() if chance.random() < 0.5 else ""
            line = f"D1,{title},u,440402,dept-water,{start}"
            bundle = {"duties.csv": f"code,title,category,area,lead_unit,valid_from\n{line}\n".encode()}
            assert not (await bring(database, bundle, now)).faults
        else:
            until = now + chance.randrange(6, 9) * DAY if chance.random() < 0.3 else None
            await duties.propose(database, a_row(title, valid_to=until), now, OPS)
            await duties.approve(database, "D1", Approval(now + days * DAY), now, OPS)
        known = await world(database)
        assert [in_force(known, moment) for moment, _ in past] == [each for _, each in past]
        spans = await validities(database)
        assert all(end is not None and end <= start for (_, end), (start, _) in itertools.pairwise(spans))
        now += chance.choice([0, 0, 1, 3]) * DAY


def a_row(title: str = "排水", **changed: Any) -> DutyRow:
    return DutyRow(code="D1", title=title, category="u", area="440402", lead_unit="dept-water", **changed)


async def world(database: Database) -> World:
    async with database.read() as connection:
        return await world_.load(connection)


def in_force(known: World, at: datetime) -> str | None:
    duty = known.duty_for("u", "440402001001001", at)
    return duty.title if duty else None


async def validities(database: Database) -> list[tuple[datetime, datetime | None]]:
    async with database.read() as connection:
        found = await connection.execute(text("SELECT valid_from, valid_to FROM duty ORDER BY valid_from"))
        return [(row.valid_from, row.valid_to) for row in found]


async def both(database: Database, *requests: Any) -> tuple[list[ProposalOutcome], list[Conflict]]:
    """What was done, and what was refused; nothing else may happen. Nobody can write before all have begun."""
    async with database.begin() as tx:
        await tx.execute(text("LOCK TABLE duty_proposal IN SHARE MODE"))
        running = asyncio.gather(*requests, return_exceptions=True)
        async with asyncio.timeout(30):
            while (await tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar_one() < len(
                requests
            ):
                await asyncio.sleep(0.01)
    ended = await running
    done, refused = [e for e in ended if isinstance(e, ProposalOutcome)], [e for e in ended if isinstance(e, Conflict)]
    assert len(done) + len(refused) == len(ended), ended
    return done, refused


async def count(database: Database, table: str) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def test_of_different_proposals_at_once_one_is_taken_and_the_others_are_told(database: Database) -> None:
    await bring(database, files())
    done, refused = await both(
        database, *(duties.propose(database, a_row(f"第{n}版"), NOW, By("ops", f"o{n}")) for n in range(ASKED))
    )
    assert (len(done), len(refused), await count(database, "duty_proposal")) == (1, ASKED - 1, 1)
    assert all(done[0].proposal.proposed_by["subject"] in each.detail for each in refused)


async def test_the_same_proposal_many_times_at_once_is_one(database: Database) -> None:
    await bring(database, files())
    done, refused = await both(database, *(duties.propose(database, a_row(), NOW, OPS) for _ in range(ASKED)))
    assert (sorted(each.new for each in done), refused) == ([False] * (ASKED - 1) + [True], [])
    assert (await count(database, "duty_proposal"), len({each.proposal.id for each in done})) == (1, 1)


@pytest.mark.parametrize("days", [(0,), (3,), (0, 1, 2)])
async def test_approvals_at_once_admit_once(database: Database, days: tuple[int, ...]) -> None:
    await bring(database, files())
    await duties.propose(database, a_row("新"), NOW, OPS)
    starts: list[datetime | None] = [NOW + days[n % len(days)] * DAY for n in range(ASKED)]
    requests = (duties.approve(database, "D1", Approval(start), NOW, OPS) for start in starts)
    done, refused = await both(database, *requests)
    [won] = [each.proposal.valid_from for each in done if each.new]
    assert (len(done), len(refused)) == (starts.count(won), ASKED - starts.count(won)), "another date, another decision"
    assert (await count(database, "duty"), await count(database, "event WHERE type = 'sihu.duty.approved'")) == (2, 1)
    async with database.read() as connection:
        version = (await connection.execute(text("SELECT world_version FROM deployment"))).scalar_one()
    assert version == 3, "one more than after the import"


async def test_the_database_itself_refuses_a_second_open_proposal(database: Database) -> None:
    await bring(database, files())
    await duties.propose(database, a_row(), NOW, OPS)
    columns = "code, title, category, area, lead_unit, assisting, basis, proposed_by, proposed_at"
    copied = f"INSERT INTO duty_proposal ({columns}) SELECT {columns} FROM duty_proposal"
    with pytest.raises(Exception, match="duty_proposal_open_key"):
        async with database.begin() as tx:
            await tx.execute(text(copied))


async def test_the_same_over_http_at_once(house: House) -> None:
    await house.key("ops"), await house.key("department")
    sent = await asyncio.gather(*(house.send("department", "POST", DUTIES, duty()) for _ in range(6)))
    assert sorted(each.status_code for each in sent) == [200] * 5 + [201]
    decided = await asyncio.gather(*(house.send("ops", "POST", APPROVE, {}) for _ in range(6)))
    assert {each.status_code for each in decided} == {200}
    assert len({json.dumps(each.json()) for each in decided}) == 1
    assert len(await events_of(house, "approved")) == 1
