"""What happens next if nobody acts: the arrows that the clock will fire, worked out ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.rules import lifecycle
from service.rules.model import Incident
from service.rules.sentences import Sentence
from service.rules.words import Arrow, Level
from service.rules.world import World

_MISSED = frozenset({Arrow.NO_ANSWER, Arrow.NOT_RESOLVED})


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan: at this instant the clock fires this arrow. `level` and `unit` are those after it has
    fired."""

    at: datetime
    arrow: Arrow
    level: Level
    unit: str
    because: Sentence


def plan(incident: Incident, world: World, now: datetime) -> tuple[Step, ...]:
    """The steps of the clock until the first re-call at level 4, or until the incident closes.

    A deadline that the clock puts right on its way is not a step, nor is a look that changes nothing anybody sees.
    """
    steps: list[Step] = []
    while incident.due_at is not None:
        at = max(min(incident.wake_at or incident.due_at, incident.due_at), incident.updated_at, now)
        level, arrow = incident.level, lifecycle.clock_arrow(incident, world, at)
        decision = lifecycle.tick(incident, world, at)
        if decision is None or arrow is None:
            break
        incident = decision.after
        if decision.events and arrow is not Arrow.RESCHEDULED:
            steps.append(Step(at, arrow, incident.level, incident.unit, decision.because))
        if level is Level.LEADER and arrow in _MISSED:
            break
    return tuple(steps)
