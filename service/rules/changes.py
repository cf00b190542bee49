"""The fields that a decision may change, by name and type: of an incident, of a call, of a request. `StoryOf` takes
them as keywords, so the type checker finds a misspelt one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

from service.rules.model import Appeal, AssistingPart, By, Call, Rating, Request
from service.rules.words import ClosedAs, Credit, DueKind, Kind, Level, Outcome, State, Urgency, Verdict


class BoxStart(TypedDict):
    """The fields of an incident whose call's box has just begun."""

    due_at: datetime
    due_kind: DueKind
    wake_at: datetime
    warned: int
    provisional: bool


class IncidentChange(TypedDict, total=False):
    """The fields of an incident that can change, except its earlier calls. Only `StoryOf` sets those of the last group:
    an arrow opens, ends and changes calls and requests by its methods."""

    state: State
    due_at: datetime | None
    due_kind: DueKind | None
    wake_at: datetime | None
    warned: int
    provisional: bool
    kind: Kind
    grid_code: str
    category: str
    urgency: Urgency
    rejects: int
    returns: int
    reopened_void: bool
    audience: tuple[str, ...]
    assisting: tuple[str, ...]
    rating: int | None
    rating_mean: int | None
    closed_at: datetime | None
    closed_as: ClosedAs | None
    reopen_until: datetime | None
    merged_into: UUID | None
    drawn: bool

    level: Level
    unit: str
    call: Call
    calls_per_level: tuple[int, ...]
    requests: tuple[Request, ...]
    version: int
    sequence: int
    updated_at: datetime


class CallEnd(TypedDict, total=False):
    """The fields of a call that its end fills, besides its outcome, time and author."""

    result: str | None
    attachments: tuple[str, ...]
    resolve_us: int
    end_code: str | None
    end_reason: str | None
    end_duty: str | None
    late_s: float
    credit: Credit


class CapChange(TypedDict, total=False):
    """The latest that the deadlines of a call may be."""

    answer_cap: datetime
    resolve_cap: datetime


class CallChange(CallEnd, CapChange, total=False):
    """The fields of a call that can change after it was opened."""

    urgency: Urgency
    answer_by: datetime
    resolve_by: datetime
    answered_at: datetime
    answer: Mapping[str, Any] | None
    answer_us: int
    assisting: tuple[str, ...]
    parts_done: tuple[AssistingPart, ...]
    declined: tuple[str, ...]
    answered_by_member: bool
    ended_at: datetime
    ended_by: By
    outcome: Outcome
    rating: int
    outcome_rating: int
    outcome_mean: int | None
    outcome_ratings: tuple[Rating, ...]
    appeal: Appeal
    exempt: bool
    box_used: int
    held_s: int | None
    late_exit: bool
    extended: bool
    withdrawn_late: bool


class RequestChange(TypedDict, total=False):
    """The fields of a request that can change after it was made."""

    outcome: Verdict
    decided_by: By
    decided_at: datetime
    decided_reason: str | None
    box: DueKind
    granted: timedelta | None
    resumed_at: datetime
