"""Calls as rows, and the figures that SQL counts of them. The calls themselves are those of `tests/rules/figures`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert

from service.rules.figures.definition import CallFacts, Grouping, Tallies
from service.rules.sight import EVERYTHING, Sight
from service.store.database import Database
from service.store.figures import tallies as appraisal
from service.store.incidents.tables import call as call_table
from service.store.incidents.tables import incident as incident_table
from tests.rules.figures.facts import MISSED, MONTH


async def store(database: Database, calls: Sequence[CallFacts]) -> None:
    """Their rows, and those of their incidents, closed."""
    last = {each.incident_id: each for each in calls}
    async with database.begin() as tx:
        await tx.execute(insert(incident_table), [_incident(each) for each in last.values()])
        await tx.execute(insert(call_table), [_row(each) for each in calls])


def _row(call: CallFacts) -> dict[str, object]:
    appeal = {"reason": "the road was flooded"} if call.exempt else None
    late_s = 1.5 if call.outcome in MISSED else None
    accountable = None if call.accountable_seq is None else "anybody"
    return {
        **call._asdict(),
        "accountable": accountable,
        "district": "440105",
        "clock": "continuous",
        "appeal": appeal,
        "late_s": late_s,
    }


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
