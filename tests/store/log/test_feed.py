"""The feed under fire (many writers, two sealers, a move to another server), and the borders of its pages."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from service import postgres
from service.rules.sight import EVERYTHING
from service.rules.words import EventType
from service.store.database import Database
from service.store.log import feed, numbering, writing
from service.store.log.feed import FeedFilter
from service.store.log.writing import Entry
from tests.store.log.batches import comments, seal, write

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
ALL = FeedFilter(EVERYTHING)
WRITERS, EACH, INCIDENTS = 16, 25, 12


class _Ledger:
    """What the writers committed: how many events each incident has."""

    def __init__(self) -> None:
        self.incidents = [uuid4() for _ in range(INCIDENTS)]
        self.written: dict[UUID, int] = dict.fromkeys(self.incidents, 0)

    async def write(self, database: Database, chance: random.Random) -> None:
        """One transaction as the service makes it: the incident's lock, its events, a while, the commit."""
        incident = chance.choice(self.incidents)
        async with database.begin() as tx:
            await tx.execute(select(func.pg_advisory_xact_lock(incident.int % 2**62)))
            first = self.written[incident] + 1
            entries = [
                Entry(EventType.INCIDENT_COMMENTED, NOW, "440105003001001", (), {"n": first + n}, incident, first + n)
                for n in range(chance.randint(1, 3))
            ]
            await writing.append(tx, entries, queues={f"{incident}:calling"})
            await asyncio.sleep(chance.random() * 0.03)
            if chance.random() < 0.1:
                raise _ChangedItsMindError
            self.written[incident] += len(entries)

    async def many(self, database: Database, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(EACH):
            try:
                await self.write(database, chance)
            except _ChangedItsMindError:
                continue


class _ChangedItsMindError(Exception):
    """A transaction that is rolled back after it took its number: a gap in ids, none in positions."""


class _Reader:
    """Follows the feed, and checks every page as it comes."""

    def __init__(self) -> None:
        self.position = 0
        self.seen: dict[UUID, int] = {}

    async def follow(self, database: Database) -> None:
        while True:
            async with database.read() as connection:
                page = await feed.read(connection, self.position, 7, ALL)
            for event in page.events:
                assert event.position is not None
                assert event.position == self.position + 1, "a gap, or an event before one already read"
                assert event.incident_id is not None
                assert event.sequence == self.seen.get(event.incident_id, 0) + 1, "an incident's events out of order"
                self.seen[event.incident_id] = event.sequence
                self.position = event.position
            if not page.events:
                await asyncio.sleep(0.005)


async def _seal(database: Database) -> None:
    while True:
        async with database.begin() as tx:
            await numbering.seal(tx)
        await asyncio.sleep(0.002)


async def _run(database: Database, other: Database, ledger: _Ledger, reader: _Reader, seed: int) -> None:
    """Sixteen writers, two sealers, one reader; until everything committed was read."""
    background = [asyncio.create_task(work) for work in (_seal(database), _seal(other), reader.follow(other))]
    await asyncio.gather(*(ledger.many(database, seed + n) for n in range(WRITERS)))
    async with asyncio.timeout(20):
        while reader.position < sum(ledger.written.values()):
            failed = [task for task in background if task.done()]
            assert not failed, failed[0].exception()
            await asyncio.sleep(0.01)
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    assert {incident: count for incident, count in ledger.written.items() if count} == reader.seen


async def test_a_reader_sees_every_event_once_and_each_incidents_in_order(database_url: str) -> None:
    database, other = Database(database_url, pool_size=20), Database(database_url, pool_size=4)
    try:
        await _run(database, other, _Ledger(), _Reader(), seed=1)
    finally:
        await database.close()
        await other.close()


@pytest.fixture
def another_server() -> Iterator[postgres.Server]:
    bin_dir = os.environ.get("SIHU_PG_BIN")
    with tempfile.TemporaryDirectory(prefix="sihu-moved-") as folder:
        server = postgres.start(Path(folder) / "pg", bin_dir=Path(bin_dir) if bin_dir else None)
        try:
            yield server
        finally:
            server.stop()


async def test_a_cursor_survives_a_dump_and_restore_into_another_server(
    database_url: str, another_server: postgres.Server
) -> None:
    ledger, reader = _Ledger(), _Reader()
    database, other = Database(database_url, pool_size=20), Database(database_url, pool_size=4)
    await _run(database, other, ledger, reader, seed=100)
    async with database.begin() as tx:  # committed but not numbered when the dump is taken
        await writing.append(
            tx,
            [
                Entry(
                    EventType.INCIDENT_COMMENTED,
                    NOW,
                    "440105",
                    (),
                    {},
                    ledger.incidents[0],
                    ledger.written[ledger.incidents[0]] + 1,
                )
            ],
        )
    ledger.written[ledger.incidents[0]] += 1
    await database.close()
    await other.close()

    _move(database_url, another_server)

    moved, second = Database(another_server.url(), pool_size=20), Database(another_server.url(), pool_size=4)
    try:
        await _run(moved, second, ledger, reader, seed=200)
    finally:
        await moved.close()
        await second.close()


def _move(url: str, target: postgres.Server) -> None:
    found = make_url(url)
    where = ["-h", str(found.query["host"]), "-U", str(found.username), "-d", str(found.database)]
    dumped = subprocess.run([target.bin_dir / "pg_dump", *where, "-Fc"], capture_output=True, check=True)
    into = ["-h", str(target.socket_dir), "-U", "sihu", "-d", "sihu", "--no-owner"]
    subprocess.run([target.bin_dir / "pg_restore", *into], input=dumped.stdout, capture_output=True, check=True)


# --- the borders of a page ------------------------------------------------------------------------------------------


@pytest.fixture
async def nine(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Nine positions in batches of 2, 3 and 4 events, that end at 2, 5 and 9; one request looks at five."""
    monkeypatch.setattr(feed, "SCAN", 5)
    for first, size in ((1, 2), (3, 3), (6, 4)):
        await write(database, comments(size, first))
    await seal(database)
    return database


ABSENT = replace(ALL, types=(EventType.CALL_OPENED,))
"""A filter that none of the nine events meets."""

PAGES: list[tuple[int, int, FeedFilter, list[int], int, bool]] = [
    # after, limit, filter, positions found, scanned_to, more
    (0, 100, ALL, [1, 2, 3, 4, 5], 5, True),  # SCAN ends with a batch
    (1, 100, ALL, [2, 3, 4, 5, 6, 7, 8, 9], 9, False),  # … one into the next batch: that batch is read to its end
    (3, 100, ALL, [4, 5, 6, 7, 8, 9], 9, False),  # one position more than SCAN is left
    (4, 100, ALL, [5, 6, 7, 8, 9], 9, False),  # as many as SCAN are left
    (5, 100, ALL, [6, 7, 8, 9], 9, False),  # one fewer
    (0, 4, ALL, [1, 2, 3, 4], 4, True),  # the limit ends inside a batch
    (0, 5, ALL, [1, 2, 3, 4, 5], 5, True),  # the limit is the number found
    (4, 5, ALL, [5, 6, 7, 8, 9], 9, False),  # … at the end of the log
    (4, 4, ALL, [5, 6, 7, 8], 8, True),
    (8, 1, ALL, [9], 9, False),
    (9, 1, ALL, [], 9, False),  # nothing is left
    (0, 100, ABSENT, [], 5, True),  # nothing matches: the reader is told how far it got
    (5, 100, ABSENT, [], 9, False),
]


@pytest.mark.parametrize(("after", "limit", "wanted", "found", "scanned_to", "more"), PAGES)
async def test_a_page_ends_where_it_says(
    nine: Database, after: int, limit: int, wanted: FeedFilter, found: list[int], scanned_to: int, more: bool
) -> None:
    async with nine.read() as connection:
        page = await feed.read(connection, after, limit, wanted)
    assert [event.position for event in page.events] == found
    assert [event.sequence for event in page.events] == found, "the nine are numbered as they were written"
    assert (page.scanned_to, page.more) == (scanned_to, more)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 9])
async def test_pages_of_any_size_lose_nothing(nine: Database, limit: int) -> None:
    position, seen, more = 0, list[int | None](), True
    async with nine.read() as connection:
        while more:
            page = await feed.read(connection, position, limit, ALL)
            seen += [event.position for event in page.events]
            position, more = page.scanned_to, page.more
    assert seen == list(range(1, 10))


async def test_what_is_not_numbered_is_not_in_the_feed(nine: Database) -> None:
    await write(nine, comments(1, 10))
    async with nine.read() as connection:
        page = await feed.read(connection, 5, 100, ALL)
    assert (len(page.events), page.scanned_to, page.more) == (4, 9, False)
