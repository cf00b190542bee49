"""An incident goes by the policy it was reported under, and still by one when that was lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.rules import lifecycle, pinning, plan
from service.rules.model import Incident
from service.rules.policy import Activation
from service.rules.words import State
from tests.rules.builders import NOW, WORLD, an_incident, later, reported

LOST = ("lost", 9)


def _lost(state: State) -> Incident:
    return an_incident(state)._replace(policy=LOST)


def test_the_pinned_version_counts_while_it_is_there() -> None:
    incident = reported().after
    assert not pinning.is_lost(WORLD, incident)
    assert pinning.key_of(WORLD, incident) == incident.policy
    assert pinning.policy_of(WORLD, incident) is WORLD.policies[incident.policy]


def test_a_lost_version_gives_way_to_that_of_its_time() -> None:
    incident = _lost(State.CALLING)
    assert pinning.is_lost(WORLD, incident)
    active = WORLD.active(incident.reported_at)
    assert active is not None
    assert pinning.policy_of(WORLD, incident) is active


def test_before_all_activations_the_first_one_counts() -> None:
    first, *_ = WORLD.activations
    after = replace(WORLD, activations=(Activation(later(hours=5), first.code, first.version),))
    assert pinning.key_of(after, _lost(State.CALLING)) == (first.code, first.version)
    with pytest.raises(LookupError):
        pinning.key_of(replace(WORLD, activations=()), _lost(State.CALLING))


@pytest.mark.parametrize("state", [State.CALLING, State.ANSWERED, State.ON_HOLD, State.RESOLVED])
def test_the_clock_fires_an_incident_whose_policy_is_lost(state: State) -> None:
    incident, known = _lost(state), an_incident(state)
    assert incident.due_at is not None
    decision = lifecycle.tick(incident, WORLD, incident.due_at)
    expected = lifecycle.tick(known, WORLD, incident.due_at)
    assert decision is not None and expected is not None
    assert decision.after == expected.after._replace(policy=LOST)
    assert plan.plan(incident, WORLD, NOW) == plan.plan(known, WORLD, NOW)
