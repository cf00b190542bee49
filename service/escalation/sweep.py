"""One turn of the engine: take a page of what is due, decide each by the same rule as people's acts, save the page.

A page that the database refuses is taken again row by row: the one bad row is left for later, with a growing delay, and
counted; the others go on. Nothing here switches itself off.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from service.rules import lifecycle
from service.rules.model import Decision, Incident
from service.rules.words import EventType
from service.rules.world import World
from service.store.database import Database, StatementRefused, Transaction
from service.store.incidents import claiming, saving
from service.store.log.writing import Committed
from service.worlds import CurrentWorld

_log = logging.getLogger(__name__)

PAGE = 500
"""Incidents in one transaction: enough to spread the cost of a statement, few enough to keep locks brief."""

_FIRST_DELAY = timedelta(seconds=30)
_MAX_DELAY = timedelta(hours=1)

Tell = Callable[[Committed], None]


@dataclass(frozen=True, slots=True)
class Swept:
    """What one turn did. `backed_off`: rows left for later. `full`: the page was full, so more may be due at once.
    `lateness`: seconds, one a firing."""

    fired: int = 0
    backed_off: int = 0
    full: bool = False
    lateness: tuple[float, ...] = ()


async def run_once(database: Database, worlds: CurrentWorld, now: datetime, tell: Tell, *, limit: int = PAGE) -> Swept:
    """Fire at most `limit` deadlines that have passed at `now`.

    Raises:
        Unavailable: the database is away; nothing was written, and the same turn can be taken again.
    """
    try:
        return await _page(database, worlds, now, tell, limit)
    except StatementRefused as error:
        _log.warning("a page was refused, taking it row by row: %s", error, extra={"event": "sweep_page_refused"})
        return await _row_by_row(database, worlds, now, tell, limit)


async def _page(database: Database, worlds: CurrentWorld, now: datetime, tell: Tell, limit: int) -> Swept:
    async with database.begin() as tx:
        world = await worlds.fresh(tx)
        due = await claiming.claim_due(tx, now, limit)
        if not due:
            return Swept()
        decisions, aside = _decide(due, world, now)
        for incident in aside:
            await _back_off(tx, incident.id, now)
        committed = await saving.save(tx, decisions) if decisions else None
    if committed:
        tell(committed)
    return Swept(_fired(decisions), len(aside), len(due) == limit, _lateness(decisions))


def _decide(due: list[Incident], world: World, now: datetime) -> tuple[list[Decision], list[Incident]]:
    decisions, aside = [], []
    for incident in due:
        try:
            decision = lifecycle.tick(incident, world, now)
        except Exception:  # one bad row must not stop the others; it is logged, counted and retried
            _log.exception("incident %s cannot be swept", incident.number, extra={"event": "sweep_row_failed"})
            decision = None
        if decision is None:
            aside.append(incident)
        else:
            decisions.append(decision)
    return decisions, aside


async def _row_by_row(database: Database, worlds: CurrentWorld, now: datetime, tell: Tell, limit: int) -> Swept:
    async with database.read() as connection:
        ids = await claiming.due_ids(connection, now, limit)
    fired: list[Decision] = []
    backed_off = 0
    for incident_id in ids:
        try:
            fired += await _one(database, worlds, incident_id, now, tell)
        except StatementRefused:
            _log.exception("incident %s cannot be saved", incident_id, extra={"event": "sweep_row_failed"})
            async with database.begin() as tx:
                await _back_off(tx, incident_id, now)
            backed_off += 1
    return Swept(_fired(fired), backed_off, len(ids) == limit, _lateness(fired))


async def _one(
    database: Database, worlds: CurrentWorld, incident_id: UUID, now: datetime, tell: Tell
) -> list[Decision]:
    async with database.begin() as tx:
        world = await worlds.fresh(tx)
        incident = await claiming.claim_one(tx, incident_id, now)
        if incident is None:
            return []
        decisions, aside = _decide([incident], world, now)
        for each in aside:
            await _back_off(tx, each.id, now)
        committed = await saving.save(tx, decisions) if decisions else None
    if committed:
        tell(committed)
    return decisions


async def _back_off(tx: Transaction, incident_id: UUID, now: datetime) -> None:
    await claiming.back_off(tx, incident_id, now, _FIRST_DELAY, _MAX_DELAY)


_BETWEEN_DEADLINES = (EventType.CALL_WARNED, EventType.CALL_RESCHEDULED)


def _fired(decisions: list[Decision]) -> int:
    """How many deadlines were fired. A warning is none, and neither is a deadline that was only recomputed."""
    return sum(bool(each.events) and each.events[0].type not in _BETWEEN_DEADLINES for each in decisions)


def _lateness(decisions: list[Decision]) -> tuple[float, ...]:
    return tuple(each.ended.late_s for each in decisions if each.ended and each.ended.late_s is not None)
