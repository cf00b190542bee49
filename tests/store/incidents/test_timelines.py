"""The timeline of one incident: its events with their words, wherever they lie."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select

from service.rules.acts import Act
from service.rules.texts import Words
from service.rules.words import Arrow
from service.store.database import Database
from service.store.incidents import reports, saving, timelines
from service.store.incidents.reports import Report
from service.store.log.tables import event_text
from tests.rules import deciding
from tests.rules.builders import NOW, PEOPLE, WORLD, reported
from tests.store.log.batches import INCIDENT, comments, write

pytestmark = pytest.mark.anyio


async def test_a_timeline_shows_events_before_they_are_numbered(database: Database) -> None:
    other = uuid4()
    await write(database, [*comments(9), *(each._replace(incident_id=other) for each in comments(2))])
    await write(database, comments(1, 10))
    async with database.read() as connection:
        line = await timelines.timeline(connection, INCIDENT, limit=100)
        assert len(await timelines.timeline(connection, other, limit=100)) == 2
        assert await timelines.timeline(connection, uuid4(), limit=100) == []
    assert [(event.sequence, event.position, event.data) for event in line] == [
        (n, None, {"n": n}) for n in range(1, 11)
    ]


@pytest.mark.parametrize("sender", ["worker", "somebody else"])
async def test_words_come_from_beside_the_log(database: Database, sender: str) -> None:
    """Who reported is read from the report, unless the report says that somebody else has sent it."""
    made = reported()
    spoken = deciding.decide(made.after, Act(Arrow.COMMENT, "还在"), PEOPLE["reporter"], WORLD, NOW)
    answered = deciding.decide(spoken.after, Act(Arrow.ANSWER, "派人清理"), PEOPLE["community"], WORLD, NOW)
    content = replace(Report("worker", b"", "灯不亮"), subject=sender)
    async with database.begin() as tx:
        beside = [reports.new_rows([(made.after, content, "urban")])]
        await saving.save(tx, [made], reported={made.after.id: content.text}, beside=beside)
        await saving.save(tx, [spoken])
        await saving.save(tx, [answered])
        lying = (await tx.execute(select(event_text.c.sequence).order_by(event_text.c.sequence))).scalars().all()
    assert lying == ([3, 4] if sender == "worker" else [1, 2, 3, 4])
    async with database.read() as connection:
        line = await timelines.timeline(connection, made.after.id, limit=100)
    people = PEOPLE["reporter"].subject, PEOPLE["community"].subject
    assert [each.words for each in line] == [
        Words(None, people[0]),
        Words(None, people[0]),
        Words("还在", people[0]),
        Words("派人清理", people[1]),
    ]
    assert all("subject" not in each.data["by"] and "note" not in each.data for each in line)
