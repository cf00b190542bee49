"""A million events: what a page of the feed, a timeline, a seal and a look of the tail cost does not grow with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.sight import EVERYTHING, Heard, Within
from service.rules.words import EventType
from service.store.database import Database
from service.store.incidents import old_words, timelines
from service.store.log import feed, marks, numbering
from service.store.log.feed import SCAN, FeedFilter
from service.store.log.marks import LogPlace
from service.store.log.tables import event, log_batch
from tests.conftest import clone
from tests.store import plans

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BATCHES, EACH, UNSEALED = 100_000, 10, 30
_BATCHES = """
    INSERT INTO log_batch (events, last_position, queues, reload)
    SELECT :each, CASE WHEN g <= :sealed THEN g * :each END, ARRAY[concat('u', g % 50, '-calling')], '{}'
    FROM generate_series(1, :batches) g
"""
_EVENTS = """
    INSERT INTO event (batch_id, ord, incident_id, sequence, type, at, area, unit, audience, data)
    SELECT g, o, CAST('00000000-0000-7000-8000-' || lpad(to_hex(g % 20000), 12, '0') AS uuid), (g / 20000) * :each + o,
           'sihu.call.opened', now(), '440105003001' || lpad(CAST(g % 900 AS text), 3, '0'), concat('u', g % 50),
           ARRAY[concat('u', g % 50)], '{}'
    FROM generate_series(1, :batches) g, generate_series(1, :each) o
"""

_TEXTS = """
    INSERT INTO event_text (incident_id, sequence, note, salt)
    SELECT incident_id, sequence, 'words', '' FROM event WHERE sequence <= :each
"""
_REPORTS = """
    INSERT INTO report (id, subject, reporter, body_hash, district, grid_code, category, line, kind, urgency,
                        description, reported_at)
    SELECT incident_id, 'worker', 'worker', '', '440105', area, 'c', 'l', 'incident', 'normal', 'words', at
    FROM event WHERE sequence = 1
"""


@pytest.fixture(scope="module")
def long_log(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["empty"]):
        asyncio.run(_fill(url))
        yield url


async def _fill(url: str) -> None:
    database = Database(url, pool_size=1)
    sizes = {"each": EACH, "batches": BATCHES}
    async with database.begin() as tx:
        await tx.execute(text(_BATCHES), {**sizes, "sealed": BATCHES - UNSEALED})
        await tx.execute(text(_EVENTS), sizes)
        await tx.execute(text(_TEXTS), sizes)
        await tx.execute(text(_REPORTS))
    await plans.vacuum(database)
    await database.close()


@pytest.fixture
async def connection(long_log: str) -> AsyncIterator[AsyncConnection]:
    database = Database(long_log, pool_size=1)
    async with database.engine.connect() as connection:
        yield connection
    await database.close()


async def work(connection: AsyncConnection, run: Awaitable[object]) -> tuple[int, set[str]]:
    """Rows that all scans of the statements behind `run` looked at, and which kinds of scan; it is rolled back."""
    sent = await plans.statements(connection, run)
    await connection.rollback()
    rows, kinds = 0, set()
    for each in sent:
        plan = await plans.plan_of(connection, each, analyze=True)
        rows += plans.rows_looked_at(plan)
        kinds |= {node["Node Type"] for node in plans.nodes(plan) if "Relation Name" in node}
        await connection.rollback()
    return rows, {kind for kind in kinds if "Scan" in kind}


@pytest.mark.parametrize("after", [0, BATCHES * EACH // 2])
@pytest.mark.parametrize(
    "wanted",
    [
        FeedFilter(EVERYTHING, types=(EventType.DUTY_REFUSED,)),
        FeedFilter(EVERYTHING, unit="none"),
        FeedFilter(EVERYTHING, within_area="440999"),
        FeedFilter((Heard(("none", "@nobody")),)),
        FeedFilter((Within("440999"), Heard(("@nobody",)))),
    ],
    ids=["type", "unit", "area", "audience", "sight"],
)
async def test_a_filter_that_matches_nothing_looks_at_one_scan(
    connection: AsyncConnection, wanted: FeedFilter, after: int
) -> None:
    rows, kinds = await work(connection, feed.read(connection, after, 50, wanted))
    assert "Seq Scan" not in kinds
    assert rows <= 1.2 * SCAN


async def test_a_page_looks_at_little_more_than_itself(connection: AsyncConnection) -> None:
    rows, kinds = await work(connection, feed.read(connection, BATCHES * EACH // 2 + 3, 50, FeedFilter(EVERYTHING)))
    assert "Seq Scan" not in kinds
    assert rows <= 50 + 4 * EACH


async def test_a_timeline_looks_at_its_own_events(connection: AsyncConnection) -> None:
    incident = UUID("00000000-0000-7000-8000-000000000005")
    rows, kinds = await work(connection, timelines.timeline(connection, incident, limit=500))
    assert "Seq Scan" not in kinds
    assert rows <= 3 * (BATCHES // 20_000 * EACH), "each event, its batch and its words; the report"


async def test_a_timeline_page_looks_at_little_more_than_itself(connection: AsyncConnection) -> None:
    incident = UUID("00000000-0000-7000-8000-000000000005")
    rows, kinds = await work(connection, timelines.timeline(connection, incident, after=3, limit=2))
    assert "Seq Scan" not in kinds
    assert rows <= 4 * 3  # each event, its batch, its words, and a look for its report


async def test_a_stretch_of_new_events_looks_at_itself(connection: AsyncConnection) -> None:
    end = (BATCHES - UNSEALED) * EACH
    rows, kinds = await work(connection, feed.between(connection, LogPlace(end - 10 * EACH), end))
    assert "Seq Scan" not in kinds
    assert rows <= 12 * EACH


async def test_a_seal_looks_at_the_unnumbered_alone(connection: AsyncConnection) -> None:
    rows, kinds = await work(connection, numbering.seal(connection))
    assert "Seq Scan" not in kinds
    assert rows <= 10 * UNSEALED


async def test_the_tail_looks_at_what_is_new(connection: AsyncConnection) -> None:
    place = await marks.at(connection, (BATCHES - UNSEALED - 5) * EACH)
    rows, kinds = await work(connection, numbering.sealed_since(connection, place))
    assert "Seq Scan" not in kinds
    assert rows == 1 + 5, "the batch that was read last is looked at again"


@pytest.mark.parametrize("after", [0, BATCHES * EACH // 2])
async def test_a_look_for_old_words_is_one_scan(connection: AsyncConnection, after: int) -> None:
    values = {"after": after, "until": after + SCAN, "most": old_words.PAGE}
    rows, kinds = await work(connection, connection.execute(old_words.old_events(event, log_batch), values))
    assert "Seq Scan" not in kinds
    assert rows <= 1.2 * SCAN
