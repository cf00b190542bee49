"""The rules' events as entries of the log: what a reader will get, and who it is for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from service.rules.decisions import Event
from service.rules.logged import EventFacts
from service.rules.model import By
from service.rules.words import ClosedAs, EventType, Level, State
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


SECRET = EVENT._replace(at_state=RAISED._replace(confidential=True, reporter="desk"), facts=None)
RATED = SECRET._replace(type=EventType.INCIDENT_RATED)


@pytest.mark.parametrize(
    ("event", "unit"),
    [
        (SECRET._replace(type=EventType.INCIDENT_REPORTED), None),
        (SECRET._replace(type=EventType.INCIDENT_REOPENED), None),
        (SECRET._replace(type=EventType.INCIDENT_CLOSED, facts={"closed_as": ClosedAs.WITHDRAWN}), None),
        (SECRET._replace(type=EventType.INCIDENT_CLOSED, facts={"closed_as": ClosedAs.VOID}), COMMUNITY),
        (SECRET._replace(type=EventType.CALL_ANSWERED), COMMUNITY),
        (SECRET._replace(type=EventType.INCIDENT_COMMENTED, by=By("unit", "other", STREET)), STREET),
        (RATED, None),
        (RATED._replace(by=By("unit", "desk", STREET)), STREET),
    ],
)
def test_a_unit_is_unnamed_where_it_is_the_reporter(event: Event, unit: str | None) -> None:
    """Only where it was reported in confidence. But a street rates as the street of the cell, and figures count that by
    its unit."""
    assert event_data(event)["by"] == ({"kind": "unit"} if unit is None else {"kind": "unit", "unit": unit})
    plain = event._replace(at_state=event.at_state._replace(confidential=False))
    assert event_data(plain)["by"] == {"kind": "unit", "unit": event.by.unit}


@pytest.mark.parametrize(("act", "is_named"), [(EventType.CALL_RAISED, True), (EventType.INCIDENT_REPORTED, False)])
def test_a_call_is_opened_by_whoever_acted_before(act: EventType, is_named: bool) -> None:
    before = SECRET._replace(type=act)
    unrouted, opened = before._replace(type=EventType.CALL_UNROUTED), before._replace(type=EventType.CALL_OPENED)
    rows = [json.loads(each)["by"] for each in event_page([before, unrouted, opened])["data"]]
    assert [each.get("unit") for each in rows] == [COMMUNITY if is_named else None] * 3
