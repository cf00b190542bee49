"""Calls with what the watch looks at beside them, and their signs, reckoned one call at a time as `watching` says."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from service.rules.figures.definition import CallFacts
from service.rules.figures.watching import OPS_SIGNS, Sign, SignShare, Watch
from service.rules.words import ClosedAs, Credit, Outcome, Verdict, VoidReason
from tests.rules.figures.facts import MONTH, at_random


class Given(NamedTuple):
    """A request of a call. `by` decided it: a unit, ops, or nobody (None), as the wait of a suggestion."""

    kind: str
    asked_at: datetime
    decided_at: datetime | None
    until: datetime
    by: str | None = "unit"
    outcome: str | None = Verdict.APPROVED
    resumed_at: datetime | None = None


class Watched(NamedTuple):
    """A call with the percentage of its box, who ended it, what became of an appeal (None: there was none), how its
    incident closed, when it was the last one, and its requests."""

    call: CallFacts
    box_used: int | None = None
    by: str | None = None
    verdict: str | None = None
    closed: tuple[str, datetime] | None = None
    requests: tuple[Given, ...] = ()


def reckoned(calls: Sequence[Watched]) -> Watch:
    """The signs of the month."""
    of_month = [each for each in calls if MONTH.holds(each.call.opened_at)]
    units = {unit: [each for each in of_month if each.call.unit == unit] for unit in {e.call.unit for e in of_month}}
    return Watch(
        {unit: {sign: _share(sign, some, calls, ops=False) for sign in Sign} for unit, some in units.items()},
        {sign: _share(sign, of_month, calls, ops=True) for sign in OPS_SIGNS},
    )


def behind(sign: Sign, unit: str | None, calls: Sequence[Watched], *, ops: bool) -> set[tuple[int, int]]:
    """(incident, seq) of the calls that a sign counts."""
    some = [each for each in calls if MONTH.holds(each.call.opened_at) and unit in (None, each.call.unit)]
    return {(each.call.incident_id.int, each.call.seq) for each in some if _facts(sign, each, calls, ops=ops)[0]}


def _share(sign: Sign, some: Sequence[Watched], calls: Sequence[Watched], *, ops: bool) -> SignShare:
    facts = [_facts(sign, each, calls, ops=ops) for each in some]
    return SignShare(sum(n for n, _ in facts), sum(of for _, of in facts))


_VOID, _WITHDRAWN, _MERGED = frozenset(VoidReason), {ClosedAs.WITHDRAWN}, {ClosedAs.MERGED}
_LEFT: Mapping[Sign, tuple[Outcome, frozenset[str] | set[ClosedAs] | None]] = {
    Sign.RAISED: (Outcome.RAISED, None),
    Sign.RETURNED: (Outcome.RETURNED, None),
    Sign.ASSIGNED: (Outcome.ASSIGNED, None),
    Sign.CORRECTED: (Outcome.CORRECTED, None),
    Sign.MERGED: (Outcome.CLOSED, _MERGED),
    Sign.VOIDED: (Outcome.CLOSED, _VOID),
    Sign.WITHDRAWN: (Outcome.CLOSED, _WITHDRAWN),
}


def _is(sign: Sign, call: CallFacts) -> bool:
    outcome, codes = _LEFT[sign]
    return call.outcome == outcome and (codes is None or call.end_code in codes)


def _facts(sign: Sign, each: Watched, calls: Sequence[Watched], *, ops: bool) -> tuple[bool, bool]:
    """Whether the sign counts this call, and whether it is one of those of which the sign is a share."""
    call, ended = each.call, each.call.outcome is not None
    is_ours = not ops or each.by == "ops"
    if sign in _LEFT:
        return _is(sign, call) and is_ours, ended
    if sign is Sign.FLOODED:
        return call.outcome == Outcome.CLOSED and call.end_code == "flood", ended
    if sign is Sign.LAST_MOMENT:
        left = any(_is(way, call) for way in _LEFT) and is_ours
        return left and (each.box_used or 0) > 95, left
    if sign is Sign.EXEMPTED:
        return each.verdict == Verdict.APPROVED, each.verdict in (Verdict.APPROVED, Verdict.REFUSED)
    if sign in (Sign.APPROVED_AT_ONCE, Sign.HELD_LONG):
        return _of_requests(sign, [one for one in each.requests if one.by == "ops" or not ops])
    return {
        Sign.HELD: (ended and call.held_s is not None, ended),
        Sign.EXTENDED: (ended and call.extended, ended),
        Sign.ACCEPTED_AT_ONCE: _accepted(each),
        Sign.SELF_REPORTED: (call.self_reported, True),
        Sign.REPORTED_AGAIN: _again(call, calls),
    }[sign]


def _of_requests(sign: Sign, requests: Sequence[Given]) -> tuple[bool, bool]:
    given = [one for one in requests if one.outcome == Verdict.APPROVED and one.by and one.decided_at]
    if sign is Sign.APPROVED_AT_ONCE:
        waits = [one.decided_at - one.asked_at for one in given if one.decided_at]
        return any(wait <= timedelta(seconds=10) for wait in waits), bool(given)
    holds = [one for one in given if one.kind == "hold"]
    lengths = [min(one.resumed_at or one.until, one.until) - one.decided_at for one in holds if one.decided_at]
    return sum(lengths, timedelta()) > timedelta(days=30), bool(holds)


def _accepted(each: Watched) -> tuple[bool, bool]:
    if each.call.credit != Credit.VERIFIED or each.closed is None or each.closed[0] != ClosedAs.VERIFIED:
        return False, False
    assert each.call.ended_at
    return each.closed[1] - each.call.ended_at <= timedelta(seconds=10), True


def _again(call: CallFacts, calls: Sequence[Watched]) -> tuple[bool, bool]:
    over = call.outcome == Outcome.RESOLVED or _is(Sign.VOIDED, call) or _is(Sign.WITHDRAWN, call)
    ended_at, fortnight = call.ended_at, timedelta(days=14)
    if not over or ended_at is None or ended_at >= MONTH.end + fortnight:
        return False, False
    place = call.grid_code, call.category
    first = [one.call for one in calls if one.call.seq == 1 and one.call.end_code != "flood"]
    first = [one for one in first if (one.grid_code, one.category) == place]
    return any(ended_at < one.opened_at <= ended_at + fortnight for one in first), True


# --- calls at random ------------------------------------------------------------------------------------------------


def watched_at_random(seed: int, incidents: int) -> list[Watched]:
    """Calls of every kind, many of them on the very edges of what a sign counts."""
    chance = random.Random(seed)
    calls = at_random(seed, incidents)
    last = {call.incident_id: call.seq for call in calls}
    return [_lived(chance, call, is_last=last[call.incident_id] == call.seq) for call in calls]


def _lived(chance: random.Random, call: CallFacts, *, is_last: bool) -> Watched:
    if call.ended_at is not None and chance.random() < 0.1:
        call = call._replace(ended_at=call.ended_at + timedelta(days=chance.randrange(50)))
    requests = tuple(_given(chance, call) for _ in range(chance.choice((0, 0, 1, 3))))
    given = [each for each in requests if each.outcome == Verdict.APPROVED]
    ended = call.outcome is not None
    closed = None
    if is_last:
        if call.outcome is Outcome.RESOLVED and chance.random() < 0.7:
            call = call._replace(credit=Credit.VERIFIED)
        waited = timedelta(seconds=chance.choice((0, 9, 10, 11, 5000)))
        closed = chance.choice((ClosedAs.VERIFIED, ClosedAs.UNVERIFIED)), (call.ended_at or call.opened_at) + waited
    return Watched(
        call._replace(
            held_s=60 if ended and any(each.kind == "hold" for each in given) else None,
            extended=any(each.kind == "extend" for each in given),
        ),
        box_used=chance.choice((1, 94, 95, 96, 100, 130)) if ended else None,
        by=chance.choice(("unit", "ops", "reporter", "clock")) if ended else None,
        verdict=chance.choice(("waits", Verdict.APPROVED, Verdict.REFUSED)) if chance.random() < 0.3 else None,
        closed=closed,
        requests=requests,
    )


def _given(chance: random.Random, call: CallFacts) -> Given:
    asked_at = call.opened_at + timedelta(seconds=chance.randrange(99))
    decided_at = asked_at + timedelta(seconds=chance.choice((0, 9, 10, 11, 5000)))
    until = decided_at + chance.choice((timedelta(days=1), timedelta(days=30), timedelta(days=30, microseconds=1)))
    outcome = chance.choice((*Verdict, Verdict.APPROVED))
    resumed_at = chance.choice((None, decided_at + timedelta(days=29), until + timedelta(hours=1)))
    by = chance.choice(("unit", "ops", None)) if outcome is Verdict.APPROVED else "unit"
    kind = chance.choice(("hold", "extend"))
    return Given(kind, asked_at, decided_at, until, by, outcome, resumed_at if kind == "hold" else None)
