"""The rules' events as entries of the log: what a reader will get, and who it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from service.rules.decisions import Event
from service.rules.logged import EventFacts
from service.rules.model import By
from service.rules.words import EventType, Level, State
from service.store.bulk import json_bytes
from service.store.log.event_rows import event_data, event_page
from tests.rules.builders import CELL, COMMUNITY, NOW, STREET, an_incident, later

RAISED = an_incident(State.CALLING, Level.STREET)
BY = By("unit", "desk", COMMUNITY)
EVENT = Event(EventType.CALL_OPENED, 7, later(hours=1), RAISED, 2, BY, "because", {"to": STREET})


def test_a_row_has_place_audience_and_sequence_of_its_incident() -> None:
    page = event_page([EVENT])
    assert {name: values[0] for name, values in page.items()} == {
        "type": EventType.CALL_OPENED,
        "at": later(hours=1),
        "area": CELL,
        "audience": (COMMUNITY, STREET, "@worker"),
        "data": json_bytes(event_data(EVENT)),
        "incident_id": RAISED.id,
        "sequence": 7,
        "unit": STREET,
    }


def test_data_is_thin_and_as_of_the_event() -> None:
    data = event_data(EVENT)
    assert data["incident"] == {name: getattr(RAISED, name) for name in data["incident"]}
    assert set(data["incident"]) == {
        *("id", "number", "kind", "grid_code", "category", "urgency", "state", "level", "unit"),
        *("due_at", "due_kind", "version"),
    }
    assert (data["call"], data["by"]) == (2, {"kind": "unit", "unit": COMMUNITY})


@pytest.mark.parametrize(("facts", "added"), [(None, {}), ({}, {}), ({"score": 4}, {"score": 4})])
def test_facts_stand_beside_the_common_members(facts: EventFacts | None, added: dict[str, int]) -> None:
    data: Mapping[str, Any] = event_data(Event(EventType.INCIDENT_RATED, 1, NOW, RAISED, 1, BY, facts=facts))
    assert {name: data[name] for name in data if name not in ("incident", "call", "by")} == added


def test_the_unit_that_reported_in_confidence_is_never_written() -> None:
    """But a street rates as the street of the cell, and figures count that by its unit."""
    secret = RAISED._replace(confidential=True, reporter="desk")
    said = event_data(EVENT._replace(at_state=secret))["by"]
    others = event_data(EVENT._replace(at_state=secret, by=By("unit", "other", STREET)))["by"]
    assert (said, others) == ({"kind": "unit"}, {"kind": "unit", "unit": STREET})
    rated = EVENT._replace(at_state=secret, type=EventType.INCIDENT_RATED, by=By("unit", "desk", STREET))
    assert event_data(rated)["by"] == {"kind": "unit", "unit": STREET}
