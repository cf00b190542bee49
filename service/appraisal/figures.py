"""The figures of a month as somebody reads them: counted now, or frozen once the month is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from service.context import Context
from service.rules.errors import NotFound
from service.rules.figures import scoring
from service.rules.figures.corrections import CorrectedFigure, corrections
from service.rules.figures.definition import Grouping, Period, Tallies
from service.rules.model import Actor
from service.rules.policy import FairPlay, Policy, Weights
from service.rules.sentences import Sentence
from service.rules.sight import Sight, Viewer
from service.store.figures import frozen, months, seeds, tallies
from service.web.text import Month

_QUOTE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """The figures of a month by groups, as far as a sight goes. `policy` scores them. `begun_before`: the month had
    begun when the facts of fair play came into the figures. `seed`: that of the spot checks of a closed month.
    `corrections`: what is counted otherwise now than when the month was closed."""

    period: Period
    grouping: Grouping
    tallies: Tallies
    policy: Policy | None
    begun_before: bool = False
    closed_at: datetime | None = None
    seed: str | None = None
    corrections: Sequence[CorrectedFigure] = ()

    @property
    def rules(self) -> tuple[Weights, FairPlay]:
        """What scores the month."""
        return (self.policy.weights, self.policy.fair_play) if self.policy else (Weights(), FairPlay())

    @property
    def definition(self) -> Literal["before"] | None:
        """By which definition the month began; None: by the one that counts now."""
        return "before" if self.begun_before else None


def period_of(text: str) -> Period:
    """The month that a text names. Raises `NotFound` when it names none."""
    try:
        return Period.of(TypeAdapter(Month).validate_python(text))
    except ValidationError:
        raise NotFound(Sentence("{text} is no month, such as 2026-11.", text=text[:_QUOTE_LENGTH])) from None


async def figures(
    context: Context, caller: Actor, period: Period, grouping: Grouping, sight: Sight
) -> tuple[Viewer, MonthFigures]:
    """The figures of a month, and the viewer by whose registry they are named. All is read in one snapshot.

    Raises:
        Unavailable: the database cannot be reached, or is too busy.
    """
    async with context.database.patient.read() as connection:
        viewer = context.viewer(caller, await context.worlds.seen(connection))
        known = await months.known(connection, period)
        counted = await tallies.tallies(connection, period, grouping, sight)
        if known.closing is None:
            policy = scoring.policy_of(viewer.world, period, viewer.now)
            return viewer, MonthFigures(period, grouping, counted, policy, known.begun_before)
        was = await frozen.tallies(connection, period, grouping, sight)
        seed = await seeds.seed_of(connection, period)
    policy = None if known.closing.policy is None else viewer.world.policy(known.closing.policy)
    begun, closed_at, moved = known.begun_before, known.closing.at, corrections(was, counted)
    return viewer, MonthFigures(period, grouping, was, policy, begun, closed_at, seed and seed.seed, moved)
