"""How often a call may be held or extended, how long and by how much: as its policy says, and not as the default."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.rules.acts import Act
from service.rules.errors import IllegalTransition, ValidationFailed
from service.rules.model import Incident
from service.rules.words import Arrow, Level, State
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import HOUR, NOW, WORLD, a_unit, a_world, act, an_incident, approver, later, reported

DAY = timedelta(days=1)
BOX = timedelta(seconds=2 * HOUR)
"""Of `an_incident` at the street: calling, under policy 1."""


def _under(world: World = WORLD, version: int = 1, **changes: Any) -> World:
    """The same world, its policy changed."""
    changed = replace(world.policies["p", version], **changes)
    return replace(world, policies={**world.policies, ("p", version): changed})


def _ask(incident: Incident, verb: Arrow, until: datetime, world: World, at: datetime = NOW) -> Incident:
    return deciding.decide(incident, Act(verb, "why", until=until), a_unit(incident.unit), world, at).after


def _granted(incident: Incident, verb: Arrow, until: datetime, world: World, at: datetime = NOW) -> Incident:
    asked = _ask(incident, verb, until, world, at)
    return deciding.decide(asked, Act(Arrow.APPROVE, request=len(asked.requests)), approver(asked), world, at).after


def _extended(incident: Incident, world: World, by: timedelta) -> Incident:
    assert incident.due_at is not None
    return _granted(incident, Arrow.EXTEND, incident.due_at + by, world)


def _held(incident: Incident, world: World) -> Incident:
    """Held and resumed at once."""
    held = _granted(incident, Arrow.HOLD, later(hours=1), world)
    return deciding.decide(held, Act(Arrow.RESUME), a_unit(held.unit), world, NOW).after


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_an_incident_has_as_many_extensions_as_its_policy_says(most: int) -> None:
    world, incident = _under(extensions=most), an_incident(State.CALLING, Level.STREET)
    for _ in range(most):
        incident = _extended(incident, world, BOX)
    assert incident.due_at is not None
    with pytest.raises(IllegalTransition, match=f"has had its {most} "):
        _ask(incident, Arrow.EXTEND, incident.due_at + timedelta(minutes=1), world)
    assert _held(incident, world).state is State.CALLING, "holds are counted apart"
    raised = act(incident, "street", Arrow.RAISE, world=world).after
    with pytest.raises(IllegalTransition, match=f"has had its {most} "):
        _extended(raised, world, BOX)


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_an_incident_has_as_many_holds_as_its_policy_says(most: int) -> None:
    world, incident = _under(holds=most), an_incident(State.CALLING, Level.STREET)
    for _ in range(most):
        incident = _held(incident, world)
    with pytest.raises(IllegalTransition, match=f"has had its {most} "):
        _ask(incident, Arrow.HOLD, later(days=2), world)
    assert _extended(incident, world, BOX).state is State.CALLING, "extensions are counted apart"
    raised = act(incident, "street", Arrow.RAISE, world=world).after
    with pytest.raises(IllegalTransition, match=f"has had its {most} "):
        _held(raised, world)


@pytest.mark.parametrize("verb", [Arrow.HOLD, Arrow.EXTEND])
def test_a_policy_may_allow_none_at_all(verb: Arrow) -> None:
    world, incident = _under(holds=0, extensions=0), an_incident(State.CALLING, Level.STREET)
    with pytest.raises(IllegalTransition, match="has had its 0 "):
        _ask(incident, verb, NOW + BOX + timedelta(minutes=1), world)


def test_what_was_refused_or_lapsed_was_not_had() -> None:
    world, incident = _under(holds=1), an_incident(State.CALLING, Level.STREET)
    asked = _ask(incident, Arrow.HOLD, later(days=1), world)
    refused = deciding.decide(asked, Act(Arrow.REFUSE, request=1), approver(asked), world, NOW)
    assert _held(refused.after, world).requests[1].outcome == "approved"


@pytest.mark.parametrize("percent", [25, 50, 150, 300])
@pytest.mark.parametrize("state", [State.CALLING, State.ANSWERED])
def test_each_extension_adds_at_most_the_policys_part_of_the_box_that_runs(percent: int, state: State) -> None:
    world, incident = _under(extend_percent=percent), an_incident(state, Level.STREET)
    most = (BOX if state is State.CALLING else 10 * BOX) * percent / 100
    for _ in range(2):  # of the box, not of what the first one made of it
        assert incident.due_at is not None
        with pytest.raises(ValidationFailed, match="The policy lets this deadline move to") as refused:
            _ask(incident, Arrow.EXTEND, incident.due_at + most + timedelta(microseconds=1), world)
        assert refused.value.errors[0].pointer == "/until"
        before, incident = incident.due_at, _extended(incident, world, most)
        assert incident.due_at == before + most


def test_in_working_time_the_part_of_the_box_is_working_time() -> None:
    world = _under(a_world(policy=3), 3, extend_percent=700)
    friday = reported(world, at=datetime.fromisoformat("2026-11-27T08:00:00Z")).after  # 16:00, an hour
    monday = datetime.fromisoformat("2026-11-30T08:00:00Z")  # an hour on Friday, six on Monday
    with pytest.raises(ValidationFailed, match="The policy lets this deadline move to 2026-11-30T16:00:00"):
        _ask(friday, Arrow.EXTEND, monday + timedelta(microseconds=1), world, friday.reported_at)
    assert _granted(friday, Arrow.EXTEND, monday, world, friday.reported_at).due_at == monday


@pytest.mark.parametrize(
    ("world", "most"), [(a_world(policy=2), 60 * DAY), (_under(a_world(policy=2), 2, hold_s=90), timedelta(seconds=90))]
)
def test_a_hold_lasts_as_long_as_its_policy_lets_it_and_no_longer(world: World, most: timedelta) -> None:
    incident = reported(world).after
    with pytest.raises(ValidationFailed, match="The policy lets a hold last until") as refused:
        _ask(incident, Arrow.HOLD, NOW + most + timedelta(microseconds=1), world)
    assert refused.value.errors[0].pointer == "/until"
    assert _granted(incident, Arrow.HOLD, NOW + most, world).due_at == NOW + most
