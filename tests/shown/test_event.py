"""Events as CloudEvents: their envelope, and everything that any type tells, held to the typed shape."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from service.rules import lifecycle
from service.rules.model import Actor, Decision
from service.rules.sight import EVERYTHING, Viewer
from service.rules.words import EventType, Role, State
from service.shown.event import CloudEvent, EventData, IncidentEvent, RegistryEvent, event
from service.store.database import Database
from service.store.log import feed, numbering
from service.store.log.event_rows import event_data
from service.store.log.feed import FeedFilter, StoredEvent
from tests.appraisal.random_life import WORLDS, Life
from tests.rules.builders import NOW, a_world, an_incident, fired, plain_days, reported
from tests.shapes import check
from tests.shown.test_row import VIEWER

STORED = StoredEvent(41, 2, 7, UUID(int=1), 12, EventType.CALL_MISSED, NOW, {})


def _of(decision: Decision) -> list[StoredEvent]:
    return [
        replace(STORED, ord=n, sequence=each.sequence, type=each.type, data=event_data(each))
        for n, each in enumerate(decision.events, start=1)
    ]


def _rescheduled() -> Decision:
    """Reported on Monday; half an hour later the whole Monday is declared a day off."""
    incident = reported(a_world(policy=3)).after
    changed = a_world(policy=3, days=plain_days(date(2026, 11, 23)))
    decision = lifecycle.tick(incident, changed, incident.wake_at or NOW)
    assert decision is not None
    return decision


def test_an_event_of_an_incident_names_it_as_subject() -> None:
    for stored in (*_of(reported()), *_of(fired(an_incident(State.CALLING)))):
        shown = check(IncidentEvent, event(VIEWER, stored))
        assert shown["subject"] == str(UUID(int=1))
        assert shown["source"] == "/sihu/440105"


def test_an_event_keeps_its_id_before_and_after_numbering() -> None:
    assert event(VIEWER, STORED) == event(VIEWER, replace(STORED, position=None))
    assert event(VIEWER, STORED)["id"] == "41-2"


def test_a_sequence_sorts_as_text() -> None:
    texts = [event(VIEWER, replace(STORED, sequence=n)).get("sequence") for n in (2, 10, 99, 1234)]
    assert texts == ["0000000002", "0000000010", "0000000099", "0000001234"]


def test_an_event_without_an_incident_has_no_subject() -> None:
    stored = replace(STORED, incident_id=None, sequence=None, type=EventType.REGISTRY_IMPORTED, data={"version": 2})
    shown = check(RegistryEvent, event(VIEWER, stored))
    assert "subject" not in shown and "sequence" not in shown
    assert shown["data"] == {"version": 2}


def test_the_source_is_the_district_of_the_viewers_world() -> None:
    nowhere = Viewer(Actor(Role.OPS, "o"), a_world(without=()), NOW)
    assert event(nowhere, STORED)["source"] == "/sihu/440105"


@pytest.mark.anyio
async def test_whatever_an_event_tells_has_a_place_in_its_shape(database: Database) -> None:
    """A random life of incidents, and a deadline that a changed calendar moves: each field that only some types have is
    seen."""
    life = Life(2020, 150)
    while life.steps < 3000:
        await life.page(database, 150)
    async with database.begin() as tx:
        while await numbering.seal(tx):
            pass
    facts, position = set[str](), 0
    async with database.read() as connection:
        while (page := await feed.read(connection, position, 500, FeedFilter(EVERYTHING))).events:
            position = page.scanned_to
            for stored in page.events:
                shown = event(Viewer(VIEWER.actor, WORLDS[0], NOW), stored)
                check(CloudEvent, shown)
                facts |= shown["data"].keys()
    [moved] = _of(_rescheduled())
    facts |= check(IncidentEvent, event(VIEWER, moved))["data"].keys()
    assert facts == set(EventData.__annotations__)
