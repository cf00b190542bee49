"""What happens next if nobody acts, step by step (contract §3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from typing_extensions import TypedDict

from service.rules.plan import Step
from service.rules.sight import Viewer
from service.rules.words import Arrow, Level


class PlanStep(TypedDict):
    """One step of a plan; `level` and `unit` are those after the step."""

    at: datetime
    arrow: Arrow
    level: Level
    unit: str
    because: str


class PlanView(TypedDict):
    """All steps of a plan: it has no further pages."""

    items: list[PlanStep]


def plan(viewer: Viewer, steps: Iterable[Step]) -> PlanView:
    """The view of the steps that the clock would take."""
    items: list[PlanStep] = [
        {"at": step.at, "arrow": step.arrow, "level": step.level, "unit": step.unit, "because": step.because}
        for step in steps
    ]
    return {"items": items}
