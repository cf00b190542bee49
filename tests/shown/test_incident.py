"""One incident with its calls and requests as a viewer sees it."""

from __future__ import annotations

from service.rules.words import Level, State
from service.shown.incident import IncidentWithCalls, incident, loaded
from service.shown.row import row
from service.store.incidents.loading import Loaded
from tests.rules.builders import an_incident
from tests.shapes import check
from tests.shown.test_row import VIEWER, stored, whole


def test_an_incident_is_its_row_with_calls_and_requests() -> None:
    for state in State:
        found = an_incident(state, Level.DEPARTMENT)
        calls = [whole(each) for each in (*found.earlier, found.call)]
        data = stored(state, Level.DEPARTMENT)
        view = incident(VIEWER, data, calls, found.requests)
        check(IncidentWithCalls, view)
        assert {name: value for name, value in view.items() if name not in ("calls", "requests")} == row(VIEWER, data)
        assert [each["seq"] for each in view["calls"]] == [1, 2, 3], "oldest first"
        assert len(view["requests"]) == len(found.requests)


def test_a_loaded_incident_looks_the_same() -> None:
    found = an_incident(State.ON_HOLD, Level.STREET)
    calls, data = (*found.earlier, found.call), stored(State.ON_HOLD, Level.STREET)
    assert loaded(VIEWER, Loaded(found, data, calls)) == incident(VIEWER, data, calls, found.requests)
