"""Calls written by hand or at random, as the facts that are counted, and a table of figures reckoned by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from service.rules.figures.counting import tallies
from service.rules.figures.definition import PARTS, CallFacts, Grouping, Measure, Period, Tallies, group_of
from service.rules.words import Cause, ClosedAs, Credit, Outcome, VoidReason
from service.rules.world import World

MONTH = Period(2026, 11)
OPENED = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
CELL = "440105003001001"
CATEGORY = "urban-0110"
MISSED = (Outcome.NO_ANSWER, Outcome.NOT_RESOLVED)


def a_call(incident: int, seq: int = 1, **fields: object) -> CallFacts:
    """A call of the sample's community, opened on the tenth, four hours to answer; still open. Never on hold."""
    at = fields.get("opened_at", OPENED)
    assert isinstance(at, datetime)
    plain = CallFacts(
        incident_id=UUID(int=incident),
        seq=seq,
        level=1,
        round=1,
        unit=CELL[:12],
        grid_code=CELL,
        category=CATEGORY,
        cause=Cause.REPORT if seq == 1 else Cause.RAISED,
        opened_at=OPENED,
        answer_by=at + timedelta(hours=4),
    )
    call = plain._replace(**fields)  # type: ignore[arg-type]
    if call.answered_at and call.answer_us is None:
        call = call._replace(answer_us=micros(call.answered_at - call.opened_at))
    if call.ended_at and call.outcome is Outcome.RESOLVED and call.resolve_us is None:
        call = call._replace(resolve_us=micros(call.ended_at - call.opened_at))
    return call._replace(credit=call.credit or Credit.VERIFIED) if call.outcome is Outcome.RESOLVED else call


def micros(took: timedelta) -> int:
    return took // timedelta(microseconds=1)


def after(opened_at: datetime = OPENED, **passed: float) -> datetime:
    return opened_at + timedelta(**passed)


def reckoned(calls: Sequence[CallFacts], grouping: Grouping, world: World) -> Tallies:
    """The figures by the pure definition."""
    return tallies(calls, MONTH, lambda call: group_of(grouping, call, world))


COMMITTEE = "committee-1"
COMMUNITY, STREET, DEPARTMENT, LEADER = CELL[:12], CELL[:9], "dept-urban-management", "leader-urban"
FAR = "440105001001001"
ANSWERED: dict[str, Any] = {"answered_at": after(hours=1), "resolve_by": after(hours=25)}
RAISED: dict[str, Any] = {"level": 2, "unit": STREET, "opened_at": after(hours=2), "answer_by": after(hours=6)}
CALLS: list[CallFacts] = [
    # 1: answered in time, resolved in time, rated by its reporter
    a_call(1, **ANSWERED, outcome=Outcome.RESOLVED, ended_at=after(hours=25), outcome_rating=4),
    # 2: missed, exempt; the street answers late and resolves late
    a_call(2, outcome=Outcome.NO_ANSWER, ended_at=after(hours=4), exempt=True),
    a_call(2, 2, level=2, unit=STREET, cause=Cause.NO_ANSWER, answered_at=after(hours=5), resolve_by=after(hours=7),
           outcome=Outcome.RESOLVED, ended_at=after(hours=8)),
    # 3: raised, given to a department, which returns it; the street passes it on; the leader binds the department
    a_call(3, **ANSWERED, outcome=Outcome.RAISED, ended_at=after(hours=2)),
    a_call(3, 2, **RAISED, outcome=Outcome.RAISED, ended_at=after(hours=3)),
    a_call(3, 3, level=3, unit=DEPARTMENT, outcome=Outcome.RETURNED, ended_at=after(hours=3), rating=2),
    a_call(3, 4, level=2, unit=STREET, round=2, cause=Cause.RETURNED, outcome=Outcome.RAISED, ended_at=after(hours=3)),
    a_call(3, 5, level=4, unit=LEADER, outcome=Outcome.ASSIGNED, ended_at=after(hours=3)),
    a_call(3, 6, level=3, unit=DEPARTMENT, round=2, cause=Cause.ASSIGNED, binding=True, **ANSWERED, rating=5,
           outcome=Outcome.NOT_RESOLVED, ended_at=after(hours=25)),
    # 4: another street and line; returned, and not in error
    a_call(4, level=3, unit="dept-water", grid_code=FAR, category="party-01", outcome=Outcome.RETURNED,
           ended_at=after(hours=1)),
    # 5: closed without a resolution; 6: open, in round 2 but inside its street, which is no hop
    a_call(5, outcome=Outcome.CLOSED, ended_at=after(hours=1)),
    a_call(6, level=2, unit=STREET, round=2, cause=Cause.ASSIGNED),
    # 9: the community voids what is reopened and resolved above it, and nobody verifies that
    a_call(9, outcome=Outcome.CLOSED, end_code=VoidReason.UNCLEAR, ended_at=after(hours=1)),
    a_call(9, 2, level=2, unit=STREET, cause=Cause.REOPENED, **ANSWERED, outcome=Outcome.RESOLVED,
           ended_at=after(hours=2), credit=Credit.UNVERIFIED),
    # 10: passed on late by the street, missed by the committee it went to
    a_call(10, level=2, unit=STREET, outcome=Outcome.ASSIGNED, ended_at=after(hours=4), late_exit=True),
    a_call(10, 2, level=2, unit=COMMITTEE, round=2, cause=Cause.ASSIGNED, outcome=Outcome.NO_ANSWER,
           ended_at=after(hours=8), accountable_seq=1),
    # 11: on hold and extended, then raised late: an appeal succeeded
    a_call(11, **ANSWERED, outcome=Outcome.RAISED, ended_at=after(hours=24), held_s=60, extended=True, late_exit=True,
           exempt=True),
    # 12: reported from above, and it went well; 13: reported by itself, left late; 14: so reported, and missed
    a_call(12, **ANSWERED, outcome=Outcome.RESOLVED, ended_at=after(hours=2), self_reported=True, outcome_rating=5),
    a_call(13, self_reported=True, own_report=True, late_exit=True, outcome=Outcome.RAISED, ended_at=after(hours=4)),
    a_call(14, level=2, unit=COMMITTEE, self_reported=True, outcome=Outcome.NO_ANSWER, ended_at=after(hours=4)),
    # 15: waits to be looked at; 16: rejected; 17: merged; 18: taken back late
    a_call(15, level=2, unit=COMMITTEE, **ANSWERED, outcome=Outcome.RESOLVED, ended_at=after(hours=2),
           credit=Credit.PENDING),
    a_call(16, level=2, unit=COMMITTEE, **ANSWERED, outcome=Outcome.RESOLVED, ended_at=after(hours=2),
           credit=Credit.REJECTED),
    a_call(17, level=2, unit=COMMITTEE, outcome=Outcome.CLOSED, ended_at=after(hours=2), end_code=ClosedAs.MERGED),
    a_call(18, level=2, unit=COMMITTEE, outcome=Outcome.CLOSED, ended_at=after(hours=2), end_code=ClosedAs.WITHDRAWN,
           withdrawn_late=True),
    # 19: a partner answers, and the street puts the category right, which is another unit's
    a_call(19, level=2, unit=COMMITTEE, **ANSWERED, answered_by_member=True, outcome=Outcome.CORRECTED,
           ended_at=after(hours=2)),
    # of other months
    a_call(7, opened_at=MONTH.start - timedelta(microseconds=1)),
    a_call(8, opened_at=MONTH.end),
]  # fmt: skip

