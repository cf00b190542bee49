"""The signs of a month and the calls behind each of them, counted in SQL as `rules/figures/watching.py` defines them.

Most signs lie on the call. The others need its incident, the holds and extensions that were given to it (`_given`), or
the next report of its cell and category (`_followed`): each of these has a statement of its own, which reads what may
count alone, and does not keep PostgreSQL from counting the rest in several processes. All of them find the calls of the
month by its index.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    Subquery,
    and_,
    case,
    func,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.arrows.floods import FLOOD
from service.rules.figures.definition import Measure, Period
from service.rules.figures.watching import (
    AGAIN,
    AT_ONCE,
    LAST_MOMENT,
    LONG,
    OPS_SIGNS,
    Sign,
    Signs,
    SignShare,
    Watch,
    last_end,
    last_report,
)
from service.rules.words import ClosedAs, Credit, Outcome, RequestKind, Role, Verdict
from service.store.figures.measures import SIMPLE
from service.store.figures.tallies import SHOWN, CallPlace, one_page, set_up
from service.store.incidents.tables import call, incident, request

_Condition = ColumnElement[bool]


class _Sign(NamedTuple):
    """The condition on the calls that a sign counts, and on those of which they are a share."""

    n: _Condition
    of: _Condition


# --- what a call has beside its columns -------------------------------------------------------------------------------

_closed = incident.alias("closed")


def _given() -> FromClause:
    """Return how many holds and extensions a call was given, how many of them at once, how many of them are holds, and
    how long these are; and the same of those that ops gave."""
    decider = request.c.decided_by["kind"].as_string()
    at_once = request.c.decided_at - request.c.asked_at <= AT_ONCE
    is_hold = request.c.kind == RequestKind.HOLD
    ended_at = func.least(func.coalesce(request.c.resumed_at, request.c.until), request.c.until)
    columns: list[ColumnElement[Any]] = []
    for whose, by in (("", true()), ("_by_ops", decider == Role.OPS)):
        columns += [
            func.count().filter(by).label(f"given{whose}"),
            func.count().filter(and_(at_once, by)).label(f"at_once{whose}"),
            func.count().filter(and_(is_hold, by)).label(f"holds{whose}"),
            func.sum(ended_at - request.c.decided_at).filter(and_(is_hold, by)).label(f"held_for{whose}"),
        ]
    own = request.c.incident_id == call.c.incident_id, request.c.call == call.c.seq
    return select(*columns).where(*own, request.c.outcome == Verdict.APPROVED, decider.is_not(None)).lateral("given")


_GIVEN = _given()
_MAY_HAVE_REQUESTS = or_(call.c.outcome.is_(None), call.c.held_s.is_not(None), call.c.extended)
"""A call that has ended knows whether it was ever on hold or extended."""


def _followed(period: Period, unit: str | None = None) -> Subquery:
    """Return the calls that `reported_again` looks at, each with the next report of its cell and category after it
    ended (`next_at`; null: there was none). One sort serves all calls, also where one cell has very many reports."""
    first = call.alias("first")
    ended = select(call.c.incident_id, call.c.seq, call.c.unit, call.c.grid_code, call.c.category, call.c.ended_at)
    ended = ended.where(*_of(period, unit), _IS_OVER, call.c.ended_at < last_end(period))
    reported = select(null(), null(), null(), first.c.grid_code, first.c.category, first.c.opened_at)
    in_time = first.c.opened_at >= period.start, first.c.opened_at <= last_report(period)
    reported = reported.where(*in_time, first.c.seq == 1, first.c.end_code.is_distinct_from(FLOOD))
    both = union_all(ended, reported).subquery("both")
    is_report = both.c.unit.is_(None)
    # from the last instant to the first, so that the smallest one so far is the next; a report at the very instant at
    # which a call ended is none that followed
    next_at = func.min(case((is_report, both.c.ended_at))).over(
        partition_by=(both.c.grid_code, both.c.category), order_by=(both.c.ended_at.desc(), is_report), rows=(None, 0)
    )
    whole = select(both, next_at.label("next_at")).subquery("whole")
    return select(whole).where(whole.c.unit.is_not(None)).subquery("followed")


def _is_again(followed: Subquery) -> _Condition:
    return followed.c.next_at - followed.c.ended_at <= AGAIN


# --- the signs ------------------------------------------------------------------------------------------------------

_ENDED = call.c.outcome.is_not(None)
_CLOSED = SIMPLE[Measure.CLOSED]
_WAYS_OUT: Mapping[Sign, _Condition] = {
    Sign.RAISED: SIMPLE[Measure.RAISED],
    Sign.RETURNED: SIMPLE[Measure.RETURNED],
    Sign.ASSIGNED: SIMPLE[Measure.ASSIGNED],
    Sign.CORRECTED: SIMPLE[Measure.CORRECTED],
    Sign.MERGED: SIMPLE[Measure.MERGED],
    Sign.VOIDED: SIMPLE[Measure.VOIDED],
    Sign.WITHDRAWN: and_(_CLOSED, call.c.end_code == ClosedAs.WITHDRAWN),
}
"""The ways to leave a call other than to resolve it."""
_IS_LEFT = or_(*_WAYS_OUT.values())
_IS_OVER = or_(call.c.outcome == Outcome.RESOLVED, _WAYS_OUT[Sign.VOIDED], _WAYS_OUT[Sign.WITHDRAWN])
_FLOODED = and_(_CLOSED, call.c.end_code == FLOOD)
_BY_OPS = call.c.ended_by["kind"].as_string() == Role.OPS
_VERDICT = call.c.appeal["outcome"].as_string()
_JUDGED = _VERDICT.is_not(None)

_ON_CALLS: Mapping[Sign, _Sign] = {
    **{sign: _Sign(condition, _ENDED) for sign, condition in _WAYS_OUT.items()},
    Sign.FLOODED: _Sign(_FLOODED, _ENDED),
    Sign.HELD: _Sign(and_(SIMPLE[Measure.HOLDS], _ENDED), _ENDED),
    Sign.EXTENDED: _Sign(and_(SIMPLE[Measure.EXTENDED], _ENDED), _ENDED),
    Sign.LAST_MOMENT: _Sign(and_(call.c.box_used > LAST_MOMENT, _IS_LEFT), _IS_LEFT),
    Sign.SELF_REPORTED: _Sign(SIMPLE[Measure.SELF_REPORTED], true()),
    Sign.EXEMPTED: _Sign(_VERDICT == Verdict.APPROVED, _JUDGED),
}
_OPS_ON_CALLS: Mapping[Sign, _Sign] = {
    **{sign: _Sign(and_(_WAYS_OUT[sign], _BY_OPS), _ENDED) for sign in (Sign.ASSIGNED, Sign.CORRECTED, Sign.MERGED)},
    Sign.FLOODED: _Sign(_FLOODED, _ENDED),
    Sign.LAST_MOMENT: _Sign(and_(call.c.box_used > LAST_MOMENT, _IS_LEFT, _BY_OPS), and_(_IS_LEFT, _BY_OPS)),
    Sign.EXEMPTED: _ON_CALLS[Sign.EXEMPTED],
}
_ON_REQUESTS: Mapping[Sign, _Sign] = {
    Sign.APPROVED_AT_ONCE: _Sign(_GIVEN.c.at_once > 0, _GIVEN.c.given > 0),
    Sign.HELD_LONG: _Sign(_GIVEN.c.held_for > LONG, _GIVEN.c.holds > 0),
}
_OPS_ON_REQUESTS: Mapping[Sign, _Sign] = {
    Sign.APPROVED_AT_ONCE: _Sign(_GIVEN.c.at_once_by_ops > 0, _GIVEN.c.given_by_ops > 0),
    Sign.HELD_LONG: _Sign(_GIVEN.c.held_for_by_ops > LONG, _GIVEN.c.holds_by_ops > 0),
}
_ON_INCIDENTS: Mapping[Sign, _Sign] = {
    Sign.ACCEPTED_AT_ONCE: _Sign(_closed.c.closed_at - call.c.ended_at <= AT_ONCE, true())
}


class _Source(NamedTuple):
    """What the calls of some signs are selected from: `among` those that may count. `units` are their signs, `ops`
    those of what ops decided."""

    rows: FromClause
    among: _Condition
    units: Mapping[Sign, _Sign]
    ops: Mapping[Sign, _Sign]


_LAST_ACCEPTED = and_(call.c.credit == Credit.VERIFIED, _closed.c.closed_as == ClosedAs.VERIFIED)
_WITH_INCIDENT = call.join(_closed, and_(_closed.c.id == call.c.incident_id, _closed.c.seq == call.c.seq))
_SOURCES = (
    _Source(call, true(), _ON_CALLS, _OPS_ON_CALLS),
    _Source(_WITH_INCIDENT, _LAST_ACCEPTED, _ON_INCIDENTS, {}),
    _Source(call.join(_GIVEN, true()), _MAY_HAVE_REQUESTS, _ON_REQUESTS, _OPS_ON_REQUESTS),
)


# --- the shares of a month --------------------------------------------------------------------------------------------


_LOOK_UPS = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
"""What belongs to a call is looked up by its key: a join of another kind would read the incidents of all months."""


async def watch(connection: AsyncConnection, period: Period) -> Watch:
    """Return the signs of every unit that was called in a month, and of ops. Call it in a `Database.read` block."""
    await set_up(connection, _LOOK_UPS)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for statement in (*(_counted(each, period) for each in _SOURCES), _counted_again(period)):
        for row in (await connection.execute(statement)).mappings():
            counts[row["unit"]].update({name: n for name, n in row.items() if name != "unit"})
    everything = sum(counts.values(), Counter[str]())
    units = {code: _signs(each, Sign) for code, each in sorted(counts.items())}
    return Watch(units, _signs(everything, OPS_SIGNS, _OPS))


_OPS = "ops_"


def _signs(counts: Counter[str], signs: Iterable[Sign], whose: str = "") -> Signs:
    return {sign: SignShare(counts[f"{whose}{sign}"], counts[f"{whose}{sign}_of"]) for sign in signs}


def _of(period: Period, unit: str | None = None) -> list[_Condition]:
    """Return the condition on the calls of a month, and of one unit where it is named."""
    month = [call.c.opened_at >= period.start, call.c.opened_at < period.end]
    return month if unit is None else [*month, call.c.unit == unit]


def _counted(source: _Source, period: Period) -> Select[Any]:
    columns = [*_counts(source.units), *_counts(source.ops, _OPS)]
    found = select(call.c.unit, *columns).select_from(source.rows)
    return found.where(*_of(period), source.among).group_by(call.c.unit)


def _counted_again(period: Period) -> Select[Any]:
    followed = _followed(period)
    columns = _counts({Sign.REPORTED_AGAIN: _Sign(_is_again(followed), true())})
    return select(followed.c.unit, *columns).group_by(followed.c.unit)


def _counts(signs: Mapping[Sign, _Sign], whose: str = "") -> list[ColumnElement[int]]:
    """Return the columns that count some signs, and of how many calls."""
    n = [func.count().filter(each.n).label(f"{whose}{sign}") for sign, each in signs.items()]
    return [*n, *(func.count().filter(each.of).label(f"{whose}{sign}_of") for sign, each in signs.items())]


# --- the calls behind a sign ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignFilter:
    """The sign whose calls are listed: those of one unit, or of all; and only what ops decided, or whoever did."""

    period: Period
    sign: Sign
    unit: str | None = None
    by_ops: bool = False


async def page(
    connection: AsyncConnection, wanted: SignFilter, after: CallPlace | None, limit: int
) -> Sequence[RowMapping]:
    """Return one page of the calls that a sign counts, as `tallies.page` does. Raises `LookupError` when ops have no
    such sign."""
    await set_up(connection, _LOOK_UPS)
    source, *conditions = _behind(wanted)
    query = select(*(call.c[name] for name in SHOWN)).select_from(source)
    query = query.where(*_of(wanted.period, wanted.unit), *conditions)
    return await one_page(connection, query, (call.c.opened_at, call.c.incident_id, call.c.seq), after, limit)


def _behind(wanted: SignFilter) -> tuple[FromClause, *tuple[_Condition, ...]]:
    """Return what the calls of a sign are selected from, and the conditions on them."""
    if wanted.sign is Sign.REPORTED_AGAIN and not wanted.by_ops:
        followed = _followed(wanted.period, wanted.unit)
        own = and_(followed.c.incident_id == call.c.incident_id, followed.c.seq == call.c.seq)
        return call.join(followed, own), _is_again(followed)
    for source in _SOURCES:
        signs = source.ops if wanted.by_ops else source.units
        if wanted.sign in signs:
            return source.rows, source.among, signs[wanted.sign].n
    raise LookupError(f"ops have no sign {wanted.sign}")
