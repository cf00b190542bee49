"""Appraisal (考核): the figures that the calls of one month give for units, streets, departments, lines and levels.

This is the definition. `counting.py` counts by it, `store/figures/tallies.py` counts the same in SQL, and a test holds
the two together. A period is a calendar month in Asia/Shanghai, a call belongs to the month in which it was opened, and
only calls are counted. The facts of fair play (`rules/fair_play.py`) are stored on the call, and only added up here:

    calls               opened                          answered            answered at all
    answered_in_time    answered_at <= answer_by        answered_late       later: a person acted before the clock fired
    answered_by_member  answered by a partner of the unit, as if by itself
    resolved            outcome resolved; resolved_level_1 … _4: at that level
    resolved_in_time    and ended_at <= resolve_by, and the calling side has verified it
    unverified          and ended_at <= resolve_by, and nobody has looked at it
    pending             resolved, and not closed yet    rejected, reopened  resolved, and it was not so
    missed_answer       outcome no_answer               missed_resolve      outcome not_resolved
    missed              both of them
    accountable         missed_answer of a unit to which this one passed it on first: counts here and not there
    exempt              an appeal succeeded, or it was of a flood: stays in missed or late_exit, and is not scored;
                        exempt_answer before the call was answered, exempt_resolve after
    late_exit           passed on after the late mark, by the called unit itself; late_exit_answer and
                        late_exit_resolve are those that are scored, by the box that ran
    raised              outcome raised: no failure      returned            outcome returned
    returned_in_error   returned, and a later call of the incident was given to the same unit by a binding assignment
    assigned, corrected with this outcome               multi_hop           round > 1 and people passed it on: cause
                                                        raised, returned, or assigned at level 3 or 4
    closed              outcome closed                  open                no outcome yet
    merged              closed into another incident    withdrawn_late      taken back after the late mark
    voided              closed as no incident           voided_in_error     and reopened, and resolved then
    self_reported       reported by the unit itself, above or below it
    holds               on hold at least once; held_s: seconds                extended            by an extension
    street_rated        a level-3 call its street rated reporter_rated      the reporter rated the outcome, or several
                                                        did: their mean is the one rating of the call; neither has
                                                        what is self-reported

    answerable          answered, or missed unanswered  resolvable          resolved and not pending, or missed
                        neither has what did not go well and is exempt, what went well and was self-reported, what the
                        unit or one below it reported, and misses for which another unit is accountable
    answered_credited   answered_in_time, resolved_credited resolved_in_time, unverified_credited unverified: without
                        what is self-reported
    answer_s, resolve_s seconds from opened_at to answered_at, or to ended_at of resolved calls, without the time on
                        hold: median and 90th percentile, interpolated between neighbours, to the millisecond
    score               100 × the weighted mean of the parts that have data, each a share from 0 to 1:
                        answered  answered_credited / (answerable + accountable + late exits)
                        resolved  (resolved_credited + a share of unverified_credited) / (resolvable + late exits)
                        street    stars of streets / (5 × street_rated)
                        reporter  stars of reporters / (5 × reporter_rated)
                        weights and shares are those of the policy in force when the period ends, or now if it has not
                        ended; a weight of 0 leaves a part out; null when nothing counts

When a month is closed, all of this is frozen: counts, seconds, stars, durations, and the policy. What adds up is
corrected afterwards (`corrections.py`); a median or a percentile of a closed month stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from service.rules.figures.percentiles import Spread
from service.rules.words import STREET_DIGITS, Credit, Level
from service.rules.worktime import ZONE
from service.rules.world import World


class Grouping(StrEnum):
    """The ways to group the calls of a month."""

    UNIT = "unit"
    STREET = "street"
    DEPARTMENT = "department"
    LINE = "line"
    LEVEL = "level"


class Measure(StrEnum):
    """The measures of a month, in the order in which they are shown."""

    CALLS = "calls"
    ANSWERED = "answered"
    ANSWERED_IN_TIME = "answered_in_time"
    ANSWERED_LATE = "answered_late"
    ANSWERED_BY_MEMBER = "answered_by_member"
    RESOLVED = "resolved"
    RESOLVED_IN_TIME = "resolved_in_time"
    UNVERIFIED = "unverified"
    PENDING = "pending"
    REJECTED = "rejected"
    REOPENED = "reopened"
    RESOLVED_LEVEL_1 = "resolved_level_1"
    RESOLVED_LEVEL_2 = "resolved_level_2"
    RESOLVED_LEVEL_3 = "resolved_level_3"
    RESOLVED_LEVEL_4 = "resolved_level_4"
    MISSED = "missed"
    MISSED_ANSWER = "missed_answer"
    MISSED_RESOLVE = "missed_resolve"
    ACCOUNTABLE = "accountable"
    EXEMPT = "exempt"
    EXEMPT_ANSWER = "exempt_answer"
    EXEMPT_RESOLVE = "exempt_resolve"
    LATE_EXIT = "late_exit"
    LATE_EXIT_ANSWER = "late_exit_answer"
    LATE_EXIT_RESOLVE = "late_exit_resolve"
    RAISED = "raised"
    RETURNED = "returned"
    RETURNED_IN_ERROR = "returned_in_error"
    ASSIGNED = "assigned"
    CORRECTED = "corrected"
    MULTI_HOP = "multi_hop"
    CLOSED = "closed"
    MERGED = "merged"
    VOIDED = "voided"
    VOIDED_IN_ERROR = "voided_in_error"
    WITHDRAWN_LATE = "withdrawn_late"
    OPEN = "open"
    SELF_REPORTED = "self_reported"
    HOLDS = "holds"
    EXTENDED = "extended"
    ANSWERABLE = "answerable"
    RESOLVABLE = "resolvable"
    ANSWERED_CREDITED = "answered_credited"
    RESOLVED_CREDITED = "resolved_credited"
    UNVERIFIED_CREDITED = "unverified_credited"
    STREET_RATED = "street_rated"
    REPORTER_RATED = "reporter_rated"


RESOLVED_AT: Mapping[Level, Measure] = {level: Measure(f"resolved_level_{level}") for level in Level}
PARTS: Mapping[Measure, tuple[Measure, ...]] = {
    Measure.ANSWERED: (Measure.ANSWERED_IN_TIME, Measure.ANSWERED_LATE),
    Measure.RESOLVED: tuple(RESOLVED_AT.values()),
    Measure.MISSED: (Measure.MISSED_ANSWER, Measure.MISSED_RESOLVE),
    Measure.EXEMPT: (Measure.EXEMPT_ANSWER, Measure.EXEMPT_RESOLVE),
}
"""The measures that are sums of others. No call is in two parts of one sum."""
SCORED = (
    Measure.ANSWERABLE,
    Measure.RESOLVABLE,
    Measure.ANSWERED_CREDITED,
    Measure.RESOLVED_CREDITED,
    Measure.UNVERIFIED_CREDITED,
)
"""The measures that are shown within the parts of a score alone."""
CREDITED: Mapping[Credit, Measure] = {
    Credit.PENDING: Measure.PENDING,
    Credit.REJECTED: Measure.REJECTED,
    Credit.REOPENED: Measure.REOPENED,
}
"""The measure of resolved calls that have this credit, whether in time or not."""
UNKNOWN_LINE = "unknown"
"""The line of a category that the registry never had."""


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month in Asia/Shanghai, half-open: from `start` until `end` (UTC)."""

    year: int
    month: int

    @classmethod
    def of(cls, text: str) -> Period:
        """The period that a text YYYY-MM names; the caller has checked the text."""
        year, month = text.split("-")
        return cls(int(year), int(month))

    @classmethod
    def at(cls, moment: datetime) -> Period:
        """The period in which a moment lies."""
        local = moment.astimezone(ZONE)
        return cls(local.year, local.month)

    @property
    def next(self) -> Period:
        """The period after this one."""
        return Period.at(self.end)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=ZONE).astimezone(UTC)

    @property
    def end(self) -> datetime:
        carry, month = divmod(self.month, 12)
        return datetime(self.year + carry, month + 1, 1, tzinfo=ZONE).astimezone(UTC)

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


