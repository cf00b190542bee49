"""One incident with its calls and requests as a viewer sees it."""

from __future__ import annotations

from dataclasses import replace

from service.rules.contact import Contact
from service.rules.model import Actor
from service.rules.words import Level, Role, State
from service.shown.incident import IncidentWithCalls, incident, loaded, revealed
from service.shown.row import IncidentRow, row
from service.store.incidents.loading import Loaded
from tests.rules.builders import NOW, an_incident
from tests.shapes import check
from tests.shown.test_row import VIEWER, stored, whole


def test_an_incident_is_its_row_with_calls_and_requests() -> None:
    for state in State:
        found = an_incident(state, Level.DEPARTMENT)
        calls = [whole(each) for each in (*found.earlier, found.call)]
        data = stored(state, Level.DEPARTMENT)
        view = incident(VIEWER, data, calls, found.requests)
        check(IncidentWithCalls, view)
        alone = ("calls", "requests", "contact")
        assert {name: value for name, value in view.items() if name not in alone} == row(VIEWER, data)
        assert [each["seq"] for each in view["calls"]] == [1, 2, 3], "oldest first"
        assert len(view["requests"]) == len(found.requests)


def test_a_loaded_incident_looks_the_same() -> None:
    found = an_incident(State.ON_HOLD, Level.STREET)
    calls, data = (*found.earlier, found.call), stored(State.ON_HOLD, Level.STREET)
    assert loaded(VIEWER, Loaded(found, data, calls)) == incident(VIEWER, data, calls, found.requests)


def test_a_contact_is_shown_masked_and_in_full_on_demand() -> None:
    found = an_incident(State.CALLING)
    data = stored(has_contact=True, contact_name="张*", contact_phone="138****0000")
    view = check(IncidentWithCalls, incident(VIEWER, data, [found.call], ()))
    assert view["contact"] == {"name": "张*", "phone": "138****0000", "address": None}
    in_confidence = {**data, "confidential": True}
    for role, known in ((Role.OPS, True), (Role.AUDITOR, False)):
        viewer = replace(VIEWER, actor=Actor(role, "somebody"))
        assert (incident(viewer, in_confidence, [found.call], ())["contact"] is not None) is known
    auditor = replace(VIEWER, actor=Actor(Role.AUDITOR, "auditor"))
    written = {**data, "description": "请打 13800000000", "location": {"lat": 23.1, "lon": 113.3}}
    assert incident(auditor, written, [found.call], ())["description"] == "请打 138****0000"
    full = revealed(auditor, Loaded(found, written, (found.call,)), Contact("张三", "13800000000", "江南大道中"))
    assert full["contact"] == {"name": "张三", "phone": "13800000000", "address": "江南大道中"}
    assert (full["description"], full["location"]) == (written["description"], written["location"])
    assert incident(VIEWER, stored(), [found.call], ())["contact"] is None


def test_what_was_erased_is_null() -> None:
    view = check(IncidentRow, row(VIEWER, stored(description=None, erased_at=NOW)))
    assert (view["description"], view["erased_at"]) == (None, "2026-11-23T01:00:00Z")
