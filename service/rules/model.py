"""The types the rules work with: an incident, its calls, the people who act, what a decision brings about.

Everything is frozen: a rule never changes what it was given, it returns what comes after. What a sweep makes by the
thousand (incidents, calls, events) are named tuples: a frozen dataclass costs five times as much to copy.
Times are aware UTC datetimes; durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from service.rules.words import (
    COMMUNITY_DIGITS,
    STREET_DIGITS,
    Arrow,
    Cause,
    ClockKind,
    ClosedAs,
    DueKind,
    EventType,
    Ground,
    Kind,
    Level,
    Outcome,
    RequestKind,
    Role,
    State,
    Urgency,
    Verdict,
)

# --- who acts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a subject in one role. `unit` only for units, `area` (code prefix) only for reporters.

    `member_of`: the unit that a partner (a property firm, an owners' committee) belongs to and may answer for.
    """

    role: Role
    subject: str
    unit: str | None = None
    area: str | None = None
    member_of: str | None = None


class By(NamedTuple):
    """Who did it, as written on calls and events. `kind`: reporter, unit, ops or clock."""

    kind: str
    subject: str | None = None
    unit: str | None = None

    def as_dict(self) -> Mapping[str, str]:
        return _parts(self)


@lru_cache(maxsize=4096)  # a sweep writes the same one three times a row
def _parts(by: By) -> Mapping[str, str]:
    parts = {"kind": by.kind, "subject": by.subject, "unit": by.unit}
    return {key: value for key, value in parts.items() if value is not None}


CLOCK = By("clock")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reporter sends, as far as the rules care. `grid_code` None: the point they sent lies in no known cell.
    `urgency` None: the category's."""

    grid_code: str | None
    category: str
    reporter: str
    kind: Kind = Kind.INCIDENT
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does to an incident. `words`: the reason, result, comment or message they gave; `code`: of a return
    or void, and `duty` that a return cites; `units`: assigned to, or to assist; `until`: of a hold or extension;
    `request`, `call`: the number of the one that is meant; `into`: the incident to merge into."""

    arrow: Arrow
    words: str | None = None
    ground: Ground | None = None
    answer: Mapping[str, Any] | None = None
    attachments: tuple[str, ...] = ()
    until: datetime | None = None
    request: int | None = None
    code: str | None = None
    duty: str | None = None
    units: tuple[str, ...] = ()
    call: int | None = None
    score: int | None = None
    into: UUID | None = None


# --- one incident ---------------------------------------------------------------------------------------------------


class AssistingPart(NamedTuple):
    """An assisting unit's share of a call is done."""

    unit: str
    at: datetime
    comment: str | None = None


class Appeal(NamedTuple):
    """What a unit says against a call counted as missed: once, decided once. `outcome` is None while it waits."""

    reason: str
    by: By
    at: datetime
    decided_by: By | None = None
    decided_at: datetime | None = None
    decided_reason: str | None = None
    outcome: Verdict | None = None


class Call(NamedTuple):
    """One unit asked, at one level, to respond. `outcome` is None exactly while it is open (contract §2).

    `binding`: a leader gave it to this unit, which may not return it. `rating` is the street's of a department,
    `outcome_rating` the reporter's of what came of it, both 1–5. `exempt`: an appeal succeeded: missed, but not scored.
    `answer_us`, `resolve_us`: microseconds until its answer, its resolution, without what it was on hold.
    """

    seq: int
    level: Level
    round: int
    unit: str
    from_unit: str | None
    cause: Cause
    opened_at: datetime
    answer_by: datetime
    clock: ClockKind
    ground: Ground | None = None
    reason: str | None = None
    resolve_by: datetime | None = None
    answered_at: datetime | None = None
    answer: Mapping[str, Any] | None = None
    ended_at: datetime | None = None
    ended_by: By | None = None
    outcome: Outcome | None = None
    result: str | None = None
    end_code: str | None = None
    end_reason: str | None = None
    late_s: float | None = None
    binding: bool = False
    assisting: tuple[str, ...] = ()
    rating: int | None = None
    attachments: tuple[str, ...] = ()
    end_duty: str | None = None
    parts_done: tuple[AssistingPart, ...] = ()
    outcome_rating: int | None = None
    appeal: Appeal | None = None
    exempt: bool = False
    answer_us: int | None = None
    resolve_us: int | None = None


