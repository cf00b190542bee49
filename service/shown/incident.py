"""The incident, its calls and its plan as the contract writes them (§3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from service.rules import deadlines
from service.rules.model import Call, Incident, Request
from service.rules.plan import Step
from service.rules.words import ClockKind, State
from service.rules.world import World
from service.shown import row as rows
from service.store.incidents.call_rows import appeal_as_json


def incident(
    row: Mapping[Any, Any], calls: Iterable[Call], requests: Iterable[Request], world: World, now: datetime
) -> dict[str, Any]:
    """One incident with its calls and requests, oldest first. `row` joins `incident` and `report`."""
    shown = rows.row(row, world, now)
    return {**shown, "calls": [_call(each) for each in calls], "requests": [_request(each) for each in requests]}


def _request(request: Request) -> dict[str, Any]:
    return {
        "n": request.n,
        "kind": request.kind,
        "call": request.call,
        "until": request.until,
        "reason": request.reason,
        "asked_by": request.asked_by.as_dict(),
        "asked_at": request.asked_at,
        "decided_by": request.decided_by.as_dict() if request.decided_by else None,
        "decided_at": request.decided_at,
        "decided_reason": request.decided_reason,
        "outcome": request.outcome,
        "resumed_at": request.resumed_at,
        "granted_s": request.granted.total_seconds() if request.granted else None,
    }


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
        "end_duty": call.end_duty,
        "parts_done": [part._asdict() for part in call.parts_done],
        "outcome_rating": call.outcome_rating,
        "appeal": appeal_as_json(call.appeal) if call.appeal else None,
        "exempt": call.exempt,
    }


def deadline(incident: Incident, world: World) -> dict[str, Any]:
    """How `due_at` came about: the policy's row, every stretch that counts, every pause and extension, and the sum."""
    told: dict[str, Any] = {"due_at": incident.due_at, "due_kind": incident.due_kind}
    if incident.due_at is None:
        return {**told, "because": "The incident is closed: nothing is due any more."}
    if incident.state is State.RESOLVED:
        return {**told, **_verify(incident, world)}
    call, policy = incident.call, world.policy(incident.policy)
    box = policy.box(call.level, incident.urgency, incident.category)
    standing = deadlines.standing(incident, world)
    timer = world.timer(incident.policy, call.clock)
    segments = [each for start, end in standing.stretches for each in timer.segments(start, end)]
    working = call.clock is ClockKind.WORKING and policy.hours is not None
    return {
        **told,
        "policy": {"code": policy.code, "version": policy.version},
        "row": {
            "level": call.level,
            "urgency": incident.urgency,
            "category": box.category or None,
            "answer_s": box.answer_s,
            "resolve_s": box.resolve_s,
        },
        "clock": call.clock,
        "calendar": policy.hours.calendar if policy.hours and working else None,
        "box": "answer" if call.answered_at is None else "resolve",
        "box_s": standing.box_s,
        "start": standing.start,
        "segments": [
            {"from": each.start, "to": each.end, "counted_s": each.counted.total_seconds()} for each in segments
        ],
        "adjusted_by": [_request(each) for each in standing.adjusted_by],
        "counted_s": sum((each.counted for each in segments), timedelta()).total_seconds(),
        "left_s": None if standing.left is None else standing.left.total_seconds(),
        "provisional": incident.provisional,
    }


def _verify(incident: Incident, world: World) -> dict[str, Any]:
    policy = world.policy(incident.policy)
    return {
        "policy": {"code": policy.code, "version": policy.version},
        "clock": ClockKind.CONTINUOUS,
        "box": "verify",
        "box_s": policy.verify_s,
        "start": incident.call.ended_at,
        "counted_s": float(policy.verify_s),
        "provisional": False,
    }


def plan(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What happens next if nobody acts; `level` and `unit` are those after each step."""
    return [
        {"at": step.at, "arrow": step.arrow, "level": step.level, "unit": step.unit, "because": step.because}
        for step in steps
    ]
