"""The words of the contract as types: an incident, its calls, the people who act, the world they act in.

Everything is frozen: a rule never changes what it was given, it returns what comes after. What a sweep makes by the
thousand (incidents, calls, events) are named tuples: a frozen dataclass costs five times as much to copy.
Times are aware UTC datetimes; durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID


class State(StrEnum):
    CALLING = "calling"
    ANSWERED = "answered"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


OPEN_STATES = frozenset(State) - {State.CLOSED}
CALL_OPEN_STATES = frozenset({State.CALLING, State.ANSWERED, State.ON_HOLD})


class DueKind(StrEnum):
    ANSWER = "answer"
    RESOLVE = "resolve"
    RESUME = "resume"
    VERIFY = "verify"


class Level(IntEnum):
    COMMUNITY = 1
    STREET = 2
    DEPARTMENT = 3
    LEADER = 4


class Arrow(StrEnum):
    """The arrows of the state diagram by their verb; `lifecycle.TRANSITIONS` gives each its letter."""

    ANSWER = "answer"
    RESOLVE = "resolve"
    RAISE = "raise"
    NO_ANSWER = "no_answer"
    NOT_RESOLVED = "not_resolved"
    RETURN = "return"
    ASSIGN = "assign"
    HOLD = "hold"
    RESUME = "resume"
    ACCEPT = "accept"
    REJECT = "reject"
    VERIFY_TIMEOUT = "verify_timeout"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    VOID = "void"
    MERGE = "merge"
    COMMENT = "comment"
    URGE = "urge"


class Kind(StrEnum):
    INCIDENT = "incident"
    SUGGESTION = "suggestion"
    DELIBERATION = "deliberation"


class Urgency(StrEnum):
    URGENT = "urgent"
    NORMAL = "normal"


class Clock(StrEnum):
    WORKING = "working"
    CONTINUOUS = "continuous"


class Cause(StrEnum):
    REPORT = "report"
    RAISED = "raised"
    NO_ANSWER = "no_answer"
    NOT_RESOLVED = "not_resolved"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    REJECTED = "rejected"
    REOPENED = "reopened"
    ARBITRATION = "arbitration"
    UNROUTED = "unrouted"


class Outcome(StrEnum):
    RESOLVED = "resolved"
    RAISED = "raised"
    NO_ANSWER = "no_answer"
    NOT_RESOLVED = "not_resolved"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    CLOSED = "closed"


class ClosedAs(StrEnum):
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    WITHDRAWN = "withdrawn"
    VOID = "void"
    MERGED = "merged"


class Ground(StrEnum):
    BEYOND_POWERS = "beyond_powers"
    JOINT_ACTION = "joint_action"
    EMERGENCY = "emergency"
    OTHER = "other"


class Role(StrEnum):
    REPORTER = "reporter"
    UNIT = "unit"
    AUDITOR = "auditor"
    OPS = "ops"


class UnitKind(StrEnum):
    DISTRICT = "district"
    COMMUNITY = "community"
    STREET = "street"
    COMMITTEE = "committee"
    TEAM = "team"
    STATION = "station"
    DEPARTMENT = "department"
    LEADER = "leader"
    PARTNER = "partner"


LEVEL_OF_KIND: Mapping[UnitKind, Level] = {
    UnitKind.COMMUNITY: Level.COMMUNITY,
    UnitKind.STREET: Level.STREET,
    UnitKind.COMMITTEE: Level.STREET,
    UnitKind.TEAM: Level.STREET,
    UnitKind.STATION: Level.STREET,
    UnitKind.DEPARTMENT: Level.DEPARTMENT,
    UnitKind.LEADER: Level.LEADER,
    UnitKind.DISTRICT: Level.LEADER,
}
"""Contract §3, "Unit kinds". A partner has no level: it assists, or answers as a member of its parent."""

DISTRICT_DIGITS, STREET_DIGITS, COMMUNITY_DIGITS, CELL_DIGITS = 6, 9, 12, 15
"""Lengths of the codes; each is a prefix of the next (contract §1, grid cell)."""


# --- who acts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a subject in one role. `unit` only for units, `area` (code prefix) only for reporters."""

    role: Role
    subject: str
    unit: str | None = None
    area: str | None = None


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
    """What a reporter sends, as far as the rules care. `urgency` None: the category's."""

    grid_code: str
    category: str
    reporter: str
    kind: Kind = Kind.INCIDENT
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does to an incident. `words` is the reason, result, comment or message they gave."""

    arrow: Arrow
    words: str | None = None
    ground: Ground | None = None
    answer: Mapping[str, Any] | None = None
    attachments: tuple[str, ...] = ()


# --- the world: registry and policies, replaced whole --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validity:
    """Half-open: in force from `valid_from`, no longer at `valid_to`."""

    valid_from: datetime
    valid_to: datetime | None = None

    def at(self, moment: datetime) -> bool:
        return self.valid_from <= moment and (self.valid_to is None or moment < self.valid_to)


@dataclass(frozen=True, slots=True)
class Unit:
    code: str
    name: str
    kind: UnitKind
    level: Level | None
    validity: Validity
    parent: str | None = None
    line_parent: str | None = None
    covers: tuple[str, ...] = ()
    in_charge_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    code: str
    name: str
    community: str
    validity: Validity


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name: str
    line: str
    urgency: Urgency
    validity: Validity
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Duty:
    """One item of the power-and-responsibility list: whose is this category in this area."""

    code: str
    title: str
    category: str
    area: str
    lead_unit: str
    validity: Validity
    assisting: tuple[str, ...] = ()
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """The two time boxes of one call, in seconds: `answer_s` from opening, `resolve_s` from answering."""

    answer_s: int
    resolve_s: int
    clock: Clock


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the time rules. `boxes` has a row for every level × urgency; the import refuses a hole."""

    code: str
    version: int
    boxes: Mapping[tuple[Level, Urgency], Box]
    verify_s: int
    reopen_s: int


# --- one incident ---------------------------------------------------------------------------------------------------


class Call(NamedTuple):
    """One unit asked, at one level, to respond. `outcome` is None exactly while it is open (contract §2)."""

    seq: int
    level: Level
    round: int
    unit: str
    from_unit: str | None
    cause: Cause
    opened_at: datetime
    answer_by: datetime
    clock: Clock
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


class Incident(NamedTuple):
    """Where one incident stands. What was said about it lives in `Report` and never changes.

    `calls_at` counts the calls so far at levels 1–4 (so a round needs no history), `rejects` the rejections since the
    last reopening, `sequence` the events so far, `audience` every unit ever called or assisting.
    `call` is the last call; it is open in `CALL_OPEN_STATES`.
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
    calls_at: tuple[int, int, int, int] = (0, 0, 0, 0)
    rejects: int = 0
    reopened_void: bool = False
    audience: tuple[str, ...] = ()
    closed_at: datetime | None = None
    closed_as: ClosedAs | None = None
    reopen_until: datetime | None = None

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
    """One fact in the log. `at_state` is the incident as of this event, `call` the `seq` it is about."""

    type: str
    sequence: int
    at: datetime
    at_state: Incident
    call: int
    by: By
    note: str | None = None


class Decision(NamedTuple):
    """What one act or one deadline brings about: saved whole, in one transaction, or not at all.

    `ended` is the call this decision changed, `opened` the one it opened; either may be None. `before` is None for a
    report. `because` says in words why the new call goes where it goes, or why the clock closed it.
    """

    before: Incident | None
    after: Incident
    ended: Call | None
    opened: Call | None
    events: tuple[Event, ...]
    because: str = ""
