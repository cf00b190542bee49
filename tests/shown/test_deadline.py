"""How a deadline came about, as a viewer sees it: closed, resolved, open, on hold, in working hours."""

from __future__ import annotations

from typing import Any

import pytest

from service.rules import plan
from service.rules.model import Incident
from service.rules.sight import Viewer
from service.rules.words import Cause, Level, State
from service.shown.deadline import CallDeadline, ClosedDeadline, DeadlineView, VerifyDeadline, deadline
from service.shown.examples import EXTENDED
from service.shown.examples import VIEWER as OFFICE
from tests.rules.builders import NOW, a_world, an_incident, later, reported
from tests.shapes import check
from tests.shown.test_row import VIEWER


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("level", Level)
def test_each_state_has_exactly_the_shape_of_its_deadline(state: State, level: Level) -> None:
    shape = {State.CLOSED: ClosedDeadline, State.RESOLVED: VerifyDeadline}.get(state, CallDeadline)
    incident = an_incident(state, level)
    check(shape, deadline(VIEWER, incident))
    check(DeadlineView, deadline(VIEWER, incident))


def _shown(incident: Incident, viewer: Viewer = VIEWER) -> Any:
    return deadline(viewer, incident)


def test_what_counts_adds_up_to_the_box() -> None:
    for state, box in ((State.CALLING, "answer"), (State.ANSWERED, "resolve")):
        shown = _shown(an_incident(state))
        assert (shown["box"], shown["counted_s"]) == (box, shown["box_s"])
        assert sum(each["counted_s"] for each in shown["segments"]) == shown["counted_s"]
        assert (shown["segments"][0]["from"], shown["segments"][-1]["to"]) == (shown["start"], shown["due_at"])


def test_a_resolved_incident_waits_to_be_verified() -> None:
    shown = _shown(an_incident(State.RESOLVED))
    assert (shown["box"], shown["counted_s"], shown["clock"]) == ("verify", 72 * 3600.0, "continuous")


def test_a_hold_keeps_what_was_left_of_the_box() -> None:
    shown = _shown(an_incident(State.ON_HOLD))
    assert shown["left_s"] + shown["counted_s"] == shown["box_s"]
    assert [each["kind"] for each in shown["adjusted_by"]] == ["hold"]


def test_an_extension_in_working_hours_is_shown_with_its_calendar() -> None:
    shown = _shown(EXTENDED, OFFICE)
    assert (shown["clock"], shown["calendar"]) == ("working", "cn")
    assert shown["counted_s"] == shown["box_s"] + 2 * 3600, "from 15:00 to 17:00"
    assert [each["outcome"] for each in shown["adjusted_by"]] == ["approved"]
    assert len(shown["segments"]) == 2, "lunch does not count"


def test_a_deadline_goes_by_the_world_that_is_seen() -> None:
    world = a_world(policy=2)
    incident = reported(world).after
    assert plan.plan(incident, world, NOW)
    shown = _shown(incident, Viewer(VIEWER.actor, world, NOW))
    assert shown["policy"] == {"code": "p", "version": 2}
    assert shown["row"]["answer_s"] == 7 * 3600


def test_a_cap_is_explained_and_says_whether_it_counts() -> None:
    answered = an_incident(State.ANSWERED)
    assert _shown(answered)["caps"] == []
    capped = answered._replace(call=answered.call._replace(resolve_cap=later(hours=1), answer_cap=NOW))
    check(CallDeadline, _shown(capped))
    [cap] = _shown(capped)["caps"]
    assert (cap["box"], cap["at"], cap["is_reached"]) == ("resolve", later(hours=1), True)
    calling = an_incident(State.CALLING)
    both = calling._replace(call=calling.call._replace(answer_cap=later(hours=9), resolve_cap=later(hours=9)))
    shown = _shown(both)
    assert [(each["box"], each["is_reached"]) for each in shown["caps"]] == [("answer", False), ("resolve", False)]
    assert "no earlier than an hour after the answer" in shown["caps"][1]["because"]
    corrected = both._replace(call=both.call._replace(cause=Cause.CORRECTED))
    assert "an hour after" not in _shown(corrected)["caps"][1]["because"]
    late = Viewer(VIEWER.actor, VIEWER.world, later(hours=9))
    assert "an hour after" in _shown(corrected, late)["caps"][1]["because"], "nobody takes on what is due already"
