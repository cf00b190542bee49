"""Rows of the registry in answers: every value comes from its own field, and examples have the shape of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from service.registry import examples, views
from service.rules import world as worlds
from service.rules.model import Actor
from service.rules.routing import Route
from service.rules.sentences import Sentence
from service.rules.words import Kind, Level, Role, UnitKind, Urgency
from service.rules.world import Category, Cell, Duty, Line, Unit, Validity
from service.store.registry.duty_proposals import Proposal
from tests.registry.bundles import DAY, NOW
from tests.shapes import check

VALIDITY = Validity(NOW, NOW + DAY)
DATES = {"valid_from": NOW, "valid_to": NOW + DAY}
UNIT = Unit("u", "n", UnitKind.STREET, Level.STREET, VALIDITY, "p", "l", ("c",), ("i",), ("a",))
CELL = Cell("c", "n", "m", VALIDITY)
DUTY = Duty("d", "t", "c", "a", "l", VALIDITY, ("s",), "b")


def test_a_unit_shows_each_of_its_values() -> None:
    assert views.unit(UNIT) == {
        "code": "u",
        "name": "n",
        "kind": "street",
        "level": 2,
        "parent": "p",
        "line_parent": "l",
        "covers": ("c",),
        "in_charge_of": ("i",),
        "answers_for": ("a",),
        **DATES,
    }


def test_a_cell_shows_whether_it_has_a_shape() -> None:
    assert views.cell(CELL) == {"code": "c", "name": "n", "community": "m", "has_shape": False, **DATES}
    ring = ((1.0, 2.0), (2.0, 2.0), (2.0, 3.0), (1.0, 2.0))
    assert views.cell(replace(CELL, shape=(ring,)))["has_shape"]


def test_a_point_is_shown_to_a_centimetre() -> None:
    assert views.located(CELL, 23.123456789, 113.1)["wgs84"] == {"lat": 23.1234568, "lon": 113.1}


def test_a_category_and_a_line_show_each_of_their_values() -> None:
    category = Category("c", "n", "l", Urgency.URGENT, VALIDITY, "p", (Urgency.URGENT,), (Kind.INCIDENT,))
    allowed = {"urgencies": ("urgent",), "kinds": ("incident",)}
    shown = {"code": "c", "name": "n", "line": "l", "urgency": "urgent", "parent": "p", **allowed, **DATES}
    assert views.category(category) == shown
    assert views.line(Line("l", "n")) == {"code": "l", "name": "n"}


def test_a_duty_shows_each_of_its_values() -> None:
    shown = {
        "code": "d",
        "title": "t",
        "category": "c",
        "area": "a",
        "lead_unit": "l",
        "assisting": ("s",),
        "basis": "b",
        **DATES,
    }
    assert views.duty(DUTY) == shown
    assert views.judged_duty(DUTY, responsible=True) == {**shown, "responsible": True}


def test_a_proposal_shows_all_of_its_columns_but_the_number() -> None:
    fields = {name: name for name in Proposal.__dataclass_fields__}
    shown = views.proposal(Actor(Role.OPS, "ops"), Proposal(**fields))  # type: ignore[arg-type]
    assert {**shown, "id": "id"} == fields


def test_a_chain_names_the_unit_of_each_call() -> None:
    world = worlds.build(1, units=[UNIT])
    chain = views.chain("g", "c", NOW, [Route(Level.STREET, "u", True, Sentence("because"))], world)
    assert chain["calls"] == [
        {
            "level": 2,
            "level_name": "street",
            "unit": {"code": "u", "name": "n"},
            "unrouted": True,
            "because": "because",
        }
    ]
    assert (chain["grid_code"], chain["category"], chain["at"]) == ("g", "c", NOW)


@pytest.mark.parametrize(
    ("example", "view"),
    [
        (examples.CELL, views.CellView),
        (examples.LOCATED, views.LocatedView),
        (examples.UNIT, views.UnitView),
        (examples.CATEGORY, views.CategoryView),
        (examples.LINE, views.LineView),
        (examples.DUTY, views.DutyView),
        (examples.RESPONSIBLE_DUTY, views.DutyView),
        (examples.PROPOSAL, views.ProposalView),
        (examples.ADMITTED, views.ProposalView),
        (examples.REFUSED, views.ProposalView),
        (examples.CHAIN, views.ChainView),
    ],
)
def test_an_example_has_the_shape_of_its_view(example: dict[str, Any], view: Any) -> None:
    check(view, example)
