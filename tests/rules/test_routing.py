"""Who is called next, with every fallback the contract names, so that no incident is dropped for want of a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from service.rules import plan, routing
from service.rules.words import Arrow, Level, State, UnitKind
from service.rules.world import Duty, Unit, Validity, World
from tests.rules.builders import (
    ALWAYS,
    CATEGORY,
    CELL,
    COMMUNITY,
    DEPARTMENT,
    DISTRICT,
    DUTIES,
    LEADER,
    NEVER,
    NEXT_CELL,
    NEXT_COMMUNITY,
    NOBODYS_CATEGORY,
    NOW,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    SPECIAL,
    SPECIAL_LEADER,
    STREET,
    STREET_LEADER,
    UNITS,
    URGENT_CATEGORY,
    WORLD,
    a_world,
    act,
    an_incident,
    fired,
    later,
    reported,
    types,
)
from tests.rules.deciding import changed_call

Called = tuple[int, str, str]


def _climb(
    *without: str, category: str = CATEGORY, cell: str = CELL, duties: tuple[Duty, ...] = DUTIES
) -> list[Called]:
    """(level, unit, cause) of each call when nobody answers, to the first at level 4."""
    world = a_world(without=without, duties=duties)
    decision = reported(world, category=category, cell=cell)
    called = []
    while True:
        call = decision.after.call
        called.append((int(call.level), call.unit, call.cause.value))
        if call.level is Level.LEADER:
            return called
        decision = fired(decision.after, world=world)


CLIMBS: list[tuple[str, Callable[[], list[Called]], list[Called]]] = [
    (
        "everybody is there",
        lambda: _climb(),
        [(1, COMMUNITY, "report"), (2, STREET, "no_answer"), (3, DEPARTMENT, "no_answer"), (4, LEADER, "no_answer")],
    ),
    (
        "no community: the street",
        lambda: _climb(COMMUNITY),
        [(2, STREET, "unrouted"), (3, DEPARTMENT, "no_answer"), (4, LEADER, "no_answer")],
    ),
    (
        "no street: the department",
        lambda: _climb(STREET),
        [(1, COMMUNITY, "report"), (3, DEPARTMENT, "unrouted"), (4, LEADER, "no_answer")],
    ),
    (
        "neither: the department at once",
        lambda: _climb(COMMUNITY, STREET),
        [(3, DEPARTMENT, "unrouted"), (4, LEADER, "no_answer")],
    ),
    (
        "no duty for the category: the leader, of the street",
        lambda: _climb(category=NOBODYS_CATEGORY),
        [(1, COMMUNITY, "report"), (2, STREET, "no_answer"), (4, STREET_LEADER, "unrouted")],
    ),
    (
        "the department of the duty is gone: the leader, of the street",
        lambda: _climb(DEPARTMENT),
        [(1, COMMUNITY, "report"), (2, STREET, "no_answer"), (4, STREET_LEADER, "unrouted")],
    ),
    (
        "the duty names no department: the leader, of the street",
        lambda: _climb(duties=(replace(DUTIES[0], lead_unit=OTHER_STREET),)),
        [(1, COMMUNITY, "report"), (2, STREET, "no_answer"), (4, STREET_LEADER, "unrouted")],
    ),
    (
        "nobody is in charge of the department: the leader in charge of the street",
        lambda: _climb(LEADER)[2:],
        [(3, DEPARTMENT, "no_answer"), (4, STREET_LEADER, "no_answer")],
    ),
    (
        "no leader at all: the district",
        lambda: _climb(LEADER, STREET_LEADER)[2:],
        [(3, DEPARTMENT, "no_answer"), (4, DISTRICT, "unrouted")],
    ),
    (
        "no department and no leader: the district",
        lambda: _climb(DEPARTMENT, STREET_LEADER)[1:],
        [(2, STREET, "no_answer"), (4, DISTRICT, "unrouted")],
    ),
    (
        "nobody at all: the district at once",
        lambda: _climb(COMMUNITY, STREET, DEPARTMENT, LEADER, STREET_LEADER),
        [(4, DISTRICT, "unrouted")],
    ),
    (
        "a street that no leader is in charge of: the leader of the department",
        lambda: _climb(cell=OTHER_CELL),
        [(1, OTHER_COMMUNITY, "report"), (2, OTHER_STREET, "no_answer")]
        + [(3, DEPARTMENT, "no_answer"), (4, LEADER, "no_answer")],
    ),
    (
        "… and nobody's category: the district",
        lambda: _climb(cell=OTHER_CELL, category=NOBODYS_CATEGORY)[1:],
        [(2, OTHER_STREET, "no_answer"), (4, DISTRICT, "unrouted")],
    ),
    (
        "another department has another leader",
        lambda: _climb(cell=OTHER_CELL, category=URGENT_CATEGORY)[2:],
        [(3, SPECIAL, "no_answer"), (4, SPECIAL_LEADER, "no_answer")],
    ),
]


@pytest.mark.parametrize(("called", "expected"), [row[1:] for row in CLIMBS], ids=[row[0] for row in CLIMBS])
def test_an_unanswered_incident_calls(called: Callable[[], list[Called]], expected: list[Called]) -> None:
    assert called() == expected


def test_whoever_is_called_instead_is_told_and_so_are_ops() -> None:
    assert types(reported(a_world(without=(COMMUNITY,)))) == ["incident.reported", "call.unrouted", "call.opened"]
    incident = an_incident(State.CALLING, Level.STREET)
    world = a_world(without=(DEPARTMENT,))
    by_hand = act(incident, "street", Arrow.RAISE, world=world)
    by_the_clock = fired(incident, world=world)
    assert types(by_hand) == ["call.raised", "call.unrouted", "call.opened"]
    assert types(by_the_clock) == ["call.missed", "call.unrouted", "call.opened"]
    for decision, outcome in ((by_hand, "raised"), (by_the_clock, "no_answer")):
        assert changed_call(decision).outcome == outcome
        assert decision.after.call.cause == "unrouted"
        assert decision.events[1].note == decision.because == f"leader in charge of {STREET}, the unit called before"


def test_a_fallback_of_the_same_level_is_no_skipped_level() -> None:
    decision = fired(an_incident(State.CALLING, Level.DEPARTMENT), world=a_world(without=(LEADER,)))
    assert types(decision) == ["call.missed", "call.opened"]
    assert decision.because == f"leader in charge of {STREET}, the street of the cell"


@pytest.mark.parametrize(
    ("category", "cell", "duty"),
    [
        (CATEGORY, CELL, "1"),  # only the whole of u fits
        (URGENT_CATEGORY, CELL, "3"),  # u-02 of the street before u-02 of the district
        (URGENT_CATEGORY, NEXT_CELL, "3"),
        (URGENT_CATEGORY, OTHER_CELL, "2"),  # u-02 of the district before u
        ("u-0202", NEXT_CELL, "4"),  # u-0202 of the community before u-02 of the street
        ("u-0202", CELL, "3"),
        ("u", CELL, "1"),
    ],
)
def test_the_most_specific_duty_wins_by_category_and_then_by_area(category: str, cell: str, duty: str) -> None:
    found = WORLD.duty_for(category, cell, NOW)
    assert found is not None
    assert found.code == duty


def test_no_duty_is_nobodys() -> None:
    assert WORLD.duty_for(NOBODYS_CATEGORY, CELL, NOW) is None
    assert a_world(duties=()).duty_for(CATEGORY, CELL, NOW) is None
    assert WORLD.duty_for(CATEGORY, "440106001001001", NOW) is None


def _changing() -> World:
    """From `NOW` on: u-02 of street 1 is nobody's own any more, and the leader post has a successor."""
    successor = Unit("leader-z", "Successor", UnitKind.LEADER, Level.LEADER, Validity(NOW), in_charge_of=(DEPARTMENT,))
    ending = replace(DUTIES[2], validity=Validity(ALWAYS.valid_from, NOW))
    coming = Duty("9", "u-01", "u-01", STREET, SPECIAL, Validity(later(days=1)))
    return a_world(without=(LEADER,), units=(successor,), duties=(*DUTIES[:2], ending, coming))


