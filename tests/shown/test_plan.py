"""A plan as a viewer sees it: step by step until nothing more happens by itself."""

from __future__ import annotations

from service.rules import plan as plans
from service.rules.words import State
from service.shown.plan import PlanView, plan
from tests.rules.builders import DEPARTMENT, LEADER, NOW, STREET, WORLD, an_incident
from tests.shapes import check
from tests.shown.test_row import VIEWER


def test_a_plan_has_exactly_its_shape() -> None:
    for state in State:
        check(PlanView, plan(VIEWER, plans.plan(an_incident(state), WORLD, NOW)))


def test_a_plan_climbs_step_by_step() -> None:
    steps = plan(VIEWER, plans.plan(an_incident(State.CALLING), WORLD, NOW))["items"]
    assert [(each["arrow"], each["unit"]) for each in steps][:3] == [
        ("no_answer", STREET),
        ("no_answer", DEPARTMENT),
        ("no_answer", LEADER),
    ]
    assert sorted(each["at"] for each in steps) == [each["at"] for each in steps]


def test_a_closed_incident_has_an_empty_plan() -> None:
    assert plan(VIEWER, plans.plan(an_incident(State.CLOSED), WORLD, NOW)) == {"items": []}
