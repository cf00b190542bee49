"""One turn of the engine: claim a page of due incidents, decide each by the table of the rules, save the decisions.

The table (`lifecycle.TRANSITIONS`) is the one by which people's acts are decided as well. When the database refuses a
page, its incidents are saved one by one: an incident that fails is counted and tried again after a growing delay, and
the others are saved. The sweep never gives an incident up.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from service.escalation import seeding
from service.escalation.seeding import Tell
from service.rules import lifecycle, pinning
from service.rules.decisions import DueDecision
from service.rules.errors import Unavailable
from service.rules.figures.definition import Period
from service.rules.model import DueIncident
from service.rules.spot_checks import Seeds
from service.rules.words import EventType
from service.rules.world import World
from service.store.database import Database, StatementRefused, Transaction
from service.store.incidents import claiming, saving
from service.store.incidents.claiming import FIRST, UnreadableRowError, WakePlace
from service.store.log.writing import Committed
from service.store.sqlstates import Trouble
from service.worlds import CurrentWorld

_log = logging.getLogger(__name__)

PAGE = 500
"""Incidents in one transaction: enough to spread the cost of its statements, few enough to keep locks short, and to lie
whole in the buffers of a connection. Of a larger page PostgreSQL would wait to send the rest, with all rows locked, for
as long as the engine is frozen: no time limit of a session ends that."""

_FIRST_DELAY = timedelta(seconds=30)
_MAX_DELAY = timedelta(hours=1)

_OF_STATEMENTS = (Trouble.CONFLICT, Trouble.TOO_SLOW)
"""Trouble that a smaller transaction may not meet."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one turn did. `fired` counts deadlines, `backed_off` the incidents that failed. After a `full` page, more
    incidents may be due. `lateness`: for each missed call, the seconds from its deadline to now. `decisions`: what was
    committed."""

    fired: int = 0
    backed_off: int = 0
    full: bool = False
    lateness: tuple[float, ...] = ()
    decisions: tuple[DueDecision, ...] = ()


@dataclass(slots=True)
class Front:
    """How far the pages of one sweep have come, which are taken side by side: the last incident that one of them has
    claimed.

    The next page begins there. So it does not walk over the incidents that the pages beside it hold locked, nor over
    what those before it have left in the index. Who is passed over, such as an incident that another engine gave back,
    is still due at the next sweep.

    The pages draw by `seeds`, which are read once for a sweep, and again when a month begins meanwhile.
    """

    place: WakePlace = FIRST
    seeds: Seeds = field(default_factory=dict, repr=False)


async def run_once(
    database: Database,
    worlds: CurrentWorld,
    now: datetime,
    tell: Tell,
    *,
    limit: int = PAGE,
    front: Front | None = None,
) -> Swept:
    """Fire the deadlines that have passed at `now`, of at most `limit` incidents, and move the front past them.

    Raises:
        Unavailable: the database cannot be reached. What was not committed is still due at the next turn.
    """
    front = front or Front()
    if Period.at(now) not in front.seeds:
        front.seeds = await seeding.ready(database, now, tell)
    after = front.place
    try:
        return await _page(database, worlds, now, tell, limit, front)
    except (StatementRefused, UnreadableRowError, Unavailable) as error:
        if _is_outage(error):
            raise
        cause = error.cause if isinstance(error, Unavailable) else error
        _log.warning("a page was refused, taking it row by row: %s", cause, extra={"event": "sweep_page_refused"})
        return await _row_by_row(database, worlds, now, tell, limit, Front(after, front.seeds))


async def _page(database: Database, worlds: CurrentWorld, now: datetime, tell: Tell, limit: int, front: Front) -> Swept:
    async with database.begin() as tx:
        world = await worlds.fresh(tx)
        due = await claiming.claim_due(tx, now, limit, front.place)
        if not due:
            return Swept()
        front.place = max(front.place, WakePlace(due[-1].wake_at or now, due[-1].id))
        decisions, failed, committed = await _fire(tx, due, world, now, front.seeds)
    if committed:
        tell(committed)
    return Swept(_fired(decisions), failed, len(due) == limit, _lateness(decisions), tuple(decisions))


async def _fire(
    tx: Transaction, due: list[DueIncident], world: World, now: datetime, seeds: Seeds
) -> tuple[list[DueDecision], int, Committed | None]:
    """Decide about claimed incidents and save the decisions. Those that cannot be decided are put aside and counted."""
    decisions, failed = _decide(due, world, now, seeds)
    for incident in failed:
        await _back_off(tx, incident.id, now)
    return decisions, len(failed), await saving.save(tx, decisions) if decisions else None


def _decide(
    due: list[DueIncident], world: World, now: datetime, seeds: Seeds
) -> tuple[list[DueDecision], list[DueIncident]]:
    for code, version in sorted({each.policy for each in due if pinning.is_lost(world, each)}):
        _say_lost(code, version, world.version)
    decisions, failed = [], []
    for incident in due:
        try:
            decision = lifecycle.tick(incident, world, now, seeds)
        except Exception:  # one bad incident must not stop the others: it is logged, counted and tried again
            _log.exception("incident %s cannot be swept", incident.number, extra={"event": "sweep_row_failed"})
            decision = None
        if decision is None:
            failed.append(incident)
        else:
            decisions.append(decision)
    return decisions, failed


@lru_cache(maxsize=64)  # once for each version of the world, and not for each incident
def _say_lost(code: str, version: int, _world: int) -> None:
    _log.warning(
        "policy %s version %d is not in the database: its incidents go by the one in force when they were reported",
        *(code, version),
        extra={"event": "policy_lost"},
    )


async def _row_by_row(
    database: Database, worlds: CurrentWorld, now: datetime, tell: Tell, limit: int, front: Front
) -> Swept:
    async with database.read() as connection:
        ids = await claiming.due_ids(connection, now, limit, front.place)
    decisions: list[DueDecision] = []
    backed_off = 0
    for incident_id in ids:
        try:
            decided, failed = await _one(database, worlds, incident_id, now, tell, front.seeds)
            decisions += decided
            backed_off += failed
        except (StatementRefused, UnreadableRowError, Unavailable) as error:
            if _is_outage(error):
                raise
            _log.exception("incident %s cannot be saved", incident_id, extra={"event": "sweep_row_failed"})
            async with database.begin() as tx:
                await _back_off(tx, incident_id, now)
            backed_off += 1
    return Swept(_fired(decisions), backed_off, len(ids) == limit, _lateness(decisions), tuple(decisions))


def _is_outage(error: Exception) -> bool:
    """Whether the next row would fail as well, since the database cannot serve at all."""
    return isinstance(error, Unavailable) and error.trouble not in _OF_STATEMENTS


async def _one(
    database: Database, worlds: CurrentWorld, incident_id: UUID, now: datetime, tell: Tell, seeds: Seeds
) -> tuple[list[DueDecision], int]:
    """Fire the deadline of one incident. Returns the decision, if there is one, and 1 if the incident was put aside."""
    async with database.begin() as tx:
        world = await worlds.fresh(tx)
        incident = await claiming.claim_one(tx, incident_id, now)
        if incident is None:
            return [], 0
        decisions, failed, committed = await _fire(tx, [incident], world, now, seeds)
    if committed:
        tell(committed)
    return decisions, failed


async def _back_off(tx: Transaction, incident_id: UUID, now: datetime) -> None:
    await claiming.back_off(tx, incident_id, now, _FIRST_DELAY, _MAX_DELAY)


_BETWEEN_DEADLINES = (EventType.CALL_WARNED, EventType.CALL_RESCHEDULED)


def _fired(decisions: list[DueDecision]) -> int:
    """How many deadlines fired. A warning does not count, and neither does a deadline that a changed calendar moved."""
    return sum(bool(each.events) and each.events[0].type not in _BETWEEN_DEADLINES for each in decisions)


def _lateness(decisions: list[DueDecision]) -> tuple[float, ...]:
    return tuple(call.late_s for each in decisions for call in each.changed if call.late_s is not None)
