"""A long history: the figures of a month cost what the month costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from service.bench.appraisal import seed
from service.rules.figures.definition import Grouping, Measure, Period
from service.rules.sight import EVERYTHING
from service.store.database import Database
from service.store.figures import frozen, months, tallies
from service.store.figures.measures import OF_UNUSUAL
from service.store.figures.tallies import CallFilter
from tests.conftest import clone
from tests.store import plans

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MONTHS, EACH = 36, 8_000
MONTH = Period(2026, 11)


@pytest.fixture(scope="module")
def long_history(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["haizhu"]):
        asyncio.run(_fill(url))
        yield url


async def _fill(url: str) -> None:
    """Three years of calls, in the order of time as they are written."""
    database = Database(url, pool_size=1)
    start = datetime(2024, 6, 1, tzinfo=UTC)
    for n in range(MONTHS):
        await seed(database, start + timedelta(days=30 * n), start + timedelta(days=30 * (n + 1)), EACH)
    await plans.vacuum(database)
    await database.close()


@pytest.fixture
async def history(long_history: str) -> AsyncIterator[Database]:
    database = Database(long_history, pool_size=1)
    yield database
    await database.close()


async def _plans(connection: AsyncConnection, run: Awaitable[object]) -> list[str]:
    """The plans of the statements about calls that `run` sends on this connection, as JSON text."""
    about_calls = [sent for sent in await plans.statements(connection, run) if "FROM call" in sent[0]]
    return [json.dumps(await plans.plan_of(connection, sent, analyze=True)) for sent in about_calls]


@pytest.mark.parametrize("grouping", Grouping)
async def test_the_figures_of_a_month_are_found_by_its_index(history: Database, grouping: Grouping) -> None:
    async with history.read() as connection:
        figures, *apart = await _plans(connection, tallies.tallies(connection, MONTH, grouping, EVERYTHING))
    assert "call_opened_idx" in figures, "the month is found by its index"
    assert "Seq Scan" not in figures
    own = ("call_unusual_idx", "call_returned_idx", "call_closed_idx", "call_accountable_idx")
    for plan, index in zip(apart, own, strict=True):
        assert index in plan, "it looks at the few calls alone that can count"
        assert "Seq Scan" not in plan


async def test_a_page_of_calls_is_found_by_the_index_too(history: Database) -> None:
    for measure, index in (
        (Measure.MISSED, "call_opened_idx"),
        (Measure.RETURNED_IN_ERROR, "call_returned_idx"),
        (Measure.ACCOUNTABLE, "call_accountable_idx"),
        *((measure, "call_unusual_idx") for measure in OF_UNUSUAL),
    ):
        wanted = CallFilter(MONTH, Grouping.LEVEL, None, measure)
        async with history.read() as connection:
            (plan,) = await _plans(connection, tallies.page(connection, wanted, EVERYTHING, None, 50))
        assert index in plan
        assert "Seq Scan" not in plan


async def test_a_month_is_planned_for_itself_however_often_it_is_asked(history: Database) -> None:
    """The driver keeps its statements, and from the sixth time on PostgreSQL would plan them for any month at all."""
    for _ in range(7):
        async with history.read() as connection:
            await tallies.tallies(connection, MONTH, Grouping.UNIT, EVERYTHING)
    counted = "SELECT custom_plans, generic_plans FROM pg_prepared_statements"
    kept = f"{counted} WHERE statement LIKE '%FROM call %' AND statement NOT LIKE '%pg_prepared%'"
    async with history.read() as connection:
        counts = [tuple(row) for row in await connection.execute(text(kept))]
    assert counts == [(7, 0)] * 5


async def test_a_month_is_frozen_and_read_by_indexes(history: Database) -> None:
    async with history.engine.connect() as connection:
        await months.locked(connection, MONTH)
        sent = await plans.statements(connection, frozen.freeze(connection, MONTH))
        (freezing,) = [each for each in sent if each[0].startswith("INSERT INTO appraisal_frozen")]
        plan = json.dumps(await plans.plan_of(connection, freezing))
        sent = await plans.statements(connection, frozen.tallies(connection, MONTH, Grouping.LINE, EVERYTHING))
        (reading,) = [each for each in sent if "appraisal_frozen" in each[0]]
        read = json.dumps(await plans.plan_of(connection, reading))
        await connection.rollback()
    assert "call_opened_idx" in plan
    assert "call_accountable_idx" in plan
    assert "appraisal_frozen_pkey" in read
    assert "Seq Scan" not in plan + read
