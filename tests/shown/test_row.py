"""One row as a viewer sees it: the names of its unit, what is overdue, and exactly the keys of its shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from service.rules.model import Actor, Call
from service.rules.sight import Viewer
from service.rules.words import Level, Role, State
from service.shown.aspect import aspect_of
from service.shown.row import IncidentRow, row
from service.store.incidents.incident_rows import incident_columns
from tests.rules.builders import COMMUNITY, NOW, PEOPLE, STREET, WORLD, an_incident, later
from tests.shapes import check

ANSWER = {"measure": "go and look", "contact": None, "promised_by": "2026-11-24T01:00:00Z"}
"""An answer as it is stored: every field of the body, whether it was sent or not."""
VIEWER = Viewer(Actor(Role.OPS, "ops"), WORLD, NOW)
ASPECT = aspect_of(VIEWER, an_incident(State.CALLING))


def stored(state: State = State.CALLING, level: Level = Level.COMMUNITY, **fields: Any) -> Mapping[str, Any]:
    """The row of an incident joined with that of its report."""
    said = {"line": "urban", "description": "rubbish", "location": None, "location_mismatch": False}
    source = {"source_system": None, "source_ref": None, "occurred_at": None, "urgency_asked": None}
    standing = {"assists": False, "awaited": False, "erased_at": None}
    contact = {"has_contact": False, "contact_name": None, "contact_phone": None}
    return {**incident_columns(an_incident(state, level)), **said, **source, **standing, **contact, **fields}


def test_a_row_has_exactly_its_shape_in_every_state() -> None:
    point = {"lat": 23.0, "lon": 113.0, "coord_type": "gcj02", "accuracy_m": None}
    for state in State:
        for level in Level:
            check(IncidentRow, row(VIEWER, stored(state, level)))
    told = stored(location=point, source_system="app", source_ref="1", occurred_at=NOW)
    assert check(IncidentRow, row(VIEWER, told))["source"] == {"system": "app", "ref": "1"}


def test_a_deadline_is_overdue_once_it_has_passed() -> None:
    due_at = stored()["due_at"]
    for moment, overdue in ((due_at, False), (due_at + timedelta(microseconds=1), True)):
        assert row(Viewer(VIEWER.actor, WORLD, moment), stored())["overdue"] is overdue
    closed = row(Viewer(VIEWER.actor, WORLD, later(days=900)), stored(State.CLOSED))
    assert (closed["due_at"], closed["overdue"]) == (None, False)


@pytest.mark.parametrize(
    ("after", "mismatch"),
    [
        (timedelta(minutes=5), False),
        (timedelta(minutes=5, microseconds=1), True),
        (timedelta(days=-30), False),
        (timedelta(days=-30, microseconds=-1), True),
    ],
)
def test_a_phones_time_may_be_wrong(after: timedelta, mismatch: bool) -> None:
    """It is held against the report, whenever it is looked at."""
    reported_at = stored()["reported_at"]
    for moment in (reported_at, later(days=900)):
        viewer = Viewer(VIEWER.actor, WORLD, moment)
        assert row(viewer, stored(occurred_at=reported_at + after))["time_mismatch"] is mismatch
        assert row(viewer, stored())["time_mismatch"] is False


def test_a_unit_is_named_by_the_viewers_world() -> None:
    shown = row(VIEWER, stored(level=Level.STREET))
    assert shown["unit"] == {"code": STREET, "name": f"the street {STREET}"}
    assert (shown["community"], shown["street"], shown["level_name"]) == (COMMUNITY, STREET, "street")


def test_a_location_and_a_source_may_be_missing() -> None:
    shown = row(VIEWER, stored())
    assert (shown["location"], shown["source"], shown["occurred_at"]) == (None, None, None)


@pytest.mark.clause("API3:2023", "ASVS 8.2.3")
def test_what_was_drawn_is_shown_to_ops_and_auditors_alone() -> None:
    shown = {
        name: [row(Viewer(actor, WORLD, NOW), stored(State.CLOSED, drawn=drawn))["drawn"] for drawn in (True, False)]
        for name, actor in PEOPLE.items()
    }
    told = {"ops", "ops_reporting", "auditor"}
    assert shown == {name: [True, False] if name in told else [None, None] for name in PEOPLE}
    for state in set(State) - {State.CLOSED}:
        views = [row(Viewer(actor, WORLD, NOW), stored(state))["drawn"] for actor in PEOPLE.values()]
        assert views == [False] * len(PEOPLE), "a page of a queue looks the same to all"


def whole(found: Call) -> Call:
    """A call of the rules' tests with an answer as the service stores it."""
    return found._replace(answer=ANSWER) if found.answer else found
