"""The seeds of spot checks: one random number a month, whose SHA-256 is in the log before the month begins.

Nobody can choose a seed that suits somebody: it is made before there is anything to draw, and never changed. Nobody can
know before what will be drawn: the seed is in the database alone, until the month is closed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.figures.definition import Period
from service.rules.logged import ByView
from service.rules.model import CLOCK
from service.rules.words import EventType, UnitKind
from service.store.figures.tables import appraisal_seed
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.store.registry.tables import unit

_BYTES = 32


class AppraisalSeededData(TypedDict):
    """The data of `sihu.appraisal.seeded`. `digest` is the SHA-256 of the seed, in hexadecimal digits."""

    period: str
    digest: str
    by: ByView


class Seed(NamedTuple):
    """A seed and its digest, the SHA-256 of its bytes, both in hexadecimal digits. Only the digest may be shown before
    the month is closed."""

    seed: str
    digest: str
    published_at: datetime

    def __repr__(self) -> str:
        """Without the seed: what is logged of an error may show anything."""
        return f"Seed(digest={self.digest!r}, published_at={self.published_at!r})"


async def seed_of(connection: AsyncConnection, period: Period) -> Seed | None:
    """Return the seed of a month; None when it has none yet."""
    return (await seeds_of(connection, [period])).get(period)


async def seeds_of(connection: AsyncConnection, periods: Iterable[Period]) -> Mapping[Period, Seed]:
    """Return the seeds of those of these months that have one."""
    row = appraisal_seed.c
    query = select(row.period, row.seed, row.published_at).where(row.period.in_([str(each) for each in periods]))
    return {
        Period.of(period): Seed(seed.hex(), _digest(seed), published_at)
        for period, seed, published_at in await connection.execute(query)
    }


async def make_ahead(tx: AsyncConnection, now: datetime, until: datetime | None = None) -> Committed | None:
    """Make the seeds that are lacking, and publish the digest of each: those of the month of `now` and of the one
    after; with `until`, also of all months up to that one. Of two processes that do so at once, one makes a seed.

    Returns what was written to the log; None when nothing was, since all is made or the registry has no district yet.
    """
    district = (await tx.execute(_DISTRICT)).scalar_one_or_none()
    wanted = tuple(_months(now, max(Period.at(now).end, until or now)))
    known = await seeds_of(tx, wanted)
    lacking = {str(each): secrets.token_bytes(_BYTES) for each in wanted if each not in known}
    if district is None or not lacking:
        return None
    rows = [{"period": period, "seed": seed, "published_at": now} for period, seed in lacking.items()]
    made = insert(appraisal_seed).values(rows).on_conflict_do_nothing().returning(appraisal_seed.c.period)
    periods = sorted((await tx.execute(made)).scalars())
    entries = [_entry(now, district, period, lacking[period]) for period in periods]
    return await writing.append(tx, entries) if entries else None


_DISTRICT = select(func.max(unit.c.code)).where(unit.c.kind == UnitKind.DISTRICT)


def _months(since: datetime, until: datetime) -> Iterator[Period]:
    """The months from that of one moment to that of another, both included."""
    period, last = Period.at(since), Period.at(until)
    while period != last:
        yield period
        period = period.next
    yield last


def _digest(seed: bytes) -> str:
    return hashlib.sha256(seed).hexdigest()


def _entry(now: datetime, district: str, period: str, seed: bytes) -> Entry:
    data: AppraisalSeededData = {"period": period, "digest": _digest(seed), "by": CLOCK.as_dict()}
    return Entry(EventType.APPRAISAL_SEEDED, now, district, (), data)
