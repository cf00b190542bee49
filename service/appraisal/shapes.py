"""The typed shapes of figures and of the calls behind them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from typing_extensions import TypedDict

from service.rules.figures.definition import Grouping
from service.rules.words import Cause, Credit, Level, Outcome
from service.shown.call import AccountableView
from service.shown.references import PolicyReference, UnitName


class CountView(TypedDict):
    """How many calls, and the query that lists them."""

    n: int
    calls: str


class SpreadView(TypedDict):
    """The median and the 90th percentile of a duration in seconds, and the query that lists its calls."""

    median: float | None
    p90: float | None
    calls: str


class RatingView(CountView):
    """How many calls were rated, and the mean of their stars."""

    mean: float | None


class RateView(TypedDict):
    """`n` of `of` as a share from 0 to 1, and its Wilson interval of 95 %; null when `of` is 0."""

    n: float
    of: int
    rate: float | None
    low: float | None
    high: float | None


class RatesView(TypedDict):
    """The rates of what counts: answered in time, and resolved in time and verified."""

    answered_in_time: RateView
    resolved_in_time: RateView


class ScorePartView(TypedDict):
    """One part of a score: `n` out of `of`, its weight, and the query that lists its calls. A late exit and a
    resolution that nobody verified count as shares of a call."""

    n: float
    of: float
    weight: int
    calls: str


class ScorePartsView(TypedDict):
    """The four parts of a score."""

    answered: ScorePartView
    resolved: ScorePartView
    street: ScorePartView
    reporter: ScorePartView


LevelShares = TypedDict(
    "LevelShares", {"1": "float | None", "2": "float | None", "3": "float | None", "4": "float | None"}
)
"""The share of the resolved calls that was resolved at each level."""


class WorkCounts(TypedDict):
    """The calls of a group, and what became of those that it answered and resolved."""

    calls: CountView
    answered: CountView
    answered_in_time: CountView
    answered_late: CountView
    answered_by_member: CountView
    resolved: CountView
    resolved_in_time: CountView
    unverified: CountView
    pending: CountView
    rejected: CountView
    reopened: CountView
    resolved_level_1: CountView
    resolved_level_2: CountView
    resolved_level_3: CountView
    resolved_level_4: CountView


class MissCounts(TypedDict):
    """The calls that a group missed or left late."""

    missed: CountView
    missed_answer: CountView
    missed_resolve: CountView
    accountable: CountView
    exempt: CountView
    exempt_answer: CountView
    exempt_resolve: CountView
    late_exit: CountView
    late_exit_answer: CountView
    late_exit_resolve: CountView


class ExitCounts(TypedDict):
    """The calls of a group by the way they ended, and what else bears on them. `held_s` is in seconds."""

    raised: CountView
    returned: CountView
    returned_in_error: CountView
    assigned: CountView
    corrected: CountView
    multi_hop: CountView
    closed: CountView
    merged: CountView
    voided: CountView
    voided_in_error: CountView
    withdrawn_late: CountView
    open: CountView
    self_reported: CountView
    holds: CountView
    held_s: CountView
    extended: CountView


class FigureRow(WorkCounts, MissCounts, ExitCounts):
    """The figures of one group: its counts, its times in seconds, its ratings, its rates and its score."""

    answer_s: SpreadView
    resolve_s: SpreadView
    resolved_at_level: LevelShares
    street_rating: RatingView
    reporter_rating: RatingView
    rates: RatesView
    score: float | None
    score_parts: ScorePartsView


class GroupName(TypedDict):
    """A group by its code: a unit, a street, a line or a level."""

    code: str
    name: str


class GroupRow(FigureRow):
    """The figures of a group that has a name."""

    group: GroupName


CorrectionView = TypedDict(
    "CorrectionView", {"group": GroupName, "measure": str, "was": float, "is": float, "calls": str}
)
"""A figure of a closed month that is counted otherwise now: how it was frozen, how it is, and the query that lists its
calls as they are now. `measure` is the name of a count, `held_s`, or the sum of the stars of one side."""

FiguresView = TypedDict(
    "FiguresView",
    {
        "period": str,
        "from": datetime,
        "to": datetime,
        "group_by": Grouping,
        "policy": "PolicyReference | None",
        "definition": "Literal['before'] | None",
        "closed_at": "datetime | None",
        "seed": "str | None",
        "corrections": "list[CorrectionView]",
        "items": "list[GroupRow]",
        "total": FigureRow,
    },
)
"""The figures of a month: of every group, in the order of codes, and of all groups together. `policy` gives the weights
and shares of the score. `definition` is `before` for a month that had begun when the facts of fair play came into the
figures: its early calls have but some of them. Once the month is closed, `items` and `total` are as they were counted
at `closed_at`, `corrections` has what is counted otherwise by now, and `seed` is that of its spot checks, in
hexadecimal digits (null: it had none)."""


class ClosedMonthView(TypedDict):
    """A closed month: how many calls were counted, how many of them were pending, the policy that scores them, and the
    SHA-256 of the frozen figures, which is in the log as well. `seed` is that of the month's spot checks, in
    hexadecimal digits (null: it had none), and `figures` the query that reads the month."""

    period: str
    closed_at: datetime
    calls: int
    pending: int
    policy: PolicyReference | None
    digest: str
    seed: str | None
    figures: str


class IncidentLink(TypedDict):
    """The incident of a call, and where to read it."""

    id: UUID
    number: str
    url: str


class CountedCall(TypedDict):
    """One call that a figure counts. `answer_s` and `resolve_s` leave out the time on hold."""

    incident: IncidentLink
    seq: int
    level: Level
    unit: UnitName
    cause: Cause
    outcome: Outcome | None
    opened_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    resolve_by: datetime | None
    ended_at: datetime | None
    late_s: float | None
    exempt: bool
    credit: Credit | None
    box_used: int | None
    late_exit: bool
    withdrawn_late: bool
    self_reported: bool
    own_report: bool
    accountable: AccountableView | None
    held_s: int | None
    extended: bool
    end_code: str | None
    rating: int | None
    outcome_rating: float | None
    answer_s: float | None
    resolve_s: float | None
