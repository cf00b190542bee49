"""The seed of a month: one, random, never changed, and hidden wherever an error may show it."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.rules.figures.definition import Period
from service.store.database import Database
from service.store.figures import seeds
from service.store.figures.seeds import Seed

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
NOVEMBER, DECEMBER, JANUARY = Period(2026, 11), Period(2026, 12), Period(2027, 1)


async def _make(database: Database, now: datetime = NOW, until: datetime | None = None) -> int | None:
    """Make seeds. Returns the id of the batch in the log; None: nothing was made."""
    async with database.begin() as tx:
        committed = await seeds.make_ahead(tx, now, until)
    return committed.batch_id if committed else None


async def _seeds(database: Database, *periods: Period) -> list[Seed | None]:
    async with database.read() as connection:
        return [await seeds.seed_of(connection, each) for each in periods]


async def _logged(database: Database) -> list[tuple[str, str]]:
    """The months and digests of the log, in order."""
    query = (
        "SELECT data->>'period', data->>'digest' FROM event WHERE type = 'sihu.appraisal.seeded' ORDER BY batch_id, ord"
    )
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_this_month_and_the_next_have_a_seed(haizhu: Database) -> None:
    assert await _make(haizhu) is not None
    this, following, none = await _seeds(haizhu, NOVEMBER, DECEMBER, JANUARY)
    assert this is not None and following is not None and none is None
    assert this.seed != following.seed and len(bytes.fromhex(this.seed)) == 32
    assert this.digest == hashlib.sha256(bytes.fromhex(this.seed)).hexdigest()
    assert this.published_at == following.published_at == NOW
    assert await _logged(haizhu) == [("2026-11", this.digest), ("2026-12", following.digest)]


async def test_a_seed_is_made_once(haizhu: Database) -> None:
    await _make(haizhu)
    before = await _seeds(haizhu, NOVEMBER, DECEMBER)
    assert await _make(haizhu, NOW + timedelta(days=1)) is None
    assert await _make(haizhu, Period(2026, 12).start) is not None
    assert await _seeds(haizhu, NOVEMBER, DECEMBER) == before
    assert [period for period, _ in await _logged(haizhu)] == ["2026-11", "2026-12", "2027-01"]


async def test_the_month_begins_at_midnight_in_guangzhou(haizhu: Database) -> None:
    await _make(haizhu, DECEMBER.start - timedelta(microseconds=1))
    assert [each is None for each in await _seeds(haizhu, NOVEMBER, DECEMBER, JANUARY)] == [False, False, True]
    await _make(haizhu, datetime(2026, 11, 30, 16, tzinfo=UTC))
    assert [each is None for each in await _seeds(haizhu, JANUARY, Period(2027, 2))] == [False, True]


async def test_of_many_who_make_it_one_does(haizhu: Database) -> None:
    made = await asyncio.gather(*(_make(haizhu) for _ in range(6)))
    assert len([each for each in made if each is not None]) == 1
    this, following = await _seeds(haizhu, NOVEMBER, DECEMBER)
    assert this is not None and following is not None
    assert await _logged(haizhu) == [("2026-11", this.digest), ("2026-12", following.digest)]


async def test_a_long_movement_has_all_its_seeds(haizhu: Database) -> None:
    await _make(haizhu, NOW, datetime(2027, 12, 31, 16, tzinfo=UTC))
    months = [period for period, _ in await _logged(haizhu)]
    assert (len(months), months[0], months[-1]) == (15, "2026-11", "2028-01")
    assert None not in await _seeds(haizhu, *map(Period.of, months))


async def test_a_registry_without_a_district_has_no_seeds(database: Database) -> None:
    """Nothing can be reported there, and the event would belong to no district."""
    assert await _make(database) is None
    assert await _seeds(database, NOVEMBER) == [None]


def test_no_error_shows_a_seed() -> None:
    shown = repr({NOVEMBER: Seed("5eed" * 16, "d1", NOW)}) + f"{Seed('5eed' * 16, 'd1', NOW)}"
    assert "5eed" not in shown and "digest='d1'" in shown
