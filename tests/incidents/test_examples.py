"""The answers that the OpenAPI document shows of incidents: typed as they stand for, and one story among themselves."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents import examples
from service.incidents.similar import Candidate
from service.shown.deadline import DeadlineView
from service.shown.event import TimelineEvent
from service.shown.incident import IncidentWithCalls
from service.shown.plan import PlanView
from service.shown.row import IncidentRow
from service.web import problems
from service.web.paging import ItemPage
from tests.house import CATEGORY, CELL, House
from tests.shapes import check, differences

pytestmark = pytest.mark.anyio

SHAPES: dict[str, Any] = {
    "INCIDENT": IncidentWithCalls,
    "INCIDENT_LATER": IncidentWithCalls,
    "INCIDENT_REVEALED": IncidentWithCalls,
    "INCIDENT_LIST": ItemPage[IncidentRow],
    "INCIDENT_TIMELINE": ItemPage[TimelineEvent],
    "CANDIDATE": Candidate,
    "SIMILAR": ItemPage[Candidate],
    "DEADLINE": DeadlineView,
    "PLAN": PlanView,
}


def test_every_example_is_looked_at() -> None:
    shown = {name for name, value in vars(examples).items() if name.isupper() and isinstance(value, dict)}
    assert shown - {"REPORTED", "ANSWERED", "REVEALED", "ROW"} == {*SHAPES, "BATCH"}


@pytest.mark.parametrize("name", SHAPES)
def test_an_example_has_the_shape_of_its_answer(name: str) -> None:
    assert check(SHAPES[name], getattr(examples, name))


def test_the_examples_tell_of_one_incident() -> None:
    first, later = examples.INCIDENT, examples.INCIDENT_LATER
    row, candidate = examples.INCIDENT_LIST["items"][0], examples.SIMILAR["items"][0]
    assert {each["id"] for each in (first, later, row, candidate)} == {first["id"]}
    subjects = {event["subject"] for event in check(SHAPES["INCIDENT_TIMELINE"], examples.INCIDENT_TIMELINE)["items"]}
    assert subjects == {str(first["id"])}
    assert later["version"] > first["version"] == row["version"]
    assert {name: value for name, value in first.items() if name not in ("calls", "requests", "contact")} == row


def test_the_deadline_of_the_example_adds_up() -> None:
    """Its seconds are those of the box and of the extension; the plan goes on where it ends."""
    shown, plan = check(DeadlineView, examples.DEADLINE), check(PlanView, examples.PLAN)
    granted = sum(each["granted_s"] for each in shown["adjusted_by"])
    assert granted > 0
    assert shown["counted_s"] == sum(each["counted_s"] for each in shown["segments"]) == shown["box_s"] + granted
    assert shown["segments"][0]["from"] == shown["start"]
    assert shown["segments"][-1]["to"] == shown["due_at"] == plan["items"][0]["at"]


async def test_the_batch_of_the_example_is_what_the_service_answers(house: House) -> None:
    """The second item names a cell that nobody knows: the problem, its pointer and its path are the real ones."""
    item = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}
    items = [item, {**item, "grid_code": f"{CELL[:12]}999"}]
    answer = (await house.send("worker", "POST", "/v1/incidents/batch", {"items": items})).json()
    shown = check(dict[str, Any], examples.BATCH)
    assert differences(shown, answer) == []
    assert [(each["index"], each["status"]) for each in shown["results"]] == [(0, 201), (1, 422)]
    check(IncidentRow, shown["results"][0]["incident"])
    example, real = shown["results"][1]["problem"], answer["results"][1]["problem"]
    assert [each["pointer"] for each in example["errors"]] == [each["pointer"] for each in real["errors"]]
    facts = ("type", "title", "status", "instance", "code")
    assert {name: example[name] for name in facts} == {name: real[name] for name in facts}
    assert example["code"] in problems.CODES