def test_who_is_called_is_asked_of_the_registry_as_it_stands_at_that_instant() -> None:
    world, instant_before = _changing(), later(microseconds=-1)

    def called(category: str, at: timedelta) -> list[str]:
        return [route.unit for route in routing.chain(world, CELL, category, NOW + at)][2:]

    before = instant_before - NOW
    assert called(URGENT_CATEGORY, before) == [DEPARTMENT, LEADER]
    assert called(URGENT_CATEGORY, timedelta()) == [SPECIAL, SPECIAL_LEADER]
    assert called(CATEGORY, before) == [DEPARTMENT, LEADER]
    assert called(CATEGORY, timedelta()) == [DEPARTMENT, "leader-z"]
    assert called(CATEGORY, timedelta(days=1)) == [SPECIAL, SPECIAL_LEADER]
    incident = reported(world, at=instant_before).after
    while incident.level < Level.LEADER:
        incident = fired(incident, world=world).after
    assert incident.unit == "leader-z"


@pytest.mark.parametrize("cell", [CELL, NEXT_CELL, OTHER_CELL])
@pytest.mark.parametrize("category", [CATEGORY, URGENT_CATEGORY, NOBODYS_CATEGORY])
@pytest.mark.parametrize(
    "without", [(), (COMMUNITY, NEXT_COMMUNITY), (STREET,), (DEPARTMENT,), (LEADER, STREET_LEADER)]
)
def test_the_chain_shown_beforehand_is_the_chain_then_called(
    cell: str, category: str, without: tuple[str, ...]
) -> None:
    chain = routing.chain(a_world(without=without), cell, category, NOW)
    shown = [(int(route.level), route.unit) for route in chain]
    assert shown == [(level, unit) for level, unit, _ in _climb(*without, category=category, cell=cell)]
    assert all(route.because for route in chain)
    assert chain[-1].level is Level.LEADER


@pytest.mark.parametrize("level", Level)
def test_at_level_4_the_same_unit_is_called_again_and_below_it_the_next(level: Level) -> None:
    incident = an_incident(State.CALLING, level)
    again, up = routing.again(WORLD, incident, NOW), routing.upwards(WORLD, incident, NOW)
    assert (again.level, again.unit, again.unrouted) == (level, incident.unit, False)
    assert up.level == min(level + 1, 4)
    assert (up.unit == incident.unit) == (level is Level.LEADER)


def test_a_department_that_never_had_a_duty_is_never_called() -> None:
    everywhere = {unit for row in CLIMBS for _, unit, _ in row[1]()}
    assert NEVER not in everywhere
    assert everywhere <= set(UNITS)


def test_the_districts_unit_once_called_is_called_again() -> None:
    world = a_world(without=(LEADER, STREET_LEADER))
    incident = fired(an_incident(State.CALLING, Level.DEPARTMENT), world=world).after
    again = fired(incident, world=world)
    assert (again.after.unit, again.after.call.round, again.after.call.cause) == (DISTRICT, 2, "no_answer")
    assert types(again) == ["call.missed", "call.opened"]
    assert plan.plan(incident, world, NOW)[-1].unit == DISTRICT
