"""Appraisal (考核): the figures that the calls of one month give for units, streets, departments, lines and levels.

This is the definition. `store/figures/tallies.py` counts the same in SQL, and a test holds the two together. A period
is a calendar month in Asia/Shanghai, a call belongs to the month in which it was opened, and only calls are counted:

    calls               opened                          answered            answered at all
    answered_in_time    answered_at <= answer_by        answered_late       later: a person acted before the clock fired
    resolved            outcome resolved; resolved_level_1 … _4: at that level
    resolved_in_time    and ended_at <= resolve_by
    missed_answer       outcome no_answer               missed_resolve      outcome not_resolved
    missed              both of them                    exempt              missed, but an appeal succeeded: stays in
                                                        missed; exempt_answer and exempt_resolve are its two kinds
    raised              outcome raised: no failure      returned            outcome returned
    returned_in_error   returned, and a later call of the incident was given to the same unit by a binding assignment
    assigned            outcome assigned                multi_hop           round > 1 and people passed it on: cause
                                                        raised, returned, or assigned at level 3 or 4
    closed              outcome closed                  open                no outcome yet
    street_rated        a level-3 call its street rated reporter_rated      the reporter rated the outcome

    answerable          answered, or missed unanswered and not exempt
    resolvable          resolved, or missed unresolved and not exempt
    answer_s, resolve_s seconds from opened_at to answered_at, or to ended_at of resolved calls, without the time on
                        hold: median and 90th percentile, interpolated between neighbours, to the millisecond
    score               100 × the weighted mean of the parts that have data, each a share from 0 to 1:
                        answered  answered_in_time / answerable
                        resolved  resolved_in_time / resolvable
                        street    stars of streets / (5 × street_rated)
                        reporter  stars of reporters / (5 × reporter_rated)
                        the weights are those of the policy in force when the period ends, or now if it has not ended;
                        a weight of 0 leaves a part out; null when nothing counts
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from service.rules.figures.percentiles import Spread, spread_of
from service.rules.words import STREET_DIGITS, Cause, Level, Outcome
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
    RESOLVED = "resolved"
    RESOLVED_IN_TIME = "resolved_in_time"
    RESOLVED_LEVEL_1 = "resolved_level_1"
    RESOLVED_LEVEL_2 = "resolved_level_2"
    RESOLVED_LEVEL_3 = "resolved_level_3"
    RESOLVED_LEVEL_4 = "resolved_level_4"
    MISSED = "missed"
    MISSED_ANSWER = "missed_answer"
    MISSED_RESOLVE = "missed_resolve"
    EXEMPT = "exempt"
    EXEMPT_ANSWER = "exempt_answer"
    EXEMPT_RESOLVE = "exempt_resolve"
    RAISED = "raised"
    RETURNED = "returned"
    RETURNED_IN_ERROR = "returned_in_error"
    ASSIGNED = "assigned"
    MULTI_HOP = "multi_hop"
    CLOSED = "closed"
    OPEN = "open"
    ANSWERABLE = "answerable"
    RESOLVABLE = "resolvable"
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
SCORED: Mapping[Measure, tuple[Measure, Measure, Measure]] = {
    Measure.ANSWERABLE: (Measure.ANSWERED, Measure.MISSED_ANSWER, Measure.EXEMPT_ANSWER),
    Measure.RESOLVABLE: (Measure.RESOLVED, Measure.MISSED_RESOLVE, Measure.EXEMPT_RESOLVE),
}
"""The calls that could have been answered or resolved in time: done, plus missed, minus exempt."""
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
    """The facts of one call that are counted: columns of `call`, or what `ledger` reads from the log."""

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


class Tally(NamedTuple):
    """The figures of one group. `street_stars` and `reporter_stars` are the sums of the ratings that streets and
    reporters gave."""

    counts: Mapping[Measure, int]
    street_stars: int = 0
    reporter_stars: int = 0
    answer_s: Spread = Spread()
    resolve_s: Spread = Spread()


class Tallies(NamedTuple):
    """The tally of every group by its code, and the tally of all of them together."""

    groups: Mapping[str, Tally]
    total: Tally


# --- what is counted ------------------------------------------------------------------------------------------------


def _in_time(at: datetime | None, by: datetime | None) -> bool:
    return at is not None and by is not None and at <= by


def _passed_on(call: CallFacts) -> bool:
    by_hand = call.cause in (Cause.RAISED, Cause.RETURNED)
    return call.round > 1 and (by_hand or (call.cause == Cause.ASSIGNED and call.level >= Level.DEPARTMENT))


_ENDED_AS: Mapping[Measure, Outcome] = {
    Measure.MISSED_ANSWER: Outcome.NO_ANSWER,
    Measure.MISSED_RESOLVE: Outcome.NOT_RESOLVED,
    Measure.RAISED: Outcome.RAISED,
    Measure.RETURNED: Outcome.RETURNED,
    Measure.ASSIGNED: Outcome.ASSIGNED,
    Measure.CLOSED: Outcome.CLOSED,
}


def _measures(call: CallFacts, in_error: bool) -> Iterable[Measure]:
    """The measures that count this call, except the sums, which `summed` adds. `in_error`: the call was returned in
    error."""
    yield Measure.CALLS
    if call.answered_at is not None:
        late = not _in_time(call.answered_at, call.answer_by)
        yield Measure.ANSWERED_LATE if late else Measure.ANSWERED_IN_TIME
    if call.outcome == Outcome.RESOLVED:
        yield RESOLVED_AT[Level(call.level)]
        if _in_time(call.ended_at, call.resolve_by):
            yield Measure.RESOLVED_IN_TIME
    yield from (measure for measure, outcome in _ENDED_AS.items() if call.outcome == outcome)
    if call.exempt:
        yield Measure.EXEMPT_ANSWER if call.outcome == Outcome.NO_ANSWER else Measure.EXEMPT_RESOLVE
    yield from (measure for measure, holds in _other_measures(call, in_error).items() if holds)


def _other_measures(call: CallFacts, in_error: bool) -> Mapping[Measure, bool]:
    return {
        Measure.RETURNED_IN_ERROR: in_error,
        Measure.MULTI_HOP: _passed_on(call),
        Measure.OPEN: call.outcome is None,
        Measure.STREET_RATED: call.rating is not None and call.level == Level.DEPARTMENT,
        Measure.REPORTER_RATED: call.outcome_rating is not None,
    }


def tallies(calls: Sequence[CallFacts], period: Period, group_of: Callable[[CallFacts], str | None]) -> Tallies:
    """The figures of a month. `calls` holds every call of each incident that has one in it; `group_of` gives None for
    a call that this grouping leaves out."""
    binding: dict[tuple[UUID, str], int] = {}
    for call in calls:
        if call.binding and call.cause == Cause.ASSIGNED:
            key = call.incident_id, call.unit
            binding[key] = max(call.seq, binding.get(key, 0))
    grouped: dict[str, list[tuple[CallFacts, bool]]] = defaultdict(list)
    for call in calls:
        code = group_of(call) if period.holds(call.opened_at) else None
        if code is not None:
            assigned_again = binding.get((call.incident_id, call.unit), 0) > call.seq
            grouped[code].append((call, call.outcome == Outcome.RETURNED and assigned_again))
    everything = [each for rows in grouped.values() for each in rows]
    return Tallies({code: _tally(rows) for code, rows in grouped.items()}, _tally(everything))


def _tally(rows: Sequence[tuple[CallFacts, bool]]) -> Tally:
    counts = dict.fromkeys(Measure, 0)
    for call, in_error in rows:
        for measure in _measures(call, in_error):
            counts[measure] += 1
    calls = [call for call, _ in rows]
    answered = [each.answer_us for each in calls if each.answer_us is not None]
    resolved = [each.resolve_us for each in calls if each.resolve_us is not None]
    return Tally(
        summed(counts),
        sum(each.rating or 0 for each in calls if each.level == Level.DEPARTMENT),
        sum(each.outcome_rating or 0 for each in calls),
        spread_of(answered),
        spread_of(resolved),
    )


def summed(counts: Mapping[Measure, int]) -> dict[Measure, int]:
    """The counts, together with those that follow from others, in the order in which they are shown."""
    sums = {whole: sum(counts.get(part, 0) for part in parts) for whole, parts in PARTS.items()}
    found = {measure: sums.get(measure, counts.get(measure, 0)) for measure in Measure}
    return found | {
        each: found[done] + found[missed] - found[exempt] for each, (done, missed, exempt) in SCORED.items()
    }


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
