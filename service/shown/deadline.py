"""How `due_at` came about: the row of the policy, every stretch that counts, every hold and extension, and the sum."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from typing_extensions import TypeAliasType, TypedDict

from service.rules import deadlines, pinning
from service.rules.model import Call, Incident
from service.rules.sentences import Sentence
from service.rules.sight import Viewer
from service.rules.words import ClockKind, DueKind, Level, State, Urgency
from service.shown.aspect import aspect_of
from service.shown.references import PolicyReference
from service.shown.request import RequestView, request


class AppliedRowView(TypedDict):
    """The row of the policy that applies, with its boxes in seconds of the call's clock. `category` is the prefix that
    the row is for; null: every category that no prefix matches."""

    level: Level
    urgency: Urgency
    category: str | None
    answer_s: int
    resolve_s: int


CountedSegment = TypedDict("CountedSegment", {"from": datetime, "to": datetime, "counted_s": float})
"""A stretch of time, and how many seconds of it count."""


class ClosedDeadline(TypedDict):
    """A closed incident has no deadline."""

    due_at: None
    due_kind: None
    because: str


class VerifyDeadline(TypedDict):
    """The deadline of a resolved incident, until which the calling side may verify it, in continuous time."""

    due_at: datetime
    due_kind: DueKind | None
    policy: PolicyReference
    clock: ClockKind
    box: Literal["verify"]
    box_s: int
    start: datetime | None
    counted_s: float
    provisional: bool


class CapView(TypedDict):
    """The latest that a deadline of the open call may be, which a merge or a correction brought. `is_reached`: the box
    alone would give a later one."""

    box: Literal["answer", "resolve"]
    at: datetime
    is_reached: bool
    because: str


class CallDeadline(TypedDict):
    """The deadline of an open call. `left_s` is the time of the box that a hold keeps, which may be that of a cap; null
    when the call is not on hold. `caps` are the limits that the deadlines of this call have besides its boxes."""

    due_at: datetime
    due_kind: DueKind | None
    policy: PolicyReference
    row: AppliedRowView
    clock: ClockKind
    calendar: str | None
    box: Literal["answer", "resolve"]
    box_s: int
    start: datetime
    segments: list[CountedSegment]
    adjusted_by: list[RequestView]
    counted_s: float
    left_s: float | None
    provisional: bool
    caps: list[CapView]


DeadlineView = TypeAliasType("DeadlineView", ClosedDeadline | VerifyDeadline | CallDeadline)


def deadline(viewer: Viewer, incident: Incident) -> DeadlineView:
    """The view of an incident's deadline, by the world that the viewer sees."""
    if incident.due_at is None:
        because = Sentence("The incident is closed: nothing is due any more.")
        return {"due_at": None, "due_kind": None, "because": because}
    if incident.state is State.RESOLVED:
        return _verify(viewer, incident, incident.due_at)
    return _call(viewer, incident, incident.due_at)


def _verify(viewer: Viewer, incident: Incident, due_at: datetime) -> VerifyDeadline:
    policy = pinning.policy_of(viewer.world, incident)
    return {
        "due_at": due_at,
        "due_kind": incident.due_kind,
        "policy": {"code": policy.code, "version": policy.version},
        "clock": ClockKind.CONTINUOUS,
        "box": "verify",
        "box_s": policy.verify_s,
        "start": incident.call.ended_at,
        "counted_s": float(policy.verify_s),
        "provisional": False,
    }


def _call(viewer: Viewer, incident: Incident, due_at: datetime) -> CallDeadline:
    call, policy = incident.call, pinning.policy_of(viewer.world, incident)
    aspect = aspect_of(viewer, incident)
    standing = deadlines.standing(incident, viewer.world)
    timer = pinning.timer_of(viewer.world, incident, call.clock)
    counted = [each for start, end in standing.stretches for each in timer.segments(start, end)]
    working = call.clock is ClockKind.WORKING and policy.hours is not None
    return {
        "due_at": due_at,
        "due_kind": incident.due_kind,
        "policy": {"code": policy.code, "version": policy.version},
        "row": _policy_row(viewer, incident),
        "clock": call.clock,
        "calendar": policy.hours.calendar if policy.hours and working else None,
        "box": "answer" if call.answered_at is None else "resolve",
        "box_s": standing.box_s,
        "start": standing.start,
        "segments": [
            {"from": each.start, "to": each.end, "counted_s": each.counted.total_seconds()} for each in counted
        ],
        "adjusted_by": [request(aspect, each) for each in standing.adjusted_by],
        "counted_s": sum((each.counted for each in counted), timedelta()).total_seconds(),
        "left_s": None if standing.left is None else standing.left.total_seconds(),
        "provisional": incident.provisional,
        "caps": _caps(call, standing.is_capped, viewer.now),
    }


def _caps(call: Call, is_reached: bool, now: datetime) -> list[CapView]:
    """The caps that limit the deadlines of a call from now on, each explained."""
    caps: list[CapView] = []
    if call.answered_at is None and call.answer_cap is not None:
        because = Sentence(
            "An answer is due at {cap} at the latest: so it was in an incident merged into this one, or before a "
            "correction.",
            cap=call.answer_cap,
        )
        caps.append({"box": "answer", "at": call.answer_cap, "is_reached": is_reached, "because": because})
    if call.resolve_cap is not None:
        because = _resolution(call, call.resolve_cap, now)
        is_reached = is_reached and call.answered_at is not None
        caps.append({"box": "resolve", "at": call.resolve_cap, "is_reached": is_reached, "because": because})
    return caps


def _resolution(call: Call, cap: datetime, now: datetime) -> Sentence:
    if call.answered_at is None and deadlines.leaves_an_hour(call, cap, now):
        return Sentence(
            "Once it is answered, the resolution is due at {cap} at the latest, but no earlier than an hour after the "
            "answer: so it was in an incident merged into this one, or before a correction.",
            cap=cap,
        )
    return Sentence(
        "The resolution is due at {cap} at the latest: so it was in an incident merged into this one, or before a "
        "correction.",
        cap=cap,
    )


def _policy_row(viewer: Viewer, incident: Incident) -> AppliedRowView:
    level, urgency = incident.call.level, incident.call.urgency or incident.urgency
    box = deadlines.boxes_of(incident.call, incident, viewer.world)
    return {
        "level": level,
        "urgency": urgency,
        "category": box.category or None,
        "answer_s": box.answer_s,
        "resolve_s": box.resolve_s,
    }