class Request(NamedTuple):
    """A hold or an extension asked for by the unit of call number `call`. `outcome` is None while it is open.
    `box` is the one it stopped or moved, known once approved; `resumed_at` ends a hold; `granted`: what an extension
    added in the call's own clock, whatever the calendar becomes.
    """

    n: int
    kind: RequestKind
    call: int
    until: datetime
    reason: str
    asked_by: By
    asked_at: datetime
    decided_by: By | None = None
    decided_at: datetime | None = None
    decided_reason: str | None = None
    outcome: Verdict | None = None
    box: DueKind | None = None
    resumed_at: datetime | None = None
    granted: timedelta | None = None


class Incident(NamedTuple):
    """Where one incident stands. What was said about it lives in `Report` and never changes.

    `calls_at` counts the calls so far at levels 1–4 (so a round needs no history), `rejects` the rejections since the
    last reopening, `returns` the returns ever, `sequence` the events so far, `audience` every unit ever called or
    assisting, and '@subject' of whose incidents were merged into this one. `assisting` are the units that assist now,
    `rating` is the reporter's of the outcome as it stands.
    `call` is the last call; it is open in `CALL_OPEN_STATES`. `wake_at` is when the clock must look next: a warning,
    the deadline, or later after a fault. `warned` counts the warning marks passed in the box that runs,
    `provisional` says that the deadline lies beyond the days that are known. `earlier` are the calls before the last:
    loaded for what people do, not for the clock, which never needs them.
    """

    id: UUID
    number: str
    kind: Kind
    state: State
    level: Level
    unit: str
    grid_code: str
    category: str
    urgency: Urgency
    reporter: str
    policy: tuple[str, int]
    reported_at: datetime
    updated_at: datetime
    due_at: datetime | None
    due_kind: DueKind | None
    wake_at: datetime | None
    call: Call
    version: int = 1
    sequence: int = 0
    calls_at: tuple[int, ...] = (0, 0, 0, 0)
    rejects: int = 0
    reopened_void: bool = False
    audience: tuple[str, ...] = ()
    closed_at: datetime | None = None
    closed_as: ClosedAs | None = None
    reopen_until: datetime | None = None
    warned: int = 0
    provisional: bool = False
    returns: int = 0
    assisting: tuple[str, ...] = ()
    rating: int | None = None
    merged_into: UUID | None = None
    requests: tuple[Request, ...] = ()
    earlier: tuple[Call, ...] = ()

    @property
    def open_request(self) -> Request | None:
        """The one that waits to be decided: only the last can."""
        last = self.requests[-1] if self.requests else None
        return last if last is not None and last.outcome is None else None

    def call_numbered(self, seq: int) -> Call | None:
        """The call with this `seq`, among those that are loaded."""
        if seq == self.call.seq:
            return self.call
        return self.earlier[seq - 1] if 0 < seq <= len(self.earlier) else None

    @property
    def is_open(self) -> bool:
        return self.state is not State.CLOSED

    @property
    def community(self) -> str:
        return self.grid_code[:COMMUNITY_DIGITS]

    @property
    def street(self) -> str:
        return self.grid_code[:STREET_DIGITS]


class Event(NamedTuple):
    """One fact in the log. `at_state` is the incident as of this event, `call` the `seq` it is about; `facts` is what
    the log alone must be able to tell of it besides: a code, a score."""

    type: EventType
    sequence: int
    at: datetime
    at_state: Incident
    call: int
    by: By
    note: str | None = None
    facts: Mapping[str, Any] | None = None


class Decision(NamedTuple):
    """What one act or one deadline brings about: saved whole, in one transaction, or not at all.

    `ended` is the call this decision changed, of any age; `opened` the one it opened; either may be None. `request` is
    the one it opened, decided or resumed. `before` is None for a report. `because` says in words why the new call goes
    where it goes, or why the clock closed it.
    """

    before: Incident | None
    after: Incident
    ended: Call | None
    opened: Call | None
    events: tuple[Event, ...]
    because: str = ""
    request: Request | None = None

    @property
    def changes_a_call(self) -> bool:
        """Whether a call that was there before is not what it was."""
        before, ended = self.before, self.ended
        return before is not None and ended is not None and before.call_numbered(ended.seq) != ended
