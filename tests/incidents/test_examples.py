"""The examples of the incident routes tell one story: the same incident, from its report to its next steps."""

from __future__ import annotations

from typing import Any

from service.incidents import examples
from service.incidents.similar import Candidate
from service.shown.deadline import CallDeadline
from service.shown.event import CloudEvent
from service.shown.incident import IncidentWithCalls
from service.shown.page import ItemPage
from service.shown.plan import PlanView
from tests.shapes import check


def test_one_incident_is_shown_from_report_to_plan() -> None:
    first, later = (check(IncidentWithCalls, each) for each in (examples.INCIDENT, examples.INCIDENT_LATER))
    assert (first["state"], first["version"], first["requests"]) == ("calling", 1, [])
    assert (later["state"], later["requests"][0]["outcome"]) == ("answered", "approved")
    timeline = check(ItemPage[CloudEvent], examples.INCIDENT_TIMELINE)["items"]
    assert {first["id"], later["id"]} == {each["subject"] for each in timeline}
    assert [each["type"] for each in timeline] == ["sihu.incident.reported", "sihu.call.opened"]


def test_the_deadline_is_that_of_the_plans_first_step() -> None:
    deadline, plan = check(CallDeadline, examples.DEADLINE), check(PlanView, examples.PLAN)
    assert (deadline["due_at"], deadline["clock"], deadline["calendar"]) == (plan["items"][0]["at"], "working", "cn")
    assert deadline["adjusted_by"][0]["kind"] == "extend"


def test_a_candidate_is_a_row_with_its_likeness() -> None:
    [candidate] = check(ItemPage[Candidate], examples.SIMILAR)["items"]
    row = check(ItemPage[Any], examples.INCIDENT_LIST)["items"][0]
    likeness = {"same_cell", "same_category", "distance_m", "hours_apart"}
    assert candidate.keys() - row.keys() == likeness
    assert {name: candidate[name] for name in row} == row


def test_a_batch_has_rows_and_problems() -> None:
    good, bad = check(Any, examples.BATCH)["results"]
    assert (good["status"], good["incident"]["state"]) == (201, "calling")
    assert not {"calls", "requests"} & good["incident"].keys()
    assert (bad["status"], bad["problem"]["code"]) == (422, "unknown_cell")
    assert bad["problem"]["errors"][0]["pointer"] == "/items/1/grid_code"
