"""The measures of the appraisal as conditions on rows of `call`, as `rules/figures/definition.py` defines them. Each is
written once, here: a figure counts the calls that meet it, and the list of its calls filters by it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true

from service.rules.figures.definition import CREDITED, PARTS, RESOLVED_AT, Measure
from service.rules.words import Cause, ClosedAs, Credit, Level, Outcome, VoidReason
from service.store.incidents.tables import call

_RESOLVED = call.c.outcome == Outcome.RESOLVED
_later = call.alias("later")
missed = call.alias("missed")
"""A missed call beside the call whose unit is accountable for it."""


_GIVEN_AGAIN = exists(
    select(_later.c.seq)
    .where(_later.c.incident_id == call.c.incident_id, _later.c.unit == call.c.unit, _later.c.seq > call.c.seq)
    .where(_later.c.binding, _later.c.cause == Cause.ASSIGNED)
)
"""Whether a later call of the incident was opened on the same unit by a binding assignment."""


# in each condition, what is most often false or null comes first, since nothing behind it is looked at then; only
# resolved calls have a credit
_ANSWERED_IN_TIME = call.c.answered_at <= call.c.answer_by
_VERIFIED = and_(call.c.credit == Credit.VERIFIED, call.c.ended_at <= call.c.resolve_by)
_UNVERIFIED = and_(call.c.credit == Credit.UNVERIFIED, call.c.ended_at <= call.c.resolve_by)
_SETTLED = call.c.credit != Credit.PENDING
_LATE_EXIT = and_(call.c.late_exit, ~call.c.exempt, ~call.c.own_report)
_BY_OTHERS = ~call.c.self_reported

SIMPLE: Mapping[Measure, ColumnElement[bool]] = {
    Measure.CALLS: true(),
    Measure.ANSWERED_IN_TIME: _ANSWERED_IN_TIME,
    Measure.ANSWERED_LATE: call.c.answered_at > call.c.answer_by,
    Measure.RESOLVED_IN_TIME: _VERIFIED,
    Measure.UNVERIFIED: _UNVERIFIED,
    **{measure: call.c.credit == credit for credit, measure in CREDITED.items()},
    **{measure: and_(call.c.level == level, _RESOLVED) for level, measure in RESOLVED_AT.items()},
    Measure.MISSED_ANSWER: call.c.outcome == Outcome.NO_ANSWER,
    Measure.MISSED_RESOLVE: call.c.outcome == Outcome.NOT_RESOLVED,
    Measure.EXEMPT_ANSWER: and_(call.c.exempt, call.c.answered_at.is_(None)),
    Measure.EXEMPT_RESOLVE: and_(call.c.exempt, call.c.answered_at.is_not(None)),
    Measure.LATE_EXIT: call.c.late_exit,
    Measure.LATE_EXIT_ANSWER: and_(_LATE_EXIT, call.c.answered_at.is_(None)),
    Measure.LATE_EXIT_RESOLVE: and_(_LATE_EXIT, call.c.answered_at.is_not(None)),
    Measure.RAISED: call.c.outcome == Outcome.RAISED,
    Measure.RETURNED: call.c.outcome == Outcome.RETURNED,
    Measure.ASSIGNED: call.c.outcome == Outcome.ASSIGNED,
    Measure.CORRECTED: call.c.outcome == Outcome.CORRECTED,
    Measure.MULTI_HOP: and_(
        call.c.round > 1,
        or_(
            call.c.cause.in_((Cause.RAISED, Cause.RETURNED)),
            and_(call.c.level >= Level.DEPARTMENT, call.c.cause == Cause.ASSIGNED),
        ),
    ),
    Measure.CLOSED: call.c.outcome == Outcome.CLOSED,
    Measure.MERGED: and_(call.c.end_code == ClosedAs.MERGED, call.c.outcome == Outcome.CLOSED),
    Measure.VOIDED: and_(call.c.end_code.in_([*VoidReason]), call.c.outcome == Outcome.CLOSED),
    Measure.WITHDRAWN_LATE: call.c.withdrawn_late,
    Measure.OPEN: call.c.outcome.is_(None),
    Measure.SELF_REPORTED: call.c.self_reported,
    Measure.HOLDS: call.c.held_s.is_not(None),
    Measure.EXTENDED: call.c.extended,
    Measure.ANSWERED_BY_MEMBER: call.c.answered_by_member,
    Measure.ANSWERABLE: and_(
        ~call.c.own_report,
        or_(
            and_(_ANSWERED_IN_TIME, _BY_OTHERS),
            and_(call.c.answered_at > call.c.answer_by, ~call.c.exempt),
            and_(call.c.outcome == Outcome.NO_ANSWER, ~call.c.exempt, call.c.accountable_seq.is_(None)),
        ),
    ),
    Measure.RESOLVABLE: and_(
        ~call.c.own_report,
        or_(
            and_(or_(_VERIFIED, _UNVERIFIED), _BY_OTHERS),
            and_(_SETTLED, or_(_VERIFIED, _UNVERIFIED).is_not(true()), ~call.c.exempt),
            and_(call.c.outcome == Outcome.NOT_RESOLVED, ~call.c.exempt),
        ),
    ),
    Measure.ANSWERED_CREDITED: and_(_ANSWERED_IN_TIME, _BY_OTHERS),
    Measure.RESOLVED_CREDITED: and_(_VERIFIED, _BY_OTHERS),
    Measure.UNVERIFIED_CREDITED: and_(_UNVERIFIED, _BY_OTHERS),
    Measure.STREET_RATED: and_(call.c.level == Level.DEPARTMENT, call.c.rating.is_not(None), _BY_OTHERS),
    Measure.REPORTER_RATED: and_(call.c.outcome_rating.is_not(None), _BY_OTHERS),
}
"""The measures that a call decides by itself, except the sums of others."""
_MAY_BE_LEFT_OUT = or_(call.c.self_reported, call.c.exempt, call.c.accountable_seq.is_not(None))
SCORED_OF: Mapping[Measure, tuple[ColumnElement[bool], ...]] = {
    Measure.ANSWERABLE: (
        SIMPLE[Measure.ANSWERED_IN_TIME],
        SIMPLE[Measure.ANSWERED_LATE],
        SIMPLE[Measure.MISSED_ANSWER],
    ),
    Measure.RESOLVABLE: (_SETTLED, SIMPLE[Measure.MISSED_RESOLVE]),
    Measure.ANSWERED_CREDITED: (_ANSWERED_IN_TIME,),
    Measure.RESOLVED_CREDITED: (_VERIFIED,),
    Measure.UNVERIFIED_CREDITED: (_UNVERIFIED,),
}
"""For each measure of what is scored, the conditions of the calls that it nearly all counts: none of these conditions
holds together with another."""


UNUSUAL = or_(
    call.c.late_exit,
    call.c.exempt,
    call.c.self_reported,
    call.c.withdrawn_late,
    call.c.extended,
    call.c.answered_by_member,
    call.c.held_s.is_not(None),
    call.c.accountable_seq.is_not(None),
)
"""The calls to which something happened that most calls have not; `call_unusual_idx` has them."""
OF_UNUSUAL = frozenset(
    {
        *(Measure.EXEMPT_ANSWER, Measure.EXEMPT_RESOLVE, Measure.WITHDRAWN_LATE, Measure.SELF_REPORTED),
        *(Measure.LATE_EXIT, Measure.LATE_EXIT_ANSWER, Measure.LATE_EXIT_RESOLVE),
        *(Measure.HOLDS, Measure.EXTENDED, Measure.ANSWERED_BY_MEMBER),
    }
)
"""The simple measures that count no other calls than those of `UNUSUAL`."""


def count_of(measure: Measure) -> ColumnElement[int]:
    """Return the number of calls that a simple measure counts."""
    return whole_of(measure) - left_out_of(measure) if measure in SCORED_OF else whole_of(measure)


def whole_of(measure: Measure) -> ColumnElement[int]:
    """Return the number of calls that a simple measure counts, for one of `SCORED_OF` with those that are left out.

    What is scored is counted as a difference, since a month has few calls that are left out: to look at all the others
    costs a fifth more.
    """
    if measure is Measure.CALLS:
        return func.count()
    first, *others = SCORED_OF.get(measure, (SIMPLE[measure],))
    counted: ColumnElement[int] = sum((func.count().filter(each) for each in others), func.count().filter(first))
    return counted


def left_out_of(measure: Measure) -> ColumnElement[int]:
    """Return the number of calls, all of them among `UNUSUAL`, that a measure of `SCORED_OF` leaves out."""
    left_out = and_(_MAY_BE_LEFT_OUT, or_(*SCORED_OF[measure]), SIMPLE[measure].is_not(true()))
    return func.count().filter(left_out)


_WHOLE = {whole: or_(*(SIMPLE[part] for part in parts)) for whole, parts in PARTS.items()}
_RESOLVED_LATER = exists(
    select(_later.c.seq)
    .where(_later.c.incident_id == call.c.incident_id, _later.c.seq > call.c.seq)
    .where(_later.c.outcome == Outcome.RESOLVED)
)
APART: Mapping[Measure, ColumnElement[bool]] = {
    Measure.RETURNED_IN_ERROR: and_(SIMPLE[Measure.RETURNED], _GIVEN_AGAIN),
    Measure.VOIDED_IN_ERROR: and_(SIMPLE[Measure.VOIDED], _RESOLVED_LATER),
    Measure.ACCOUNTABLE: and_(
        missed.c.accountable.is_not(None), missed.c.outcome == Outcome.NO_ANSWER, ~missed.c.exempt, ~call.c.own_report
    ),
}
"""The measures that need other calls of the incident. Each is counted by a statement of its own: in the main one, they
would keep PostgreSQL from counting in several processes. Those of `ACCOUNTABLE` are the missed calls, in the group of
the call that is accountable for them."""
PREDICATES: Mapping[Measure, ColumnElement[bool]] = {**SIMPLE, **_WHOLE, **APART}
"""For each measure, the condition that decides which calls it counts."""