_COMMUNITY = {
    "calls": 8, "answered_in_time": 4, "resolved_level_1": 2, "resolved_in_time": 2, "missed_answer": 1,
    "exempt_answer": 1, "exempt_resolve": 1, "late_exit": 2, "raised": 3, "closed": 2, "voided": 1,
    "voided_in_error": 1, "self_reported": 2, "holds": 1, "extended": 1, "reporter_rated": 1, "answerable": 3,
    "resolvable": 1, "answered_credited": 3, "resolved_credited": 1,
}  # fmt: skip
_STREET = {
    "calls": 6, "answered_in_time": 1, "answered_late": 1, "resolved_level_2": 2, "unverified": 1, "accountable": 1,
    "late_exit": 1, "late_exit_answer": 1, "raised": 2, "assigned": 1, "multi_hop": 1, "open": 1, "answerable": 2,
    "resolvable": 2, "answered_credited": 1, "unverified_credited": 1,
}  # fmt: skip
_COMMITTEE = {
    "calls": 7, "answered_in_time": 3, "answered_by_member": 1, "corrected": 1, "resolved_level_2": 2, "pending": 1,
    "rejected": 1, "missed_answer": 2, "closed": 2, "merged": 1, "withdrawn_late": 1, "self_reported": 1,
    "answerable": 4, "resolvable": 1, "answered_credited": 3,
}  # fmt: skip
_DEPARTMENT = {
    "calls": 2, "answered_in_time": 1, "missed_resolve": 1, "returned": 1, "returned_in_error": 1, "multi_hop": 1,
    "street_rated": 2, "answerable": 1, "resolvable": 1, "answered_credited": 1,
}  # fmt: skip
_WATER = {"calls": 1, "returned": 1}
_LEADER = {"calls": 1, "assigned": 1}


def _added(*some: Mapping[str, int]) -> dict[str, int]:
    return {name: sum(each.get(name, 0) for each in some) for name in {key for each in some for key in each}}


_URBAN = _added(_COMMUNITY, _STREET, _COMMITTEE, _DEPARTMENT, _LEADER)
EXPECTED: Mapping[Grouping, Mapping[str, Mapping[str, int]]] = {
    Grouping.UNIT: {
        COMMUNITY: _COMMUNITY, STREET: _STREET, COMMITTEE: _COMMITTEE, DEPARTMENT: _DEPARTMENT, "dept-water": _WATER,
        LEADER: _LEADER,
    },
    Grouping.STREET: {STREET: _URBAN, FAR[:9]: _WATER},
    Grouping.DEPARTMENT: {DEPARTMENT: _DEPARTMENT, "dept-water": _WATER},
    Grouping.LINE: {"urban": _URBAN, "party": _WATER},
    Grouping.LEVEL: {"1": _COMMUNITY, "2": _added(_STREET, _COMMITTEE), "3": _added(_DEPARTMENT, _WATER), "4": _LEADER},
}  # fmt: skip


