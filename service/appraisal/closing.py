"""The close of a month: its figures are frozen, and the log has their digest and the seed of its spot checks. All of it
is one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from service.rules.errors import Conflict
from service.rules.figures import scoring
from service.rules.figures.definition import Period
from service.rules.model import By
from service.rules.sentences import Sentence
from service.rules.words import EventType
from service.shown.closing import AppraisalClosedData
from service.store.database import Database, Transaction
from service.store.figures import frozen, months, records, seeds
from service.store.figures.months import Closing
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.worlds import CurrentWorld


class ClosedMonth(NamedTuple):
    """A month that is closed: how many calls were frozen, how many of them were pending then, and the seed of its spot
    checks (None: it had none), which nobody could know before."""

    period: Period
    closing: Closing
    calls: int
    pending: int
    seed: str | None


async def close(
    database: Database, worlds: CurrentWorld, period: Period, now: datetime, by: By
) -> tuple[ClosedMonth, Committed | None]:
    """Close a month that is over. A month that is closed already stays as it is: the second result is None then.

    Raises:
        Conflict: the month is not over; or the log has that it was closed, and its row was changed since.
        Unavailable: the database cannot be reached, or is too busy.
    """
    if now < period.end:
        raise Conflict(Sentence("{period} ends at {end}: close it then.", period=str(period), end=period.end))
    async with database.patient.begin() as tx:
        # not the fresh world, which keeps the registry from changing: a policy is never activated in the past
        world = await worlds.seen(tx)
        known = (await months.locked(tx, period)).closing
        if known is not None:
            return await _closed(tx, period, known), None
        await _demand_open(tx, period)
        policy = scoring.policy_of(world, period, now)
        named = None if policy is None else (policy.code, policy.version)
        closing = Closing(now, named, await frozen.freeze(tx, period))
        await months.close(tx, period, closing)
        closed = await _closed(tx, period, closing)
        entry = Entry(EventType.APPRAISAL_CLOSED, now, world.district, (), _facts(closed, by))
        return closed, await writing.append(tx, [entry])


async def _demand_open(tx: Transaction, period: Period) -> None:
    """Raises `Conflict` when the log has a close of a month whose row has none: a month is never frozen anew."""
    closes = await records.records(tx, period, EventType.APPRAISAL_CLOSED)
    if not closes:
        return
    detail = Sentence(
        "The log has that {period} was closed at {at}, but its row in the database was set open since, so it is not "
        "closed anew: sihu appraisal check {period} shows what was changed.",
        period=str(period),
        at=closes[0].at,
    )
    raise Conflict(detail)


async def _closed(tx: Transaction, period: Period, closing: Closing) -> ClosedMonth:
    calls, pending = await frozen.totals(tx, period)
    seed = await seeds.seed_of(tx, period)
    return ClosedMonth(period, closing, calls, pending, None if seed is None else seed.seed)


def _facts(closed: ClosedMonth, by: By) -> AppraisalClosedData:
    policy = closed.closing.policy
    return {
        "period": str(closed.period),
        "calls": closed.calls,
        "pending": closed.pending,
        "policy": None if policy is None else {"code": policy[0], "version": policy[1]},
        "digest": closed.closing.digest,
        "seed": closed.seed,
        "by": by.as_dict(),
    }
