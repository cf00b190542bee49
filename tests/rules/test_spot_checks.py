"""What is drawn for a spot check: the share that the policy says, exactly as anybody reckons it from the seed."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from service.rules import lifecycle, spot_checks
from service.rules import plan as plans
from service.rules.decisions import AnyDecision
from service.rules.figures.definition import Period
from service.rules.model import Incident
from service.rules.policy import FairPlay
from service.rules.words import Arrow, Credit, State
from service.rules.world import World
from tests.rules.builders import SEEDS, WORLD, a_drawn, act, an_incident, fired, half

SEED, ID = bytes(range(32)), UUID("01939f2c-7a10-7cc3-98c4-dc0c0c07398f")
CODE = "4c3950e485c18c08"
"""printf 01939f2c-7a10-7cc3-98c4-dc0c0c07398f |
openssl dgst -sha256 -mac HMAC -macopt hexkey:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f

begins with these, which is 29.77 percent of 2**64."""
NOVEMBER, DECEMBER = Period(2026, 11), Period(2026, 12)


def _world(percent: int) -> World:
    """The world, whose policies draw so many percent."""
    policies = {key: replace(each, fair_play=FairPlay(spot_check=percent)) for key, each in WORLD.policies.items()}
    return replace(WORLD, policies=policies)


def _closed(incident: Incident, percent: int, at: datetime, seeds: spot_checks.Seeds | None = SEEDS) -> AnyDecision:
    decision = lifecycle.tick(half(incident), _world(percent), at, seeds)
    assert decision is not None
    assert (decision.after.state, decision.after.closed_as) == (State.CLOSED, "unverified")
    return decision


def test_a_draw_is_reckoned_by_hand() -> None:
    assert math.floor(100 * int(CODE, 16) / 2**64) == 29
    assert [spot_checks.is_drawn(SEED, ID, percent) for percent in (0, 28, 29, 30, 31, 100)] == [False] * 3 + [True] * 3


@pytest.mark.parametrize("percent", [1, 5, 20, 50, 99])
def test_as_many_are_drawn_as_the_policy_says(percent: int) -> None:
    """Of ten thousand, within four standard deviations, whichever the seed."""
    chance = random.Random(20)
    ids = [UUID(int=chance.getrandbits(128)) for _ in range(10_000)]
    for seed in (SEED, bytes(32), SEEDS[NOVEMBER]):
        drawn = [each for each in ids if spot_checks.is_drawn(seed, each, percent)]
        share = percent / 100
        assert abs(len(drawn) - 10_000 * share) <= 4 * math.sqrt(10_000 * share * (1 - share))
        assert drawn == [each for each in ids if spot_checks.is_drawn(seed, each, percent)], "always the same"


def test_none_or_all_may_be_drawn() -> None:
    """Also the least and the greatest number that there is."""
    for n in range(2000):
        assert not spot_checks.is_drawn(SEED, UUID(int=n), 0)
        assert spot_checks.is_drawn(SEED, UUID(int=n), 100)


def test_more_are_drawn_where_the_share_is_larger() -> None:
    small, large = ({n for n in range(500) if spot_checks.is_drawn(SEED, UUID(int=n), share)} for share in (20, 40))
    assert small < large


@pytest.mark.parametrize("percent", [0, 29, 30, 100])
def test_closing_unverified_draws_by_the_policy(percent: int) -> None:
    resolved = an_incident(State.RESOLVED)._replace(id=ID)
    decision = _closed(resolved, percent, resolved.due_at or resolved.updated_at, {NOVEMBER: SEED, DECEMBER: SEED})
    assert decision.after.drawn == (percent > 29)
    assert decision.after.call.credit is Credit.UNVERIFIED
    assert decision.after == decision.events[-1].at_state
    [event] = decision.events
    assert set(event.facts or {}) == {"closed_as"}, "nobody hears from the log what was drawn"


def test_the_month_is_that_of_the_close_in_guangzhou() -> None:
    midnight, moment = DECEMBER.start, timedelta(microseconds=1)
    assert midnight == datetime(2026, 11, 30, 16, tzinfo=UTC)
    resolved = an_incident(State.RESOLVED)._replace(due_at=midnight - moment, wake_at=midnight - moment)
    of_november, of_december = SEEDS[NOVEMBER], SEEDS[DECEMBER]
    [number] = [n for n in range(50) if _differ(UUID(int=n), of_november, of_december)][:1]
    resolved = resolved._replace(id=UUID(int=number))
    for at, seed in ((midnight - moment, of_november), (midnight, of_december)):
        assert _closed(resolved, 50, at).after.drawn == spot_checks.is_drawn(seed, resolved.id, 50)
    late = resolved._replace(updated_at=midnight)  # by a process whose clock was a little ahead
    assert _closed(late, 50, midnight - moment).after.drawn == spot_checks.is_drawn(of_december, resolved.id, 50)


def _differ(incident_id: UUID, *seeds: bytes) -> bool:
    return len({spot_checks.is_drawn(each, incident_id, 50) for each in seeds}) > 1


def test_without_the_seed_of_the_month_nothing_closes() -> None:
    resolved = an_incident(State.RESOLVED)
    assert resolved.due_at is not None
    with pytest.raises(LookupError):
        _closed(resolved, 5, resolved.due_at, {DECEMBER: SEED})


def test_a_plan_draws_nothing() -> None:
    resolved = an_incident(State.RESOLVED)
    assert resolved.due_at is not None
    assert not _closed(resolved, 100, resolved.due_at, None).after.drawn
    assert [step.arrow for step in plans.plan(resolved, _world(100), resolved.updated_at)] == ["verify_timeout"]


def test_only_what_closes_unverified_is_drawn() -> None:
    assert not act(an_incident(State.RESOLVED), "reporter", Arrow.ACCEPT).after.drawn
    for state in (State.CALLING, State.ANSWERED, State.ON_HOLD):
        assert not fired(an_incident(state), seeds=SEEDS).after.drawn
    assert a_drawn().drawn
