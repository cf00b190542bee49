"""The form of an arrow: from where it leads, by whom, what it does, and who or what stands in its way.

`lifecycle.TRANSITIONS` has the arrows themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.rules.access import Relation
from service.rules.acts import Act
from service.rules.model import Actor, Earlier, Incident
from service.rules.sentences import Sentence
from service.rules.story import Story, StoryOf
from service.rules.words import Arrow, Level, Role, State
from service.rules.world import World

NOBODY: frozenset[Relation] = frozenset()
ANY_LEVEL = frozenset(Level)

Effect = Callable[[Story, Act], None]
Bar = Callable[[Incident, Actor, World, datetime], Sentence | None]
"""Why an actor has no right to an arrow on this incident, though one of its relations admits it; None when it has the
right."""
Guard = Callable[[Incident, Arrow, Actor, World, datetime], Sentence | None]
"""Why an arrow is not possible for this actor now, though the state allows it, in words for a person; None when it is
possible."""
Reach = Callable[[Incident, Act, Actor], None]
"""Raises `NotYours` for an act that names what its actor has no right to, though it may use the arrow."""


class ClockEffect(Protocol):
    """The effect of an arrow that the clock fires: it never looks at the calls before the last one, since the sweep
    does not load them."""

    def __call__(self, story: StoryOf[Earlier], act: Act, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow. When `by` is empty, only the clock fires it. A relation in `never` bars an actor even if another one
    is in `by`. Ops alone may use it from the states `for_ops` as well.

    `bar` refuses an actor (403), `reach` what its act names (403), `guard` the arrow for now (409).
    """

    letter: str
    sources: frozenset[State]
    by: frozenset[Relation]
    effect: Effect
    levels: frozenset[Level] = ANY_LEVEL
    never: frozenset[Relation] = NOBODY
    bar: Bar | None = None
    guard: Guard | None = None
    reach: Reach | None = None
    for_ops: frozenset[State] = frozenset()

    def sources_of(self, actor: Actor) -> frozenset[State]:
        """The states from which an actor may use it."""
        return self.sources | self.for_ops if actor.role is Role.OPS else self.sources

    def why_not(self, incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
        """Why this arrow is not possible for this actor now, by state, level or guard; None when it is possible."""
        possible = self.sources_of(actor)
        if incident.state not in possible:
            sources = tuple(state for state in State if state in possible)
            return Sentence(
                "The incident is {state}: {verb} needs {sources:or}.", state=incident.state, verb=arrow, sources=sources
            )
        if incident.level not in self.levels:
            return Sentence(
                "The incident is at level {level}: {verb} is possible at level {levels:or}.",
                level=incident.level,
                verb=arrow,
                levels=tuple(sorted(self.levels)),
            )
        return self.guard(incident, arrow, actor, world, now) if self.guard else None


@dataclass(frozen=True, slots=True)
class ClockTransition(Transition):
    """One arrow that the clock fires; people may use only `resume` of these."""

    effect: ClockEffect
