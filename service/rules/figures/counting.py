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
from itertools import groupby
from typing import Generic, NamedTuple, TypeVar

from service.rules import ratings
from service.rules.figures.definition import (
    CREDITED,
    RESOLVED_AT,
    CallFacts,
    Measure,
    Period,
    Tallies,
    Tally,
    summed,
)
from service.rules.figures.percentiles import spread_of
from service.rules.words import Cause, ClosedAs, Credit, Level, Outcome, VoidReason

Group = TypeVar("Group")


class _Kind(NamedTuple):
    """What decides which measures count a call. `answered_in_time`: None when it was not answered; `left_as`: how it
    was closed; `is_accountable`: another call of the incident is accountable for it; `in_error`: it was returned or
    voided in error."""

    level: int
    outcome: str | None
    answered_in_time: bool | None
    ended_in_time: bool
    passed_on: bool
    in_error: bool
    exempt: bool
    street_rated: bool
    reporter_rated: bool
    left_as: str | None
    credit: str | None
    late_exit: bool
    withdrawn_late: bool
    self_reported: bool
    own_report: bool
    is_accountable: bool
    held: bool
    extended: bool
    by_member: bool


class _Sum:
    """The calls of one group, added up."""

    def __init__(self) -> None:
        self.kinds: Counter[_Kind] = Counter()
        self.street_stars = self.reporter_hundredths = self.held_s = self.accountable = 0
        self.answer_us, self.resolve_us = array("q"), array("q")

    def add(self, call: CallFacts, in_error: bool) -> None:
        self.kinds[kind := _kind(call, in_error)] += 1
        if kind.street_rated:
            self.street_stars += call.rating or 0
        if kind.reporter_rated:
            self.reporter_hundredths += ratings.hundredths(call.outcome_rating, call.outcome_mean)
        self.held_s += call.held_s or 0
        if call.answer_us is not None:
            self.answer_us.append(call.answer_us)
        if call.resolve_us is not None:
            self.resolve_us.append(call.resolve_us)

    def join(self, other: _Sum) -> None:
        self.kinds.update(other.kinds)
        self.street_stars += other.street_stars
        self.reporter_hundredths += other.reporter_hundredths
        self.held_s += other.held_s
        self.accountable += other.accountable
        self.answer_us += other.answer_us
        self.resolve_us += other.resolve_us

    def tally(self) -> Tally:
        counts = dict.fromkeys(Measure, 0)
        for kind, many in self.kinds.items():
            for measure in _measures(kind):
                counts[measure] += many
        counts[Measure.ACCOUNTABLE] = self.accountable
        spreads = spread_of(self.answer_us), spread_of(self.resolve_us)
        reporter_stars = Fraction(self.reporter_hundredths, ratings.HUNDREDTHS)
        return Tally(summed(counts), self.street_stars, reporter_stars, *spreads, self.held_s)


class MonthCount(Generic[Group]):
    """The calls of a month, by the group that `group_of` gives each of them; None leaves a call out."""

    def __init__(self, period: Period, group_of: Callable[[CallFacts], Group | None]) -> None:
        self.calls = 0
        self._period = period
        self._group_of = group_of
        self._sums: defaultdict[Group, _Sum] = defaultdict(_Sum)

    def add(self, calls: Iterable[CallFacts]) -> None:
        """Count those of these calls that belong to the month. `calls` has every call of each incident in it."""
        calls = sorted(calls, key=lambda each: (each.incident_id, each.seq))
        for _, of_one in groupby(calls, lambda each: each.incident_id):
            self._add_incident(list(of_one))

    def _add_incident(self, calls: Sequence[CallFacts]) -> None:
        """Count those of the calls of one incident, in order, that belong to the month."""
        in_error = _in_error(calls)
        for call in calls:
            if not self._period.holds(call.opened_at):
                continue
            group = self._group_of(call)
            if group is not None:
                self._sums[group].add(call, call.seq in in_error)
                self.calls += 1
            accountable = _accountable(call, calls)
            if accountable is not None and (group := self._group_of(accountable)) is not None:
                self._sums[group].accountable += 1

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


def _in_error(calls: Sequence[CallFacts]) -> frozenset[int]:
    """The calls of one incident that were returned or voided in error."""
    returned = [each.seq for each in calls if each.outcome == Outcome.RETURNED and _is_given_again(each, calls)]
    voided = [each.seq for each in calls if _is_voided(each) and _is_resolved_later(each, calls)]
    return frozenset([*returned, *voided])


def _is_given_again(call: CallFacts, calls: Sequence[CallFacts]) -> bool:
    later = (each for each in calls if each.seq > call.seq and each.unit == call.unit)
    return any(each.binding and each.cause == Cause.ASSIGNED for each in later)


def _is_voided(call: CallFacts) -> bool:
    return call.outcome == Outcome.CLOSED and call.end_code in _VOIDED


def _is_resolved_later(call: CallFacts, calls: Sequence[CallFacts]) -> bool:
    return any(each.seq > call.seq and each.outcome == Outcome.RESOLVED for each in calls)


