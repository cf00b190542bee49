"""By which duty a category was admitted for a street (权责事项准入): its own, or that of a unit of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.rules.words import Level, UnitKind
from service.rules.world import Duty, Unit, Validity, World
from tests.rules.builders import (
    ALWAYS,
    CATEGORY,
    CELL,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    ENDED,
    NEXT_COMMUNITY,
    NOW,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    STREET,
    a_world,
    later,
)

TEAM = Unit("team-1", "综合行政执法队", UnitKind.TEAM, Level.STREET, ALWAYS, parent=STREET)
FIRM = Unit("firm-1", "共建单位", UnitKind.PARTNER, None, ALWAYS, parent=STREET)


def a_duty(code: str = "1", lead: str = STREET, *assisting: str, category: str = "u", area: str = DISTRICT) -> Duty:
    return Duty(code, code, category, area, lead, ALWAYS, assisting)


def a_town(*duties: Duty, without: tuple[str, ...] = ()) -> World:
    return a_world(units=(TEAM, FIRM), duties=duties, without=without)


def admitted(world: World, street: str = STREET, cell: str = CELL, category: str = CATEGORY) -> str | None:
    duty = world.admitted(category, cell, street, NOW)
    return duty.code if duty else None


@pytest.mark.parametrize("unit", [STREET, COMMUNITY, TEAM.code, FIRM.code])
def test_a_street_has_what_it_or_a_unit_of_it_leads_or_assists(unit: str) -> None:
    assert admitted(a_town(a_duty("1", unit))) == "1"
    assert admitted(a_town(a_duty("1", DEPARTMENT, OTHER_STREET, unit))) == "1"


@pytest.mark.parametrize("unit", [DEPARTMENT, DISTRICT, OTHER_STREET, OTHER_COMMUNITY, "nobody"])
def test_what_belongs_to_others_is_not_admitted_for_it(unit: str) -> None:
    assert admitted(a_town(a_duty("1", unit, unit))) is None


def test_a_unit_of_the_street_counts_while_it_is_in_force() -> None:
    gone = replace(TEAM, validity=ENDED)
    world = a_world(units=(gone,), duties=(a_duty("1", gone.code),))
    assert world.admitted(CATEGORY, CELL, STREET, NOW) is None
    assert world.admitted(CATEGORY, CELL, STREET, NOW - timedelta(microseconds=1)) is not None
    assert admitted(a_town(a_duty("1", COMMUNITY), without=(COMMUNITY,))) is None


@pytest.mark.parametrize(
    ("category", "expected"), [("u", "1"), ("u-01", "1"), (CATEGORY, "1"), ("u-0102", None), ("v", None), ("U", None)]
)
def test_the_category_of_the_duty_is_the_front_of_the_category_asked_for(category: str, expected: str | None) -> None:
    assert admitted(a_town(a_duty(category=category))) == expected


@pytest.mark.parametrize(
    ("area", "expected"), [(DISTRICT, "1"), (STREET, "1"), (COMMUNITY, "1"), (NEXT_COMMUNITY, None), ("440106", None)]
)
def test_the_area_of_the_duty_holds_the_cell(area: str, expected: str | None) -> None:
    assert admitted(a_town(a_duty(area=area))) == expected


def test_a_street_may_have_a_duty_in_another() -> None:
    world = a_town(a_duty("1", STREET, area=OTHER_STREET))
    assert admitted(world, STREET, OTHER_CELL) == "1"
    assert admitted(world, OTHER_STREET, OTHER_CELL) is None


def test_the_most_specific_comes_first_and_what_is_not_the_streets_does_not_stand_before_it() -> None:
    wide, narrow = a_duty("1"), a_duty("2", category="u-01")
    here = a_duty("3", category="u-01", area=STREET)
    assert admitted(a_town(wide, narrow, here)) == "3"
    assert admitted(a_town(narrow, wide)) == "2"
    world = a_town(wide, replace(narrow, lead_unit=DEPARTMENT), replace(here, lead_unit=OTHER_STREET))
    assert admitted(world) == "1"
    called = world.duty_for(CATEGORY, CELL, NOW)
    assert called is not None and called.code == "3", "who is called is another question"


def test_a_duty_moves_to_the_street_at_its_instant() -> None:
    moved = later(days=3)
    before = replace(a_duty("1", DEPARTMENT), validity=Validity(ALWAYS.valid_from, moved))
    after = replace(a_duty("1", STREET), validity=Validity(moved))
    world = a_town(before, after)
    assert world.admitted(CATEGORY, CELL, STREET, moved - timedelta(microseconds=1)) is None
    assert world.admitted(CATEGORY, CELL, STREET, moved) == after
