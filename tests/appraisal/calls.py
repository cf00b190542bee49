"""Calls written by hand or at random, as facts and as rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from service.rules.figures.definition import CallFacts, Grouping, Period, Tallies, group_of, tallies
from service.rules.sight import EVERYTHING, Sight
from service.rules.words import Cause, Outcome
from service.rules.world import World
from service.store.database import Database
from service.store.figures import tallies as appraisal
from service.store.incidents.tables import call as call_table
from service.store.incidents.tables import incident as incident_table

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
    return call


def micros(took: timedelta) -> int:
    return took // timedelta(microseconds=1)


def after(opened_at: datetime = OPENED, **passed: float) -> datetime:
    return opened_at + timedelta(**passed)


async def store(database: Database, calls: Sequence[CallFacts]) -> None:
    """Their rows, and those of their incidents, closed."""
    last = {each.incident_id: each for each in calls}
    async with database.begin() as tx:
        await tx.execute(insert(incident_table), [_incident(each) for each in last.values()])
        await tx.execute(insert(call_table), [_row(each) for each in calls])


def _row(call: CallFacts) -> dict[str, object]:
    appeal = {"reason": "the road was flooded"} if call.exempt else None
    late_s = 1.5 if call.outcome in MISSED else None
    return {**call._asdict(), "district": "440105", "clock": "continuous", "appeal": appeal, "late_s": late_s}


def _incident(call: CallFacts) -> dict[str, object]:
    return {
        "id": call.incident_id,
        "number": f"2026-{call.incident_id.int:06}",
        "district": "440105",
        "kind": "incident",
        "state": "closed",
        "level": call.level,
        "unit": call.unit,
        "grid_code": call.grid_code,
        "category": call.category,
        "urgency": "normal",
        "reporter": "worker",
        "policy_code": "example",
        "policy_version": 1,
        "reported_at": call.opened_at,
        "updated_at": call.opened_at,
        "seq": call.seq,
        "version": 1,
        "sequence": 0,
        "calls_at": [1, 0, 0, 0],
        "audience": [call.unit],
        "closed_at": call.opened_at,
        "closed_as": "verified",
    }


async def counted(database: Database, grouping: Grouping, sight: Sight = EVERYTHING) -> Tallies:
    """The figures as SQL has them."""
    async with database.read() as connection:
        return await appraisal.tallies(connection, MONTH, grouping, sight)


def reckoned(calls: Sequence[CallFacts], grouping: Grouping, world: World) -> Tallies:
    """The figures by the pure definition."""
    return tallies(calls, MONTH, lambda call: group_of(grouping, call, world))


_LEVELS = (
    (1, ("440105003001", "440105003002", "440105001001")),
    (2, ("440105003", "440105001")),
    (3, ("dept-urban-management", "dept-water")),
    (4, ("leader-urban",)),
)
_CELLS = ("440105003001001", "440105003002001", "440105001001001")
_CATEGORIES = ("urban-0110", "party-01", "never-known")
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
    return call._replace(
        cause=chance.choice(_CAUSES),
        binding=chance.random() < 0.4,
        outcome=outcome,
        ended_at=ended,
        resolve_us=_without_holds(chance, opened, ended) if outcome is Outcome.RESOLVED else None,
        exempt=outcome in MISSED and chance.random() < 0.4,
        rating=chance.randint(1, 5) if call.level == 3 and outcome and chance.random() < 0.6 else None,
        outcome_rating=chance.randint(1, 5) if chance.random() < 0.3 else None,
    )