def _accountable(call: CallFacts, calls: Sequence[CallFacts]) -> CallFacts | None:
    """The call whose unit is accountable for this one, when this one was missed unanswered and that is scored."""
    if call.outcome != Outcome.NO_ANSWER or call.accountable_seq is None or call.exempt:
        return None
    found = next((each for each in calls if each.seq == call.accountable_seq), None)
    return None if found is None or found.own_report else found


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
        call.rating is not None and call.level == Level.DEPARTMENT and not call.self_reported,
        call.outcome_rating is not None and not call.self_reported,
        _left_as(call),
        call.credit,
        call.late_exit,
        call.withdrawn_late,
        call.self_reported,
        call.own_report,
        call.accountable_seq is not None,
        call.held_s is not None,
        call.extended,
        call.answered_by_member,
    )


def _left_as(call: CallFacts) -> str | None:
    if call.outcome != Outcome.CLOSED:
        return None
    return ClosedAs.VOID if call.end_code in _VOIDED else call.end_code


_VOIDED = frozenset(VoidReason)
_ENDED_AS: Mapping[str | None, Measure] = {
    Outcome.NO_ANSWER: Measure.MISSED_ANSWER,
    Outcome.NOT_RESOLVED: Measure.MISSED_RESOLVE,
    Outcome.RAISED: Measure.RAISED,
    Outcome.RETURNED: Measure.RETURNED,
    Outcome.ASSIGNED: Measure.ASSIGNED,
    Outcome.CORRECTED: Measure.CORRECTED,
    Outcome.CLOSED: Measure.CLOSED,
    None: Measure.OPEN,
}


@cache
def _measures(kind: _Kind) -> tuple[Measure, ...]:
    """The measures that count a call of this kind, except the sums, which `summed` adds."""
    holds = {**_facts(kind), **_scored(kind)}
    counted = [measure for measure, is_so in holds.items() if is_so]
    return (*counted, _ENDED_AS[kind.outcome]) if kind.outcome in _ENDED_AS else tuple(counted)


def _facts(kind: _Kind) -> Mapping[Measure, bool]:
    resolved, answered = kind.outcome == Outcome.RESOLVED, kind.answered_in_time is not None
    return {
        Measure.CALLS: True,
        Measure.ANSWERED_IN_TIME: kind.answered_in_time is True,
        Measure.ANSWERED_LATE: kind.answered_in_time is False,
        Measure.RESOLVED_IN_TIME: resolved and kind.ended_in_time and kind.credit == Credit.VERIFIED,
        Measure.UNVERIFIED: resolved and kind.ended_in_time and kind.credit == Credit.UNVERIFIED,
        **{measure: kind.credit == credit for credit, measure in CREDITED.items()},
        RESOLVED_AT[Level(kind.level)]: resolved,
        Measure.EXEMPT_ANSWER: kind.exempt and not answered,
        Measure.EXEMPT_RESOLVE: kind.exempt and answered,
        Measure.LATE_EXIT: kind.late_exit,
        Measure.RETURNED_IN_ERROR: kind.in_error and kind.outcome == Outcome.RETURNED,
        Measure.MULTI_HOP: kind.passed_on,
        Measure.MERGED: kind.left_as == ClosedAs.MERGED,
        Measure.VOIDED: kind.left_as == ClosedAs.VOID,
        Measure.VOIDED_IN_ERROR: kind.in_error and kind.left_as == ClosedAs.VOID,
        Measure.WITHDRAWN_LATE: kind.withdrawn_late,
        Measure.SELF_REPORTED: kind.self_reported,
        Measure.HOLDS: kind.held,
        Measure.EXTENDED: kind.extended,
        Measure.ANSWERED_BY_MEMBER: kind.by_member,
        Measure.STREET_RATED: kind.street_rated,
        Measure.REPORTER_RATED: kind.reporter_rated,
    }


def _scored(kind: _Kind) -> Mapping[Measure, bool]:
    resolved, answered = kind.outcome == Outcome.RESOLVED, kind.answered_in_time is not None
    in_time = resolved and kind.ended_in_time
    verified, unverified = in_time and kind.credit == Credit.VERIFIED, in_time and kind.credit == Credit.UNVERIFIED
    went_well = kind.answered_in_time is True, verified or unverified
    missed = not kind.exempt and not kind.is_accountable, not kind.exempt
    settled = resolved and kind.credit is not None and kind.credit != Credit.PENDING
    # what went well is left out when it was self-reported, what did not when it is exempt
    left_out = [kind.self_reported if well else kind.exempt for well in went_well]
    could_answer = (answered and not left_out[0]) or (kind.outcome == Outcome.NO_ANSWER and missed[0])
    could_resolve = (settled and not left_out[1]) or (kind.outcome == Outcome.NOT_RESOLVED and missed[1])
    left_late = kind.late_exit and not kind.exempt
    return {
        Measure.ANSWERED_CREDITED: went_well[0] and not kind.self_reported,
        Measure.RESOLVED_CREDITED: verified and not kind.self_reported,
        Measure.UNVERIFIED_CREDITED: unverified and not kind.self_reported,
        Measure.ANSWERABLE: could_answer and not kind.own_report,
        Measure.RESOLVABLE: could_resolve and not kind.own_report,
        Measure.LATE_EXIT_ANSWER: left_late and not answered and not kind.own_report,
        Measure.LATE_EXIT_RESOLVE: left_late and answered and not kind.own_report,
    }
