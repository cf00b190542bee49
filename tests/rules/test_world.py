"""Look-ups in the world: the quick way gives what the slow and obvious way gives."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import world as worlds
from service.rules.policy import Activation, Policy
from service.rules.words import Level, UnitKind
from service.rules.world import Duty, Unit, Validity
from tests.registry.bundles import DAY, NOW

CELL = "440402001001001"
_categories = st.text("ab-", min_size=1, max_size=4)
_areas = st.sampled_from([CELL[:6], CELL[:9], CELL[:12], "440402002", "440402001002"])
_moments = st.integers(0, 6).map(lambda days: NOW + days * DAY)


@st.composite
def validities(draw: st.DrawFn) -> Validity:
    start = draw(_moments)
    end = draw(st.none() | st.integers(0, 4).map(lambda days: start + days * DAY))
    return Validity(start, end)


_duties = st.lists(
    st.builds(
        Duty,
        code=st.sampled_from("12345"),
        title=st.just("t"),
        category=_categories,
        area=_areas,
        lead_unit=st.sampled_from(["x", "y"]),
        validity=validities(),
    ),
    max_size=12,
    unique_by=lambda duty: (duty.code, duty.validity.valid_from),
)


def slowly(duties: list[Duty], category: str, at: datetime) -> Duty | None:
    """All that bear on it, by the rule as it is written: longest category, then longest area, then code."""
    fit = [
        duty
        for duty in duties
        if category.startswith(duty.category) and CELL.startswith(duty.area) and duty.validity.in_force_at(at)
    ]
    order = sorted(fit, key=lambda d: (-len(d.category), -len(d.area), d.code, d.validity.valid_from))
    return order[0] if order else None


@given(_duties, _categories, _moments)
def test_the_duty_found_is_the_most_specific_of_all_that_fit(duties: list[Duty], category: str, at: datetime) -> None:
    world = worlds.build(1, duties=duties)
    assert world.duty_for(category, CELL, at) == slowly(duties, category, at)


@given(st.lists(validities(), max_size=6, unique_by=lambda validity: validity.valid_from), _moments)
def test_the_row_of_a_code_is_the_one_in_force_then(spans: list[Validity], at: datetime) -> None:
    units = [Unit("u", f"{n}", UnitKind.DEPARTMENT, Level.DEPARTMENT, span) for n, span in enumerate(spans)]
    found = worlds.build(1, units=reversed(units)).unit("u", at)
    fit = [unit for unit in units if unit.validity.in_force_at(at)]
    assert found in fit if fit else found is None


def test_the_leader_of_a_unit_is_the_first_by_code_of_those_in_force() -> None:
    def leader(code: str, validity: Validity) -> Unit:
        return Unit(code, code, UnitKind.LEADER, Level.LEADER, validity, in_charge_of=("x",))

    world = worlds.build(
        1, units=[leader("c", Validity(NOW)), leader("b", Validity(NOW)), leader("a", Validity(NOW, NOW))]
    )
    found = world.leader_of("x", NOW)
    assert found is not None
    assert found.code == "b"
    assert world.leader_of("x", NOW - DAY) is None
    assert world.leader_of("nobody", NOW) is None


def test_a_name_is_known_after_its_unit_has_closed() -> None:
    world = worlds.build(1, units=[Unit("u", "旧名", UnitKind.STREET, Level.STREET, Validity(NOW - DAY, NOW))])
    assert world.unit("u", NOW) is None
    assert world.unit_name("u") == "旧名"
    assert world.unit_name("never") == "never"


def test_an_empty_world_says_that_it_has_no_registry() -> None:
    world = worlds.build(0)
    with pytest.raises(LookupError):
        world.fallback(NOW)
    assert world.active(NOW) is None


@given(st.lists(st.tuples(_moments, st.integers(1, 3)), max_size=8), _moments)
def test_a_version_reigns_when_it_is_the_active_one(activated: list[tuple[datetime, int]], at: datetime) -> None:
    policies = [Policy("p", number, {}, 1, 1) for number in (1, 2, 3)]
    world = worlds.build(1, policies=policies, activations=[Activation(when, "p", n) for when, n in activated])
    active = world.active(at)
    for policy in policies:
        reigns = world.reigns(("p", policy.version))
        assert any(start <= at and (end is None or at < end) for start, end in reigns) is (policy == active)
        assert all(before[1] is not None and before[1] < after[0] for before, after in pairwise(reigns))
