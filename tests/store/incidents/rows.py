"""Incidents of the rules' little world, saved decision by decision and read back: what the tests of this room share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from service.rules import lifecycle
from service.rules.decisions import AnyDecision, Decision, DueDecision
from service.rules.model import DueIncident, Incident
from service.rules.words import Arrow
from service.store import bulk
from service.store.database import Database
from service.store.incidents import loading, reports, saving
from service.store.incidents.reports import Report
from service.store.incidents.saving import Stamp
from service.store.log.writing import Committed
from tests.rules.builders import UNIT_AT, WORLD, act, reported


async def save(database: Database, *decisions: AnyDecision, stamp: Stamp | None = None) -> Committed | None:
    """Save these decisions in one transaction, with the reports of those that begin an incident; `stamp` is of each."""
    stamps = {each.after.id: stamp for each in decisions} if stamp else None
    new: list[Any] = [each.after for each in decisions if each.before is None]
    async with database.begin() as tx:
        if new:
            said = [(each, Report(each.reporter, b"hash", "A broken lamp"), "urban") for each in new]
            await bulk.insert_rows(tx, *reports.new_rows(said))
        return await saving.save(tx, decisions, stamps=stamps)


def numbered(n: int, **report: Any) -> Decision:
    """The report of incident number n."""
    decision = reported(**report)
    after = decision.after._replace(id=UUID(int=n), number=f"2026-{n:06}")
    events = tuple(each._replace(at_state=after) for each in decision.events)
    return decision._replace(after=after, events=events)


async def raised(database: Database, times: int) -> Incident:
    """An incident that was reported, and raised so often by whoever was called: saved step by step."""
    decision = reported()
    await save(database, decision)
    for _ in range(times):
        decision = await done(database, decision.after, UNIT_AT[decision.after.level], Arrow.RAISE)
    return decision.after


async def done(database: Database, incident: Incident, who: str, arrow: Arrow, **given: Any) -> Decision:
    """One act, decided and saved."""
    decision = act(incident, who, arrow, **given)
    await save(database, decision)
    return decision


def fired(incident: DueIncident, *, late_s: float = 2) -> DueDecision:
    """The clock's decision so long after the deadline."""
    assert incident.due_at is not None
    decision = lifecycle.tick(incident, WORLD, incident.due_at + timedelta(seconds=late_s))
    assert decision is not None
    return decision


async def load(database: Database, n: int = 1) -> Incident:
    """Incident number n as people's acts have it."""
    async with database.read() as connection:
        loaded = await loading.load(connection, UUID(int=n))
    assert loaded is not None
    return loaded.incident


async def ask(database: Database, question: str) -> list[Any]:
    """The rows of a question, as tuples."""
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(text(question))]
