"""Moving the words of events from before out of the log: none is lost, none is doubled, and each step is bounded."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import texts
from service.rules.acts import Act
from service.rules.texts import Text, Words
from service.rules.words import Arrow
from service.store.database import Database
from service.store.incidents import old_words, reports, saving, timelines
from service.store.incidents import texts as incident_texts
from service.store.incidents.report_tables import report
from service.store.incidents.reports import Report
from service.store.log import stretches
from service.store.log.tables import event, event_archive, event_text
from tests.rules import deciding
from tests.rules.builders import NOW, PEOPLE, WORLD, fired
from tests.store.incidents.rows import numbered
from tests.store.log.batches import archive_oldest, seal, skip_to
from tests.store.log.older_events import make_old, old_left

pytestmark = pytest.mark.anyio

MANY = 7
LOCATION = {"lat": 23.0862, "lon": 113.0, "coord_type": "gcj02", "accuracy_m": None}


async def _live(database: Database, *numbers: int) -> None:
    """Incidents that were reported, commented, answered and missed, one act a transaction."""
    for n in numbers:
        made = numbered(n)
        said = Report("worker", b"", f"灯不亮 {n}", location=LOCATION, source=("app", str(n)), occurred_at=NOW)
        spoken = deciding.decide(made.after, Act(Arrow.COMMENT, f"还在 {n}"), PEOPLE["street"], WORLD, NOW)
        answer = Act(Arrow.ANSWER, f"去修 {n}", answer={"measure": "m"})
        answered = deciding.decide(spoken.after, answer, PEOPLE["community"], WORLD, NOW)
        async with database.begin() as tx:
            beside = [reports.new_rows([(made.after, said, "urban")])]
            await saving.save(tx, [made], reported={made.after.id: said.text}, beside=beside)
        for each in (spoken, answered, fired(answered.after)):
            async with database.begin() as tx:
                await saving.save(tx, [each])


async def _timelines(database: Database) -> dict[Any, list[Any]]:
    """Each event of each incident: its data in today's form, and its words."""
    found = {}
    async with database.read() as connection:
        ids = (await connection.execute(select(report.c.id).order_by(report.c.id))).scalars().all()
        for each in ids:
            line = await timelines.timeline(connection, each, limit=100)
            found[each] = [(one.sequence, *_shown(one.type, one.data, one.words)) for one in line]
    return found


def _shown(event_type: Any, data: Any, words: Words) -> tuple[Any, Words]:
    parted = texts.parted(event_type, data)
    return parted.data, words if parted.words == texts.WORDLESS else parted.words


async def _make_old(database: Database) -> int:
    async with database.begin() as tx:
        return await make_old(tx)


async def _left(database: Database) -> int:
    async with database.read() as connection:
        return await old_left(connection)


async def _step(database: Database, page: int = 500) -> old_words.Moved:
    async with database.begin() as tx:
        moved = await old_words.step(tx, page)
    assert moved is not None
    return moved


@pytest.fixture
async def old(database: Database) -> Database:
    """A log of a few incidents as the older version wrote it."""
    await _live(database, *range(1, MANY + 1))
    await seal(database)
    await _make_old(database)
    return database


@pytest.mark.parametrize("page", [1, 4, 500])
async def test_no_word_is_lost_and_the_timelines_stay(old: Database, page: int) -> None:
    before, left = await _timelines(old), await _left(old)
    assert left == MANY * 6
    done = 0
    while (moved := await _step(old, page)).up_to < moved.end:
        assert moved.events <= page
        done += moved.events
        assert await _left(old) == left - done
        assert await _timelines(old) == before
    assert await _left(old) == 0
    assert await _timelines(old) == before
    assert await _step(old) == (0, moved.end, moved.end)


