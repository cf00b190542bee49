"""The logged histories of a month: whole, one incident after the other, and of no other incident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from service.rules.figures.definition import Period
from service.rules.figures.ledger import LoggedEvent
from service.rules.words import EventType
from service.store.database import Database
from service.store.figures import histories
from tests.store.log.batches import comment, write

pytestmark = pytest.mark.anyio

MONTH = Period(2026, 11)
INSTANT = timedelta(microseconds=1)


async def _log(database: Database, incident: int, opened: datetime, events: int) -> None:
    """An incident with this many events, the second of which opens a call."""
    kinds = [EventType.INCIDENT_REPORTED, EventType.CALL_OPENED, *[EventType.CALL_ANSWERED] * events][:events]
    entries = [
        comment(type=kind, at=opened, incident_id=UUID(int=incident), sequence=n, data={"n": n})
        for n, kind in enumerate(kinds, start=1)
    ]
    await write(database, entries)


async def _found(database: Database) -> list[tuple[int, list[int]]]:
    """Each history as the number of its incident and the sequences of its events."""
    async with database.read() as connection:
        return [
            (history[0].incident_id.int, _sequences(history))
            async for history in histories.histories(connection, MONTH)
        ]


def _sequences(history: Sequence[LoggedEvent]) -> list[int]:
    assert len({event.incident_id for event in history}) == 1
    assert [event.data for event in history] == [{"n": event.sequence} for event in history]
    return [event.sequence for event in history]


@pytest.mark.parametrize("page", [1, 2, 3, 4, 1000])
async def test_a_history_is_whole_wherever_a_page_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(histories, "_PAGE", page)
    for incident, events in ((3, 2), (1, 4), (2, 3)):
        await _log(database, incident, MONTH.start, events)
    assert await _found(database) == [(1, [1, 2, 3, 4]), (2, [1, 2, 3]), (3, [1, 2])]


async def test_a_month_begins_and_ends_to_the_microsecond(database: Database) -> None:
    for incident, opened in enumerate((MONTH.start - INSTANT, MONTH.start, MONTH.end - INSTANT, MONTH.end), start=1):
        await _log(database, incident, opened, 2)
    assert [incident for incident, _ in await _found(database)] == [2, 3]


async def test_an_incident_without_a_call_has_no_history(database: Database) -> None:
    assert await _found(database) == []
    await _log(database, 1, MONTH.start, 1)
    await write(database, [comment(type=EventType.REGISTRY_IMPORTED, at=MONTH.start)])
    assert await _found(database) == []
