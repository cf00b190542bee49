"""Events of incidents as CloudEvents: their envelope."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from service.rules.decisions import Decision
from service.rules.model import Actor
from service.rules.sight import Viewer
from service.rules.words import EventType, Role, State
from service.shown.event import IncidentEvent, event
from service.store.log.event_rows import event_data
from service.store.log.feed import StoredEvent
from tests.rules.builders import NOW, a_world, an_incident, fired, reported
from tests.shapes import check
from tests.shown.test_row import VIEWER

STORED = StoredEvent(41, 2, 7, UUID(int=1), 12, EventType.CALL_MISSED, NOW, {"by": {"kind": "clock"}})


def _of(decision: Decision) -> list[StoredEvent]:
    return [
        replace(STORED, ord=n, sequence=each.sequence, type=each.type, data=event_data(each))
        for n, each in enumerate(decision.events, start=1)
    ]


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


def test_the_source_is_the_district_of_the_viewers_world() -> None:
    nowhere = Viewer(Actor(Role.OPS, "o"), a_world(without=()), NOW)
    assert event(nowhere, STORED)["source"] == "/sihu/440105"