async def test_each_hash_is_that_of_what_lies_beside(old: Database) -> None:
    await _step(old)
    async with old.read() as connection:
        lying = {(row.incident_id, row.sequence): row for row in await connection.execute(select(event_text))}
        reported = {row.id: row for row in await connection.execute(select(report))}
        events = (await connection.execute(select(event).where(event.c.incident_id.is_not(None)))).all()
    assert len(lying) == 2 * MANY, "the comment and the answer; what the reporter did is in the report"
    hashed = 0
    for each in events:
        row, said = lying.get((each.incident_id, each.sequence)), reported[each.incident_id]
        text: Text = {"subject": said.subject}
        salt = said.salt
        if row is not None:
            text, salt = texts.of_act(Words(row.note, row.subject)), row.salt
        elif each.sequence == 1:
            source = said.source_system, said.source_ref
            whole = texts.of_report(
                description=said.description, location=said.location, occurred_at=said.occurred_at, source=source
            )
            text = {**whole, **text}
        if each.text_sha256 is not None:
            hashed += 1
            assert each.text_sha256 == texts.digest(salt, text), each.type
    assert hashed == 4 * MANY, "and nothing of the clock"


async def _break_off(database: Database) -> None:
    async with database.begin() as tx:
        moved = await old_words.step(tx, 5)
        assert moved is not None and moved.events == 5
        raise ZeroDivisionError


async def test_a_step_that_breaks_off_has_done_nothing(old: Database) -> None:
    before = await _timelines(old)
    with pytest.raises(ZeroDivisionError):
        await _break_off(old)
    assert (await _left(old), await _timelines(old)) == (MANY * 6, before)
    async with old.read() as connection:
        assert (await old_words.progress(connection)).up_to == 0


async def test_one_process_has_the_turn(old: Database) -> None:
    async with old.begin() as tx, old.begin() as other:
        assert await old_words.step(tx, 5) is not None
        assert await old_words.step(other, 5) is None


async def test_what_an_older_program_writes_later_is_moved_as_well(old: Database) -> None:
    """It is numbered after what was moved; until it is numbered, nobody looks at it."""
    end = (await _step(old)).end
    await _live(old, MANY + 1)
    async with old.begin() as tx:
        await make_old(tx, after_batch=4 * MANY)
    before = await _timelines(old)
    assert await _step(old) == (0, end, end)
    await seal(old)
    assert await _step(old) == (6, end + 6, end + 6)
    assert (await _left(old), await _timelines(old)) == (0, before)


async def test_what_todays_program_writes_is_passed_over(database: Database) -> None:
    await _live(database, 1, 2)
    await seal(database)
    before = await _timelines(database)
    assert await _step(database) == (0, 12, 12)
    assert (await _left(database), await _timelines(database)) == (0, before)


async def test_the_archive_is_worked_through_as_well(database: Database) -> None:
    await _live(database, 1, 2)
    await seal(database)
    async with database.read() as connection:
        border = (await stretches.room(connection)).stop
    await skip_to(database, border)
    async with database.begin() as tx:
        assert await stretches.make_ahead(tx)
    await _live(database, 3)
    await seal(database)
    await archive_oldest(database)
    await _make_old(database)
    before = await _timelines(database)
    async with database.read() as connection:
        assert len((await connection.execute(select(event_archive))).all()) == 12
    assert (await _step(database)).events == 12
    assert (await _step(database)).events == 6
    assert (await _left(database), await _timelines(database)) == (0, before)


async def test_a_step_looks_at_a_bounded_part_of_the_log(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_words, "SCAN", 4)
    steps = [await _step(old)]
    while steps[-1].up_to < steps[-1].end:
        steps.append(await _step(old))
    assert all(after.up_to - before.up_to <= 5 for before, after in itertools.pairwise(steps))
    assert sum(each.events for each in steps) == MANY * 6


async def test_words_that_are_erased_meanwhile_stay_erased(old: Database) -> None:
    """An erasure that is under way has the words in its hands when they would be moved."""
    async with old.read() as connection:
        erased = (await connection.execute(select(report.c.id).order_by(report.c.id).limit(1))).scalar_one()
    async with asyncio.TaskGroup() as group:
        async with old.begin() as tx:
            await incident_texts.erase(tx, [erased], NOW)
            moving = group.create_task(_step(old))
            while not await _waits(tx):
                await asyncio.sleep(0.01)
        await moving
    async with old.read() as connection:
        notes = select(event_text.c.note).where(event_text.c.incident_id == erased)
        assert set((await connection.execute(notes)).scalars()) == {None}
        line = await timelines.timeline(connection, erased, limit=100)
    assert {each.words.note for each in line} == {None}


async def _waits(tx: AsyncConnection) -> bool:
    return bool((await tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar_one())
