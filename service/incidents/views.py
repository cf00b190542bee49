"""The incident, its calls and its plan as the contract writes them (§3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from service.readers import rows
from service.rules.lifecycle import Step
from service.rules.model import Call
from service.rules.world import World


def incident(row: Mapping[Any, Any], calls: Iterable[Call], world: World, now: datetime) -> dict[str, Any]:
    """One incident with its calls, oldest first. `row` joins `incident` and `report`."""
    return {**rows.row(row, world, now), "calls": [_call(each) for each in calls], "requests": []}


def _call(call: Call) -> dict[str, Any]:
    return {
        "seq": call.seq,
        "level": call.level,
        "round": call.round,
        "unit": call.unit,
        "from_unit": call.from_unit,
        "cause": call.cause,
        "ground": call.ground,
        "reason": call.reason,
        "opened_at": call.opened_at,
        "answer_by": call.answer_by,
        "resolve_by": call.resolve_by,
        "clock": call.clock,
        "answered_at": call.answered_at,
        "answer": call.answer,
        "ended_at": call.ended_at,
        "ended_by": call.ended_by.as_dict() if call.ended_by else None,
        "outcome": call.outcome,
        "result": call.result,
        "end_code": call.end_code,
        "end_reason": call.end_reason,
        "late_s": call.late_s,
        "binding": call.binding,
        "assisting": call.assisting,
        "rating": call.rating,
        "attachments": call.attachments,
    }


def plan(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What happens next if nobody acts; `level` and `unit` are those after each step."""
    return [
        {"at": step.at, "arrow": step.arrow, "level": step.level, "unit": step.unit, "because": step.because}
        for step in steps
    ]
