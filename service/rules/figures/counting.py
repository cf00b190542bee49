"""Counting the calls of a month as `definition.py` defines it, one incident after the other.

What is kept of a call is its kind and two durations. So a month of a million calls takes the room of its groups, and
eight bytes for each duration.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from functools import cache
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from service.rules import ratings
from service.rules.figures.definition import (
    RESOLVED_AT,
    CallFacts,
    Measure,
    Period,
    Tallies,
    Tally,
    summed,
)
from service.rules.figures.percentiles import spread_of
from service.rules.words import Cause, Level, Outcome

Group = TypeVar("Group")


class _Kind(NamedTuple):
    """What decides which measures count a call. `answered_in_time`: None when it was not answered. `in_error`: it was
    returned in error."""

    level: int
    outcome: str | None
    answered_in_time: bool | None
    ended_in_time: bool
    passed_on: bool
    in_error: bool
    exempt: bool
    street_rated: bool
    reporter_rated: bool


class _Sum:
    """The calls of one group, added up."""

    def __init__(self) -> None:
        self.kinds: Counter[_Kind] = Counter()
        self.street_stars = self.reporter_hundredths = 0
        self.answer_us, self.resolve_us = array("q"), array("q")

    def add(self, call: CallFacts, in_error: bool) -> None:
        self.kinds[_kind(call, in_error)] += 1
        if call.rating is not None and call.level == Level.DEPARTMENT:
            self.street_stars += call.rating
        self.reporter_hundredths += ratings.hundredths(call.outcome_rating, call.outcome_mean)
        if call.answer_us is not None:
            self.answer_us.append(call.answer_us)
        if call.resolve_us is not None:
            self.resolve_us.append(call.resolve_us)

    def join(self, other: _Sum) -> None:
        self.kinds.update(other.kinds)
        self.street_stars += other.street_stars
        self.reporter_hundredths += other.reporter_hundredths
        self.answer_us += other.answer_us
        self.resolve_us += other.resolve_us

    def tally(self) -> Tally:
        counts = dict.fromkeys(Measure, 0)
        for kind, many in self.kinds.items():
            for measure in _measures(kind):
                counts[measure] += many
        spreads = spread_of(self.answer_us), spread_of(self.resolve_us)
        reporter_stars = Fraction(self.reporter_hundredths, ratings.HUNDREDTHS)
        return Tally(summed(counts), self.street_stars, reporter_stars, *spreads)


class MonthCount(Generic[Group]):
    """The calls of a month, by the group that `group_of` gives each of them; None leaves a call out."""

    def __init__(self, period: Period, group_of: Callable[[CallFacts], Group | None]) -> None:
        self.calls = 0
        self._period = period
        self._group_of = group_of
        self._sums: defaultdict[Group, _Sum] = defaultdict(_Sum)

    def add(self, calls: Iterable[CallFacts]) -> None:
        """Count those of these calls that belong to the month. `calls` has every call of each incident in it."""
        calls = list(calls)
        binding = _last_binding(calls)
        for call in calls:
            group = self._group_of(call) if self._period.holds(call.opened_at) else None
            if group is not None:
                again = binding.get((call.incident_id, call.unit), 0) > call.seq
                self._sums[group].add(call, again and call.outcome == Outcome.RETURNED)
                self.calls += 1

    def tallies(self, code_of: Callable[[Group], str | None]) -> Tallies:
        """The figures so far. `code_of` gives the code under which a group is shown, possibly with others, and None
        for one that is left out."""
        shown: defaultdict[str, _Sum] = defaultdict(_Sum)
        total = _Sum()
        for group, each in self._sums.items():
            code = code_of(group)
            if code is not None:
                shown[code].join(each)
                total.join(each)
        return Tallies({code: each.tally() for code, each in shown.items()}, total.tally())


def tallies(calls: Sequence[CallFacts], period: Period, group_of: Callable[[CallFacts], str | None]) -> Tallies:
    """The figures of a month. `calls` holds every call of each incident that has one in it; `group_of` gives None for
    a call that this grouping leaves out."""
    count = MonthCount(period, group_of)
    count.add(calls)
    return count.tallies(lambda code: code)


def _last_binding(calls: Sequence[CallFacts]) -> Mapping[tuple[UUID, str], int]:
    """The last call of an incident that was given to a unit by a binding assignment, by incident and unit."""
    assigned = (each for each in calls if each.binding and each.cause == Cause.ASSIGNED)
    return {(each.incident_id, each.unit): each.seq for each in sorted(assigned, key=lambda each: each.seq)}


def _in_time(at: datetime | None, by: datetime | None) -> bool:
    return at is not None and by is not None and at <= by


def _passed_on(call: CallFacts) -> bool:
    by_hand = call.cause in (Cause.RAISED, Cause.RETURNED)
    return call.round > 1 and (by_hand or (call.cause == Cause.ASSIGNED and call.level >= Level.DEPARTMENT))


def _kind(call: CallFacts, in_error: bool) -> _Kind:
    return _Kind(
        call.level,
        call.outcome,
        None if call.answered_at is None else _in_time(call.answered_at, call.answer_by),
        _in_time(call.ended_at, call.resolve_by),
        _passed_on(call),
        in_error,
        call.exempt,
        call.rating is not None and call.level == Level.DEPARTMENT,
        call.outcome_rating is not None,
    )


_ENDED_AS: Mapping[str | None, Measure] = {
    Outcome.NO_ANSWER: Measure.MISSED_ANSWER,
    Outcome.NOT_RESOLVED: Measure.MISSED_RESOLVE,
    Outcome.RAISED: Measure.RAISED,
    Outcome.RETURNED: Measure.RETURNED,
    Outcome.ASSIGNED: Measure.ASSIGNED,
    Outcome.CLOSED: Measure.CLOSED,
    None: Measure.OPEN,
}


@cache
def _measures(kind: _Kind) -> tuple[Measure, ...]:
    """The measures that count a call of this kind, except the sums, which `summed` adds."""
    resolved = kind.outcome == Outcome.RESOLVED
    unanswered = kind.outcome == Outcome.NO_ANSWER
    holds = {
        Measure.CALLS: True,
        Measure.ANSWERED_IN_TIME: kind.answered_in_time is True,
        Measure.ANSWERED_LATE: kind.answered_in_time is False,
        Measure.RESOLVED_IN_TIME: resolved and kind.ended_in_time,
        RESOLVED_AT[Level(kind.level)]: resolved,
        Measure.EXEMPT_ANSWER: kind.exempt and unanswered,
        Measure.EXEMPT_RESOLVE: kind.exempt and not unanswered,
        Measure.RETURNED_IN_ERROR: kind.in_error,
        Measure.MULTI_HOP: kind.passed_on,
        Measure.STREET_RATED: kind.street_rated,
        Measure.REPORTER_RATED: kind.reporter_rated,
    }
    counted = [measure for measure, is_so in holds.items() if is_so]
    return (*counted, _ENDED_AS[kind.outcome]) if kind.outcome in _ENDED_AS else tuple(counted)