class CallFacts(NamedTuple):
    """The facts of one call that are counted: columns of `call`, or what `ledger` reads from the log. `end_code` is
    that of a closed call."""

    incident_id: UUID
    seq: int
    level: int
    round: int
    unit: str
    grid_code: str
    category: str
    cause: str
    opened_at: datetime
    answer_by: datetime | None
    resolve_by: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    binding: bool = False
    rating: int | None = None
    outcome_rating: int | None = None
    exempt: bool = False
    answer_us: int | None = None
    resolve_us: int | None = None
    end_code: str | None = None
    credit: str | None = None
    late_exit: bool = False
    withdrawn_late: bool = False
    self_reported: bool = False
    own_report: bool = False
    accountable_seq: int | None = None
    held_s: int | None = None
    extended: bool = False
    answered_by_member: bool = False
    outcome_mean: int | None = None


class Tally(NamedTuple):
    """The figures of one group. `street_stars` and `reporter_stars` are the sums of the ratings that streets and
    reporters gave, those of reporters to hundredths; `held_s` is that of the seconds on hold."""

    counts: Mapping[Measure, int]
    street_stars: int = 0
    reporter_stars: int | Fraction = 0
    answer_s: Spread = Spread()
    resolve_s: Spread = Spread()
    held_s: int = 0


class Tallies(NamedTuple):
    """The tally of every group by its code, and the tally of all of them together."""

    groups: Mapping[str, Tally]
    total: Tally


# --- what follows from the counts -------------------------------------------------------------------------------------


def summed(counts: Mapping[Measure, int]) -> dict[Measure, int]:
    """The counts, together with those that follow from others, in the order in which they are shown."""
    sums = {whole: sum(counts.get(part, 0) for part in parts) for whole, parts in PARTS.items()}
    return {measure: sums.get(measure, counts.get(measure, 0)) for measure in Measure}


# --- the groups -----------------------------------------------------------------------------------------------------


def group_of(grouping: Grouping, call: CallFacts, world: World) -> str | None:
    """The code of a call's group; None when this grouping leaves the call out."""
    if grouping is Grouping.DEPARTMENT:
        return call.unit if call.level == Level.DEPARTMENT else None
    if grouping is Grouping.LINE:
        return _line_of(call.category, call.opened_at, world)
    if grouping is Grouping.STREET:
        return call.grid_code[:STREET_DIGITS]
    return str(call.level) if grouping is Grouping.LEVEL else call.unit


def _line_of(category: str, at: datetime, world: World) -> str:
    """The line of the category's row in force at `at`; for a category that had ended, that of its last row."""
    rows = world.categories.get(category, ())
    begun = [row for row in rows if row.validity.valid_from <= at] or list(rows[:1])
    return begun[-1].line if begun else UNKNOWN_LINE
