"""The types the rules work with: an incident, its calls, requests and ratings, and the people who act. What a decision
brings about is in `decisions`.

Every type is frozen: a rule never changes what it is given, but returns what comes after. What a sweep makes by the
thousand, such as incidents and calls, is a named tuple: a frozen dataclass costs five times as much to copy. Times are
aware UTC datetimes; a duration is a timedelta, or a number whose name ends in its unit.

An incident is loaded whole for people (`Incident`), without its earlier calls for the clock (`DueIncident`): two types,
so that no rule answers from calls never loaded. Build one with `IncidentOf(...)`: an alias costs five times as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from service.rules import logged
from service.rules.logged import ByUnit, ByView
from service.rules.words import (
    COMMUNITY_DIGITS,
    STREET_DIGITS,
    Cause,
    ClockKind,
    ClosedAs,
    Credit,
    DueKind,
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


class KeyQuota(NamedTuple):
    """How much the holder of a key may report a day, where the key says so; None: as the policy says."""

    reports: int | None = None
    urgent: int | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or system that acts: a subject in one role. Only units have a `unit`, only reporters an `area` (a code
    prefix). `member_of` is the unit that a partner (a property firm, an owners' committee) may answer for, and
    `answers_for` the categories in which, by prefix (None: it is no partner). `systems` are those in whose name the key
    reports; with `may_report_for` it also acts for named workers, each a subject of its own (`workers`). Ops hold the
    roles of auditor and security as well (`holds_all`) where nobody was ever given the last. A screen on a wall only
    reads (`reads_only`)."""

    role: Role
    subject: str
    unit: str | None = None
    area: str | None = None
    member_of: str | None = None
    answers_for: tuple[str, ...] | None = None
    systems: tuple[str, ...] = ()
    quota: KeyQuota | None = None
    holds_all: bool = False
    may_report_for: bool = False
    reads_only: bool = False


class By(NamedTuple):
    """The author of a fact, as written on calls and events; `kind` is reporter, unit, ops or clock."""

    kind: str
    subject: str | None = None
    unit: str | None = None

    def as_dict(self) -> ByView:
        return logged.author(*self)

    def without_person(self) -> ByUnit:
        """Whoever acted, as the log says it."""
        return logged.author(self.kind, None, self.unit)


CLOCK = By("clock")


class AssistingPart(NamedTuple):
    """The report of an assisting unit that its part of a call is done."""

    unit: str
    at: datetime
    comment: str | None = None


class Appeal(NamedTuple):
    """A unit's objection to a call counted as missed or as left late: made once, decided once. `outcome` is None while
    it waits."""

    reason: str | None
    by: By
    at: datetime
    decided_by: By | None = None
    decided_at: datetime | None = None
    decided_reason: str | None = None
    outcome: Verdict | None = None


class Rating(NamedTuple):
    """A reporter's rating of an outcome, from 1 to 5."""

    subject: str
    score: int


class Call(NamedTuple):
    """One unit asked, at one level, to respond. `outcome` is None exactly while the call is open (contract §2).

    A `binding` call was assigned by a leader and may not be returned. `rating` is the street's rating of a department,
    `outcome_rating` the reporters' rating of the outcome (`ratings`), both 1–5. An `exempt` call counts in no score: an
    appeal succeeded, or ops ended a flood. `answer_us` and `resolve_us` are the microseconds until its answer and its
    end, without holds. `urgency` and `category` are those of the incident when it was opened. `answer_cap` and
    `resolve_cap` are the latest that its deadlines may be (`deadlines`). `declined` are those of `assisting` that do so
    no longer; a partner answered a call `answered_by_member`. For what decides how much it counts, see `fair_play`."""

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
    urgency: Urgency | None = None
    credit: Credit | None = None
    box_used: int | None = None
    late_exit: bool = False
    self_reported: bool = False
    own_report: bool = False
    accountable: str | None = None
    accountable_seq: int | None = None
    held_s: int | None = None
    declined: tuple[str, ...] = ()
    answered_by_member: bool = False
    extended: bool = False
    withdrawn_late: bool = False
    answer_cap: datetime | None = None
    resolve_cap: datetime | None = None
    category: str | None = None
    outcome_mean: int | None = None
    outcome_ratings: tuple[Rating, ...] = ()


class Request(NamedTuple):
    """A hold or an extension that the unit of call number `call` asks for. `outcome` is None while the request is open.
    `box` is the box it stopped or moved, known once approved; `resumed_at` ends a hold; `granted` is what an extension
    added in the call's own clock, whatever the calendar becomes. `approver` is the unit that decides it, or lets its
    hold end early; None: only ops do."""

    n: int
    kind: RequestKind
    call: int
    until: datetime
    reason: str | None
    asked_by: By
    asked_at: datetime
    decided_by: By | None = None
    decided_at: datetime | None = None
    decided_reason: str | None = None
    outcome: Verdict | None = None
    box: DueKind | None = None
    resumed_at: datetime | None = None
    granted: timedelta | None = None
    approver: str | None = None


Earlier = TypeVar("Earlier", bound=tuple[Call, ...] | None, covariant=True)
"""The calls before the last one: all of them, or None where they are not loaded."""


class IncidentOf(NamedTuple, Generic[Earlier]):
    """The standing of one incident. What its reporter wrote is in its report and never changes.

    `call` is the last call, open in `CALL_OPEN_STATES`; `earlier` are the calls before it, oldest first.
    `calls_per_level` counts the calls so far at levels 1–4 (a round needs no history), `rejects` the rejections since
    the last reopening, `returns` the returns ever, `sequence` the events. `audience` is every unit ever called,
    assisting or asked to decide, and '@subject' of each reporter whose incident was merged into this one; `assisting`
    are the units that assist now, `rating` is the reporters' as it stands, `reporter_unit` the unit whose key reported
    it. It is `confidential` if its reporter said so. What closed as unverified may be `drawn` for a spot check. The
    clock looks next at `wake_at`: a warning, the deadline, or later after a fault. `warned` counts the marks passed in
    the running box; a deadline is `provisional` when its box reaches into a year whose holidays are not published."""

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
    earlier: Earlier
    version: int = 1
    sequence: int = 0
    calls_per_level: tuple[int, ...] = (0, 0, 0, 0)
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
    reporter_unit: str | None = None
    rating_mean: int | None = None
    drawn: bool = False
    confidential: bool = False
    requests: tuple[Request, ...] = ()

    @property
    def open_request(self) -> Request | None:
        """The request that waits to be decided, which can only be the last one."""
        last = self.requests[-1] if self.requests else None
        return last if last is not None and last.outcome is None else None

    @property
    def is_open(self) -> bool:
        return self.state is not State.CLOSED

    @property
    def community(self) -> str:
        return self.grid_code[:COMMUNITY_DIGITS]

    @property
    def street(self) -> str:
        return self.grid_code[:STREET_DIGITS]


Incident: TypeAlias = IncidentOf[tuple[Call, ...]]
DueIncident: TypeAlias = IncidentOf[None]
AnyIncident: TypeAlias = IncidentOf[tuple[Call, ...] | None]