def _whole(counts: Mapping[str, int]) -> dict[Measure, int]:
    sums = {whole.value: sum(counts.get(part, 0) for part in parts) for whole, parts in PARTS.items()}
    return {measure: {**counts, **sums}.get(measure.value, 0) for measure in Measure}


def demand_expected(found: Tallies, grouping: Grouping) -> None:
    """The counts are those that were reckoned by hand."""
    expected = EXPECTED[grouping]
    assert {code: tally.counts for code, tally in found.groups.items()} == {
        code: _whole(counts) for code, counts in expected.items()
    }
    assert found.total.counts == _whole(_added(*expected.values()))


_LEVELS = (
    (1, ("440105003001", "440105003002", "440105001001")),
    (2, ("440105003", "440105001")),
    (3, ("dept-urban-management", "dept-water")),
    (4, ("leader-urban",)),
)
_CELLS = ("440105003001001", "440105003002001", "440105001001001")
_CATEGORIES = ("urban-0110", "party-01", "never-known")
_LEFT = (*VoidReason, ClosedAs.MERGED, ClosedAs.WITHDRAWN, "flood")
_CAUSES = [each.value for each in Cause]


def at_random(seed: int, incidents: int) -> list[CallFacts]:
    """Calls with every outcome, cause and rating, some on the very edges of the month and of their boxes."""
    chance = random.Random(seed)
    return [call for n in range(1, incidents + 1) for call in _of_one(chance, n)]


def _of_one(chance: random.Random, number: int) -> list[CallFacts]:
    at = chance.choice((MONTH.start, MONTH.end)) if chance.random() < 0.1 else MONTH.start
    at += timedelta(microseconds=chance.randrange(-(10**6), 33 * 86_400 * 10**6) if chance.random() < 0.95 else -1)
    rounds = dict.fromkeys(range(1, 5), 0)
    calls = []
    many = chance.randint(1, 6)
    cell, category = chance.choice(_CELLS), chance.choice(_CATEGORIES)
    for seq in range(1, many + 1):
        level, units = chance.choice(_LEVELS)
        rounds[level] += 1
        opened = a_call(number, seq, opened_at=at, level=level, round=rounds[level], unit=chance.choice(units))
        calls.append(_lived(chance, opened._replace(grid_code=cell, category=category), last=seq == many))
        at = (calls[-1].ended_at or at) + timedelta(seconds=chance.randrange(3))
    return calls


def _without_holds(chance: random.Random, opened: datetime, ended: datetime | None) -> int | None:
    return None if ended is None else micros((ended - opened) * chance.choice((1, 1, 0.5)))


def _lived(chance: random.Random, call: CallFacts, *, last: bool) -> CallFacts:
    box, opened = timedelta(hours=4), call.opened_at
    answered = chance.random() < 0.6
    if answered:
        at = opened + (box if chance.random() < 0.1 else box * chance.random() * 1.3)
        held = (at - opened) * chance.choice((0, 0, 0.25))
        call = call._replace(answered_at=at, resolve_by=at + box, answer_us=micros(at - opened - held))
    never = (Outcome.NO_ANSWER,) if answered else (Outcome.RESOLVED, Outcome.NOT_RESOLVED)
    outcomes = [each for each in Outcome if each not in never]
    outcome = None if last and chance.random() < 0.2 else chance.choice(outcomes)
    start = call.answered_at or opened
    ended = None if outcome is None else start + (box if chance.random() < 0.1 else box * chance.random() * 1.3)
    late_exit = outcome not in (*MISSED, Outcome.RESOLVED, None) and chance.random() < 0.4
    self_reported = chance.random() < 0.2
    return call._replace(
        late_exit=late_exit,
        self_reported=self_reported,
        own_report=self_reported and chance.random() < 0.5,
        credit=chance.choice([*Credit]) if outcome is Outcome.RESOLVED else None,
        end_code=chance.choice(_LEFT) if outcome is Outcome.CLOSED else None,
        withdrawn_late=outcome is Outcome.CLOSED and chance.random() < 0.3,
        accountable_seq=chance.randrange(1, call.seq) if call.seq > 1 and chance.random() < 0.3 else None,
        held_s=chance.randrange(9) if outcome and chance.random() < 0.2 else None,
        extended=chance.random() < 0.1,
        answered_by_member=answered and chance.random() < 0.1,
        cause=chance.choice(_CAUSES),
        binding=chance.random() < 0.4,
        outcome=outcome,
        ended_at=ended,
        resolve_us=_without_holds(chance, opened, ended) if outcome is Outcome.RESOLVED else None,
        exempt=(outcome in MISSED or late_exit) and chance.random() < 0.4,
        rating=chance.randint(1, 5) if call.level == 3 and outcome and chance.random() < 0.6 else None,
        outcome_rating=chance.randint(1, 5) if chance.random() < 0.3 else None,
    )
